/**
 * One program's machine: supervisord's states and transitions (supervisord.md 7), as a function of the
 * state, what happened, and the time. It knows no other program; whether it may start at all is decided in
 * system.ts. This is the table of it; what a transition consists of stands in program-run.ts (from the spawn to an end by
 * itself), program-checks.ts (what its checks say) and program-stop.ts.
 */
import { TOO_QUICK } from "./describe.ts";
import type { Effect, JournalEntry } from "./effect.ts";
import { isLate, notReady, onProbed, onRenew, onWatchdog, runtimeOver, unhealthy } from "./program-checks.ts";
import {
  failedStart,
  failureOf,
  onSpawned,
  onSpawnFailed,
  preEnded,
  ranAndEnded,
  restartReason,
  running,
  starting,
} from "./program-run.ts";
import { leaderGone, onKill, onStop, onStopRest, onStopWaited, stopped } from "./program-stop.ts";
import type { ProgramSpec } from "./spec.ts";
import { exitCode, type Millis, type ProgramState } from "./states.ts";
import { kill, type Move, moved, type Of, type ProgramEvent } from "./transition.ts";

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
      return onGroupGone(spec, state, event, now);
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
      if (state.name !== "STOPPING" || state.leader !== event.pid || state.signalsSent > 0)
        return [state, []];
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

/** Of an earlier run it may be late: what is waited for is the end of this one's. */
function onGroupGone(spec: ProgramSpec, state: ProgramState, event: Of<"group-gone">, now: Millis): Move {
  if (state.name === "EXITED" && state.clearing?.group === event.pid)
    return [{ ...state, restartAt: state.clearing.restartAt, clearing: null }, []];
  if (state.name !== "STOPPING" || state.leader !== null || state.pid !== event.pid) return [state, []];
  return stopped(spec, state, state.status, now);
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
