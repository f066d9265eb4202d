/**
 * One program's machine: supervisord's states and transitions (supervisord.md 7), as a function of the
 * state, what happened, and the time. It knows no other program; whether it may start at all is decided in
 * system.ts.
 */
import { TOO_QUICK } from "./describe.ts";
import type { Effect, JournalEntry, RestartReason } from "./effect.ts";
import { SIGNALS, type Signal } from "./signal-names.ts";
import type { ProgramId, ProgramSpec } from "./spec.ts";
import { type ExitStatus, exitCode, type Millis, type Pid, type ProgramState } from "./states.ts";

export type ProgramEvent =
  /** From boot, an operator, or a reload; `restart` is what it counts as. */
  | { readonly type: "start"; readonly restart: RestartReason | null }
  | { readonly type: "time" }
  | { readonly type: "spawned"; readonly pid: Pid }
  | { readonly type: "spawn-failed"; readonly reason: string; readonly code: number }
  /** `mayRestart` is false once a shutdown has begun. */
  | {
      readonly type: "exited";
      readonly pid: Pid;
      readonly status: ExitStatus;
      readonly groupAlive: boolean;
      readonly mayRestart: boolean;
    }
  | { readonly type: "group-gone" }
  | { readonly type: "kill-failed"; readonly reason: string }
  | { readonly type: "stop" }
  /** SIGKILL to the whole group, now. */
  | { readonly type: "kill" }
  /** To the program alone, never its group. */
  | { readonly type: "signal"; readonly signal: Signal };

type In<Name extends ProgramState["name"]> = Extract<ProgramState, { name: Name }>;
type Of<Type extends ProgramEvent["type"]> = Extract<ProgramEvent, { type: Type }>;
type Ended = Extract<JournalEntry, { type: "state" }>["ended"];
type Move = [ProgramState, Effect[]];

/** When the program next needs a `time` event, or null if only an outside event can move it. */
export function deadline(state: ProgramState): Millis | null {
  switch (state.name) {
    case "STARTING":
      return state.pid === null ? null : state.runningAt;
    case "BACKOFF":
      return state.retryAt;
    case "STOPPING":
      return state.nextAt;
    case "EXITED":
      return state.restartAt;
    case "STOPPED":
    case "RUNNING":
    case "FATAL":
    case "UNKNOWN":
      return null;
  }
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
      return onTime(spec, state, now);
    case "spawned":
      return onSpawned(spec, state, event, now);
    case "spawn-failed":
      return onSpawnFailed(spec, state, event, now);
    case "exited":
      return onExited(spec, state, event, now);
    case "group-gone":
      if (state.name !== "STOPPING" || state.leader !== null) return [state, []];
      return stopped(spec, state, state.status);
    case "kill-failed":
      return onKillFailed(spec, state, event);
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
    case "STOPPING":
      return [state, [{ type: "journal", entry: { type: "already-running", id: spec.id } }]];
    case "STARTING":
    case "RUNNING":
    case "BACKOFF":
    case "UNKNOWN":
      return [state, []];
  }
}

