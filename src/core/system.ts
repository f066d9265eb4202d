/**
 * All programs together, as one function of what happened: who may start, the order of a shutdown, reload,
 * the exit code. Immutable: a step gives a new system and leaves the old one as it was.
 */

import { blockOf } from "./conditions.ts";
import { changeProgram, type Draft, openDraft, patch, sealDraft } from "./draft.ts";
import type { Effect, Outcome, RestartReason } from "./effect.ts";
import type { SystemEvent } from "./event.ts";
import { assertUniqueIds, orderBySpec, type Tier, tierOf } from "./plan.ts";
import { deadline } from "./program.ts";
import { addGroup, dropRemoved, isForgettable, reload, removeGroup, replaceGroup } from "./reload.ts";
import { NO_RESTARTS, nextRestart, type RestartHistory } from "./restart.ts";
import {
  advance,
  beginShutdown,
  onFault,
  onListenersIdle,
  onShutdown,
  shutdownDeadline,
} from "./shutdown.ts";
import { SIGNALS, type Signal } from "./signal-names.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Plan, ProgramId, ProgramSpec } from "./spec.ts";
import {
  boot,
  noteStarted,
  onScheduled,
  requestStart,
  requestStops,
  startPending,
  takeQueued,
  wishWhenDone,
} from "./start.ts";
import { type ExitStatus, type Millis, type Pid, type ProgramState, pidOf } from "./states.ts";
import type { Of } from "./transition.ts";
import { endDue, takeTurns } from "./turns.ts";

export type Phase = Snapshot["phase"];

/** `notBefore`: its policy makes it wait; only an operator does not. */
export interface Pending {
  readonly restart: RestartReason | null;
  readonly notBefore?: Millis;
}

/** A stop that waits for its turn: those that depend on the program, and are stopped for the same reason, go first. */
export interface StopDue {
  readonly after: readonly ProgramId[];
  /** What is done to it then. */
  readonly event: Of<"stop" | "renew">;
  /** What the program is from then on: the process that runs was made from, and is stopped by, what it is now. */
  readonly spec: ProgramSpec;
}

/** One program and what the core remembers of it. */
export interface ProgramRecord {
  readonly spec: ProgramSpec;
  /** Its own, or that of what it depends on where that is later. */
  readonly tier: Tier;
  readonly state: ProgramState;
  /**
   * Wants to start and waits: for an earlier tier, or for its own old process to end. `restart`: what it
   * counts as.
   */
  readonly pending: Pending | null;
  /** Stopped by an operator; only a start by an operator clears it. */
  readonly stoppedByHand: boolean;
  /** Belongs to the start sequence and has not settled once yet. */
  readonly booting: boolean;
  /** Removed by a reload; the record goes in the step after its process has. */
  readonly dropping: boolean;
  readonly hasRun: boolean;
  readonly restarts: number;
  /** How it last ended; null before, and when the last start failed without a process. */
  readonly lastStatus: ExitStatus | null;
  readonly history: RestartHistory;
  /** Why it does not start although it wants to, as last told. */
  readonly blocked: string | null;
  /** Nothing that is under way can end that. */
  readonly stuck: boolean;
  /** A run of its schedule waits for the one under way to end. */
  readonly queued: boolean;
  /** The leader of its last run, which has ended for good while something of that run lives on: a daemon, say. */
  readonly leftBy: Pid | null;
  /** It runs until its turn comes. */
  readonly stopDue: StopDue | null;
}

export interface Shutdown {
  readonly cause: string;
  /** `tsinit COMMAND`: nobody is stopped, main gets the signal itself and ends when it likes. */
  readonly passthrough: boolean;
  readonly drainUntil: Millis | null;
  /** When everything left is killed. */
  readonly killAt: Millis | null;
  readonly killed: boolean;
  /** How long event listeners are left to their work before they are stopped; null: it has not come to that. */
  readonly listening: { readonly until: Millis } | "over" | null;
  readonly sweepUntil: Millis | null;
  /** What was sent to all that was left: 0 for nothing yet, SIGTERM, SIGKILL. */
  readonly sweepSignal: Signal | 0 | null;
}

export interface System {
  /** The plan in force. */
  readonly plan: Plan;
  /** In start order: tier, then name. */
  readonly programs: readonly ProgramRecord[];
  readonly index: ReadonlyMap<ProgramId, number>;
  readonly phase: Phase;
  readonly booted: boolean;
  /** The start sequence is over. Never taken back. */
  readonly started: boolean;
  /** The first one decided stays, whatever happens later. */
  readonly outcome: Outcome | null;
  readonly shutdown: Shutdown | null;
  /** Whether any record is `dropping`: spares every step the look through all of them. */
  readonly isRemoving: boolean;
}

