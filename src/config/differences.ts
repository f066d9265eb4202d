/**
 * Where a key of supervisord means something else here, and why: the one table behind `tsinit check` and the keys of
 * docs/supervisord.md. A key that is in no row does what supervisord does with it.
 */
import { tierOf } from "../core/plan.ts";
import type { ProgramSpec } from "../core/spec.ts";
import { isSubscribed } from "../core/supervisor-events.ts";
import type { Finding, SetKey, Survey } from "./findings.ts";
import { isDevice } from "./logfiles.ts";
import { findOption, type SectionKind } from "./options.ts";
import { isReadAnew } from "./words.ts";

export interface Difference {
  readonly section: SectionKind;
  readonly key: string;
  /** Whether the value as written makes a difference; left out: any does. */
  readonly when?: (value: string, survey: Survey, section: string) => boolean;
  /** The same in words, for the page; empty: always. */
  readonly condition?: string;
  readonly text: string;
}

const NO_FILES =
  "no log file is written (log_files=off): the output is on the container's stdout and stderr, where `docker logs` and " +
  "`kubectl logs` find it; log_files=also writes the files as well";
const LIMITS =
  "programs get the limits that the container was given (docker run --ulimit), nothing raises them";
const DAEMON_ONLY = "applied when tsinit goes to the background, as by supervisord, so never as PID 1";

const withoutFiles = (_value: string, { config }: Survey): boolean => config.plan.global.logFiles === "off";
const isFile = (value: string): boolean =>
  !isDevice(value) && !/^(?:none|off|auto|syslog|)$/i.test(value.trim());
const isTrue = (value: string): boolean => /^(?:1|on|true|yes)$/i.test(value.trim());
/** With one priority nobody waits for anybody; listeners are before all. */
const isGated = (_value: string, { config }: Survey): boolean =>
  config.plan.global.startGate === "running" &&
  new Set(config.plan.programs.filter(({ kind }) => kind !== "eventlistener").map(tierText)).size > 1;
const GATE =
  "orders the start, and each priority waits until all programs of the one before are RUNNING, done or given up; " +
  "supervisord starts them all at once in this order, as start_gate=spawned does";

function logKeys(stream: "stdout" | "stderr"): readonly Difference[] {
  const auto = `AUTO is the container's ${stream}; supervisord makes up a file in childlogdir`;
  return [
    {
      section: "program",
      key: `${stream}_logfile`,
      when: (value, survey) => isFile(value) && withoutFiles(value, survey),
      condition: "a path, with log_files=off",
      text: NO_FILES,
    },
    {
      section: "program",
      key: `${stream}_logfile`,
      when: (value, survey) => /^auto$/i.test(value.trim()) && withoutFiles(value, survey),
      condition: "AUTO",
      text: auto,
    },
    ...["maxbytes", "backups"].map((what) => ({
      section: "program" as const,
      key: `${stream}_logfile_${what}`,
      when: (value: string, survey: Survey): boolean => value.trim() !== "0" && withoutFiles(value, survey),
      condition: "log_files=off",
      text: "there is no file to rotate (log_files=off)",
    })),
  ];
}

