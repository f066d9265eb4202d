/**
 * How a program is stopped: `stop_command`, then its signals one by one, SIGKILL at last, and the same for what it leaves
 * behind. It is stopped when all of them are gone. A stop goes by the keys that it began with.
 */
import type { Effect } from "./effect.ts";
import { CLEARING_MS, failedRun, failedStart, isExpected } from "./program-run.ts";
import { SIGNALS, type Signal } from "./signal-names.ts";
import type { ProgramSpec } from "./spec.ts";
import type { ExitStatus, Failure, Millis, Pid, ProgramState, StopKeys } from "./states.ts";
import { type In, kill, type Move, moved, type Of } from "./transition.ts";

export function onStop(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
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
export function onStopRest(
  spec: ProgramSpec,
  state: ProgramState,
  { pid }: Of<"stop-rest">,
  now: Millis,
): Move {
  if (state.name !== "STOPPED" && state.name !== "EXITED" && state.name !== "FATAL") return [state, []];
  const { id } = spec;
  const next = { ...stopping(spec, pid, now, 1, now + spec.stopwaitsecs * 1000, null), leader: null };
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
export function stop(
  spec: ProgramSpec,
  state: ProgramState,
  pid: Pid,
  command: ProgramSpec["stopCommand"],
  failure: Failure | null,
  now: Millis,
): Move {
  const { id } = spec;
  const next = stopping(spec, pid, now, command === null ? 1 : 0, now + spec.stopwaitsecs * 1000, failure);
  const [, effects] = moved(spec, state, next);
  if (command !== null) return [next, [...effects, { type: "stop-command", id, pid, spec, hook: command }]];
  return [next, [...effects, kill(id, pid, signalAt(spec, 1), spec.stopasgroup)]];
}

/** A waiting time of the stop is over: the next signal of the list, and SIGKILL from the end of it on. */
export function onStopWaited(spec: ProgramSpec, state: In<"STOPPING">, now: Millis): Move {
  const { id } = spec;
  const { keys } = state;
  const signalsSent = state.signalsSent + 1;
  if (state.leader === null) return onRestWaited(spec, state, now);
  if (signalsSent <= keys.stopsignals.length) {
    const next = { ...state, signalsSent, nextAt: now + keys.stopwaitsecs * 1000 };
    return [next, [kill(id, state.pid, signalAt(keys, signalsSent), keys.stopasgroup)]];
  }
  return [
    { ...state, signalsSent: afterKill(keys, state.signalsSent), nextAt: nextKillAt(keys, now) },
    [killing(spec, state, keys.killasgroup, now), kill(id, state.pid, SIGNALS.KILL, keys.killasgroup)],
  ];
}

/** The leader is gone, and what it left behind has had its time. What SIGKILL does not end is not waited for. */
function onRestWaited(spec: ProgramSpec, state: In<"STOPPING">, now: Millis): Move {
  const { id } = spec;
  if (state.signalsSent > state.keys.stopsignals.length) return stopped(spec, state, state.status, now);
  return [
    { ...state, signalsSent: afterKill(state.keys, state.signalsSent), nextAt: now + CLEARING_MS },
    [killing(spec, state, true, now), { type: "kill-rest", id, signal: SIGNALS.KILL, except: null }],
  ];
}

function killing(spec: ProgramSpec, state: In<"STOPPING">, group: boolean, now: Millis): Effect {
  const waitedSeconds = Math.round((now - state.begunAt) / 1000);
  return { type: "journal", entry: { type: "killing", id: spec.id, pid: state.pid, waitedSeconds, group } };
}

export function onKill(spec: ProgramSpec, state: ProgramState, now: Millis): Move {
  switch (state.name) {
    case "STARTING":
    case "RUNNING": {
      if (state.pid === null) return [state, []];
      const next = stopping(spec, state.pid, now, afterKill(spec, 0), nextKillAt(spec, now), null);
      const [, effects] = moved(spec, state, next);
      return [next, [...effects, kill(spec.id, state.pid, SIGNALS.KILL, true)]];
    }
    case "STOPPING":
      return [
        {
          ...state,
          signalsSent: afterKill(state.keys, state.signalsSent),
          nextAt: nextKillAt(state.keys, now),
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

/**
 * The program ended while being stopped, members of its group or descendants that left it have not: it is stopped when
 * they are gone too. Not before its end: a program that ends well ends its workers itself.
 */
export function leaderGone(spec: ProgramSpec, state: In<"STOPPING">, status: ExitStatus): Move {
  const { keys } = state;
  const killed = state.signalsSent > keys.stopsignals.length;
  const groupKnows = state.signalsSent > 0 && (killed ? keys.killasgroup : keys.stopasgroup);
  const signal = signalAt(keys, Math.max(1, state.signalsSent));
  return [
    { ...state, leader: null, status },
    [
      { type: "watch-group", id: spec.id, pid: state.pid },
      { type: "kill-rest", id: spec.id, signal, except: groupKnows ? state.pid : null },
    ],
  ];
}

export function stopped(
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
  spec: ProgramSpec,
  pid: Pid,
  begunAt: Millis,
  signalsSent: number,
  nextAt: Millis,
  failure: Failure | null,
): In<"STOPPING"> {
  const { stopsignals, stopwaitsecs, stopasgroup, killasgroup } = spec;
  const keys: StopKeys = { stopsignals, stopwaitsecs, stopasgroup, killasgroup };
  return { name: "STOPPING", pid, leader: pid, begunAt, keys, signalsSent, nextAt, status: null, failure };
}

/** The n-th signal of a stop, counted from 1; SIGKILL after the last. */
function signalAt({ stopsignals }: StopKeys, n: number): Signal {
  return stopsignals[n - 1] ?? SIGNALS.KILL;
}

/** `signalsSent` once SIGKILL is out: past the list, so that only SIGKILL can follow. */
function afterKill({ stopsignals }: StopKeys, sent: number): number {
  return Math.max(sent, stopsignals.length) + 1;
}

/**
 * SIGKILL is repeated; at least a second apart, or `stopwaitsecs=0` would spin on a process that cannot die.
 */
function nextKillAt({ stopwaitsecs }: StopKeys, now: Millis): Millis {
  return now + Math.max(stopwaitsecs, 1) * 1000;
}
