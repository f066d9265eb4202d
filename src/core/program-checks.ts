/**
 * What the checks of a process say and what follows: `ready`, `live`, the watchdog, `runtime_max_secs`. One that is late or
 * unhealthy is stopped, and started again or given up as its spec has it.
 */
import type { Effect, RestartReason } from "./effect.ts";
import { failureOf } from "./program-run.ts";
import { onStop, stop } from "./program-stop.ts";
import type { ProgramSpec, ReadyCheck } from "./spec.ts";
import type { Failure, Millis, Pid, ProgramState, Run } from "./states.ts";
import type { In, Move, Of } from "./transition.ts";

/** After so many results in a row a ready program no longer is; one good one makes it ready again. */
const READY_FAILURES = 3;

/** In a shutdown nothing is stopped out of its turn: no check, watchdog or run time limit ends a process any more. */
export function calm(state: ProgramState): ProgramState {
  if (state.name !== "STARTING" && state.name !== "RUNNING") return state;
  if (state.readyBy === null && state.watchdogBy === null && state.endBy === null) return state;
  return { ...state, readyBy: null, watchdogBy: null, endBy: null };
}

/**
 * The state under other keys of the process that runs. A first check finds the program ready until it says otherwise; a
 * check that is no more holds nobody back; another one has its own time.
 */
export function adjust(
  before: ProgramSpec,
  after: ProgramSpec,
  state: ProgramState,
  now: Millis,
): ProgramState {
  if (state.name !== "STARTING" && state.name !== "RUNNING") return state;
  const forgotten = { ...state, readyFailures: 0, readyReason: "" };
  if (after.ready === null)
    return before.ready === null ? state : { ...forgotten, ready: true, readyBy: null };
  if (before.ready === null || state.readyBy === null || isSameCheck(before.ready, after.ready)) return state;
  return { ...forgotten, readyBy: now + after.ready.deadline * 1000 };
}

function isSameCheck(a: ReadyCheck, b: ReadyCheck): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function onProbed(spec: ProgramSpec, state: ProgramState, event: Of<"probed">, now: Millis): Move {
  if (state.name !== "STARTING" && state.name !== "RUNNING") return [state, []];
  if (state.pid !== event.pid || (state.name === "STARTING" && state.stage === "pre")) return [state, []];
  return event.check === "ready" ? onReadyProbed(spec, state, event) : onLiveProbed(spec, state, event, now);
}

function onReadyProbed(spec: ProgramSpec, state: In<"STARTING" | "RUNNING">, event: Of<"probed">): Move {
  if (spec.ready === null) return [state, []];
  const { ok, reason } = event;
  const told = (ready: boolean): Effect[] =>
    state.name === "RUNNING"
      ? [{ type: "journal", entry: { type: "ready", id: spec.id, ready, reason } }]
      : [];
  if (ok) {
    const passing = { readyFailures: 0, readyReason: "" };
    if (state.ready) return [state.readyFailures === 0 ? state : { ...state, ...passing }, []];
    return [{ ...state, ...passing, ready: true, readyBy: null }, told(true)];
  }
  const { kind } = spec.ready.way;
  const isAsked = kind === "http" || kind === "tcp" || kind === "exec";
  const readyFailures = state.readyFailures + 1;
  const failing = { readyFailures, readyReason: reason };
  if (!state.ready || (isAsked && readyFailures < READY_FAILURES)) return [{ ...state, ...failing }, []];
  return [{ ...state, ...failing, ready: false }, told(false)];
}

function onLiveProbed(
  spec: ProgramSpec,
  state: In<"STARTING" | "RUNNING">,
  event: Of<"probed">,
  now: Millis,
): Move {
  if (spec.live === null || state.name !== "RUNNING") return [state, []];
  if (event.ok) return [state.liveFailures === 0 ? state : { ...state, liveFailures: 0 }, []];
  const liveFailures = state.liveFailures + 1;
  if (liveFailures < spec.live.failures) return [{ ...state, liveFailures }, []];
  const times = liveFailures === 1 ? "time" : "times";
  const reason = `its live check failed ${liveFailures} ${times}: ${event.reason}`;
  return unhealthy(spec, state, "liveness", reason, now);
}

export function onWatchdog(spec: ProgramSpec, state: ProgramState, event: Of<"watchdog">, now: Millis): Move {
  if (state.name !== "RUNNING" || state.pid !== event.pid) return [state, []];
  if (event.trigger) return unhealthy(spec, state, "watchdog", "it sent WATCHDOG=trigger", now);
  if (spec.watchdogSecs === null) return [state, []];
  return [{ ...state, watchdogBy: now + spec.watchdogSecs * 1000 }, []];
}

export function onRenew(spec: ProgramSpec, state: ProgramState, event: Of<"renew">, now: Millis): Move {
  const { restart, reason } = event;
  if (state.name !== "STARTING" && state.name !== "RUNNING") return [state, []];
  const told: Effect[] =
    reason === null ? [] : [{ type: "journal", entry: { type: "unhealthy", id: spec.id, reason } }];
  const [next, effects] = onStop(spec, state, now);
  return [next, [...told, ...effects, { type: "again", restart }]];
}

/**
 * Its checks ask for another process. A run of a oneshot has failed with that, and the next one of a schedule comes in its
 * own time.
 */
export function unhealthy(
  spec: ProgramSpec,
  state: In<"RUNNING">,
  restart: RestartReason,
  reason: string,
  now: Millis,
): Move {
  if (spec.type !== "oneshot") return onRenew(spec, state, { type: "renew", restart, reason }, now);
  const failure = spec.schedule === null ? failureOf(state, reason, 1) : null;
  return stopUnhealthy(spec, state, state.pid, reason, failure, now);
}

/** Stopped because of what its checks say. */
function stopUnhealthy(
  spec: ProgramSpec,
  state: In<"STARTING" | "RUNNING">,
  pid: Pid,
  reason: string,
  failure: Failure | null,
  now: Millis,
): Move {
  const [next, effects] = stop(spec, state, pid, spec.stopCommand, failure, now);
  return [next, [{ type: "journal", entry: { type: "unhealthy", id: spec.id, reason } }, ...effects]];
}

export function runtimeOver(spec: ProgramSpec, state: In<"RUNNING">, now: Millis): Move {
  const reason = `it has run for ${spec.runtimeMaxSecs} s (runtime_max_secs)`;
  if (spec.type === "simple" && spec.autorestart === "never")
    return stopUnhealthy(spec, state, state.pid, reason, null, now);
  return unhealthy(spec, state, "runtime", reason, now);
}

export function isLate(run: Run, now: Millis): boolean {
  return run.readyBy !== null && run.readyBy <= now;
}

/** `ready_deadline` is over: a failed start, as if it had ended by itself. */
export function notReady(spec: ProgramSpec, state: In<"STARTING" | "RUNNING">, pid: Pid, now: Millis): Move {
  const last = state.readyReason === "" ? "" : `: ${state.readyReason}`;
  const reason = `not ready within ${spec.ready?.deadline ?? 0} s (ready_deadline)${last}`;
  return stopUnhealthy(spec, state, pid, reason, failureOf(state, reason, 1), now);
}
