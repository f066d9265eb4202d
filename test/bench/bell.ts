/**
 * A fifo that programs ring: a program writes one line when it runs, and the bench notes the moment.
 * Opening and writing costs every system the same, so only the init's share differs.
 */
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { makeFifo } from "./scratch.ts";
import { within } from "./wait.ts";

/** One line of a program and when it came, in milliseconds of performance.now(). */
export type Ring = { readonly words: readonly string[]; readonly at: number };

export class Bell {
  readonly path: string;
  readonly rings: Ring[] = [];
  readonly #socket: Socket;
  #rest = "";
  #waiting: (() => void)[] = [];

  constructor(directory: string) {
    this.path = join(directory, "bell");
    makeFifo(this.path);
    // Read and write: so it never ends when the last writer closes.
    const fd = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text) => this.#onData(String(text)));
  }

  #onData(text: string): void {
    const at = performance.now();
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.rings.push({ words: line.split(" "), at });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** The first ring at index `from` or later that begins with `word`. */
  async wait(word: string, from: number, ms: number): Promise<Ring> {
    const deadline = performance.now() + ms;
    for (;;) {
      const ring = this.rings.slice(from).find((candidate) => candidate.words[0] === word);
      if (ring !== undefined) return ring;
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no "${word}" within ${ms} ms`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await within(left, `"${word}"`, promise);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
