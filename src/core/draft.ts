/**
 * The working copy of a system during one step: the only place where a system is changed, and where effects
 * gather.
 */

import { type Block, dependantsAmong, restartedBefore, restartedWith } from "./conditions.ts";
import { WAITS_FOR_RESTART } from "./describe.ts";
import type { Effect, JournalEntry, Outcome, RestartReason } from "./effect.ts";
import { outcomeOf } from "./outcome.ts";
import { step } from "./program.ts";
import { calm } from "./program-checks.ts";
import { nextRestart } from "./restart.ts";
import type { ShutdownWish } from "./shutdown.ts";
import type { ProgramId } from "./spec.ts";
import type { ExitStatus, Millis, ProgramState } from "./states.ts";
import type { ProgramRecord, StopDue, System } from "./system.ts";
import type { Demand, ProgramEvent } from "./transition.ts";

/** How a run is taken to have ended whose end its checks asked for. */
const UNWELL: ExitStatus = { kind: "exited", code: 1 };

type Changeable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface Draft extends Changeable<Omit<System, "programs">> {
  programs: ProgramRecord[];
  readonly now: Millis;
  readonly effects: Effect[];
  /** Something in this step asks for the end; carried out once the event itself is dealt with. */
  wish: ShutdownWish | null;
  /** False while `programs` is still the array of the system before, which must not be written to. */
  ownsPrograms: boolean;
  /**
   * Whether anything happened that others may have waited for. Most steps of a big boot are answers that
   * move nothing.
   */
  hasMoved: boolean;
  /** Who may not start and why, as far as that was asked; forgotten with every change that it may depend on. */
  readonly blocks: Map<ProgramId, Block | null>;
}

/**
 * Starts a step. The programs are copied at the first change, so that an orphan's exit costs next to
 * nothing.
 */
export function openDraft(system: System, now: Millis): Draft {
  return {
    ...system,
    programs: system.programs as ProgramRecord[],
    now,
    effects: [],
    wish: null,
    ownsPrograms: false,
    hasMoved: false,
    blocks: new Map(),
  };
}

/** Ends a step. `before` itself when nothing changed. */
export function sealDraft(draft: Draft, before: System): System {
  const { plan, programs, index, phase, booted, started, outcome, shutdown, isRemoving } = draft;
  const isSame =
    plan === before.plan &&
    programs === before.programs &&
    index === before.index &&
    phase === before.phase &&
    booted === before.booted &&
    started === before.started &&
    outcome === before.outcome &&
    shutdown === before.shutdown &&
    isRemoving === before.isRemoving;
  if (isSame) return before;
  return { plan, programs, index, phase, booted, started, outcome, shutdown, isRemoving };
}

function setRecord(draft: Draft, position: number, record: ProgramRecord): void {
  if (!draft.ownsPrograms) draft.programs = draft.programs.slice();
  draft.ownsPrograms = true;
  const before = draft.programs[position];
  const isJudgedAlike =
    before?.state === record.state &&
    before.pending === record.pending &&
    before.spec === record.spec &&
    before.stopDue === record.stopDue;
  if (!isJudgedAlike) draft.blocks.clear();
  draft.programs[position] = record;
}

/** Changes some fields of one record. */
export function patch(draft: Draft, position: number, fields: Partial<ProgramRecord>): void {
  const record = draft.programs[position];
  if (record === undefined) return;
  setRecord(draft, position, { ...record, ...fields });
  draft.hasMoved = true;
}

/** Other programs, in start order, and their index. */
export function setPrograms(draft: Draft, programs: ProgramRecord[]): void {
  draft.programs = programs;
  draft.ownsPrograms = true;
  draft.hasMoved = true;
  draft.blocks.clear();
  draft.index = new Map(programs.map((record, position) => [record.spec.id, position]));
}

export function say(draft: Draft, entry: JournalEntry): void {
  draft.effects.push({ type: "journal", entry });
}

/** The first outcome is the one: nothing later turns a failure into a 0, or one failure into another. */
export function decide(draft: Draft, outcome: Outcome): void {
  draft.outcome ??= outcome;
}

/**
 * Hands an event to one program's machine and notes what came of it. A position that is not there is
 * ignored.
 */
export function changeProgram(draft: Draft, position: number, event: ProgramEvent): void {
  const before = draft.programs[position];
  if (before === undefined) return;
  const [moved, effects] = step(before.spec, before.state, event, draft.now);
  if (event.type !== "renew" && stopOthersFirst(draft, position, moved, effects)) return;
  const state = draft.shutdown === null && before.stopDue === null ? moved : calm(moved);
  if (state === before.state && effects.length === 0) return;
  let after: ProgramRecord = { ...before, state };
  for (const effect of effects) {
    if (effect.type === "again") {
      after = again(before, after, effect.restart, draft.now);
      draft.hasMoved = true;
      continue;
    }
    draft.effects.push(effect);
    if (effect.type === "journal") after = remember(after, effect.entry);
  }
  setRecord(draft, position, after);
  if (state.name !== before.state.name || isReady(state) !== isReady(before.state)) draft.hasMoved = true;
  if (after.restarts > before.restarts) restartOthers(draft, effects, after);
  noteEnd(draft, before, after);
  // Nothing is started once a shutdown has begun, so there is nothing to wait for.
  if (draft.shutdown !== null && state.name === "BACKOFF") changeProgram(draft, position, { type: "stop" });
}

