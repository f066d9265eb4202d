/** What a program's `ready_*`, `live_*`, `restart_*`, `schedule*` and hooks say (product 2.4). */
import type {
  HookSpec,
  LiveCheck,
  Probe,
  ProgramSpec,
  ReadyCheck,
  ReadyWay,
  ScheduleSpec,
} from "../core/spec.ts";
import type { Names } from "./expand.ts";
import { Invalid } from "./problems.ts";
import type { Context, SectionReader } from "./reader.ts";
import { compileSchedule } from "./schedule.ts";
import { quote } from "./text.ts";
import { parseCommand } from "./words.ts";

type Reader = SectionReader<"program">;

/** The part of a spec that they say. */
export type Checks = Pick<
  ProgramSpec,
  "ready" | "live" | "watchdogSecs" | "restart" | "schedule" | "runtimeMaxSecs" | "preStart" | "stopCommand"
>;

const KEYS = [
  ...(["ready_http", "ready_tcp", "ready_exec", "ready_log", "ready_notify", "ready_fd"] as const),
  ...(["ready_interval", "ready_timeout", "ready_deadline"] as const),
  ...(["live_http", "live_tcp", "live_exec"] as const),
  ...(["live_failures", "live_interval", "live_timeout", "live_delay", "watchdog_secs"] as const),
  ...(["restart_delay", "restart_delay_max", "restart_jitter", "restart_limit"] as const),
  ...(["schedule", "schedule_timezone", "schedule_overlap", "runtime_max_secs"] as const),
  ...(["start_command_pre", "stop_command"] as const),
];

/**
 * How to read them for each process of a section: `ready_http = :80%(process_num)02d/health`. Where nothing is expanded
 * they are read once, for expressions and patterns take their time.
 */
export function checksReader(reader: Reader, context: Context): (names: Names) => Checks {
  const isExpanded = KEYS.some((key) => reader.entry(key)?.value.includes("%") ?? false);
  let once: Checks | null = null;
  return (names) => {
    if (isExpanded) return readChecks(reader, names, context);
    once ??= readChecks(reader, names, context);
    return once;
  };
}

function readChecks(reader: Reader, names: Names, context: Context): Checks {
  return {
    ready: readReady(reader, names, context),
    live: readLive(reader, names, context),
    watchdogSecs: positive(reader.get("watchdog_secs", names)),
    restart: {
      delay: reader.get("restart_delay", names),
      delayMax: reader.get("restart_delay_max", names),
      jitter: reader.get("restart_jitter", names),
      limit: reader.get("restart_limit", names),
    },
    schedule: readSchedule(reader, names, context),
    runtimeMaxSecs: positive(reader.get("runtime_max_secs", names)),
    preStart: readHook(reader, "start_command_pre", names, context),
    stopCommand: readHook(reader, "stop_command", names, context),
  };
}

/** 0 switches it off, as elsewhere. */
function positive(seconds: number | null): number | null {
  return seconds === 0 ? null : seconds;
}

function readReady(reader: Reader, names: Names, context: Context): ReadyCheck | null {
  const pattern = reader.get("ready_log", names);
  const fd = reader.get("ready_fd", names);
  const ways: (readonly [key: "ready_log" | "ready_notify" | "ready_fd", way: ReadyWay])[] = [];
  if (pattern !== null) ways.push(["ready_log", { kind: "log", pattern }]);
  if (reader.get("ready_notify", names)) ways.push(["ready_notify", { kind: "notify" }]);
  if (fd !== null) ways.push(["ready_fd", { kind: "fd", fd }]);
  const all = [...readProbes(reader, "ready", names, context), ...ways];
  checkOne(reader, all, context);
  const way = all[0]?.[1];
  if (way === undefined) return null;
  return {
    way,
    interval: atLeast(reader, "ready_interval", 0.05, names, context),
    timeout: atLeast(reader, "ready_timeout", 0.05, names, context),
    deadline: atLeast(reader, "ready_deadline", 0.05, names, context),
  };
}

