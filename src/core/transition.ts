/**
 * What a transition of one program is made of: what can happen to it, and the move it makes upon that.
 */
import type { Effect, JournalEntry, RestartReason } from "./effect.ts";
import type { SystemEvent } from "./event.ts";
import type { NextRestart } from "./restart.ts";
import type { Signal } from "./signal-names.ts";
import type { ProgramId, ProgramSpec } from "./spec.ts";
import type { ExitStatus, Pid, ProgramState } from "./states.ts";

export type ProgramEvent =
  /** From boot, an operator, or a reload; `restart` is what it counts as. */
  | { readonly type: "start"; readonly restart: RestartReason | null }
  /** `mayStart`: whatever it depends on is as it should be. */
  | { readonly type: "time"; readonly mayStart: boolean }
  | { readonly type: "spawned"; readonly pid: Pid }
  | { readonly type: "spawn-failed"; readonly reason: string; readonly code: number }
  /** `next`: when it may start again; null once a shutdown has begun. `mayStart`: as for time. */
  | {
      readonly type: "exited";
      readonly pid: Pid;
      readonly status: ExitStatus;
      readonly groupAlive: boolean;
      readonly next: NextRestart | null;
      readonly mayStart: boolean;
    }
  | Omit<Extract<SystemEvent, { type: "probed" }>, "id">
  | Omit<Extract<SystemEvent, { type: "watchdog" }>, "id">
  | Omit<Extract<SystemEvent, { type: "extend" }>, "id">
  | Omit<Extract<SystemEvent, { type: "main-pid" }>, "id">
  | Omit<Extract<SystemEvent, { type: "stop-command-failed" }>, "id">
  | Omit<Extract<SystemEvent, { type: "group-gone" }>, "id">
  /** Its end was told before; what it left behind, members of the group `pid` and others, is stopped. */
  | { readonly type: "stop-rest"; readonly pid: Pid }
  | { readonly type: "kill-failed"; readonly reason: string }
  | { readonly type: "stop" }
  /** Stopped to be started again; `reason` when its checks ask for it. */
  | { readonly type: "renew"; readonly restart: RestartReason; readonly reason: string | null }
  /** SIGKILL to the whole group, now. */
  | { readonly type: "kill" }
  /** To the program alone, never its group. */
  | { readonly type: "signal"; readonly signal: Signal };

/** The state of that name. */
export type In<Name extends ProgramState["name"]> = Extract<ProgramState, { name: Name }>;
/** The event of that type. */
export type Of<Type extends ProgramEvent["type"]> = Extract<ProgramEvent, { type: Type }>;
/** What a change of state tells of the process that ended with it. */
export type Ended = Extract<JournalEntry, { type: "state" }>["ended"];

/** Asks the system to start the program again as soon as it can: after its process is gone, when its conditions hold. */
export interface Demand {
  readonly type: "again";
  readonly restart: RestartReason;
}

/** The next state, and what is to be done. */
export type Move = [ProgramState, (Effect | Demand)[]];

/** The move to another state: the journal is told of it. */
export function moved(
  spec: ProgramSpec,
  from: ProgramState,
  to: ProgramState,
  restart: RestartReason | null = null,
  ended: Ended = null,
): Move {
  const entry: JournalEntry = { type: "state", id: spec.id, from: from.name, to, restart, ended };
  return [to, [{ type: "journal", entry }]];
}

/** A signal to the process, or with `group` to every member of its group. */
export function kill(id: ProgramId, pid: Pid, signal: Signal, group: boolean): Effect {
  return { type: "kill", id, pid, signal, group };
}