/** What its checks ask for counts and waits as what follows a crash: a program that never is well is a crash loop too. */
function again(
  before: ProgramRecord,
  after: ProgramRecord,
  restart: RestartReason,
  now: Millis,
): ProgramRecord {
  const isUnwell = restart === "liveness" || restart === "watchdog";
  if (!isUnwell || before.state.name !== "RUNNING") return { ...after, pending: { restart } };
  const next = nextRestart(after.spec, after.history, before.state.startedAt, UNWELL, now);
  if (next.at === null) {
    if (after.state.name !== "STOPPING") return after;
    return { ...after, state: { ...after.state, failure: { tries: null, reason: next.reason, code: 1 } } };
  }
  const { history } = next;
  if (next.at <= now) return { ...after, history, pending: { restart } };
  return { ...after, history, pending: { restart, notBefore: next.at }, blocked: WAITS_FOR_RESTART };
}

/** What its last run left behind is stopped; false when there is nothing. */
export function stopRest(draft: Draft, position: number): boolean {
  const leftBy = draft.programs[position]?.leftBy ?? null;
  if (leftBy === null) return false;
  patch(draft, position, { leftBy: null });
  changeProgram(draft, position, { type: "stop-rest", pid: leftBy });
  return true;
}

/** It is RUNNING, and its check passes where it has one. */
export function isReady(state: ProgramState): boolean {
  return state.name === "RUNNING" && state.ready;
}

/** `restart_with`. What is restarted for this reason does not restart others again: they were taken along already. */
function restartOthers(draft: Draft, effects: readonly (Effect | Demand)[], { spec }: ProgramRecord): void {
  const isChain = effects.some(
    (effect) =>
      effect.type === "journal" && effect.entry.type === "state" && effect.entry.restart === "dependency",
  );
  if (isChain || draft.shutdown !== null) return;
  const ids = restartedWith(draft, spec.id);
  takeAlong(draft, ids, dependantsAmong(draft, ids));
}

/** These are restarted because another one is; `first`: who has to be down before whom. */
export function takeAlong(
  draft: Draft,
  ids: readonly ProgramId[],
  first: ReturnType<typeof dependantsAmong>,
): void {
  for (const id of ids) {
    const position = draft.index.get(id) ?? -1;
    stopInTurn(draft, position, first.get(id), { type: "renew", restart: "dependency", reason: null });
    const other = draft.programs[position];
    // What was done for the old one may have to be done for the new one.
    if (other !== undefined && isDoneOnce(other))
      patch(draft, position, { pending: { restart: "dependency" } });
  }
}

/** Stops it at once, or after those of `first`. A stop that waits already stays as it is. */
export function stopInTurn(
  draft: Draft,
  position: number,
  first: readonly ProgramId[] | undefined,
  event: StopDue["event"],
): void {
  const record = draft.programs[position];
  if (record === undefined || record.stopDue !== null) return;
  const { spec, state } = record;
  const isUp = state.name === "STARTING" || state.name === "RUNNING";
  if (!isUp || first === undefined) return changeProgram(draft, position, event);
  patch(draft, position, { stopDue: { after: first, event, spec }, state: calm(state) });
}

/**
 * Its checks, or its time, ask for another process: who is restarted with it and depends on it goes first, so that it can
 * finish what it is at. False when there is nobody, or it is no restart.
 */
function stopOthersFirst(
  draft: Draft,
  position: number,
  moved: ProgramState,
  effects: readonly (Effect | Demand)[],
): boolean {
  const record = draft.programs[position];
  const demand = effects.find((effect) => effect.type === "again");
  if (record === undefined || demand === undefined || moved.name !== "STOPPING") return false;
  const { id } = record.spec;
  const ids = restartedBefore(draft, id);
  const first = dependantsAmong(draft, [id, ...ids]);
  const isGivenUp = again(record, { ...record, state: moved }, demand.restart, draft.now).pending === null;
  if (draft.shutdown !== null || !first.has(id) || isGivenUp) return false;
  for (const effect of effects)
    if (effect.type === "journal" && effect.entry.type === "unhealthy") draft.effects.push(effect);
  stopInTurn(draft, position, first.get(id), { type: "renew", restart: demand.restart, reason: null });
  takeAlong(draft, ids, first);
  return true;
}

function isDoneOnce({ spec, state, pending, stoppedByHand, dropping }: ProgramRecord): boolean {
  if (spec.type !== "oneshot" || spec.schedule !== null) return false;
  return state.name === "EXITED" && pending === null && !stoppedByHand && !dropping;
}

function remember(record: ProgramRecord, entry: JournalEntry): ProgramRecord {
  switch (entry.type) {
    case "state":
      return {
        ...record,
        restarts: record.restarts + (entry.restart === null ? 0 : 1),
        lastStatus: entry.ended?.status ?? record.lastStatus,
      };
    case "spawned":
      return { ...record, hasRun: true };
    case "spawn-error":
      return { ...record, lastStatus: null };
    default:
      return record;
  }
}

/**
 * A critical program that gave up, or main's end, ends the container. Once a shutdown has begun it no longer
 * matters.
 */
function noteEnd(draft: Draft, before: ProgramRecord, after: ProgramRecord): void {
  const { shutdown } = draft;
  if (shutdown !== null && !shutdown.passthrough) return;
  const outcome = outcomeOf(before, after, shutdown !== null);
  if (outcome === null) return;
  decide(draft, outcome);
  if (shutdown === null)
    draft.wish ??= { cause: outcome.reason, drains: false, hurries: false, passes: false, within: null };
}
