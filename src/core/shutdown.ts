/**
 * The end, in order: drain, stop tier by tier from the last to the first, sweep what is left of the
 * container, exit. Every wait in here has a deadline or is for a process that SIGKILL is repeated to, but one:
 * the tini-like form without `shutdown_timeout` waits for main as long as main likes.
 */

import { neededBy } from "./conditions.ts";
import { changeProgram, type Draft, decide, patch, say, stopRest } from "./draft.ts";
import type { SystemEvent } from "./event.ts";
import { outcomeOfBlame, outcomeOfFault, outcomeOfKilledMain, outcomeOfRequest } from "./outcome.ts";
import { compareTiers, type Tier } from "./plan.ts";
import { calm } from "./program-checks.ts";
import { SIGNALS, type Signal } from "./signal-names.ts";
import type { ProgramId } from "./spec.ts";
import { type Millis, pidOf } from "./states.ts";
import type { ProgramRecord, Shutdown, System } from "./system.ts";

/** As a signal: kill(2) then only asks. */
const NONE = 0;
/**
 * How long the rest of the container has to end by itself, after SIGTERM, and after SIGKILL. The first is for those that
 * are about to: the client that asked for the shutdown still has its answer to print.
 */
const SWEEP_WAIT_MS = 200;
const SWEEP_TERM_MS = 2000;
const SWEEP_KILL_MS = 1000;
/** How long event listeners have to deal with what the others' end told them, before they are stopped themselves. */
const LISTEN_MS = 1000;
/** After a fault of tsinit itself nothing is waited for longer. */
const FAULT_MS = 5000;

/** What asks for a shutdown. */
export interface ShutdownWish {
  readonly cause: string;
  /** Whether `drain_seconds` applies: somebody asked, and the programs are fine. */
  readonly drains: boolean;
  readonly hurries: boolean;
  /** Whether main is left to end by itself in the tini-like form. */
  readonly passes: boolean;
  /** At most so long until everything is killed; null: `shutdown_timeout` alone. */
  readonly within: Millis | null;
}

/** When the shutdown itself next needs a `time` event. */
export function shutdownDeadline(system: System): Millis | null {
  const { phase, shutdown } = system;
  if (shutdown === null) return null;
  if (phase === "sweeping") return shutdown.sweepUntil;
  if (phase === "draining") return earlier(shutdown.killAt, shutdown.drainUntil);
  const { listening } = shutdown;
  return earlier(shutdown.killAt, listening === null || listening === "over" ? null : listening.until);
}

/** A second one changes nothing, unless it hurries. */
export function onShutdown(draft: Draft, event: Extract<SystemEvent, { type: "shutdown" }>): void {
  const { cause, hurry, blame = null } = event;
  const isPatient = draft.plan.passthrough && draft.plan.global.shutdownTimeout === null;
  if (draft.shutdown === null) {
    const outcome = draft.plan.passthrough ? null : outcomeOfBlame(draft.programs, blame, cause);
    if (outcome !== null) decide(draft, outcome);
    draft.wish = { cause, drains: !hurry, hurries: hurry && !isPatient, passes: true, within: null };
    return;
  }
  if (!hurry || draft.shutdown.killed || (draft.shutdown.passthrough && isPatient)) return;
  killEverything(draft, "hurry");
}

/** Nobody knows what is still right: 70, unless the end was decided already, and soon. */
export function onFault(draft: Draft, reason: string): void {
  decide(draft, outcomeOfFault(reason));
  if (draft.shutdown === null) {
    const cause = `a fault of tsinit: ${reason}`;
    draft.wish = { cause, drains: false, hurries: false, passes: false, within: FAULT_MS };
    return;
  }
  const killAt = earlier(draft.shutdown.killAt, draft.now + FAULT_MS);
  const drainUntil = draft.shutdown.drainUntil === null ? null : draft.now;
  draft.shutdown = { ...draft.shutdown, killAt, drainUntil, passthrough: false };
}

