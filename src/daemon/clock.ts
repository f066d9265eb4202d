/** The only file that knows what time it is. Durations use a clock that never jumps; wall time is for showing. */
import type { Millis } from "../core/states.ts";

export interface Clock {
  /** Monotonic milliseconds. */
  now(): Millis;
  /** Seconds since 1970, with a fraction. */
  wall(): number;
  /** CLOCK_MONOTONIC in microseconds, as other processes read it too. */
  monotonicMicros(): bigint;
  /** The one wake-up of the loop; null cancels it. A time that has passed fires on the next turn. */
  wakeAt(at: Millis | null): void;
  onWake(listener: () => void): void;
  /** Calls `listener` once after so many milliseconds; the answer cancels it. Does not keep the process alive. */
  after(millis: number, listener: () => void): () => void;
}

/** setTimeout takes 31 bits; a deadline further away is simply looked at again. */
const LONGEST = 2 ** 31 - 1;

/**
 * Node ends by itself, with 0, once nothing is open that could still happen; signals do not count. That is what a program
 * looks like that closed its output, when there is no listener either: the init must outlive it.
 */
export function keepProcessAlive(): void {
  setInterval(() => {}, LONGEST);
}

export function systemClock(): Clock {
  let armedFor: Millis | null = null;
  let timer: NodeJS.Timeout | null = null;
  let onWake: () => void = () => {};
  const clock: Clock = {
    // performance.now() is the same clock, and brings eleven of Node's modules with it (2 ms).
    now: () => process.uptime() * 1000,
    wall: () => Date.now() / 1000,
    monotonicMicros: () => process.hrtime.bigint() / 1000n,
    wakeAt(at) {
      if (at === armedFor) return;
      armedFor = at;
      if (timer) clearTimeout(timer);
      timer = null;
      if (at === null) return;
      // A timer may fire a fraction of a millisecond early: round up, so that the deadline has passed by then.
      const delay = Math.min(LONGEST, Math.max(0, Math.ceil(at - clock.now())));
      timer = setTimeout(() => {
        timer = null;
        armedFor = null;
        onWake();
      }, delay);
    },
    onWake(listener) {
      onWake = listener;
    },
    after(millis, listener) {
      const pending = setTimeout(listener, Math.min(LONGEST, millis));
      pending.unref();
      return () => clearTimeout(pending);
    },
  };
  return clock;
}
