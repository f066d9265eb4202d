/** Asks again and again: one question at a time, given up at its timeout, the next one an interval after it began. */
import type { Millis } from "../core/states.ts";
import type { Clock } from "./clock.ts";
import type { AskOnce, Verdict } from "./probes.ts";

export interface PollOptions {
  readonly clock: Clock;
  /** Until the first question. */
  readonly first: Millis;
  readonly interval: Millis;
  readonly timeout: Millis;
  readonly ask: AskOnce;
  readonly onVerdict: (verdict: Verdict) => void;
}

/** The answer ends it, and the question under way. */
export function poll({ clock, first, interval, timeout, ask, onVerdict }: PollOptions): () => void {
  let stopped = false;
  let cancelNext = clock.after(first, turn);
  let giveUp: (() => void) | null = null;

  function turn(): void {
    const began = clock.now();
    let abort: (() => void) | null = null;
    let over = false;
    const finish = (verdict: Verdict | null): void => {
      if (over) return;
      over = true;
      giveUp = null;
      cancelTimeout();
      if (verdict === null) return abort?.();
      cancelNext = clock.after(Math.max(0, began + interval - clock.now()), turn);
      onVerdict(verdict);
    };
    const cancelTimeout = clock.after(timeout, () => {
      abort?.();
      finish({ ok: false, reason: `no answer within ${timeout / 1000} s`, isOurs: false });
    });
    giveUp = () => finish(null);
    abort = ask(finish);
    // Answered or stopped within the call.
    if (over && stopped) abort();
  }

  return () => {
    stopped = true;
    cancelNext();
    giveUp?.();
  };
}
