/**
 * One run of a program, from its spawn until it ends by itself: `start_command_pre`, `startsecs`, the tries that a failed
 * start has left, and the restart that follows an end.
 */
import { describeStatus } from "./describe.ts";
import type { Effect, RestartReason } from "./effect.ts";
import { backoffMillis } from "./restart.ts";
import { SIGNALS } from "./signal-names.ts";
import type { ProgramSpec } from "./spec.ts";
import {
  type ExitStatus,
  exitCode,
  type Failure,
  type Millis,
  type Pid,
  type ProgramState,
  type Run,
} from "./states.ts";
import { type Ended, type In, type Move, moved, type Of } from "./transition.ts";

/** What is left of a program's group after a crash is killed before its next start; so long is waited for that. */
export const CLEARING_MS = 5000;

/** Whether the status counts as an expected end. A death by signal never does. */
export function isExpected(spec: ProgramSpec, status: ExitStatus): boolean {
  return status.kind === "exited" && spec.exitcodes.includes(status.code);
}

/** Whether a program that ran and ended so is started again by itself. */
export function isRestarted(spec: ProgramSpec, status: ExitStatus): boolean {
  return spec.autorestart === "always" || (spec.autorestart === "unexpected" && !isExpected(spec, status));
}

export function starting(
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

export function onSpawned(spec: ProgramSpec, state: ProgramState, event: Of<"spawned">, now: Millis): Move {
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

export function onSpawnFailed(
  spec: ProgramSpec,
  state: ProgramState,
  event: Of<"spawn-failed">,
  now: Millis,
): Move {
  if (state.name !== "STARTING" || state.pid !== null) return [state, []];
  const { reason, code } = event;
  const [next, effects] = failedStart(spec, state, failureOf(state, reason, code), null, now);
  return [next, [{ type: "journal", entry: { type: "spawn-error", id: spec.id, reason } }, ...effects]];
}

export function running(spec: ProgramSpec, from: In<"STARTING">, pid: Pid, now: Millis): Move {
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
export function preEnded(spec: ProgramSpec, from: In<"STARTING">, event: Of<"exited">, now: Millis): Move {
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

export function failureOf(run: Run, reason: string, code: number): Failure {
  return { tries: run.tries + 1, reason, code };
}

/**
 * A start that did not last: one more try later, or given up in the same step (supervisord needs one more
 * pass).
 */
export function failedStart(
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
export function ranAndEnded(spec: ProgramSpec, from: ProgramState, event: Of<"exited">, now: Millis): Move {
  const { pid, status } = event;
  const isRun = from.name === "STARTING" || from.name === "RUNNING";
  if (!isRun || spec.type !== "oneshot" || spec.schedule !== null || isExpected(spec, status))
    return exited(spec, from, event, now);
  const failure = failureOf(from, describeStatus(status), exitCode(status));
  return failedRun(spec, from, failure, { pid, status, expected: false, tooQuick: false }, now);
}

/** Of a oneshot: `autorestart=false` is one try. */
export function failedRun(
  spec: ProgramSpec,
  from: ProgramState,
  failure: Failure,
  ended: Ended,
  now: Millis,
): Move {
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
    return [{ ...over, restartAt, clearing: { group: pid, restartAt: policy.at } }, [...effects, ...clear]];
  }
  const restart = restartReason(status);
  if (policy.at > now) return [{ ...over, restartAt: policy.at }, effects];
  if (!mayStart) return [over, [...effects, { type: "again", restart }]];
  const [again, more] = starting(spec, over, 0, restart, now);
  return [again, [...effects, ...more]];
}

export function restartReason(status: ExitStatus): RestartReason {
  if (status.kind === "exited") return "exit";
  return status.oom ? "oom" : "signal";
}
