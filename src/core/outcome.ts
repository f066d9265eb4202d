/** Which end of a program ends the container, with which code and which words (product 1, exit codes). */

import type { Block } from "./conditions.ts";
import { describeStatus, TOO_QUICK } from "./describe.ts";
import type { Outcome } from "./effect.ts";
import type { Blame } from "./event.ts";
import { EXIT_FAULT } from "./exit-codes.ts";
import { namespec } from "./spec.ts";
import { type ExitStatus, exitCode, pidOf } from "./states.ts";
import type { ProgramRecord } from "./system.ts";

/** What is left of main after SIGKILL did not end it in time. */
const KILLED_CODE = 137;

/**
 * The outcome that follows from one program's change, or null. `passing`: a shutdown of the tini-like form
 * waits for main, so any end of its process counts, also one that would otherwise be tried again.
 */
export function outcomeOf(before: ProgramRecord, after: ProgramRecord, passing: boolean): Outcome | null {
  if (before.state === after.state) return null;
  if (after.spec.kind === "main") return outcomeOfMain(before, after, passing);
  return passing ? null : outcomeOfCritical(before, after);
}

function outcomeOfMain(before: ProgramRecord, after: ProgramRecord, passing: boolean): Outcome | null {
  const { state } = after;
  // While members of its group live on, its own end is known to the state alone.
  const lastStatus = state.name === "STOPPING" ? (state.status ?? after.lastStatus) : after.lastStatus;
  const program = after.spec.id;
  if (state.name === "FATAL" && (!passing || lastStatus === null)) {
    const reason = describeFailure(state.reason, lastStatus);
    return { code: state.code || 1, reason: `main could not be started: ${reason}`, program };
  }
  const hasProcess = pidOf(state) !== null || state.name === "STARTING";
  if (hasProcess || lastStatus === null) return null;
  const endedItself = state.name === "EXITED" && state.restartAt === null;
  // It could not be signalled, was left alone, and has ended by now: nothing else would ever end the
  // container.
  const endedUnknown = before.state.name === "UNKNOWN" && !after.stoppedByHand;
  const endedPassing = passing && pidOf(before.state) !== null;
  if (!endedItself && !endedUnknown && !endedPassing) return null;
  return { code: exitCode(lastStatus), reason: `main ended: ${describeStatus(lastStatus)}`, program };
}

function outcomeOfCritical(before: ProgramRecord, after: ProgramRecord): Outcome | null {
  const { spec, state, lastStatus, restarts } = after;
  if (!spec.critical || state.name !== "FATAL" || before.state.name === "FATAL") return null;
  const reason = describeFailure(state.reason, lastStatus);
  const text = `critical program ${namespec(spec)} went FATAL: ${reason}, ${describeRestarts(restarts)}`;
  return { code: state.code || 1, reason: text, program: spec.id };
}

/** A critical program that waits for what has failed: it can never start. */
export function outcomeOfBlocked({ spec }: ProgramRecord, block: Block): Outcome {
  const reason = `critical program ${namespec(spec)} cannot start: ${block.text}`;
  return { code: block.code || 1, reason, program: spec.id };
}

function describeRestarts(restarts: number): string {
  if (restarts === 0) return "never restarted";
  return `restarted ${restarts} time${restarts === 1 ? "" : "s"}`;
}

/** An exit before startsecs says more by its status than by supervisord's sentence about it. */
function describeFailure(reason: string, status: ExitStatus | null): string {
  return reason === TOO_QUICK && status !== null ? describeStatus(status) : reason;
}

/** tsinit itself failed. */
export function outcomeOfFault(reason: string): Outcome {
  return { code: EXIT_FAULT, reason: `tsinit failed: ${reason}`, program: null };
}

/** Asked to stop, and nothing had gone wrong before. */
export function outcomeOfRequest(cause: string): Outcome {
  return { code: 0, reason: `stopped by ${cause}`, program: null };
}

/**
 * Asked to stop because of a program that is FATAL or ended unexpectedly: the recipe by which containers under supervisord
 * end when a program has given up. null when nobody is to blame.
 */
export function outcomeOfBlame(
  programs: readonly ProgramRecord[],
  blame: Blame | "fatal" | null,
  cause: string,
): Outcome | null {
  const { id, state } = blame === "fatal" ? (firstFatal(programs) ?? {}) : (blame ?? {});
  if (id === undefined || state === undefined) return null;
  const record = programs.find(({ spec }) => spec.id === id);
  const name = record === undefined ? id : namespec(record.spec);
  const isFatal = state.name === "FATAL";
  const how = isFatal
    ? `went FATAL: ${describeFailure(state.reason, record?.lastStatus ?? null)}`
    : `ended unexpectedly: ${describeStatus(state.status)}`;
  const code = isFatal ? state.code : exitCode(state.status);
  const reason = `stopped by ${cause} after ${name} ${how}, ${describeRestarts(record?.restarts ?? 0)}`;
  return { code: code || 1, reason, program: id };
}

function firstFatal(programs: readonly ProgramRecord[]): Blame | null {
  for (const { spec, state } of programs) if (state.name === "FATAL") return { id: spec.id, state };
  return null;
}

/** The tini-like form gave up waiting for main. */
export function outcomeOfKilledMain(main: ProgramRecord): Outcome {
  return { code: KILLED_CODE, reason: "main did not end in time and was killed", program: main.spec.id };
}

/**
 * Nothing can run again. 0 when every end was an expected one; else 1, and the first that failed is named.
 */
export function outcomeOfDone(programs: readonly ProgramRecord[]): Outcome {
  const fatal = programs.find(({ state }) => state.name === "FATAL");
  if (fatal?.state.name === "FATAL") {
    const reason = describeFailure(fatal.state.reason, fatal.lastStatus);
    const text = `everything is done, but ${namespec(fatal.spec)} is FATAL: ${reason}`;
    return { code: 1, reason: text, program: fatal.spec.id };
  }
  const failed = programs.find(({ state }) => state.name === "EXITED" && !state.expected);
  if (failed?.state.name === "EXITED") {
    const how = describeStatus(failed.state.status);
    const text = `everything is done, but ${namespec(failed.spec)} ended unexpectedly: ${how}`;
    return { code: 1, reason: text, program: failed.spec.id };
  }
  const held = programs.find(({ pending }) => pending !== null);
  if (held !== undefined) {
    const text = `everything is done, but ${namespec(held.spec)} cannot start: ${held.blocked}`;
    return { code: 1, reason: text, program: held.spec.id };
  }
  const cut = programs.find(({ state }) => state.name === "STOPPED");
  if (cut !== undefined) {
    const text = `everything is done, but ${namespec(cut.spec)} had to be stopped`;
    return { code: 1, reason: text, program: cut.spec.id };
  }
  return { code: 0, reason: "everything is done", program: null };
}
