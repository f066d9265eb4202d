/**
 * Who may start and when: the start sequence, the gate between tiers, the operator's start and stop, and
 * "done".
 */

import { blockOf, dependantsAmong } from "./conditions.ts";
import { changeProgram, type Draft, decide, patch, say, stopInTurn, stopRest } from "./draft.ts";
import { outcomeOfBlocked, outcomeOfDone } from "./outcome.ts";
import { compareTiers } from "./plan.ts";
import { isForgettable } from "./reload.ts";
import { NO_RESTARTS } from "./restart.ts";
import type { ProgramId } from "./spec.ts";
import type { ProgramRecord } from "./system.ts";
import { stopNow } from "./turns.ts";

/** Every autostart program wants to start. A second boot, or one after a shutdown began, is nothing. */
export function boot(draft: Draft): void {
  if (draft.booted || draft.shutdown !== null) return;
  draft.booted = true;
  draft.hasMoved = true;
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (!record?.spec.autostart || record.stoppedByHand || record.spec.schedule !== null) continue;
    const pending = record.state.name === "STOPPED" ? (record.pending ?? { restart: null }) : record.pending;
    patch(draft, i, { pending, booting: record.spec.kind !== "eventlistener" });
  }
}

/** Not settled: later tiers wait for it. What waits for something that has failed has given up. */
function isOnItsWay(draft: Draft, record: ProgramRecord): boolean {
  const { state, pending } = record;
  if (pending !== null) return blockOf(draft, record)?.failed !== true;
  switch (state.name) {
    case "STARTING":
    case "BACKOFF":
      return true;
    case "RUNNING":
      // Until it has been ready once.
      return !state.ready && state.readyBy !== null;
    case "EXITED":
      return state.restartAt !== null;
    case "STOPPING":
      return state.failure !== null;
    case "STOPPED":
    case "FATAL":
    case "UNKNOWN":
      return false;
  }
}

function canStart({ state }: ProgramRecord): boolean {
  if (state.name === "BACKOFF") return state.retryAt === null;
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
    if (isGated && isBusy && previous !== undefined && compareTiers(previous.tier, record.tier) !== 0) return;
    isBusy ||= record.spec.kind !== "eventlistener" && isOnItsWay(draft, record);
    if (
      record.pending !== null &&
      (record.pending.notBefore ?? draft.now) <= draft.now &&
      canStart(record) &&
      !isReplacing(draft, record) &&
      !isBlocked(draft, i, record)
    )
      startNow(draft, i, record.pending.restart);
    previous = record;
  }
}

/** Whether something that it depends on is not as it should be; told when that begins, and when the reason is another. */
function isBlocked(draft: Draft, position: number, record: ProgramRecord): boolean {
  const block = blockOf(draft, record);
  const reason = block?.text ?? null;
  const stuck = block?.stuck ?? false;
  if (reason !== record.blocked || stuck !== record.stuck) {
    patch(draft, position, { blocked: reason, stuck });
    if (block !== null && reason !== record.blocked)
      say(draft, { type: "blocked", id: record.spec.id, reason: block.text, failed: block.failed });
  }
  // It would wait for ever, and the container without it is not what was asked for.
  if (block?.failed && record.spec.critical) {
    const outcome = outcomeOfBlocked(record, block);
    decide(draft, outcome);
    draft.wish ??= { cause: outcome.reason, drains: false, hurries: false, passes: false, within: null };
  }
  return block !== null;
}

/** Runs of a schedule that waited for the one before. */
export function takeQueued(draft: Draft): void {
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (!record?.queued || record.pending !== null || !canStart(record)) continue;
    patch(draft, i, { queued: false, pending: { restart: "schedule" } });
  }
}

