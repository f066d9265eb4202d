/** Journal entries as log lines: supervisord's words where it has some (supervisord.md 16), so that alerts keep working. Pure. */
import { describeStatus } from "../core/describe.ts";
import type { JournalEntry } from "../core/effect.ts";
import { SIGNALS, type Signal, signalName } from "../core/signal-names.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Level } from "./logs.ts";

export interface LogLine {
  readonly level: Level;
  readonly text: string;
}

/** null: a program that is not (or no longer) configured. */
export type SpecOf = (id: ProgramId) => ProgramSpec | null;

type StateEntry = Extract<JournalEntry, { type: "state" }>;
type ReloadedEntry = Extract<JournalEntry, { type: "reloaded" }>;

/** What lines call a program: its process name without the group. */
function nameOf(id: ProgramId, specOf: SpecOf): string {
  return specOf(id)?.name ?? id.slice(id.lastIndexOf(":") + 1);
}

/** What a stop (`stop`) or the shutdown (`die`) waits for. */
export function renderWaiting(ids: readonly ProgramId[], until: "stop" | "die", specOf: SpecOf): LogLine {
  return line("info", `waiting for ${ids.map((id) => nameOf(id, specOf)).join(", ")} to ${until}`);
}

/** A signal on its way: of a stop, or one that somebody asked for. */
export function renderSignal(
  signal: { readonly id: ProgramId; readonly pid: Pid; readonly signal: Signal; readonly group: boolean },
  isStop: boolean,
  specOf: SpecOf,
): LogLine {
  const whom = `${nameOf(signal.id, specOf)} (pid ${signal.pid})`;
  const what = signalName(signal.signal);
  if (!isStop) return line("debug", `sending ${whom} sig ${what}`);
  return line("debug", `killing ${whom} ${signal.group ? "process group " : ""}with signal ${what}`);
}

/** The line that tells of an entry; null for what is not worth one. */
export function renderEntry(entry: JournalEntry, specOf: SpecOf): LogLine | null {
  const name = (id: ProgramId): string => nameOf(id, specOf);
  const names = (ids: readonly ProgramId[]): string => ids.map(name).join(", ");
  switch (entry.type) {
    case "state":
      return renderState(entry, name(entry.id), specOf(entry.id)?.startsecs ?? 0);
    case "spawned":
      return line("info", `spawned: '${name(entry.id)}' with pid ${entry.pid}`);
    case "spawn-error":
      return line("info", `spawnerr: ${entry.reason}`);
    case "killing":
      return line(
        "warn",
        `killing '${name(entry.id)}' (${entry.pid}) with SIGKILL after ${renderSeconds(entry.waitedSeconds)}`,
      );
    case "kill-error":
      return line("critical", `unknown problem killing ${name(entry.id)} (${entry.pid}): ${entry.reason}`);
    case "already-running":
      return line("warn", `process '${name(entry.id)}' already running`);
    case "left-behind":
      return line("info", `stopping what is left of ${name(entry.id)}`);
    case "ready":
      return line(
        "info",
        entry.ready ? `ready: ${name(entry.id)}` : `not ready: ${name(entry.id)}: ${entry.reason}`,
      );
    case "main-pid":
      return line("info", `${name(entry.id)}: its main process is now ${entry.to}, no longer ${entry.from}`);
    case "said":
      return entry.text === "" ? null : line("info", `${name(entry.id)} says: ${entry.text}`);
    case "unhealthy":
      return line("warn", `stopping ${name(entry.id)}: ${entry.reason}`);
    case "overlap":
      return line(
        "warn",
        `${name(entry.id)} ${entry.begun ? "is still running" : "still waits to run"}: ${OVERLAPS[entry.action]}`,
      );
    case "blocked":
      if (entry.failed) return line("warn", `${name(entry.id)} does not start: ${entry.reason}`);
      return line("info", `${name(entry.id)} does not start yet: ${entry.reason}`);
    case "started":
      return line("debug", "the start sequence is over");
    case "draining":
      return line("info", `draining: not ready for ${entry.seconds} s before the first program is stopped`);
    case "stopping":
      return line("info", `shutting down: ${entry.cause} (exit code ${entry.code})`);
    case "waiting":
      return renderWaiting(entry.ids, "die", specOf);
    case "deadline":
      return line("warn", `shutdown_timeout is over, killing ${names(entry.ids)}`);
    case "hurry":
      return line("warn", `asked again to exit, killing ${names(entry.ids)} now`);
    case "sweeping":
      return renderSweeping(entry.signal);
    case "group-added":
      return line("debug", `added process group '${entry.group}'`);
    case "group-removed":
      return line("debug", `removed process group '${entry.group}'`);
    case "reloaded":
      return line("info", `reloaded: ${renderChanges(entry)}`);
  }
}

const OVERLAPS: Readonly<Record<"skip" | "queue" | "kill", string>> = {
  skip: "this run of its schedule is left out",
  queue: "this run of its schedule follows when it ends",
  kill: "it is stopped for this run of its schedule",
};

function renderSeconds(seconds: number): string {
  return seconds === 1 ? "1 second" : `${seconds} seconds`;
}

function line(level: Level, text: string): LogLine {
  return { level, text };
}

function renderState(entry: StateEntry, name: string, startsecs: number): LogLine | null {
  const { ended, to } = entry;
  if (ended) {
    const status = describeStatus(ended.status);
    const level = ended.expected ? "info" : "warn";
    const verdict = to.name === "FATAL" ? `, gave up: ${to.reason}` : "";
    if (entry.from === "STOPPING") return line(level, `stopped: ${name} (${status})${verdict}`);
    return line(level, `exited: ${name} (${status}; ${ended.expected ? "expected" : "not expected"})`);
  }
  if (to.name === "RUNNING") {
    const lasted = `process has stayed up for > than ${startsecs} seconds (startsecs)`;
    return line("info", `success: ${name} entered RUNNING state, ${lasted}`);
  }
  if (to.name === "FATAL") {
    // supervisord's words fit what failed to start.
    const why = entry.from === "BACKOFF" ? "too many start retries too quickly" : to.reason;
    return line("info", `gave up: ${name} entered FATAL state, ${why}`);
  }
  if (entry.from === "BACKOFF" && to.name === "STOPPED")
    return line("debug", `Attempted to kill ${name}, which is in BACKOFF state.`);
  return null;
}

function renderSweeping(signal: number): LogLine {
  const level = signal === SIGNALS.KILL ? "warn" : "debug";
  return line(level, `sending ${signalName(signal)} to every process that is left`);
}

function renderChanges({ added, changed, removed }: ReloadedEntry): string {
  const parts = Object.entries({ added, changed, removed })
    .filter(([, groups]) => groups.length > 0)
    .map(([what, groups]) => `${what} ${groups.join(", ")}`);
  return parts.length > 0 ? parts.join("; ") : "nothing changed";
}
