/**
 * How many log files may use the thread pool at once. Of its four threads the console needs up to two (`sinks.ts`): a disk
 * that hangs must not take those.
 */
const AT_ONCE = 2;

export class Slots {
  #free = AT_ONCE;
  readonly #waiting: (() => Promise<void>)[] = [];

  /** `work` never rejects. */
  run(work: () => Promise<void>): void {
    if (this.#free === 0) {
      this.#waiting.push(work);
      return;
    }
    this.#free--;
    void work().then(() => {
      this.#free++;
      const next = this.#waiting.shift();
      if (next) this.run(next);
    });
  }
}
