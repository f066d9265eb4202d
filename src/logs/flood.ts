/**
 * Whether programs write faster than lines are worth being woken for one by one. While they do, the memory and loops of the
 * arena are the fast ones, and a pipe that has just been emptied is left to fill (capture.ts). No timer lives longer than the
 * flood.
 */
import type { Millis } from "../core/states.ts";
import type { Arena } from "./arena.ts";

/** So much within a second is the beginning of one, a second with less is its end. */
const FLOOD_BYTES = 16 * 1024 * 1024;
const WINDOW_MILLIS = 1000;

export interface FloodClock {
  now(): Millis;
  after(millis: number, listener: () => void): () => void;
}

export class Flood {
  readonly clock: FloodClock;
  readonly #arena: Arena;
  #isOn = false;
  /** Of the present second. */
  #bytes = 0;
  #since: Millis = 0;

  constructor(clock: FloodClock, arena: Arena) {
    this.clock = clock;
    this.#arena = arena;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** A busy program's pipe has brought so much. */
  note(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isOn) return;
    const now = this.clock.now();
    if (now - this.#since > WINDOW_MILLIS) {
      this.#since = now;
      this.#bytes = bytes;
    }
    if (this.#bytes < FLOOD_BYTES) return;
    this.#isOn = true;
    this.#arena.accelerate();
    this.#watch();
  }

  #watch(): void {
    this.#bytes = 0;
    this.clock.after(WINDOW_MILLIS, () => {
      if (this.#bytes >= FLOOD_BYTES) return this.#watch();
      this.#isOn = false;
      this.#bytes = 0;
    });
  }
}
