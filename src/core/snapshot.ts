/** What the outside may see: a plain, frozen picture of the system with wall-clock times, made on demand. */
import type { ProgramId, ProgramSpec } from "./spec.ts";
import type { ProgramState } from "./states.ts";

/** Lifetime facts of one program that the journal keeps; wall-clock seconds since 1970, 0 for never. */
export interface ProgramFacts {
  readonly startedAt: number;
  readonly stoppedAt: number;
  /** Last exit: code, -1 for a signal, 0 for none yet (supervisord's exitstatus). */
  readonly exitStatus: number;
  readonly spawnError: string;
  /** What the process says of itself (STATUS= of sd_notify); empty: nothing. */
  readonly said: string;
  /** When a run last ended as wanted. */
  readonly lastSuccessAt: number;
  /** How the last run ended: `exit status 3`; empty before. */
  readonly lastResult: string;
  /** By its schedule. */
  readonly nextRunAt: number;
}

export interface ProgramSnapshot extends ProgramFacts {
  readonly id: ProgramId;
  readonly spec: ProgramSpec;
  readonly state: ProgramState;
  readonly pid: number;
  /** The status column's third part, supervisord's wording (supervisord.md 7, "Description string"). */
  readonly description: string;
  /** RUNNING and its ready check passes (none yet: RUNNING). */
  readonly ready: boolean;
  /** Ended as wanted: a oneshot or an expected exit that will not be restarted. */
  readonly done: boolean;
  /** Stopped by an operator. */
  readonly stoppedByHand: boolean;
  /** Wants to start and waits: for an earlier tier, or for what `blocked` says. */
  readonly pending: boolean;
  /** What of its `depends_on` is not as it should be: `waiting for redis to be ready`; null: nothing. */
  readonly blocked: string | null;
  /** Nothing that is under way can end that wait: what it needs has failed, or is down until somebody starts it. */
  readonly stuck: boolean;
}

export interface Snapshot {
  /** Wall clock, seconds since 1970. */
  readonly now: number;
  readonly phase: "booting" | "running" | "draining" | "stopping" | "sweeping" | "ended";
  /** The start sequence is over. */
  readonly started: boolean;
  /** Sorted by group, then name. */
  readonly programs: readonly ProgramSnapshot[];
  /** Programs marked UNKNOWN by a fault of the loop, and the loop's own health. */
  readonly faults: number;
  readonly startGate: "running" | "spawned";
}