function onTime(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
  const due = deadline(state);
  if (due === null || due > now) return [state, []];
  switch (state.name) {
    case "STARTING":
      return state.pid === null ? [state, []] : running(spec, state, state.pid);
    case "BACKOFF":
      return starting(spec, state, state.tries, "backoff", now);
    case "STOPPING":
      return onStopWaited(spec, state, now);
    case "EXITED":
      return starting(spec, state, 0, restartReason(state.status), now);
    case "STOPPED":
    case "RUNNING":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

function onSpawned(spec: ProgramSpec, state: ProgramState, event: Of<"spawned">, now: Millis): Move {
  if (state.name !== "STARTING" || state.pid !== null) return [state, []];
  const { pid } = event;
  const next: ProgramState = { ...state, pid, startedAt: now, runningAt: now + spec.startsecs * 1000 };
  const effects: Effect[] = [{ type: "journal", entry: { type: "spawned", id: spec.id, pid } }];
  if (spec.startsecs > 0) return [next, effects];
  const [up, more] = running(spec, next, pid);
  return [up, [...effects, ...more]];
}

function onSpawnFailed(spec: ProgramSpec, state: ProgramState, event: Of<"spawn-failed">, now: Millis): Move {
  if (state.name !== "STARTING" || state.pid !== null) return [state, []];
  const { reason, code } = event;
  const [next, effects] = failedStart(spec, state, reason, code, null, now);
  return [next, [{ type: "journal", entry: { type: "spawn-error", id: spec.id, reason } }, ...effects]];
}

function onExited(spec: ProgramSpec, state: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status } = event;
  switch (state.name) {
    case "STARTING": {
      if (state.pid !== pid) return [state, []];
      if (now >= state.runningAt) {
        const [up, effects] = running(spec, state, pid);
        const [next, more] = exited(spec, up, event, now);
        return [next, [...effects, ...more]];
      }
      if (spec.type === "oneshot" && isExpected(spec, status)) return exited(spec, state, event, now);
      const ended = { pid, status, expected: false, tooQuick: true };
      return failedStart(spec, state, TOO_QUICK, exitCode(status), ended, now);
    }
    case "RUNNING":
      return state.pid === pid ? exited(spec, state, event, now) : [state, []];
    case "STOPPING":
      if (state.leader !== pid) return [state, []];
      return event.groupAlive ? leaderGone(spec, state, status) : stopped(spec, state, status);
    case "UNKNOWN":
      return state.pid === pid ? stopped(spec, state, status) : [state, []];
    case "STOPPED":
    case "BACKOFF":
    case "EXITED":
    case "FATAL":
      return [state, []];
  }
}

function onKillFailed(spec: ProgramSpec, state: ProgramState, event: Of<"kill-failed">): Move {
  if (state.name !== "STARTING" && state.name !== "RUNNING" && state.name !== "STOPPING") return [state, []];
  const { pid } = state;
  if (pid === null) return [state, []];
  const { reason } = event;
  const told: Effect = { type: "journal", entry: { type: "kill-error", id: spec.id, pid, reason } };
  // The program itself is gone and what is left of its group is out of reach: there is no exit to wait for.
  if (state.name === "STOPPING" && state.leader === null) {
    const [next, effects] = stopped(spec, state, state.status);
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
      const { pid } = state;
      const next = stopping(pid, now, 1, now + spec.stopwaitsecs * 1000);
      const [, effects] = moved(spec, state, next);
      return [next, [...effects, kill(spec.id, pid, signalAt(spec, 1), spec.stopasgroup)]];
    }
    case "BACKOFF":
      return moved(spec, state, { name: "STOPPED" });
    case "EXITED":
      return state.restartAt === null ? [state, []] : moved(spec, state, { name: "STOPPED" });
    case "STOPPED":
    case "STOPPING":
    case "FATAL":
    case "UNKNOWN":
      return [state, []];
  }
}

/** A waiting time of the stop is over: the next signal of the list, and SIGKILL from the end of it on. */
function onStopWaited(spec: ProgramSpec, state: In<"STOPPING">, now: Millis): Move {
  const { id } = spec;
  const signalsSent = state.signalsSent + 1;
  if (state.leader !== null && signalsSent <= spec.stopsignals.length) {
    const next = { ...state, signalsSent, nextAt: now + spec.stopwaitsecs * 1000 };
    return [next, [kill(id, state.pid, signalAt(spec, signalsSent), spec.stopasgroup)]];
  }
  const group = state.leader === null || spec.killasgroup;
  const waitedSeconds = Math.round((now - state.begunAt) / 1000);
  return [
    { ...state, signalsSent: afterKill(spec, state.signalsSent), nextAt: nextKillAt(spec, now) },
    [
      { type: "journal", entry: { type: "killing", id, pid: state.pid, waitedSeconds, group } },
      kill(id, state.pid, SIGNALS.KILL, group),
    ],
  ];
}

