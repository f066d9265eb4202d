/**
 * Who may start and when: the start sequence, the gate between tiers, the operator's start and stop, and
 * "done".
 */
import { changeProgram, type Draft, decide, patch, say } from "./draft.ts";
import { outcomeOfDone } from "./outcome.ts";
import { isSameTier } from "./plan.ts";
import type { ProgramRecord } from "./system.ts";

/** Every autostart program wants to start. A second boot, or one after a shutdown began, is nothing. */
export function boot(draft: Draft): void {
  if (draft.booted || draft.shutdown !== null) return;
  draft.booted = true;
  draft.hasMoved = true;
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (!record?.spec.autostart || record.stoppedByHand) continue;
    const pending = record.state.name === "STOPPED" ? (record.pending ?? { restart: null }) : record.pending;
    patch(draft, i, { pending, booting: record.spec.kind !== "eventlistener" });
  }
}

/** Not settled: later tiers wait for it. */
function isOnItsWay({ state, pending }: ProgramRecord): boolean {
  if (pending !== null) return true;
  switch (state.name) {
    case "STARTING":
    case "BACKOFF":
      return true;
    case "EXITED":
      return state.restartAt !== null;
    case "STOPPED":
    case "RUNNING":
    case "STOPPING":
    case "FATAL":
    case "UNKNOWN":
      return false;
  }
}

function canStart({ state }: ProgramRecord): boolean {
  return state.name === "STOPPED" || state.name === "EXITED" || state.name === "FATAL";
}

/**
 * Spawns what waits and whose turn it is. With `start_gate=running` a tier waits for every earlier one, but for nobody
 * who only listens: programs do not depend on that.
 */
export function startPending(draft: Draft): void {
  if (!draft.booted || !draft.programs.some((record) => record.pending !== null)) return;
  const isGated = draft.plan.global.startGate === "running";
  let isBusy = false;
  let previous: ProgramRecord | undefined;
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (record === undefined) continue;
    if (isGated && isBusy && previous !== undefined && !isSameTier(previous.spec, record.spec)) return;
    isBusy ||= record.spec.kind !== "eventlistener" && isOnItsWay(record);
    if (record.pending !== null && canStart(record) && !isReplacing(draft, record))
      startNow(draft, i, record.pending.restart);
    previous = record;
  }
}

/**
 * A process of the same section that was removed is not gone yet: the program has moved to another group or has got other
 * names, and the old one may still hold its port.
 */
function isReplacing({ isRemoving, programs }: Draft, { spec }: ProgramRecord): boolean {
  if (!isRemoving) return false;
  return programs.some((old) => old.dropping && old.spec.section === spec.section && !canStart(old));
}

function startNow(
  draft: Draft,
  position: number,
  restart: NonNullable<ProgramRecord["pending"]>["restart"],
): void {
  patch(draft, position, { pending: null, stoppedByHand: false });
  changeProgram(draft, position, { type: "start", restart });
}

/** Once everything of the start sequence has settled once, it is over for good. */
export function noteStarted(draft: Draft): void {
  if (!draft.booted || draft.started) return;
  let isOver = true;
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (record === undefined) continue;
    if (record.booting && !isOnItsWay(record)) patch(draft, i, { booting: false });
    else if (record.booting || record.pending !== null) isOver = false;
  }
  if (!isOver) return;
  draft.started = true;
  draft.phase = "running";
  say(draft, { type: "started" });
}

/**
 * An operator's start. `gated` waits its turn as at boot. What is up already, waits for its next try, or
 * cannot be signalled stays as it is.
 */
export function requestStart(draft: Draft, position: number, gated: boolean): void {
  const record = draft.programs[position];
  if (record === undefined || draft.shutdown !== null) return;
  if (!canStart(record)) return changeProgram(draft, position, { type: "start", restart: null });
  const restart = record.stoppedByHand && record.hasRun ? "manual" : null;
  if (!gated) return startNow(draft, position, record.pending?.restart ?? restart);
  patch(draft, position, { pending: record.pending ?? { restart }, stoppedByHand: false });
}

/** An operator's stop. It also takes back a start that waits, or one that was to follow a stop under way. */
export function requestStop(draft: Draft, position: number): void {
  const record = draft.programs[position];
  // From there on programs are stopped in order, and a stop out of turn would break it.
  if (record === undefined || draft.phase === "stopping" || draft.phase === "sweeping") return;
  const { state, pending } = record;
  if (canStart(record) && pending === null) {
    if (state.name !== "EXITED" || state.restartAt === null) return;
  }
  if (state.name === "UNKNOWN") return;
  patch(draft, position, { pending: null, stoppedByHand: true });
  if (pending !== null && (state.name === "EXITED" || state.name === "FATAL")) {
    patch(draft, position, { state: { name: "STOPPED" } });
    const id = record.spec.id;
    say(draft, { type: "state", id, from: state.name, to: { name: "STOPPED" }, restart: null, ended: null });
    return;
  }
  changeProgram(draft, position, { type: "stop" });
}

/** `exit_when_done`: nothing can run again. Event listeners serve the others and are no work of their own. */
export function wishWhenDone(draft: Draft): void {
  if (!draft.started || !draft.plan.global.exitWhenDone) return;
  let hasWork = false;
  for (const record of draft.programs) {
    if (record.spec.kind === "eventlistener") continue;
    if (!isOver(record)) return;
    hasWork = true;
  }
  if (!hasWork) return;
  const work = draft.programs.filter(({ spec }) => spec.kind !== "eventlistener");
  const outcome = outcomeOfDone(work);
  decide(draft, outcome);
  draft.wish ??= { cause: outcome.reason, drains: false, hurries: false, passes: false, within: null };
}

function isOver({ state, pending }: ProgramRecord): boolean {
  if (pending !== null) return false;
  return state.name === "FATAL" || (state.name === "EXITED" && state.restartAt === null);
}
