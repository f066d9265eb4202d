/** `stdout_*` and `stderr_*` of a program: where its output goes (product 4). */
import type { LogFileSpec, LogTarget } from "../core/spec.ts";
import type { Names } from "./expand.ts";
import type { Context, SectionReader } from "./reader.ts";
import { absolutePath, expandHome, type LogfileValue, missingDirectory } from "./values.ts";

/** Names of descriptors of ours: none of them is ever a file of its own. */
const DESCRIPTOR = /^\/(?:dev\/(?:fd\/(\d+)|(stdin|stdout|stderr))|proc\/(?:self|thread-self|1)\/fd\/(\d+))$/;
const NUMBERS: Readonly<Record<string, string>> = { stdin: "0", stdout: "1", stderr: "2" };

export interface Streams {
  readonly stdout: LogFileSpec;
  readonly stderr: LogFileSpec;
}

/** `merged`: redirect_stderr. `files`: `[tsinit] log_files=also`. */
export function readStreams(
  reader: SectionReader<"program">,
  names: Names,
  merged: boolean,
  files: boolean,
  context: Context,
): Streams {
  const stdout = readStream(reader, "stdout", names, files, context);
  const stderr = readStream(reader, "stderr", names, files, context);
  if (!merged) return { stdout, stderr };
  if (reader.get("stderr_logfile", names).kind === "path") {
    context.problems.warning(
      reader.place("stderr_logfile"),
      `For [${reader.section.name}], redirect_stderr=true but stderr_logfile has also been set to a ` +
        `filename, the ` +
        "filename has been ignored",
    );
  }
  return { stdout, stderr: { ...stderr, logfile: "NONE", file: null, syslog: false, target: stdout.target } };
}

function readStream(
  reader: SectionReader<"program">,
  stream: "stdout" | "stderr",
  names: Names,
  files: boolean,
  context: Context,
): LogFileSpec {
  const key = `${stream}_logfile` as const;
  const value = reader.get(key, names);
  const syslogKey = `${stream}_syslog` as const;
  const place = reader.place(key);
  if (value.kind === "syslog") {
    context.problems.notice(
      place,
      `For [${reader.section.name}], ${key}=syslog but this is deprecated and will be removed.  Use ` +
        `${syslogKey}=true to enable syslog instead.`,
    );
  }
  if (value.kind === "path" && !isDevice(value.text)) {
    const missing = missingDirectory(value.text, context.host);
    if (missing !== null) {
      const until = files ? " alone until it does" : "";
      context.problems.warning(place, `${missing}; the output goes to ${stream}${until}`);
    }
  }
  return {
    logfile: value.text,
    file: files ? fileOf(value, context) : null,
    maxbytes: reader.get(`${stream}_logfile_maxbytes`, names),
    backups: reader.get(`${stream}_logfile_backups`, names),
    captureMaxbytes: reader.get(`${stream}_capture_maxbytes`, names),
    eventsEnabled: reader.get(`${stream}_events_enabled`, names),
    syslog: reader.get(syslogKey, names) || value.kind === "syslog",
    target: targetOf(value, stream),
  };
}

/** A descriptor's name is no file of its own: the console has that output already. */
function fileOf(value: LogfileValue, { host }: Context): string | null {
  if (value.kind === "auto") return "auto";
  if (value.kind !== "path" || isDevice(value.text)) return null;
  return absolutePath(expandHome(value.text, host), host);
}

function targetOf(value: LogfileValue, stream: "stdout" | "stderr"): LogTarget {
  if (value.kind === "none") return "discard";
  if (value.kind !== "path") return value.kind === "syslog" ? "syslog" : stream;
  const descriptor = descriptorOf(value.text);
  if (descriptor === "1") return "stdout";
  if (descriptor === "2") return "stderr";
  return value.text === "/dev/null" ? "discard" : stream;
}

function descriptorOf(path: string): string | null {
  const [found, number, name, ofProcess] = DESCRIPTOR.exec(path) ?? [];
  if (found === undefined) return null;
  return number ?? ofProcess ?? NUMBERS[name ?? ""] ?? null;
}

/** One of the names of an open descriptor or /dev/null, not a file of its own. */
export function isDevice(path: string): boolean {
  return descriptorOf(path) !== null || path === "/dev/null";
}
