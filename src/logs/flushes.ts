/** Waits for the last output to leave: as long as somebody takes it, never for one who takes nothing. */
import type { Millis } from "../core/states.ts";

export interface FlushOptions {
  readonly now: () => Millis;
  readonly after: (millis: number, listener: () => void) => () => void;
  /** Nothing is left to be written. */
  readonly isIdle: () => boolean;
}

export class Flushes {
  readonly #options: FlushOptions;
  readonly #open = new Set<() => void>();

  constructor(options: FlushOptions) {
    this.#options = options;
  }

  /** Something has left, or was given up. */
  onProgress(): void {
    for (const look of [...this.#open]) look();
  }

  /** Resolves when all has left, when nothing has for `patience`, or when `limit` is over. */
  wait(patience: Millis, limit: Millis | null): Promise<void> {
    const { now, after, isIdle } = this.#options;
    const end = limit === null ? Number.POSITIVE_INFINITY : now() + limit;
    return new Promise((resolve) => {
      let cancel = (): void => {};
      const done = (): void => {
        this.#open.delete(look);
        cancel();
        resolve();
      };
      const look = (): void => {
        if (isIdle()) return done();
        cancel();
        // Whoever takes something may take the rest as well.
        cancel = after(Math.max(0, Math.min(patience, end - now())), done);
      };
      this.#open.add(look);
      look();
    });
  }
}
