/**
 * One program's machine: supervisord's states and transitions (supervisord.md 7), as a function of the
 * state, what happened, and the time. It knows no other program; whether it may start at all is decided in
 * system.ts.
 */
import { describeStatus, TOO_QUICK } from "./describe.ts";
import type { Effect, JournalEntry, RestartReason } from "./effect.ts";
import type { SystemEvent } from "./event.ts";
import { backoffMillis, type NextRestart } from "./restart.ts";
import { SIGNALS, type Signal } from "./signal-names.ts";
import type { ProgramId, ProgramSpec, ReadyCheck } from "./spec.ts";
import {
  type ExitStatus,
  exitCode,
  type Failure,
  type Millis,
  type Pid,
  type ProgramState,
  type Run,
} from "./states.ts";

export type ProgramEvent =
  /** From boot, an operator, or a reload; `restart` is what it counts as. */
  | { readonly type: "start"; readonly restart: RestartReason | null }
  /** `mayStart`: whatever it depends on is as it should be. */
  | { readonly type: "time"; readonly mayStart: boolean }
  | { readonly type: "spawned"; readonly pid: Pid }
  | { readonly type: "spawn-failed"; readonly reason: string; readonly code: number }
  /** `next`: when it may start again; null once a shutdown has begun. `mayStart`: as for time. */
  | {
      readonly type: "exited";
      readonly pid: Pid;
      readonly status: ExitStatus;
      readonly groupAlive: boolean;
      readonly next: NextRestart | null;
      readonly mayStart: boolean;
    }
  | Omit<Extract<SystemEvent, { type: "probed" }>, "id">
  | Omit<Extract<SystemEvent, { type: "watchdog" }>, "id">
  | Omit<Extract<SystemEvent, { type: "extend" }>, "id">
  | Omit<Extract<SystemEvent, { type: "main-pid" }>, "id">
  | Omit<Extract<SystemEvent, { type: "stop-command-failed" }>, "id">
  | { readonly type: "group-gone" }
  /** Its end was told before; what it left behind, members of the group `pid` and others, is stopped. */
  | { readonly type: "stop-rest"; readonly pid: Pid }
  | { readonly type: "kill-failed"; readonly reason: string }
  | { readonly type: "stop" }
  /** Stopped to be started again; `reason` when its checks ask for it. */
  | { readonly type: "renew"; readonly restart: RestartReason; readonly reason: string | null }
  /** SIGKILL to the whole group, now. */
  | { readonly type: "kill" }
  /** To the program alone, never its group. */
  | { readonly type: "signal"; readonly signal: Signal };

type In<Name extends ProgramState["name"]> = Extract<ProgramState, { name: Name }>;
type Of<Type extends ProgramEvent["type"]> = Extract<ProgramEvent, { type: Type }>;
type Ended = Extract<JournalEntry, { type: "state" }>["ended"];
/** Asks the system to start the program again as soon as it can: after its process is gone, when its conditions hold. */
export interface Demand {
  readonly type: "again";
  readonly restart: RestartReason;
}
type Move = [ProgramState, (Effect | Demand)[]];

/** After so many results in a row a ready program no longer is; one good one makes it ready again. */
const READY_FAILURES = 3;
/** What is left of a program's group after a crash is killed before its next start; so long is waited for that. */
const CLEARING_MS = 5000;

/** When the program next needs a `time` event, or null if only an outside event can move it. */
export function deadline(state: ProgramState): Millis | null {
  switch (state.name) {
    case "STARTING":
      return state.pid === null || state.stage === "pre"
        ? null
        : earliest(state.runningAt, state.readyBy, null);
    case "RUNNING":
      return earliest(state.readyBy, state.watchdogBy, state.endBy);
    case "BACKOFF":
      return state.retryAt;
    case "STOPPING":
      return state.nextAt;
    case "EXITED":
      return state.restartAt;
    case "STOPPED":
    case "FATAL":
    case "UNKNOWN":
      return null;
  }
}

function earliest(a: Millis | null, b: Millis | null, c: Millis | null): Millis | null {
  // Asked for every program after every event: nothing is allocated.
  let first = a;
  if (b !== null && (first === null || b < first)) first = b;
  if (c !== null && (first === null || c < first)) first = c;
  return first;
}

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

