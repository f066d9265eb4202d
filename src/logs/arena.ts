/**
 * The memory of the log path and the loops over it: one buffer that every pipe is read into, blocks for what is on its way
 * out, lines counted and prefixed. Plain at first; when a program floods, WebAssembly's memory and loops take over
 * (vector.ts), and what does not fit there stays plain.
 */
import { type Bytes, bytesOf, countLines, type LineCursor, prefixLines } from "./lines.ts";

/** What is read into it is used up before the next read. As long as a default pipe. */
const READ_BYTES = 64 * 1024;
/** Touched memory is what counts: an idle block costs the pages its small writes have used. */
const BLOCK_BYTES = 256 * 1024;
/** Plain blocks that are kept for the next flood. */
const SPARE_BLOCKS = 2;

/** Fast memory, and loops that work on nothing else. */
export interface Vector {
  readonly input: Bytes;
  readonly blocks: readonly Bytes[];
  has(bytes: Bytes): boolean;
  /** lines.ts's; false: not from or to that memory, not with this prefix, or not in what room there is. */
  prefixLines(input: Bytes, to: number, output: Bytes, prefix: Buffer, cursor: LineCursor): boolean;
  countLines(source: Bytes, from: number, to: number): number;
}

/** At once: as garbage, what a stuck reader has piled up would wait for V8 to collect it, megabytes of it. */
function release({ buffer }: Bytes): void {
  (buffer.buffer as ArrayBuffer).transfer(0);
}

export class Arena {
  readonly #load: (() => Promise<Vector>) | null;
  #isLoading = false;
  #vector: Vector | null = null;
  #input: Bytes | null = null;
  #spare: Bytes[] = [];
  /** Of buffers that lines come from and that are not `input`: what a filter has put together, a held line. */
  readonly #views = new WeakMap<Buffer, Bytes>();

  /** `load`: for `accelerate`; without it all stays plain. */
  constructor(load: (() => Promise<Vector>) | null = null) {
    this.#load = load;
  }

  /** Where to read to; another one after `accelerate`. */
  get input(): Buffer {
    this.#input ??= bytesOf(Buffer.allocUnsafeSlow(READ_BYTES));
    return this.#input.buffer;
  }

  /** Somebody floods. Soon after, or never where WebAssembly cannot be had, all is faster. */
  accelerate(): void {
    if (this.#isLoading || this.#load === null) return;
    this.#isLoading = true;
    this.#load().then(
      (vector) => {
        this.#vector = vector;
        this.#input = vector.input;
        this.#spare.push(...vector.blocks);
      },
      () => {},
    );
  }

  takeBlock(): Bytes {
    return this.#spare.pop() ?? bytesOf(Buffer.allocUnsafeSlow(BLOCK_BYTES));
  }

  giveBlock(block: Bytes): void {
    const isFast = this.#vector?.has(block) ?? false;
    if (isFast) this.#spare.push(block);
    // Behind the fast ones, which are taken first.
    else if (this.#spare.length < SPARE_BLOCKS) this.#spare.unshift(block);
    else release(block);
  }

  prefixLines(source: Buffer, to: number, output: Bytes, prefix: Buffer, cursor: LineCursor): void {
    const input = this.#bytesOf(source);
    if (!this.#vector?.prefixLines(input, to, output, prefix, cursor))
      prefixLines(input, to, output, prefix, cursor);
  }

  countLines(source: Buffer, from: number, to: number): number {
    const vector = this.#vector;
    if (vector !== null && source === vector.input.buffer) return vector.countLines(vector.input, from, to);
    return countLines(source, from, to);
  }

  #bytesOf(buffer: Buffer): Bytes {
    if (buffer === this.#input?.buffer) return this.#input;
    let bytes = this.#views.get(buffer);
    if (!bytes) {
      bytes = bytesOf(buffer);
      this.#views.set(buffer, bytes);
    }
    return bytes;
  }
}