/** From here on nothing is spawned. */
export function beginShutdown(draft: Draft, wish: ShutdownWish): void {
  const { shutdownTimeout, drainSeconds } = draft.plan.global;
  const passthrough = draft.plan.passthrough && wish.passes;
  const limit = shutdownTimeout === null ? null : draft.now + shutdownTimeout * 1000;
  const drains = wish.drains && drainSeconds > 0 && !passthrough;
  draft.wish = null;
  draft.shutdown = {
    cause: wish.cause,
    passthrough,
    drainUntil: drains ? draft.now + drainSeconds * 1000 : null,
    killAt: earlier(limit, wish.within === null ? null : draft.now + wish.within),
    killed: false,
    listening: null,
    sweepUntil: null,
    sweepSignal: null,
  };
  if (drains && draft.programs.some(hasProcess)) {
    draft.phase = "draining";
    say(draft, { type: "draining", seconds: drainSeconds });
    standDownAll(draft);
  } else startStopping(draft);
  if (wish.hurries) killEverything(draft, "hurry");
}

function hasProcess({ state }: ProgramRecord): boolean {
  return state.name === "STARTING" || pidOf(state) !== null;
}

function standDownAll(draft: Draft): void {
  for (let i = 0; i < draft.programs.length; i++) standDown(draft, i);
}

/** What only wants to start will not: the wait for a tier or for the next try is over. */
function standDown(draft: Draft, position: number): void {
  const record = draft.programs[position];
  if (record === undefined) return;
  if (record.pending !== null || record.queued || record.blocked !== null || record.stopDue !== null)
    patch(draft, position, { pending: null, queued: false, blocked: null, stuck: false, stopDue: null });
  const state = calm(record.state);
  if (state !== record.state) patch(draft, position, { state });
  if (state.name === "BACKOFF" || (state.name === "EXITED" && state.restartAt !== null))
    changeProgram(draft, position, { type: "stop" });
}

function startStopping(draft: Draft): void {
  draft.phase = "stopping";
  const cause = draft.shutdown?.cause ?? "";
  say(draft, { type: "stopping", cause, code: draft.outcome?.code ?? 0 });
  standDownAll(draft);
  const ids = unsettled(draft);
  if (ids.length > 0) say(draft, { type: "waiting", ids });
}

/** Takes the shutdown as far as it goes without anything more from outside. */
export function advance(draft: Draft): void {
  const isOver = (at: Millis | null | undefined): boolean => typeof at === "number" && at <= draft.now;
  if (draft.phase !== "sweeping" && isOver(draft.shutdown?.killAt)) killEverything(draft, "deadline");
  if (draft.phase === "draining" && (isOver(draft.shutdown?.drainUntil) || unsettled(draft).length === 0))
    startStopping(draft);
  if (draft.phase === "stopping") {
    const isEmpty = draft.shutdown?.passthrough ? !isMainAlive(draft) : !stopLastTier(draft);
    if (isEmpty) sweep(draft, NONE);
  }
  if (draft.phase !== "sweeping" || !isOver(draft.shutdown?.sweepUntil)) return;
  const signal = draft.shutdown?.sweepSignal;
  if (signal === SIGNALS.KILL) finish(draft);
  else sweep(draft, signal === NONE ? SIGNALS.TERM : SIGNALS.KILL);
}

/** Nothing to wait for: it has no process and left none behind, or one that cannot be signalled. */
function isSettled({ state, leftBy }: ProgramRecord): boolean {
  if (leftBy !== null) return false;
  switch (state.name) {
    case "STOPPED":
    case "EXITED":
    case "FATAL":
    case "UNKNOWN":
      return true;
    case "STARTING":
    case "RUNNING":
    case "BACKOFF":
    case "STOPPING":
      return false;
  }
}

function unsettled(draft: Draft): ProgramId[] {
  return draft.programs.filter((record) => !isSettled(record)).map((record) => record.spec.id);
}

/**
 * Stops every member of the last tier that still has one alive, but for those that others still depend on: these go
 * first. False when nobody is alive.
 */
