/**
 * How long a restart waits, and when there were too many (product 2.4, `restart_*`). Pure arithmetic: the history of a
 * program goes in and comes out.
 */

import { SIGNALS } from "./signal-names.ts";
import type { ProgramSpec } from "./spec.ts";
import type { ExitStatus, Millis } from "./states.ts";

/** Restarts after RUNNING, as far back as they still matter. */
export interface RestartHistory {
  /** When they were decided, oldest first; never more than the limit and the floor need. */
  readonly times: readonly Millis[];
  /** Restarts in a row, none of them after a stable run: the exponent of the delay. */
  readonly streak: number;
}

export const NO_RESTARTS: RestartHistory = { times: [], streak: 0 };

/**
 * A crash loop of `startsecs=0` would start thousands of processes a second: so many restarts within so long are at once,
 * and each one beyond waits. (supervisord has no floor but its loop, which turns about once a second.)
 */
const BURST = 10;
const BURST_MS = 10_000;
const FLOOR_MS = 1000;
/** `startretries=-1` would wait ever longer. */
const ENDLESS_MAX_S = 60;

export type NextRestart =
  | { readonly at: Millis; readonly history: RestartHistory }
  /** The limit is passed: it is given up. */
  | { readonly at: null; readonly reason: string };

/** What follows the end of a run that began at `startedAt`. */
export function nextRestart(
  spec: ProgramSpec,
  history: RestartHistory,
  startedAt: Millis,
  status: ExitStatus,
  now: Millis,
): NextRestart {
  const { delay, limit } = spec.restart;
  const window = Math.max(BURST_MS, (limit?.seconds ?? 0) * 1000);
  const times = history.times.filter((time) => time > now - window);
  if (limit !== null) {
    const recent = times.filter((time) => time > now - limit.seconds * 1000).length;
    if (recent >= limit.count)
      return { at: null, reason: `restarted ${recent} times within ${limit.seconds} s (restart_limit)` };
  }
  const streak = now - startedAt >= stableMillis(spec) ? 0 : history.streak;
  const wait =
    delay === null
      ? !isFromOutside(status) && times.filter((time) => time > now - BURST_MS).length >= BURST
        ? FLOOR_MS
        : 0
      : growingDelay(spec, streak, now);
  const kept = [...times, now].slice(-Math.max(BURST, limit?.count ?? 0));
  return { at: now + wait, history: { times: kept, streak: streak + 1 } };
}

/** Somebody ended it: no crash of its own, and no loop. */
function isFromOutside(status: ExitStatus): boolean {
  if (status.kind === "exited" || status.oom) return false;
  return status.signal === SIGNALS.KILL || status.signal === SIGNALS.TERM;
}

/** The wait after the `tries`th failed start in a row: 1, 2, 3 … s, or `restart_delay` doubling. */
export function backoffMillis(spec: ProgramSpec, tries: number, now: Millis): Millis {
  if (spec.restart.delay !== null) return growingDelay(spec, tries - 1, now);
  return Math.min(tries, spec.startretries < 0 ? ENDLESS_MAX_S : tries) * 1000;
}

/** A run that lasted as long as the longest delay: what comes after it is a new story. */
function stableMillis(spec: ProgramSpec): Millis {
  return Math.max(spec.startsecs, spec.restart.delayMax) * 1000;
}

/** `restart_delay`, doubled `steps` times, at most `restart_delay_max`, and a random part of that on top. */
function growingDelay(spec: ProgramSpec, steps: number, now: Millis): Millis {
  const { delay, delayMax, jitter } = spec.restart;
  const seconds = Math.min((delay ?? 0) * 2 ** Math.min(steps, 30), Math.max(delayMax, delay ?? 0));
  return Math.round(seconds * 1000 * (1 + jitter * scatter(spec.id, now)));
}

/**
 * From 0 to 1, other for every program and moment: programs that died together do not come back together. Not random,
 * so that a history can be replayed.
 */
function scatter(id: string, now: Millis): number {
  let hash = Math.floor(now * 1000) | 0;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 4_294_967_296;
}