export const DIFFERENCES: readonly Difference[] = [
  {
    section: "supervisord",
    key: "nodaemon",
    when: (value) => !isTrue(value),
    condition: "false",
    text: "as PID 1 tsinit stays in the foreground: a container ends when its first process does",
  },
  {
    section: "supervisord",
    key: "logfile",
    when: (value, survey) => isFile(value) && withoutFiles(value, survey),
    condition: "a path, with log_files=off",
    text: NO_FILES,
  },
  ...["logfile_maxbytes", "logfile_backups"].map((key) => ({
    section: "supervisord" as const,
    key,
    when: (value: string, survey: Survey): boolean => value.trim() !== "0" && withoutFiles(value, survey),
    condition: "log_files=off",
    text: "there is no file to rotate (log_files=off)",
  })),
  {
    section: "supervisord",
    key: "silent",
    when: isTrue,
    condition: "true",
    text: "tsinit's own lines go to stderr, and there is no other place for them: below `error` they are not written",
  },
  {
    section: "supervisord",
    key: "pidfile",
    text:
      "written at the start with the pid inside the container; trouble with it is a warning and not the end, and " +
      "in the foreground there is none without the key",
  },
  { section: "supervisord", key: "minfds", text: LIMITS },
  { section: "supervisord", key: "minprocs", text: LIMITS },
  { section: "supervisord", key: "umask", text: `${DAEMON_ONLY}; \`umask\` of a program always is` },
  { section: "supervisord", key: "directory", text: `${DAEMON_ONLY}; \`directory\` of a program always is` },
  {
    section: "supervisord",
    key: "user",
    when: (value) => !/^(?:root|0|)$/.test(value.trim()),
    condition: "another than root",
    text:
      "programs without a user of their own run as this one; tsinit itself keeps the container's user, so that it can " +
      "signal all of them",
  },
  ...["nocleanup", "childlogdir"].map((key) => ({
    section: "supervisord" as const,
    key,
    when: withoutFiles,
    condition: "log_files=off",
    text: "there are no automatic log files (log_files=off)",
  })),
  {
    section: "program",
    key: "priority",
    when: isGated,
    condition: "start_gate=running",
    text: GATE,
  },
  {
    section: "group",
    key: "priority",
    when: isGated,
    condition: "start_gate=running",
    text: GATE,
  },
  {
    section: "program",
    key: "startsecs",
    when: (value, survey, section) =>
      Number(value) > 1 && isGated(value, survey) && isAwaited(section, survey),
    condition: "start_gate=running",
    text: "programs of a later priority wait so long for this one (start_gate=spawned: they do not)",
  },
  ...logKeys("stdout"),
  ...logKeys("stderr"),
  {
    section: "program",
    key: "user",
    text: "HOME, USER and LOGNAME are those of the user unless given; supervisord leaves its own",
  },
  {
    section: "program",
    key: "command",
    // It is a warning, with its own text, wherever it applies.
    when: () => false,
    condition: "` ;` or ` #` within quotes",
    text: "the quotes protect it; supervisord cuts the command there and cannot run what is left",
  },
  ...(["supervisord", "program"] as const).map((section) => ({
    section,
    key: "environment",
    when: isReadAnew,
    condition: "quotes within a value, or `\\\\` in them",
    text:
      "quoted as a shell does it, which is supervisord 4.4's way: 4.2 takes all quotes from the ends of a value and leaves " +
      "backslashes as they are",
  })),
  {
    section: "program",
    key: "serverurl",
    when: (value, survey) =>
      /^(?:auto|)$/i.test(value.trim()) &&
      ![...survey.keys()].some(({ kind }) => kind.endsWith("_http_server")),
    condition: "AUTO, or unset, without a server section",
    text: "SUPERVISOR_SERVER_URL is the control socket, which is there without a section; supervisord has no server then",
  },
  ...(["stdout", "stderr"] as const).map((stream) => ({
    section: "program" as const,
    key: `${stream}_capture_maxbytes`,
    when: (value: string): boolean => value.trim() !== "0",
    condition: "not 0",
    text:
      "output beside the captures is passed on as it comes; supervisord holds up to 24 bytes back until more follows, and " +
      "loses them when the program ends",
  })),
  {
    section: "program",
    key: "user",
    // An error says so.
    when: () => false,
    condition: "another one, without root",
    text: "an error, and nothing starts; under supervisord that program goes FATAL and the others run",
  },
  {
    section: "program",
    key: "stdin",
    text: "a key of tsinit: /dev/null, or a pipe as supervisord has it, for `fg` and sendProcessStdin",
  },
  {
    section: "unix_http_server",
    key: "file",
    // Whether it is so shows at the start, in a warning.
    when: () => false,
    condition: "in a folder that does not exist",
    text: "a warning: the programs run, and clients have no socket there; supervisord does not start",
  },
  {
    section: "inet_http_server",
    key: "port",
    // It is an error, with its own text, wherever it applies.
    when: () => false,
    condition: "not on loopback, without a password",
    text: "refused: whoever reaches it can run programs; supervisord warns and listens",
  },
  {
    section: "fcgi-program",
    key: "socket",
    text:
      "one socket, made at the start and kept while none of its processes runs: clients wait instead of being refused; " +
      "supervisord closes it with the last process, and gives none to a program that a [group] names",
  },
  {
    section: "eventlistener",
    key: "events",
    when: (value) => {
      const types = value.split(",").map((type) => type.trim().toUpperCase());
      return types.some((type, at) => isSubscribed(types.toSpliced(at, 1), type));
    },
    condition: "types of which one includes another",
    text: "an event comes once to each pool; supervisord sends it once for each type that it is of",
  },
  {
    section: "eventlistener",
    key: "result_handler",
    text: "Python code is not loaded; what supervisor_stdout does is done by tsinit itself, any other is refused",
  },
  {
    section: "rpcinterface",
    key: "supervisor.rpcinterface_factory",
    text: "the supervisor interface is there with or without this section; others are Python code and are not loaded",
  },
];

/** Keys of a program are those of a listener and of an fcgi program too. */
function concerns({ section }: Difference, kind: SectionKind): boolean {
  return section === kind || (section === "program" && (kind === "fcgi-program" || kind === "eventlistener"));
}

/** Each key that is set: whether it means the same. Unknown keys have been told of already. */
export function compareKeys(survey: Survey): Finding[] {
  const out: Finding[] = [];
  for (const set of survey.keys()) {
    const option = findOption(set.kind, set.key);
    if (option === null || set.kind === "tsinit") continue;
    const difference = differenceOf(set, survey);
    const place = { where: set.entry.where, section: set.section.name, key: set.key };
    if (difference) out.push({ kind: "differs", ...place, text: difference.text });
    else out.push({ kind: "honoured", ...place, text: option.doc.replace(/\.$/, "") });
  }
  return out;
}

function differenceOf({ section, kind, key, entry }: SetKey, survey: Survey): Difference | undefined {
  return DIFFERENCES.find(
    (row) =>
      row.key === key && concerns(row, kind) && (row.when?.(entry.value, survey, section.name) ?? true),
  );
}

function tierText(spec: ProgramSpec): string {
  return tierOf(spec).slice(0, 2).join("/");
}

/** Whether any program is of a later priority than those of the section. */
function isAwaited(section: string, { config }: Survey): boolean {
  const { programs } = config.plan;
  const first = programs.findIndex((spec) => spec.section === section);
  const last = programs.at(-1);
  const own = programs[first];
  return own !== undefined && last !== undefined && tierText(own) !== tierText(last);
}