/** The time of a schedule has come. Stopped by an operator it waits for their start. */
export function onScheduled(draft: Draft, position: number): void {
  const record = draft.programs[position];
  const schedule = record?.spec.schedule ?? null;
  if (record === undefined || schedule === null) return;
  if (!draft.booted || draft.shutdown !== null || record.stoppedByHand || record.dropping) return;
  if (record.pending === null && canStart(record)) {
    patch(draft, position, { pending: { restart: record.hasRun ? "schedule" : null } });
    return;
  }
  const begun = record.pending === null;
  // What waits to begin is a new run already.
  const action = begun || schedule.overlap === "queue" ? schedule.overlap : "skip";
  say(draft, { type: "overlap", id: record.spec.id, action, begun });
  switch (action) {
    case "skip":
      return;
    case "queue":
      return patch(draft, position, { queued: true });
    case "kill":
      return stopInTurn(draft, position, undefined, { type: "renew", restart: "schedule", reason: null });
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
  patch(draft, position, { pending: { restart }, stoppedByHand: false, blocked: null, stuck: false });
  // Somebody has seen to it, or it has other keys: what it did before is no crash loop any more.
  if (restart === null || restart === "manual" || restart === "reload")
    patch(draft, position, { history: NO_RESTARTS });
  // Never a second daemon beside the first: the start follows when that is gone.
  if (stopRest(draft, position)) return;
  patch(draft, position, { pending: null });
  changeProgram(draft, position, { type: "start", restart });
}

/** Once everything of the start sequence has settled once, it is over for good. */
export function noteStarted(draft: Draft): void {
  if (!draft.booted || draft.started) return;
  let isOver = true;
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (record === undefined) continue;
    if (!record.booting && record.pending === null) continue;
    if (isOnItsWay(draft, record)) isOver = false;
    else if (record.booting) patch(draft, i, { booting: false });
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
  const isFree = blockOf(draft, record) === null;
  if (!gated && isFree) return startNow(draft, position, record.pending?.restart ?? restart);
  patch(draft, position, { pending: record.pending ?? { restart }, stoppedByHand: false });
  if (!isFree) startDependencies(draft, record, new Set());
}

/**
 * Somebody asks for this one, so they ask for what it needs: what is down of that is started as well, behind what waits
 * for it already too. `seen`: a circle ends.
 */
function startDependencies(draft: Draft, record: ProgramRecord, seen: Set<ProgramId>): void {
  seen.add(record.spec.id);
  for (const dependency of record.spec.dependsOn) {
    const position = draft.index.get(dependency.id) ?? -1;
    const other = draft.programs[position];
    if (other === undefined || seen.has(dependency.id) || !canStart(other)) continue;
    if (other.pending !== null) {
      startDependencies(draft, other, seen);
      continue;
    }
    const isDone = other.state.name === "EXITED" && other.state.expected;
    if (isDone && (dependency.condition === "done" || other.spec.type === "oneshot")) continue;
    const restart = other.hasRun ? "manual" : null;
    patch(draft, position, { pending: { restart }, stoppedByHand: false });
    startDependencies(draft, other, seen);
  }
}

/** An operator's stop: of several, who depends on another goes first. */
export function requestStops(draft: Draft, ids: readonly ProgramId[]): void {
  const first = dependantsAmong(draft, ids);
  for (const id of ids) requestStop(draft, id, first.get(id));
}

/** It also takes back a start that waits, or one that was to follow a stop under way. */
function requestStop(draft: Draft, id: ProgramId, first: readonly ProgramId[] | undefined): void {
  const position = draft.index.get(id) ?? -1;
  const record = draft.programs[position];
  // From there on programs are stopped in order, and a stop out of turn would break it.
  if (record === undefined || draft.phase === "stopping" || draft.phase === "sweeping") return;
  const { state, pending } = record;
  if (canStart(record) && pending === null) {
    if (state.name !== "EXITED" || state.restartAt === null) return;
  }
  if (state.name === "UNKNOWN") return;
  patch(draft, position, { pending: null, stoppedByHand: true, blocked: null, stuck: false, queued: false });
  if (pending !== null && (state.name === "EXITED" || state.name === "FATAL")) {
    patch(draft, position, { state: { name: "STOPPED" } });
    say(draft, { type: "state", id, from: state.name, to: { name: "STOPPED" }, restart: null, ended: null });
    return;
  }
  if (record.stopDue === null) stopInTurn(draft, position, first, { type: "stop" });
  else stopNow(draft, id, { type: "stop" });
}

/** `exit_when_done`: nothing can run again. Event listeners serve the others and are no work of their own. */
export function wishWhenDone(draft: Draft): void {
  if (!draft.started || !draft.plan.global.exitWhenDone) return;
  // Asked after every step: nothing is allocated before it is so.
  if (!draft.programs.every((record) => !isWork(record) || isOver(draft, record))) return;
  const work = draft.programs.filter(isWork);
  if (work.length === 0) return;
  const outcome = outcomeOfDone(work);
  decide(draft, outcome);
  draft.wish ??= { cause: outcome.reason, drains: false, hurries: false, passes: false, within: null };
}

/** What a reload has removed and is down is forgotten with the next step: how it ended is nobody's failure any more. */
function isWork(record: ProgramRecord): boolean {
  return record.spec.kind !== "eventlistener" && !isForgettable(record);
}

function isOver(draft: Draft, record: ProgramRecord): boolean {
  const { spec, state, pending, stoppedByHand } = record;
  if (spec.schedule !== null) return false;
  if (pending !== null) return canStart(record) && blockOf(draft, record)?.failed === true;
  // Its time was over (runtime_max_secs) and it is not to run again.
  if (state.name === "STOPPED") return spec.autostart && record.hasRun && !stoppedByHand;
  return state.name === "FATAL" || (state.name === "EXITED" && state.restartAt === null);
}
