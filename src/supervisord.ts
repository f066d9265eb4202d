/** supervisord's command line (supervisord.md 5.1): what a file would say under [supervisord], by option. */
import type { Loaded, SupervisordCall } from "./config/load.ts";
import { Invalid } from "./config/problems.ts";
import { quote } from "./config/text.ts";
import { absolutePath, expandHome, type Host, missingDirectory, TYPES } from "./config/values.ts";
import { type Grammar, getopt } from "./getopt.ts";
import { UsageError } from "./options.ts";

export type SupervisordOptions =
  | { readonly show: "help" | "version" }
  | {
      readonly show: "run";
      readonly config: string | null;
      /** Keys of [supervisord] and their values; they beat the file. */
      readonly overrides: Readonly<Record<string, string>>;
    };

type Check = (text: string, host: Host) => unknown;

interface Row {
  readonly short: string | null;
  readonly long: string | null;
  /** Throws Invalid for a value that is none. null: a flag, which can only switch on. */
  readonly check: Check | null;
}

const anything: Check = () => null;

const OPTIONS: readonly Row[] = [
  { short: "h", long: "help", check: null },
  { short: "?", long: null, check: null },
  { short: "v", long: "version", check: null },
  { short: "c", long: "configuration", check: anything },
  { short: "n", long: "nodaemon", check: null },
  { short: "s", long: "silent", check: null },
  { short: "u", long: "user", check: anything },
  { short: "m", long: "umask", check: TYPES.octal.parse },
  { short: "d", long: "directory", check: existingDirectory },
  { short: "l", long: "logfile", check: inExistingDirectory },
  { short: "y", long: "logfile_maxbytes", check: TYPES.bytes.parse },
  { short: "z", long: "logfile_backups", check: TYPES.integer.parse },
  { short: "e", long: "loglevel", check: TYPES.loglevel.parse },
  { short: "j", long: "pidfile", check: inExistingDirectory },
  { short: "i", long: "identifier", check: anything },
  { short: "q", long: "childlogdir", check: existingDirectory },
  { short: "k", long: "nocleanup", check: null },
  { short: "a", long: "minfds", check: TYPES.integer.parse },
  { short: "t", long: "strip_ansi", check: null },
  { short: null, long: "minprocs", check: TYPES.integer.parse },
  // Python's profiler: nothing here could be profiled by it.
  { short: null, long: "profile_options", check: anything },
];

const GRAMMAR: Grammar = {
  short: new Map(OPTIONS.flatMap(({ short, check }) => (short === null ? [] : [[short, kindOf(check)]]))),
  long: new Map(OPTIONS.flatMap(({ long, check }) => (long === null ? [] : [[long, kindOf(check)]]))),
};

function kindOf(check: Check | null): "flag" | "value" {
  return check === null ? "flag" : "value";
}

/** Everything is refused in supervisord's order and words. Throws UsageError. */
export function parseSupervisord(words: readonly string[], host: Host): SupervisordOptions {
  const { options, rest } = getopt(words, GRAMMAR);
  if (rest.length > 0)
    throw new UsageError(`positional arguments are not supported: [${rest.map(quote).join(", ")}]`);
  const given = new Map<string, string>();
  for (const [name, value] of options) {
    const row = OPTIONS.find(({ short, long }) => name === `-${short}` || name === `--${long}`);
    const key = row?.long ?? "help";
    if (key === "help" || key === "version") return { show: key };
    if (row?.check) checkValue(name, value, row.check, host);
    if (given.has(key)) throw new UsageError(`conflicting command line option ${quote(name)}`);
    given.set(key, row?.check ? value : "true");
  }
  const config = given.get("configuration") ?? null;
  for (const key of ["configuration", "profile_options"]) given.delete(key);
  // An empty path counts as not given.
  for (const key of ["logfile", "pidfile"]) if (given.get(key) === "") given.delete(key);
  return { show: "run", config, overrides: Object.fromEntries(given) };
}

function checkValue(name: string, value: string, check: Check, host: Host): void {
  try {
    check(value, host);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new UsageError(`invalid value for ${name} ${quote(value)}: ${error.message}`);
  }
}

/** What supervisord would end for once it has read its files, where it has words for that. Throws UsageError. */
export function refuse(loaded: Loaded, { overrides }: SupervisordCall, host: Host): void {
  const nowhere = loaded.ok ? undefined : loaded.errors.find(({ where }) => where === "");
  if (nowhere) throw new UsageError(nowhere.text);
  checkUser(overrides, host);
}

/** `-u`. Throws UsageError. */
export function checkUser(overrides: Readonly<Record<string, string>>, host: Host): void {
  const text = overrides["user"];
  if (text === undefined) return;
  try {
    const user = host.accounts.resolve(text);
    if (host.uid === 0 || user.uid === host.uid || user.uid === 0) return;
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new UsageError(error.message.replace(/; expected .*/s, ""));
  }
  throw new UsageError("Can't drop privilege as nonroot user");
}

function existingDirectory(text: string, host: Host): void {
  const path = expandHome(text, host);
  if (path === "" || !host.isDirectory(absolutePath(path, host)))
    throw new Invalid(`${text} is not an existing directory`);
}

function inExistingDirectory(text: string, host: Host): void {
  if (missingDirectory(expandHome(text, host), host) !== null)
    throw new Invalid(`The directory named as part of the path ${text} does not exist`);
}
