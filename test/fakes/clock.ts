/** Time that passes only when a test says so: the daemon's Clock, and whatever else is to happen at a moment. */
import type { Millis } from "../../src/core/states.ts";
import type { Clock } from "../../src/daemon/clock.ts";

interface Alarm {
  readonly at: Millis;
  readonly listener: () => void;
}

/** 2026-01-01T00:00:00Z, so that wall times in snapshots are readable. */
const START_WALL = 1_767_225_600;

export class FakeClock implements Clock {
  #now: Millis = 0;
  #wallOffset = START_WALL;
  #armedFor: Millis | null = null;
  #onWake: () => void = () => {};
  readonly #alarms = new Set<Alarm>();

  now(): Millis {
    return this.#now;
  }

  wall(): number {
    return this.#wallOffset + this.#now / 1000;
  }

  monotonicMicros(): bigint {
    return BigInt(Math.round(this.#now * 1000));
  }

  wakeAt(at: Millis | null): void {
    this.#armedFor = at;
  }

  onWake(listener: () => void): void {
    this.#onWake = listener;
  }

  after(millis: number, listener: () => void): () => void {
    return this.at(this.#now + millis, listener);
  }

  /** Calls `listener` at that moment of `now()`, or on the next `advance` when it has passed. The answer cancels it. */
  at(at: Millis, listener: () => void): () => void {
    const alarm = { at, listener };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** What the loop waits for, null when it sleeps until something happens. */
  armedFor(): Millis | null {
    return this.#armedFor;
  }

  /** The wall clock is set, as ntpd or an operator would; durations must not notice. */
  jumpWall(seconds: number): void {
    this.#wallOffset += seconds;
  }

  /** Lets so much time pass. What falls due runs in the order of time, and what that arms runs too if it is due by then. */
  advance(millis: number): void {
    const end = this.#now + millis;
    for (;;) {
      const alarm = this.#earliest();
      const wake = this.#armedFor;
      // The loop's wake-up comes last among equals: what happened at that moment has then happened.
      if (alarm && alarm.at <= end && (wake === null || alarm.at <= wake)) {
        this.#alarms.delete(alarm);
        this.#now = Math.max(this.#now, alarm.at);
        alarm.listener();
      } else if (wake !== null && wake <= end) {
        this.#armedFor = null;
        this.#now = Math.max(this.#now, wake);
        this.#onWake();
      } else break;
    }
    this.#now = end;
  }

  #earliest(): Alarm | null {
    let first: Alarm | null = null;
    for (const alarm of this.#alarms) if (!first || alarm.at < first.at) first = alarm;
    return first;
  }
}