function readLive(reader: Reader, names: Names, context: Context): LiveCheck | null {
  const all = readProbes(reader, "live", names, context);
  checkOne(reader, all, context);
  const probe = all[0]?.[1];
  if (probe === undefined) return null;
  const failures = reader.get("live_failures", names);
  if (failures < 1)
    context.problems.error(reader.place("live_failures"), `${failures} is below lower bound (1)`);
  return {
    probe,
    interval: atLeast(reader, "live_interval", 0.05, names, context),
    timeout: atLeast(reader, "live_timeout", 0.05, names, context),
    delay: reader.get("live_delay", names),
    failures,
  };
}

type ProbeKey = `${"ready" | "live"}_${Probe["kind"]}`;

function readProbes(
  reader: Reader,
  kind: "ready" | "live",
  names: Names,
  context: Context,
): (readonly [key: ProbeKey, probe: Probe])[] {
  const url = reader.get(`${kind}_http`, names);
  const address = reader.get(`${kind}_tcp`, names);
  const hook = readHook(reader, `${kind}_exec`, names, context);
  const found: (readonly [ProbeKey, Probe])[] = [];
  if (url !== null) found.push([`${kind}_http`, { kind: "http", url }]);
  if (address !== null) found.push([`${kind}_tcp`, { kind: "tcp", ...address }]);
  if (hook !== null) found.push([`${kind}_exec`, { kind: "exec", ...hook }]);
  return found;
}

function checkOne(
  reader: Reader,
  found: readonly (readonly [key: ProbeKey | "ready_log" | "ready_notify" | "ready_fd", way: unknown])[],
  context: Context,
): void {
  const [first, second] = found;
  if (first === undefined || second === undefined) return;
  context.problems.error(
    reader.place(second[0]),
    `${first[0]} is set as well; expected one way to be asked, not several`,
  );
}

function atLeast(
  reader: Reader,
  key: "ready_interval" | "ready_timeout" | "ready_deadline" | "live_interval" | "live_timeout",
  least: number,
  names: Names,
  context: Context,
): number {
  const seconds = reader.get(key, names);
  if (seconds < least)
    context.problems.error(reader.place(key), `${seconds} is below lower bound (${least})`);
  return seconds;
}

function readHook(
  reader: Reader,
  key: "start_command_pre" | "stop_command" | "ready_exec" | "live_exec",
  names: Names,
  context: Context,
): HookSpec | null {
  const command = reader.get(key, names);
  if (command === null) return null;
  const { argv, error } = parseCommand(command, reader.entry(key)?.value);
  if (error !== null) context.problems.error(reader.place(key), `${error}; expected a command`);
  return { command, argv };
}

function readSchedule(reader: Reader, names: Names, context: Context): ScheduleSpec | null {
  const expression = reader.get("schedule", names);
  const timezone = reader.get("schedule_timezone", names);
  const overlap = reader.get("schedule_overlap", names);
  if (expression === null) {
    if (timezone !== null || reader.has("schedule_overlap"))
      context.problems.warning(
        reader.place(timezone === null ? "schedule_overlap" : "schedule_timezone"),
        "has no effect without schedule",
      );
    return null;
  }
  warnOfStarts(reader, names, context);
  const schedule = { expression, timezone, overlap };
  const key = timezone !== null && !isTimezone(timezone) ? "schedule_timezone" : "schedule";
  context.problems.attempt(reader.place(key), () => {
    if (key === "schedule_timezone")
      throw new Invalid(`${quote(timezone ?? "")} is no time zone; expected a name such as Europe/Berlin`);
    compileSchedule(schedule);
  });
  return schedule;
}

/** A program with a schedule is started by nothing else: who asks for it expects something. */
function warnOfStarts(reader: Reader, names: Names, context: Context): void {
  const warn = (key: "autostart" | "autorestart", text: string): void =>
    context.problems.warning(reader.place(key), `has no effect with schedule: ${text}`);
  if (reader.has("autostart") && reader.get("autostart", names))
    warn("autostart", "it first runs when its time has come; `tsinit ctl start` runs it now");
  if (reader.has("autorestart") && reader.get("autorestart", names) !== "never")
    warn("autorestart", "a run that fails is followed by the next one of the schedule");
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