/** A program as the configuration has it, never started. */
export function createRecord(spec: ProgramSpec): ProgramRecord {
  return {
    spec,
    tier: tierOf(spec),
    state: { name: "STOPPED" },
    pending: null,
    stoppedByHand: false,
    booting: false,
    dropping: false,
    hasRun: false,
    restarts: 0,
    lastStatus: null,
    history: NO_RESTARTS,
    blocked: null,
    stuck: false,
    queued: false,
    leftBy: null,
    stopDue: null,
  };
}

/** Nothing runs until the event `boot`. Throws when the plan names a program twice. */
export function createSystem(plan: Plan): System {
  assertUniqueIds(plan.programs);
  const programs = orderBySpec(plan.programs.map(createRecord));
  const index = new Map(programs.map((record, position) => [record.spec.id, position]));
  return {
    plan,
    programs,
    index,
    phase: "booting",
    booted: false,
    started: false,
    outcome: null,
    shutdown: null,
    isRemoving: false,
  };
}

/** The record of a program, or undefined when there is none of that id. */
export function programAt(system: System, id: ProgramId): ProgramRecord | undefined {
  return system.programs[system.index.get(id) ?? -1];
}

/** When a `time` event is next needed, or null while only something from outside can change anything. */
export function nextDeadline(system: System): Millis | null {
  if (system.phase === "ended") return null;
  let earliest = shutdownDeadline(system);
  for (const record of system.programs) {
    // At once: it was kept for a step only so that whoever hears of its end can still look it up.
    if (system.isRemoving && isForgettable(record)) return Number.NEGATIVE_INFINITY;
    const due = deadline(record.state);
    if (due !== null && (earliest === null || due < earliest)) earliest = due;
    const at = record.pending?.notBefore;
    if (at !== undefined && (earliest === null || at < earliest)) earliest = at;
  }
  return earliest;
}

/**
 * What happens next. After the exit effect nothing does. Throws only on a plan that names a program twice.
 */
export function step(system: System, event: SystemEvent, now: Millis): [System, Effect[]] {
  if (system.phase === "ended") return [system, []];
  const draft = openDraft(system, now);
  dropRemoved(draft);
  handle(draft, event);
  settle(draft);
  return [sealDraft(draft, system), draft.effects];
}

function handle(draft: Draft, event: SystemEvent): void {
  switch (event.type) {
    case "boot":
      return boot(draft);
    case "time":
      return onTime(draft);
    case "spawned":
    case "spawn-failed":
      return onSpawnAnswer(draft, event);
    case "exited":
      return onExited(draft, event);
    case "probed":
    case "watchdog":
      return onChecked(draft, event);
    case "group-gone":
      return onGroupGone(draft, event);
    case "kill-failed":
    case "extend":
    case "main-pid":
    case "stop-command-failed":
      return changeProgram(draft, positionOf(draft, event.id), event);
    case "start":
      for (const id of event.ids) requestStart(draft, positionOf(draft, id), event.gated);
      return;
    case "stop":
      return requestStops(draft, event.ids);
    case "signal":
      return changeProgram(draft, positionOf(draft, event.id), { type: "signal", signal: event.signal });
    case "forward":
      return onForward(draft, event);
    case "scheduled":
      return onScheduled(draft, positionOf(draft, event.id));
    case "shutdown":
      return onShutdown(draft, event);
    case "fault":
      return onFault(draft, event.reason);
    case "reload":
      return reload(draft, event.plan);
    case "add-group":
      return addGroup(draft, event.plan, event.group);
    case "replace-group":
      return replaceGroup(draft, event.plan, event.group, event.stopped);
    case "remove-group":
      return removeGroup(draft, event.group);
    case "listeners-idle":
      return onListenersIdle(draft);
    case "alone":
      if (draft.phase === "sweeping" && draft.shutdown !== null)
        draft.shutdown = { ...draft.shutdown, sweepSignal: SIGNALS.KILL, sweepUntil: draft.now };
      return;
  }
}

/** What follows from the new state without anything more from outside. */
function settle(draft: Draft): void {
  if (draft.shutdown === null && draft.wish === null && draft.hasMoved) {
    takeTurns(draft);
    takeQueued(draft);
    startPending(draft);
    noteStarted(draft);
    wishWhenDone(draft);
  }
  if (draft.shutdown === null && draft.wish !== null) beginShutdown(draft, draft.wish);
  if (draft.shutdown !== null) advance(draft);
}