/** Whether the status counts as an expected end. A death by signal never does. */
export function isExpected(spec: ProgramSpec, status: ExitStatus): boolean {
  return status.kind === "exited" && spec.exitcodes.includes(status.code);
}

/** Whether a program that ran and ended so is started again by itself. */
export function isRestarted(spec: ProgramSpec, status: ExitStatus): boolean {
  return spec.autorestart === "always" || (spec.autorestart === "unexpected" && !isExpected(spec, status));
}

/**
 * The next state and what is to be done. What does not concern the state leaves it as it is (the same
 * object).
 */
export function step(spec: ProgramSpec, state: ProgramState, event: ProgramEvent, now: Millis): Move {
  switch (event.type) {
    case "start":
      return onStart(spec, state, event, now);
    case "time":
      return onTime(spec, state, event.mayStart, now);
    case "spawned":
      return onSpawned(spec, state, event, now);
    case "spawn-failed":
      return onSpawnFailed(spec, state, event, now);
    case "exited":
      return onExited(spec, state, event, now);
    case "group-gone":
      if (state.name === "EXITED" && state.clearing !== null)
        return [{ ...state, restartAt: state.clearing, clearing: null }, []];
      if (state.name !== "STOPPING" || state.leader !== null) return [state, []];
      return stopped(spec, state, state.status, now);
    case "stop-rest":
      return onStopRest(spec, state, event, now);
    case "kill-failed":
      return onKillFailed(spec, state, event, now);
    case "probed":
      return onProbed(spec, state, event, now);
    case "watchdog":
      return onWatchdog(spec, state, event, now);
    case "extend":
      return onExtend(state, event, now);
    case "main-pid":
      return onMainPid(spec, state, event);
    case "stop-command-failed":
      if (state.name !== "STOPPING" || state.signalsSent > 0) return [state, []];
      return onStopWaited(spec, state, now);
    case "renew":
      return onRenew(spec, state, event, now);
    case "stop":
      return onStop(spec, state, now);
    case "kill":
      return onKill(spec, state, now);
    case "signal":
      return onSignal(spec, state, event);
  }
}

function onStart(spec: ProgramSpec, state: ProgramState, event: Of<"start">, now: Millis): Move {
  switch (state.name) {
    case "STOPPED":
    case "EXITED":
    case "FATAL":
      return starting(spec, state, 0, event.restart, now);
    case "BACKOFF":
      // It waited for others, not for its time.
      if (state.retryAt === null) return starting(spec, state, state.tries, event.restart, now);
      return [state, []];
    case "STOPPING":
      return [state, [{ type: "journal", entry: { type: "already-running", id: spec.id } }]];
    case "STARTING":
    case "RUNNING":
    case "UNKNOWN":
      return [state, []];
  }
}

