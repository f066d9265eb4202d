/** A program's states: supervisord's names and codes (supervisord.md 7). A pid exists only where a process does. */
import type { Signal } from "./signal-names.ts";
import type { ProgramSpec } from "./spec.ts";

/** Milliseconds of a clock that never jumps. Only differences mean something. */
export type Millis = number;
export type Pid = number;

/** How a process ended. */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  /** oom: the kernel killed it because memory ran out. */
  | {
      readonly kind: "signalled";
      readonly signal: Signal;
      readonly coreDumped: boolean;
      readonly oom?: boolean;
    };

export type ProgramState =
  | { readonly name: "STOPPED" }
  /** pid is null between the spawn effect and its answer. `pre`: the process is `start_command_pre`, not the program yet. */
  | ({
      readonly name: "STARTING";
      readonly stage: "pre" | "main";
      readonly pid: Pid | null;
      readonly runningAt: Millis;
    } & Run)
  | ({ readonly name: "RUNNING"; readonly pid: Pid } & Run)
  /** tries counts failed starts; reason is what the status column shows. retryAt is null while it waits for others. */
  | {
      readonly name: "BACKOFF";
      readonly tries: number;
      readonly retryAt: Millis | null;
      readonly reason: string;
      readonly code: number;
    }
  /** `leader` is null once the program itself is gone and only members of its group still live. */
  | {
      readonly name: "STOPPING";
      readonly pid: Pid;
      readonly leader: Pid | null;
      readonly begunAt: Millis;
      /** What it goes by: those of the process that is stopped, whatever a reload has for the next one. */
      readonly keys: StopKeys;
      readonly signalsSent: number;
      readonly nextAt: Millis;
      readonly status: ExitStatus | null;
      /** It is stopped because its start has failed: how that counts once it is gone. */
      readonly failure: Failure | null;
    }
  | {
      readonly name: "EXITED";
      readonly status: ExitStatus;
      readonly expected: boolean;
      readonly restartAt: Millis | null;
      /** What is left of this group is being killed; when that is done it restarts at this time. */
      readonly clearing: { readonly group: Pid; readonly restartAt: Millis } | null;
    }
  | { readonly name: "FATAL"; readonly reason: string; readonly code: number }
  /** The process cannot be signalled (EPERM): it is left alone until it ends. */
  | { readonly name: "UNKNOWN"; readonly pid: Pid; readonly reason: string };

/** How a process is stopped. */
export type StopKeys = Pick<ProgramSpec, "stopsignals" | "stopwaitsecs" | "stopasgroup" | "killasgroup">;

/** What is known of the process of a start, from its spawn to its end. */
export interface Run {
  /** Failed starts before this one. */
  readonly tries: number;
  readonly startedAt: Millis;
  /** Its ready check passes; without one, it is RUNNING. */
  readonly ready: boolean;
  /** When it must have been ready once; null: it was, or nothing says when. */
  readonly readyBy: Millis | null;
  /** Results in a row that said no: at the third a ready program is not, and `live_failures` restart it. */
  readonly readyFailures: number;
  /** What its ready check said when it last said no; empty before that, and while it says yes. */
  readonly readyReason: string;
  readonly liveFailures: number;
  /** The next WATCHDOG=1 must come before; null: none is expected. */
  readonly watchdogBy: Millis | null;
  /** The end of `runtime_max_secs`. */
  readonly endBy: Millis | null;
}

/** A start that failed although its process had to be ended for it. */
export interface Failure {
  /** So many tries have failed now; null: the last one, whatever `startretries` says. */
  readonly tries: number | null;
  readonly reason: string;
  readonly code: number;
}

export type StateName = ProgramState["name"];

export const STATE_CODES: Readonly<Record<StateName, number>> = {
  STOPPED: 0,
  STARTING: 10,
  RUNNING: 20,
  BACKOFF: 30,
  STOPPING: 40,
  EXITED: 100,
  FATAL: 200,
  UNKNOWN: 1000,
};

/** The process of a state, or null. */
export function pidOf(state: ProgramState): Pid | null {
  switch (state.name) {
    case "STARTING":
    case "RUNNING":
    case "UNKNOWN":
      return state.pid;
    case "STOPPING":
      return state.leader;
    default:
      return null;
  }
}

/** The exit code a shell or container would show: the code, or 128 + signal. */
export function exitCode(status: ExitStatus): number {
  return status.kind === "exited" ? status.code : 128 + status.signal;
}
