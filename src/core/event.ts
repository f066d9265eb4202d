/** What can happen to the system. Everything from outside becomes one of these before the core sees it. */
import type { Signal } from "./signal-names.ts";
import type { Plan, ProgramId } from "./spec.ts";
import type { ExitStatus, Millis, Pid, ProgramState } from "./states.ts";

/**
 * Whose end a shutdown is laid to: an event listener asked for it while it was told of this end. The state is kept,
 * because the program may be up again by then.
 */
export interface Blame {
  readonly id: ProgramId;
  readonly state: Extract<ProgramState, { name: "EXITED" | "FATAL" }>;
}

export type SystemEvent =
  /** The start sequence begins. */
  | { readonly type: "boot" }
  /** A deadline may have passed. */
  | { readonly type: "time" }
  /** Answers to a spawn effect. `code` is what a shell would exit with: 127 not found, 126 not executable, 1 otherwise. */
  | { readonly type: "spawned"; readonly id: ProgramId; readonly pid: Pid }
  | { readonly type: "spawn-failed"; readonly id: ProgramId; readonly reason: string; readonly code: number }
  /** A child of ours ended; pids that no state holds are orphans and ignored. `groupAlive`: members of its process group, or descendants that left it, still live. */
  | { readonly type: "exited"; readonly pid: Pid; readonly status: ExitStatus; readonly groupAlive: boolean }
  /** What a check of the process says. `log`, `notify` and `fd` say yes once; a program may take it back by notify. */
  | {
      readonly type: "probed";
      readonly id: ProgramId;
      readonly pid: Pid;
      readonly check: "ready" | "live";
      readonly ok: boolean;
      readonly reason: string;
    }
  /** WATCHDOG=1. `trigger`: the program itself says that it is stuck. */
  | { readonly type: "watchdog"; readonly id: ProgramId; readonly pid: Pid; readonly trigger: boolean }
  /** EXTEND_TIMEOUT_USEC: whatever is waited for may take so long from now. */
  | { readonly type: "extend"; readonly id: ProgramId; readonly pid: Pid; readonly millis: Millis }
  /** MAINPID: another process is the program from here on. */
  | { readonly type: "main-pid"; readonly id: ProgramId; readonly pid: Pid; readonly mainPid: Pid }
  | {
      readonly type: "stop-command-failed";
      readonly id: ProgramId;
      readonly pid: Pid;
      readonly reason: string;
    }
  /** The time of a schedule has come. */
  | { readonly type: "scheduled"; readonly id: ProgramId }
  /** The last of what a program had left behind ended. `pid`: the leader that had gone before, of this run or an earlier one. */
  | { readonly type: "group-gone"; readonly id: ProgramId; readonly pid: Pid }
  /** kill(2) was refused with anything but ESRCH. */
  | { readonly type: "kill-failed"; readonly id: ProgramId; readonly reason: string }
  /** Operator commands. `gated`: in tier order, waiting as at boot (several programs at once). */
  | { readonly type: "start"; readonly ids: readonly ProgramId[]; readonly gated: boolean }
  | { readonly type: "stop"; readonly ids: readonly ProgramId[] }
  | { readonly type: "signal"; readonly id: ProgramId; readonly signal: Signal }
  /** A signal to tsinit itself that is to be forwarded (the core knows to whom). */
  | { readonly type: "forward"; readonly signal: Signal }
  /**
   * `hurry`: a second TERM or INT: kill now. `blame`: what it comes from; `fatal`: whatever program is FATAL, if one is,
   * which is what QUIT stands for where supervisord ran.
   */
  | {
      readonly type: "shutdown";
      readonly cause: string;
      readonly hurry: boolean;
      readonly blame?: Blame | "fatal" | null;
    }
  /** The event listeners have dealt with all that they can be told for now. */
  | { readonly type: "listeners-idle" }
  /** A fault of tsinit itself: stop the children, end with 70. */
  | { readonly type: "fault"; readonly reason: string }
  /** HUP or `update`: make it so. Only groups named, or all. */
  | { readonly type: "reload"; readonly plan: Plan }
  | { readonly type: "add-group"; readonly plan: Plan; readonly group: string }
  /** One group as the plan has it. `stopped`: programs that were stopped for this, and come back. */
  | {
      readonly type: "replace-group";
      readonly plan: Plan;
      readonly group: string;
      readonly stopped: readonly ProgramId[];
    }
  | { readonly type: "remove-group"; readonly group: string }
  /** During the sweep at the end: no process but ours is left. */
  | { readonly type: "alone" };
