/** What the core wants done. The shell performs them in order; it decides nothing. */
import type { Signal } from "./signal-names.ts";
import type { HookSpec, ProgramId, ProgramSpec } from "./spec.ts";
import type { ExitStatus, Pid, ProgramState, StateName } from "./states.ts";

export type Effect =
  /** `pre`: `start_command_pre`, whose exit 0 is followed by the program itself. */
  | { readonly type: "spawn"; readonly id: ProgramId; readonly stage: "pre" | "main" }
  /**
   * Run `stop_command` beside the program; answer `stop-command-failed` when that cannot be done or does not end well.
   * `spec`: what the process was made from, which the program may no longer be.
   */
  | {
      readonly type: "stop-command";
      readonly id: ProgramId;
      readonly pid: Pid;
      readonly spec: ProgramSpec;
      readonly hook: HookSpec;
    }
  /** group: to every member of the process group `pid`. */
  | {
      readonly type: "kill";
      readonly id: ProgramId;
      readonly pid: Pid;
      readonly signal: Signal;
      readonly group: boolean;
    }
  /**
   * To what a program has left behind: members of its process group and descendants that left it, its leader gone.
   * `except`: the members of this group have had the signal.
   */
  | {
      readonly type: "kill-rest";
      readonly id: ProgramId;
      readonly signal: Signal;
      readonly except: Pid | null;
    }
  /** Tell me with `group-gone` when no member of process group `pid` is left, nor anything else the program left behind. */
  | { readonly type: "watch-group"; readonly id: ProgramId; readonly pid: Pid }
  /** Signal everything that still lives in the container (0: nobody yet); answer `alone` when nothing does. */
  | { readonly type: "sweep"; readonly signal: Signal | 0 }
  /** Answer `listeners-idle` once no event listener is at work or has something left to be told. */
  | { readonly type: "await-listeners" }
  | { readonly type: "journal"; readonly entry: JournalEntry }
  | { readonly type: "exit"; readonly outcome: Outcome };

/** Why and how tsinit ends. `program` is who decided it, for the last line and the termination log. */
export interface Outcome {
  readonly code: number;
  readonly reason: string;
  readonly program: ProgramId | null;
}

/** Why a program was started again (label `reason` of tsinit_program_restarts_total). */
export type RestartReason =
  | "exit"
  | "signal"
  | "oom"
  | "manual"
  | "reload"
  | "backoff"
  | "liveness"
  | "watchdog"
  | "runtime"
  | "dependency"
  | "schedule";

/** Something that happened, told to the outside: logs, metrics, listeners, API. */
export type JournalEntry =
  | {
      readonly type: "state";
      readonly id: ProgramId;
      readonly from: StateName;
      readonly to: ProgramState;
      /** Set when `to` is a start that counts as a restart. */
      readonly restart: RestartReason | null;
      /** Set when a process ended with this change. `tooQuick`: before startsecs. */
      readonly ended: {
        readonly pid: Pid;
        readonly status: ExitStatus;
        readonly expected: boolean;
        readonly tooQuick: boolean;
      } | null;
    }
  | { readonly type: "spawned"; readonly id: ProgramId; readonly pid: Pid }
  | { readonly type: "spawn-error"; readonly id: ProgramId; readonly reason: string }
  /** SIGKILL after the waiting time, in seconds. */
  | {
      readonly type: "killing";
      readonly id: ProgramId;
      readonly pid: Pid;
      readonly waitedSeconds: number;
      readonly group: boolean;
    }
  | { readonly type: "kill-error"; readonly id: ProgramId; readonly pid: Pid; readonly reason: string }
  | { readonly type: "already-running"; readonly id: ProgramId }
  /** It ended before and what it left behind is being ended: for a new start, or the end of everything. */
  | { readonly type: "left-behind"; readonly id: ProgramId }
  | { readonly type: "ready"; readonly id: ProgramId; readonly ready: boolean; readonly reason: string }
  /** Another process is the program from here on. */
  | { readonly type: "main-pid"; readonly id: ProgramId; readonly from: Pid; readonly to: Pid }
  /** What it says of itself (STATUS= of sd_notify): one line, printable, of bounded length; empty takes it back. */
  | { readonly type: "said"; readonly id: ProgramId; readonly text: string }
  /** It is about to be restarted or given up because of what its checks say. */
  | { readonly type: "unhealthy"; readonly id: ProgramId; readonly reason: string }
  /** A run of its schedule did not begin because another was under way, or waits for it. */
  /** `begun`: the run before is under way; it may as well still wait for others. */
  | {
      readonly type: "overlap";
      readonly id: ProgramId;
      readonly action: "skip" | "queue" | "kill";
      readonly begun: boolean;
    }
  /** Why it waits, or cannot start at all; told once when that begins or changes. */
  | {
      readonly type: "blocked";
      readonly id: ProgramId;
      readonly reason: string;
      /** It cannot come true by itself. */
      readonly failed: boolean;
    }
  /** The start sequence is over: every tier was reached and settled once. */
  | { readonly type: "started" }
  | { readonly type: "draining"; readonly seconds: number }
  | { readonly type: "stopping"; readonly cause: string; readonly code: number }
  | { readonly type: "waiting"; readonly ids: readonly ProgramId[] }
  | { readonly type: "deadline"; readonly ids: readonly ProgramId[] }
  | { readonly type: "hurry"; readonly ids: readonly ProgramId[] }
  | { readonly type: "sweeping"; readonly signal: Signal }
  | { readonly type: "group-added"; readonly group: string }
  | { readonly type: "group-removed"; readonly group: string }
  | {
      readonly type: "reloaded";
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
    };