function stopLastTier(draft: Draft): boolean {
  const last = draft.programs.findLastIndex((record) => !isSettled(record));
  const tier = draft.programs[last]?.tier;
  if (tier === undefined) return false;
  if (isListening(draft, tier)) return true;
  const needed = neededBy(
    draft,
    draft.programs.filter((record) => !isSettled(record)),
  );
  const isMember = (record: ProgramRecord): boolean => compareTiers(record.tier, tier) === 0;
  const isUp = ({ state, leftBy }: ProgramRecord): boolean =>
    leftBy !== null || state.name === "STARTING" || state.name === "RUNNING";
  const alive = draft.programs.filter((record) => isMember(record) && !isSettled(record));
  const free = alive.filter((record) => isUp(record) && !needed.has(record.spec.id));
  // In a circle everybody is needed: then nobody is spared.
  const isStuck = free.length === 0 && alive.every(isUp);
  for (const { spec } of (isStuck ? alive : free).reverse()) {
    const position = draft.index.get(spec.id) ?? -1;
    if (!stopRest(draft, position)) changeProgram(draft, position, { type: "stop" });
  }
  return true;
}

/**
 * Whether the listeners of the last tier are still given time: TERM would hit them in the middle of the others' STOPPED
 * events. Only where the tier has nobody else, and once in a shutdown.
 */
function isListening(draft: Draft, tier: Tier): boolean {
  const { shutdown } = draft;
  if (shutdown === null || shutdown.killed || shutdown.listening === "over") return false;
  if (shutdown.listening !== null) {
    if (shutdown.listening.until > draft.now) return true;
    draft.shutdown = { ...shutdown, listening: "over" };
    return false;
  }
  const members = draft.programs.filter(
    (record) => compareTiers(record.tier, tier) === 0 && !isSettled(record),
  );
  if (!members.every(({ spec, state }) => spec.kind === "eventlistener" && state.name === "RUNNING"))
    return false;
  draft.shutdown = { ...shutdown, listening: { until: draft.now + LISTEN_MS } };
  draft.effects.push({ type: "await-listeners" });
  return true;
}

/** Their work is done: no need to wait longer. */
export function onListenersIdle(draft: Draft): void {
  const { shutdown } = draft;
  if (shutdown === null || shutdown.listening === null || shutdown.listening === "over") return;
  draft.shutdown = { ...shutdown, listening: { until: draft.now } };
}

function mainOf(draft: Draft): ProgramRecord | undefined {
  return draft.programs.find((record) => record.spec.kind === "main");
}

function isMainAlive(draft: Draft): boolean {
  const main = mainOf(draft);
  return main !== undefined && hasProcess(main);
}

/** No more order and no more waiting: SIGKILL to every group, then to whatever else there is. */
function killEverything(draft: Draft, why: "deadline" | "hurry"): void {
  if (draft.shutdown === null) return;
  if (draft.phase === "draining") startStopping(draft);
  say(draft, { type: why, ids: unsettled(draft) });
  draft.shutdown = { ...draft.shutdown, killed: true };
  for (let i = draft.programs.length - 1; i >= 0; i--) changeProgram(draft, i, { type: "kill" });
  if (draft.shutdown.sweepSignal !== SIGNALS.KILL) sweep(draft, SIGNALS.KILL);
}

function sweep(draft: Draft, signal: Signal | typeof NONE): void {
  if (draft.shutdown === null) return;
  const millis = signal === NONE ? SWEEP_WAIT_MS : signal === SIGNALS.TERM ? SWEEP_TERM_MS : SWEEP_KILL_MS;
  draft.phase = "sweeping";
  draft.shutdown = {
    ...draft.shutdown,
    sweepUntil: draft.now + millis,
    sweepSignal: signal,
  } satisfies Shutdown;
  if (signal !== NONE) say(draft, { type: "sweeping", signal });
  draft.effects.push({ type: "sweep", signal });
}

function finish(draft: Draft): void {
  const main = mainOf(draft);
  if (draft.shutdown?.passthrough && main !== undefined && isMainAlive(draft))
    decide(draft, outcomeOfKilledMain(main));
  decide(draft, outcomeOfRequest(draft.shutdown?.cause ?? ""));
  draft.phase = "ended";
  if (draft.outcome !== null) draft.effects.push({ type: "exit", outcome: draft.outcome });
}

function earlier(a: Millis | null, b: Millis | null): Millis | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
