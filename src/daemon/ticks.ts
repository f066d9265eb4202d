/** TICK_5, TICK_60, TICK_3600: told when the wall clock has crossed a multiple of the period. A timer exists only while somebody listens. */
import type { TickName } from "../core/supervisor-events.ts";
import type { Clock } from "./clock.ts";

/** In the order in which they are told when several fall on one moment. Seconds. */
const PERIODS: readonly (readonly [TickName, number])[] = [
  ["TICK_5", 5],
  ["TICK_60", 60],
  ["TICK_3600", 3600],
];
/** A clock that is set, or a machine that slept, is noticed after so long. */
const LONGEST_MS = 60_000;

export interface Ticks {
  /** Which are listened to from now on. */
  configure(isWanted: (name: TickName) => boolean): void;
}

/** `when`: seconds since 1970, a multiple of the period. What was slept through is not made up for. */
export function createTicks(clock: Clock, onTick: (name: TickName, when: number) => void): Ticks {
  const last = new Map<TickName, number>();
  let cancel: (() => void) | null = null;

  const slice = (period: number): number => Math.floor(clock.wall() / period) * period;

  function arm(): void {
    cancel?.();
    cancel = null;
    if (last.size === 0) return;
    let wait = LONGEST_MS;
    for (const [name, period] of PERIODS) {
      if (!last.has(name)) continue;
      wait = Math.min(wait, Math.ceil((slice(period) + period - clock.wall()) * 1000));
    }
    cancel = clock.after(Math.max(wait, 1), fire);
  }

  function fire(): void {
    cancel = null;
    for (const [name, period] of PERIODS) {
      const when = slice(period);
      if (!last.has(name) || last.get(name) === when) continue;
      last.set(name, when);
      onTick(name, when);
    }
    arm();
  }

  return {
    configure(isWanted) {
      for (const [name, period] of PERIODS) {
        if (!isWanted(name)) last.delete(name);
        else if (!last.has(name)) last.set(name, slice(period));
      }
      arm();
    },
  };
}