function onTime(spec: ProgramSpec, state: ProgramState, mayStart: boolean, now: Millis): Move {
  const due = deadline(state);
  if (due === null || due > now) return [state, []];
  switch (state.name) {
    case "STARTING":
      if (state.pid === null) return [state, []];
      if (isLate(state, now)) return notReady(spec, state, state.pid, now);
      return running(spec, state, state.pid, now);
    case "RUNNING":
      if (isLate(state, now)) return notReady(spec, state, state.pid, now);
      if (state.endBy !== null && state.endBy <= now) return runtimeOver(spec, state, now);
      return unhealthy(spec, state, "watchdog", `no WATCHDOG=1 for ${spec.watchdogSecs} s`, now);
    case "BACKOFF":
      if (!mayStart) return [{ ...state, retryAt: null }, [{ type: "again", restart: "backoff" }]];
      return starting(spec, state, state.tries, "backoff", now);
    case "STOPPING":
      return onStopWaited(spec, state, now);
    case "EXITED": {
      const restart = restartReason(state.status);
      if (!mayStart) return [{ ...state, restartAt: null, clearing: null }, [{ type: "again", restart }]];
      return starting(spec, state, 0, restart, now);
    }
    case "STOPPED":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

function onSpawned(spec: ProgramSpec, state: ProgramState, event: Of<"spawned">, now: Millis): Move {
  if (state.name !== "STARTING" || state.pid !== null) return [state, []];
  const { pid } = event;
  if (state.stage === "pre") return [{ ...state, pid }, []];
  const readyBy = spec.ready === null ? null : now + spec.ready.deadline * 1000;
  const next: In<"STARTING"> = {
    ...state,
    pid,
    startedAt: now,
    runningAt: now + spec.startsecs * 1000,
    ready: spec.ready === null,
    readyBy,
  };
  const effects: Effect[] = [{ type: "journal", entry: { type: "spawned", id: spec.id, pid } }];
  if (spec.startsecs > 0) return [next, effects];
  const [up, more] = running(spec, next, pid, now);
  return [up, [...effects, ...more]];
}

function onSpawnFailed(spec: ProgramSpec, state: ProgramState, event: Of<"spawn-failed">, now: Millis): Move {
  if (state.name !== "STARTING" || state.pid !== null) return [state, []];
  const { reason, code } = event;
  const [next, effects] = failedStart(spec, state, failureOf(state, reason, code), null, now);
  return [next, [{ type: "journal", entry: { type: "spawn-error", id: spec.id, reason } }, ...effects]];
}

function onExited(spec: ProgramSpec, state: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status } = event;
  switch (state.name) {
    case "STARTING": {
      if (state.pid !== pid) return [state, []];
      if (state.stage === "pre") return preEnded(spec, state, event, now);
      if (now >= state.runningAt) {
        const [up, effects] = running(spec, state, pid, now);
        const [next, more] = ranAndEnded(spec, up, event, now);
        return [next, [...effects, ...more]];
      }
      if (spec.type === "oneshot") return ranAndEnded(spec, state, event, now);
      const ended = { pid, status, expected: false, tooQuick: true };
      return failedStart(spec, state, failureOf(state, TOO_QUICK, exitCode(status)), ended, now);
    }
    case "RUNNING":
      return state.pid === pid ? ranAndEnded(spec, state, event, now) : [state, []];
    case "STOPPING":
      if (state.leader !== pid) return [state, []];
      return event.groupAlive ? leaderGone(spec, state, status) : stopped(spec, state, status, now);
    case "UNKNOWN":
      return state.pid === pid ? stopped(spec, state, status, now) : [state, []];
    case "STOPPED":
    case "BACKOFF":
    case "EXITED":
    case "FATAL":
      return [state, []];
  }
}

function onKillFailed(spec: ProgramSpec, state: ProgramState, event: Of<"kill-failed">, now: Millis): Move {
  if (state.name !== "STARTING" && state.name !== "RUNNING" && state.name !== "STOPPING") return [state, []];
  const { pid } = state;
  if (pid === null) return [state, []];
  const { reason } = event;
  const told: Effect = { type: "journal", entry: { type: "kill-error", id: spec.id, pid, reason } };
  // The program itself is gone and what is left of its group is out of reach: there is no exit to wait for.
  if (state.name === "STOPPING" && state.leader === null) {
    const [next, effects] = stopped(spec, state, state.status, now);
    return [next, [told, ...effects]];
  }
  const [next, effects] = moved(spec, state, { name: "UNKNOWN", pid, reason });
  return [next, [told, ...effects]];
}

function onStop(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
  switch (state.name) {
    case "STARTING":
    case "RUNNING": {
      // Without a pid there is nothing to signal yet: system.ts stops it when the spawn is answered.
      if (state.pid === null) return [state, []];
      const isProgram = state.name === "RUNNING" || state.stage === "main";
      return stop(spec, state, state.pid, isProgram ? spec.stopCommand : null, null, now);
    }
    case "BACKOFF":
      return moved(spec, state, { name: "STOPPED" });
    case "EXITED":
      return state.restartAt === null ? [state, []] : moved(spec, state, { name: "STOPPED" });
    case "STOPPING":
      // Whoever stops it now wants no more of its tries.
      return [state.failure === null ? state : { ...state, failure: null }, []];
    case "STOPPED":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

/** Gone as a process, but not as a program: it is stopped as if its leader had ended just now. */
function onStopRest(spec: ProgramSpec, state: ProgramState, { pid }: Of<"stop-rest">, now: Millis): Move {
  if (state.name !== "STOPPED" && state.name !== "EXITED" && state.name !== "FATAL") return [state, []];
  const { id } = spec;
  const next = { ...stopping(pid, now, 1, now + spec.stopwaitsecs * 1000, null), leader: null };
  const [, effects] = moved(spec, state, next);
  return [
    next,
    [
      { type: "journal", entry: { type: "left-behind", id } },
      ...effects,
      { type: "watch-group", id, pid },
      { type: "kill-rest", id, signal: signalAt(spec, 1), except: null },
    ],
  ];
}

/** The first step of a stop: `stop_command` if there is one, else the first signal. */
function stop(
  spec: ProgramSpec,
  state: ProgramState,
  pid: Pid,
  command: ProgramSpec["stopCommand"],
  failure: Failure | null,
  now: Millis,
): Move {
  const { id } = spec;
  const next = stopping(pid, now, command === null ? 1 : 0, now + spec.stopwaitsecs * 1000, failure);
  const [, effects] = moved(spec, state, next);
  if (command !== null) return [next, [...effects, { type: "stop-command", id, pid }]];
  return [next, [...effects, kill(id, pid, signalAt(spec, 1), spec.stopasgroup)]];
}

function onRenew(spec: ProgramSpec, state: ProgramState, event: Of<"renew">, now: Millis): Move {
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
function unhealthy(
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

function runtimeOver(spec: ProgramSpec, state: In<"RUNNING">, now: Millis): Move {
  const reason = `it has run for ${spec.runtimeMaxSecs} s (runtime_max_secs)`;
  if (spec.type === "simple" && spec.autorestart === "never")
    return stopUnhealthy(spec, state, state.pid, reason, null, now);
  return unhealthy(spec, state, "runtime", reason, now);
}

function isLate(run: Run, now: Millis): boolean {
  return run.readyBy !== null && run.readyBy <= now;
}

/** `ready_deadline` is over: a failed start, as if it had ended by itself. */
function notReady(spec: ProgramSpec, state: In<"STARTING" | "RUNNING">, pid: Pid, now: Millis): Move {
  const last = state.readyReason === "" ? "" : `: ${state.readyReason}`;
  const reason = `not ready within ${spec.ready?.deadline ?? 0} s (ready_deadline)${last}`;
  return stopUnhealthy(spec, state, pid, reason, failureOf(state, reason, 1), now);
}

function onProbed(spec: ProgramSpec, state: ProgramState, event: Of<"probed">, now: Millis): Move {
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

function onWatchdog(spec: ProgramSpec, state: ProgramState, event: Of<"watchdog">, now: Millis): Move {
  if (state.name !== "RUNNING" || state.pid !== event.pid) return [state, []];
  if (event.trigger) return unhealthy(spec, state, "watchdog", "it sent WATCHDOG=trigger", now);
  if (spec.watchdogSecs === null) return [state, []];
  return [{ ...state, watchdogBy: now + spec.watchdogSecs * 1000 }, []];
}

/** Never shortens a wait. */
function onExtend(state: ProgramState, event: Of<"extend">, now: Millis): Move {
  const until = now + event.millis;
  const later = (time: Millis | null): Millis | null => (time === null ? null : Math.max(time, until));
  switch (state.name) {
    case "STARTING":
      if (state.pid !== event.pid) return [state, []];
      return [{ ...state, readyBy: later(state.readyBy) }, []];
    case "RUNNING": {
      if (state.pid !== event.pid) return [state, []];
      const { readyBy, watchdogBy, endBy } = state;
      return [{ ...state, readyBy: later(readyBy), watchdogBy: later(watchdogBy), endBy: later(endBy) }, []];
    }
    case "STOPPING":
      if (state.leader !== event.pid) return [state, []];
      return [{ ...state, nextAt: Math.max(state.nextAt, until) }, []];
    case "STOPPED":
    case "BACKOFF":
    case "EXITED":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

function onMainPid(spec: ProgramSpec, state: ProgramState, event: Of<"main-pid">): Move {
  if (state.name !== "STARTING" && state.name !== "RUNNING") return [state, []];
  if (state.pid !== event.pid || event.mainPid === event.pid) return [state, []];
  const { pid, mainPid } = event;
  const entry: JournalEntry = { type: "main-pid", id: spec.id, from: pid, to: mainPid };
  return [{ ...state, pid: mainPid }, [{ type: "journal", entry }]];
}

/** A waiting time of the stop is over: the next signal of the list, and SIGKILL from the end of it on. */
function onStopWaited(spec: ProgramSpec, state: In<"STOPPING">, now: Millis): Move {
  const { id } = spec;
  const signalsSent = state.signalsSent + 1;
  if (state.leader === null) return onRestWaited(spec, state, now);
  if (signalsSent <= spec.stopsignals.length) {
    const next = { ...state, signalsSent, nextAt: now + spec.stopwaitsecs * 1000 };
    return [next, [kill(id, state.pid, signalAt(spec, signalsSent), spec.stopasgroup)]];
  }
  return [
    { ...state, signalsSent: afterKill(spec, state.signalsSent), nextAt: nextKillAt(spec, now) },
    [killing(spec, state, spec.killasgroup, now), kill(id, state.pid, SIGNALS.KILL, spec.killasgroup)],
  ];
}

/** The leader is gone, and what it left behind has had its time. What SIGKILL does not end is not waited for. */
function onRestWaited(spec: ProgramSpec, state: In<"STOPPING">, now: Millis): Move {
  const { id } = spec;
  if (state.signalsSent > spec.stopsignals.length) return stopped(spec, state, state.status, now);
  return [
    { ...state, signalsSent: afterKill(spec, state.signalsSent), nextAt: now + CLEARING_MS },
    [killing(spec, state, true, now), { type: "kill-rest", id, signal: SIGNALS.KILL, except: null }],
  ];
}

function killing(spec: ProgramSpec, state: In<"STOPPING">, group: boolean, now: Millis): Effect {
  const waitedSeconds = Math.round((now - state.begunAt) / 1000);
  return { type: "journal", entry: { type: "killing", id: spec.id, pid: state.pid, waitedSeconds, group } };
}

function onKill(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
  switch (state.name) {
    case "STARTING":
    case "RUNNING": {
      if (state.pid === null) return [state, []];
      const next = stopping(state.pid, now, afterKill(spec, 0), nextKillAt(spec, now), null);
      const [, effects] = moved(spec, state, next);
      return [next, [...effects, kill(spec.id, state.pid, SIGNALS.KILL, true)]];
    }
    case "STOPPING":
      return [
        {
          ...state,
          signalsSent: afterKill(spec, state.signalsSent),
          nextAt: nextKillAt(spec, now),
          failure: null,
        },
        [
          state.leader === null
            ? { type: "kill-rest", id: spec.id, signal: SIGNALS.KILL, except: null }
            : kill(spec.id, state.pid, SIGNALS.KILL, true),
        ],
      ];
    case "BACKOFF":
    case "EXITED":
      return onStop(spec, state, now);
    case "STOPPED":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

function onSignal(spec: ProgramSpec, state: ProgramState, event: Of<"signal">): Move {
  switch (state.name) {
    case "STARTING":
    case "RUNNING":
      return [state, state.pid === null ? [] : [kill(spec.id, state.pid, event.signal, false)]];
    case "STOPPING":
      return [state, state.leader === null ? [] : [kill(spec.id, state.leader, event.signal, false)]];
    case "STOPPED":
    case "BACKOFF":
    case "EXITED":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

function starting(
  spec: ProgramSpec,
  from: ProgramState,
  tries: number,
  restart: RestartReason | null,
  now: Millis,
): Move {
  const stage = spec.preStart === null ? "main" : "pre";
  const next: ProgramState = {
    name: "STARTING",
    stage,
    pid: null,
    tries,
    startedAt: now,
    runningAt: now + spec.startsecs * 1000,
    ready: spec.ready === null,
    readyBy: null,
    readyFailures: 0,
    readyReason: "",
    liveFailures: 0,
    watchdogBy: null,
    endBy: null,
  };
  const [, effects] = moved(spec, from, next, restart);
  return [next, [...effects, { type: "spawn", id: spec.id, stage }]];
}

function running(spec: ProgramSpec, from: In<"STARTING">, pid: Pid, now: Millis): Move {
  const { stage: _stage, runningAt: _runningAt, name: _name, ...run } = from;
  const next: ProgramState = {
    ...run,
    name: "RUNNING",
    pid,
    watchdogBy: spec.watchdogSecs === null ? null : now + spec.watchdogSecs * 1000,
    endBy: spec.runtimeMaxSecs === null ? null : from.startedAt + spec.runtimeMaxSecs * 1000,
  };
  const [, effects] = moved(spec, from, next);
  if (spec.ready === null || !next.ready) return [next, effects];
  return [
    next,
    [...effects, { type: "journal", entry: { type: "ready", id: spec.id, ready: true, reason: "" } }],
  ];
}

/** `start_command_pre` ended: the program itself, or a failed start. */
function preEnded(spec: ProgramSpec, from: In<"STARTING">, event: Of<"exited">, now: Millis): Move {
  const { pid, status, next } = event;
  // A shutdown has begun: the program itself is not started any more.
  if (next === null)
    return moved(spec, from, { name: "STOPPED" }, null, { pid, status, expected: true, tooQuick: false });
  const isFine = status.kind === "exited" && status.code === 0;
  if (isFine && !event.mayStart) {
    // It is held as a try would be, and begins with this again.
    const reason = "what it depends on went away during start_command_pre";
    const held: ProgramState = { name: "BACKOFF", tries: from.tries, retryAt: null, reason, code: 1 };
    const [, effects] = moved(spec, from, held, null, { pid, status, expected: true, tooQuick: false });
    return [held, [...effects, { type: "again", restart: "backoff" }]];
  }
  if (isFine) return [{ ...from, stage: "main", pid: null }, [{ type: "spawn", id: spec.id, stage: "main" }]];
  const reason = `start_command_pre failed: ${describeStatus(status)}`;
  const ended = { pid, status, expected: false, tooQuick: false };
  return failedStart(spec, from, failureOf(from, reason, exitCode(status)), ended, now);
}

function failureOf(run: Run, reason: string, code: number): Failure {
  return { tries: run.tries + 1, reason, code };
}

/**
 * A start that did not last: one more try later, or given up in the same step (supervisord needs one more
 * pass).
 */
function failedStart(
  spec: ProgramSpec,
  from: ProgramState,
  failure: Failure,
  ended: Ended,
  now: Millis,
): Move {
  const { tries, reason, code } = failure;
  if (tries === null) return moved(spec, from, { name: "FATAL", reason, code }, null, ended);
  const retryAt = now + backoffMillis(spec, tries, now);
  const backoff: ProgramState = { name: "BACKOFF", tries, retryAt, reason, code };
  const [, effects] = moved(spec, from, backoff, null, ended);
  if (spec.startretries < 0 || tries <= spec.startretries) return [backoff, effects];
  const [fatal, more] = moved(spec, backoff, { name: "FATAL", reason, code });
  return [fatal, [...effects, ...more]];
}

/** It ended by itself. A oneshot that fails was not started well, however long it took: its tries are counted. */
function ranAndEnded(spec: ProgramSpec, from: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status } = event;
  const isRun = from.name === "STARTING" || from.name === "RUNNING";
  if (!isRun || spec.type !== "oneshot" || spec.schedule !== null || isExpected(spec, status))
    return exited(spec, from, event, now);
  const failure = failureOf(from, describeStatus(status), exitCode(status));
  return failedRun(spec, from, failure, { pid, status, expected: false, tooQuick: false }, now);
}

/** Of a oneshot: `autorestart=false` is one try. */
function failedRun(spec: ProgramSpec, from: ProgramState, failure: Failure, ended: Ended, now: Millis): Move {
  if (spec.autorestart !== "never") return failedStart(spec, from, failure, ended, now);
  return moved(spec, from, { name: "FATAL", reason: failure.reason, code: failure.code }, null, ended);
}

/** It ran and ended by itself: EXITED, and by its policy started again, in the same step if nothing stands against it. */
function exited(spec: ProgramSpec, from: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status, next: policy, mayStart } = event;
  const expected = isExpected(spec, status);
  const isWanted = isRestarted(spec, status);
  const ended = { pid, status, expected, tooQuick: false };
  const over: ProgramState = { name: "EXITED", status, expected, restartAt: null, clearing: null };
  const [, effects] = moved(spec, from, over, null, ended);
  // A oneshot is done, and a schedule says itself when the next run is.
  if (!isWanted || policy === null || spec.schedule !== null) return [over, effects];
  if (policy.at === null) {
    const [fatal, more] = moved(spec, over, { name: "FATAL", reason: policy.reason, code: exitCode(status) });
    return [fatal, [...effects, ...more]];
  }
  if (event.groupAlive) {
    // The next start would find their port taken: they go first.
    const clear: Effect[] = [
      { type: "watch-group", id: spec.id, pid },
      { type: "kill-rest", id: spec.id, signal: SIGNALS.KILL, except: null },
    ];
    const restartAt = Math.max(policy.at, now + CLEARING_MS);
    return [{ ...over, restartAt, clearing: policy.at }, [...effects, ...clear]];
  }
  const restart = restartReason(status);
  if (policy.at > now) return [{ ...over, restartAt: policy.at }, effects];
  if (!mayStart) return [over, [...effects, { type: "again", restart }]];
  const [again, more] = starting(spec, over, 0, restart, now);
  return [again, [...effects, ...more]];
}

/**
 * The program ended while being stopped, members of its group or descendants that left it have not: it is stopped when
 * they are gone too. Not before its end: a program that ends well ends its workers itself.
 */
function leaderGone(spec: ProgramSpec, state: In<"STOPPING">, status: ExitStatus): Move {
  const killed = state.signalsSent > spec.stopsignals.length;
  const groupKnows = killed ? spec.killasgroup : spec.stopasgroup;
  const signal = signalAt(spec, Math.max(1, state.signalsSent));
  return [
    { ...state, leader: null, status },
    [
      { type: "watch-group", id: spec.id, pid: state.pid },
      { type: "kill-rest", id: spec.id, signal, except: groupKnows ? state.pid : null },
    ],
  ];
}

function stopped(
  spec: ProgramSpec,
  from: In<"STOPPING" | "UNKNOWN">,
  status: ExitStatus | null,
  now: Millis,
): Move {
  const ended =
    status === null ? null : { pid: from.pid, status, expected: isExpected(spec, status), tooQuick: false };
  if (from.name === "STOPPING" && from.failure !== null)
    return (spec.type === "oneshot" ? failedRun : failedStart)(spec, from, from.failure, ended, now);
  return moved(spec, from, { name: "STOPPED" }, null, ended);
}

function stopping(
  pid: Pid,
  begunAt: Millis,
  signalsSent: number,
  nextAt: Millis,
  failure: Failure | null,
): In<"STOPPING"> {
  return { name: "STOPPING", pid, leader: pid, begunAt, signalsSent, nextAt, status: null, failure };
}

function moved(
  spec: ProgramSpec,
  from: ProgramState,
  to: ProgramState,
  restart: RestartReason | null = null,
  ended: Ended = null,
): Move {
  const entry: JournalEntry = { type: "state", id: spec.id, from: from.name, to, restart, ended };
  return [to, [{ type: "journal", entry }]];
}

function kill(id: ProgramId, pid: Pid, signal: Signal, group: boolean): Effect {
  return { type: "kill", id, pid, signal, group };
}

/** The n-th signal of a stop, counted from 1; SIGKILL after the last. */
function signalAt(spec: ProgramSpec, n: number): Signal {
  return spec.stopsignals[n - 1] ?? SIGNALS.KILL;
}

/** `signalsSent` once SIGKILL is out: past the list, so that only SIGKILL can follow. */
function afterKill(spec: ProgramSpec, sent: number): number {
  return Math.max(sent, spec.stopsignals.length) + 1;
}

/**
 * SIGKILL is repeated; at least a second apart, or `stopwaitsecs=0` would spin on a process that cannot die.
 */
function nextKillAt(spec: ProgramSpec, now: Millis): Millis {
  return now + Math.max(spec.stopwaitsecs, 1) * 1000;
}

function restartReason(status: ExitStatus): RestartReason {
  if (status.kind === "exited") return "exit";
  return status.oom ? "oom" : "signal";
}
