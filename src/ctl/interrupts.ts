/** Ctrl-C while something lasts: it ends that and no more. */

/** Calls the listener at each SIGINT until the function it returns is called. */
export type ListenForInterrupts = (listener: () => void) => () => void;

/** The innermost of what is going on is what Ctrl-C ends; with nothing going on it ends the process, as ever. */
export class Interrupts {
  readonly #listen: ListenForInterrupts;
  readonly #going: AbortController[] = [];
  #stop: (() => void) | null = null;

  constructor(listen: ListenForInterrupts) {
    this.#listen = listen;
  }

  async during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#going.push(controller);
    this.#stop ??= this.#listen(() => this.#going.at(-1)?.abort());
    try {
      return await work(controller.signal);
    } finally {
      this.#going.splice(this.#going.indexOf(controller), 1);
      if (this.#going.length === 0) {
        this.#stop();
        this.#stop = null;
      }
    }
  }
}