function positionOf(draft: Draft, id: ProgramId): number {
  return draft.index.get(id) ?? -1;
}

/** A program that is about to be stopped anyway may still say whether it is ready; nothing that ends it before its turn. */
function onChecked(draft: Draft, event: Extract<SystemEvent, { type: "probed" | "watchdog" }>): void {
  if (draft.shutdown !== null) return;
  const position = positionOf(draft, event.id);
  const isReadiness = event.type === "probed" && event.check === "ready";
  if (isReadiness || draft.programs[position]?.stopDue === null) changeProgram(draft, position, event);
}

function onTime(draft: Draft): void {
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (record === undefined) continue;
    const { restart, notBefore } = record.pending ?? {};
    if (restart !== undefined && notBefore !== undefined && notBefore <= draft.now)
      patch(draft, i, { pending: { restart } });
    const due = deadline(record.state);
    if (due === null || due > draft.now) continue;
    changeProgram(draft, i, { type: "time", mayStart: blockOf(draft, record) === null });
  }
}

function onSpawnAnswer(draft: Draft, event: Extract<SystemEvent, { id: ProgramId }>): void {
  if (event.type !== "spawned" && event.type !== "spawn-failed") return;
  const position = positionOf(draft, event.id);
  changeProgram(draft, position, event);
  const record = draft.programs[position];
  if (record === undefined) return;
  // Somebody changed their mind between the spawn and its answer.
  if (draft.shutdown?.killed) changeProgram(draft, position, { type: "kill" });
  else if (record.stopDue !== null) return;
  else if (record.stoppedByHand || record.dropping || record.pending !== null)
    changeProgram(draft, position, { type: "stop" });
}

function onExited(draft: Draft, event: Extract<SystemEvent, { type: "exited" }>): void {
  const isOf = ({ state }: ProgramRecord): boolean => pidOf(state) === event.pid;
  const due = draft.programs.find(isOf);
  if (due?.stopDue) endDue(draft, due.spec.id, due.stopDue.event);
  const position = due === undefined ? -1 : positionOf(draft, due.spec.id);
  const record = draft.programs[position];
  if (record === undefined) return;
  const { spec, state, history } = record;
  const isRun = state.name === "STARTING" || state.name === "RUNNING";
  const next =
    draft.shutdown === null && isRun
      ? nextRestart(spec, history, state.startedAt, event.status, draft.now)
      : null;
  changeProgram(draft, position, { ...event, next, mayStart: blockOf(draft, record) === null });
  const after = draft.programs[position];
  if (event.groupAlive && after !== undefined) noteLeft(draft, position, after, event.pid);
  const isAgain = after !== undefined && after.state.name !== "FATAL" && willRestart(record, after);
  if (isAgain && next !== null && next.at !== null) patch(draft, position, { history: next.history });
}

/**
 * What outlives a run that ended by itself is let be while nothing follows, as supervisord does (`service nginx start`),
 * but must not be in the way of the next try.
 */
function noteLeft(draft: Draft, position: number, { spec, state }: ProgramRecord, leader: Pid): void {
  if (state.name === "BACKOFF")
    draft.effects.push({ type: "kill-rest", id: spec.id, signal: SIGNALS.KILL, except: null });
  if (state.name === "FATAL" || (state.name === "EXITED" && state.clearing === null))
    patch(draft, position, { leftBy: leader });
}

function onGroupGone(draft: Draft, event: Extract<SystemEvent, { type: "group-gone" }>): void {
  const position = positionOf(draft, event.id);
  if (draft.programs[position]?.leftBy === event.pid) patch(draft, position, { leftBy: null });
  changeProgram(draft, position, event);
}

/** Whether the end of a run leads to another, now or later. */
function willRestart(before: ProgramRecord, { state, pending, restarts }: ProgramRecord): boolean {
  if (state.name === "EXITED") return state.restartAt !== null || pending !== null;
  return state.name === "STARTING" && restarts > before.restarts;
}

function onForward(draft: Draft, event: Extract<SystemEvent, { type: "forward" }>): void {
  for (let i = 0; i < draft.programs.length; i++) {
    const spec = draft.programs[i]?.spec;
    const passes = draft.plan.passthrough && spec?.kind === "main";
    const signal = spec?.forwardSignals.get(event.signal) ?? (passes ? event.signal : undefined);
    if (signal !== undefined) changeProgram(draft, i, { type: "signal", signal });
  }
}
