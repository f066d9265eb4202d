/** A program's states: supervisord's names and codes (supervisord.md 7). A pid exists only where a process does. */
import type { Signal } from "./signal-names.ts";

/** Milliseconds of a clock that never jumps. Only differences mean something. */
export type Millis = number;
export type Pid = number;

/** How a process ended. */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: Signal; readonly coreDumped: boolean };

export type ProgramState =
  | { readonly name: "STOPPED" }
  /** pid is null between the spawn effect and its answer. */
  | {
      readonly name: "STARTING";
      readonly pid: Pid | null;
      readonly tries: number;
      readonly startedAt: Millis;
      readonly runningAt: Millis;
    }
  | { readonly name: "RUNNING"; readonly pid: Pid; readonly startedAt: Millis }
  /** tries counts failed starts; reason is what the status column shows. */
  | {
      readonly name: "BACKOFF";
      readonly tries: number;
      readonly retryAt: Millis;
      readonly reason: string;
      readonly code: number;
    }
  /** `leader` is null once the program itself is gone and only members of its group still live. */
  | {
      readonly name: "STOPPING";
      readonly pid: Pid;
      readonly leader: Pid | null;
      /** When the stop began: `stopwaitsecs` may change while it is under way. */
      readonly begunAt: Millis;
      readonly signalsSent: number;
      readonly nextAt: Millis;
      readonly status: ExitStatus | null;
    }
  | {
      readonly name: "EXITED";
      readonly status: ExitStatus;
      readonly expected: boolean;
      readonly restartAt: Millis | null;
    }
  | { readonly name: "FATAL"; readonly reason: string; readonly code: number }
  /** The process cannot be signalled (EPERM): it is left alone until it ends. */
  | { readonly name: "UNKNOWN"; readonly pid: Pid; readonly reason: string };

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
