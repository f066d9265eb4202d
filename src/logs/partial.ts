/** Unfinished lines that wait for their rest: one timer for all of them, and none while there are none. */
import type { Millis } from "../core/states.ts";

export interface PartialLine {
  /** null: nothing is held any more. */
  readonly heldSince: Millis | null;
  flushPartial(): void;
}

export interface PartialClock {
  now(): Millis;
  after(millis: number, listener: () => void): () => void;
}

export class PartialLines {
  readonly #clock: PartialClock;
  readonly #timeout: () => Millis;
  readonly #holders = new Set<PartialLine>();
  #armed = false;

  constructor(clock: PartialClock, timeout: () => Millis) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  add(holder: PartialLine): void {
    this.#holders.add(holder);
    if (!this.#armed) this.#arm(this.#timeout());
  }

  remove(holder: PartialLine): void {
    this.#holders.delete(holder);
  }

  #arm(millis: Millis): void {
    this.#armed = true;
    this.#clock.after(Math.max(1, Math.ceil(millis)), () => this.#onTime());
  }

  /** A busy stream's line is a new one each time the timer looks: it is looked at again when that one is due. */
  #onTime(): void {
    this.#armed = false;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const holder of [...this.#holders]) {
      if (holder.heldSince === null) {
        this.#holders.delete(holder);
        continue;
      }
      const due = holder.heldSince + this.#timeout() - now;
      if (due > 0) next = Math.min(next, due);
      else {
        this.#holders.delete(holder);
        holder.flushPartial();
      }
    }
    if (Number.isFinite(next)) this.#arm(next);
  }
}