function onKill(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
  switch (state.name) {
    case "STARTING":
    case "RUNNING": {
      if (state.pid === null) return [state, []];
      const next = stopping(state.pid, now, afterKill(spec, 0), nextKillAt(spec, now));
      const [, effects] = moved(spec, state, next);
      return [next, [...effects, kill(spec.id, state.pid, SIGNALS.KILL, true)]];
    }
    case "STOPPING":
      return [
        { ...state, signalsSent: afterKill(spec, state.signalsSent), nextAt: nextKillAt(spec, now) },
        [kill(spec.id, state.pid, SIGNALS.KILL, true)],
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
  const next: ProgramState = {
    name: "STARTING",
    pid: null,
    tries,
    startedAt: now,
    runningAt: now + spec.startsecs * 1000,
  };
  const [, effects] = moved(spec, from, next, restart);
  return [next, [...effects, { type: "spawn", id: spec.id }]];
}

function running(spec: ProgramSpec, from: In<"STARTING">, pid: Pid): Move {
  return moved(spec, from, { name: "RUNNING", pid, startedAt: from.startedAt });
}

/**
 * A start that did not last: one more try later, or given up in the same step (supervisord needs one more
 * pass).
 */
function failedStart(
  spec: ProgramSpec,
  from: In<"STARTING">,
  reason: string,
  code: number,
  ended: Ended,
  now: Millis,
): Move {
  const tries = from.tries + 1;
  const backoff: ProgramState = { name: "BACKOFF", tries, retryAt: now + tries * 1000, reason, code };
  const [, effects] = moved(spec, from, backoff, null, ended);
  if (tries <= spec.startretries) return [backoff, effects];
  const [fatal, more] = moved(spec, backoff, { name: "FATAL", reason, code });
  return [fatal, [...effects, ...more]];
}

/** It ran and ended by itself: EXITED, and by its policy started again in the same step. */
function exited(spec: ProgramSpec, from: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status } = event;
  const expected = isExpected(spec, status);
  const restartAt = isRestarted(spec, status) && event.mayRestart ? now : null;
  const ended = { pid, status, expected, tooQuick: false };
  const next: ProgramState = { name: "EXITED", status, expected, restartAt };
  const [, effects] = moved(spec, from, next, null, ended);
  if (restartAt === null) return [next, effects];
  const [again, more] = starting(spec, next, 0, restartReason(status), now);
  return [again, [...effects, ...more]];
}

/**
 * The program ended while being stopped, members of its group have not: it is stopped when they are gone
 * too.
 */
function leaderGone(spec: ProgramSpec, state: In<"STOPPING">, status: ExitStatus): Move {
  const effects: Effect[] = [{ type: "watch-group", id: spec.id, pid: state.pid }];
  const killed = state.signalsSent > spec.stopsignals.length;
  const groupKnows = killed ? spec.killasgroup : spec.stopasgroup;
  if (!groupKnows) effects.push(kill(spec.id, state.pid, signalAt(spec, state.signalsSent), true));
  return [{ ...state, leader: null, status }, effects];
}

function stopped(spec: ProgramSpec, from: In<"STOPPING" | "UNKNOWN">, status: ExitStatus | null): Move {
  const ended =
    status === null ? null : { pid: from.pid, status, expected: isExpected(spec, status), tooQuick: false };
  return moved(spec, from, { name: "STOPPED" }, null, ended);
}

function stopping(pid: Pid, begunAt: Millis, signalsSent: number, nextAt: Millis): In<"STOPPING"> {
  return { name: "STOPPING", pid, leader: pid, begunAt, signalsSent, nextAt, status: null };
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
  return status.kind === "exited" ? "exit" : "signal";
}
