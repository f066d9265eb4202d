/** What is still to be done for one log file: pieces of output and requests, first in first out. Pure. */

/** What a piece costs beside its bytes, so that the bound holds for single letters too. */
const PIECE_COST = 128;
const SMALL_BYTES = 4096;
const BLOCK_BYTES = 16 * 1024;
/** Pieces written at once, below the system's IOV_MAX. */
const BATCH_PIECES = 512;
const BATCH_BYTES = 1024 * 1024;

/** `reopen`: close and open again, for a file renamed from outside. `clear`: an empty file. */
export type Request = "reopen" | "clear";

export class Backlog {
  /** Memory held, bookkeeping included. */
  size = 0;
  #items: (Buffer | Request)[] = [];
  /** Small pieces lie here one after the other. */
  #block: Buffer | null = null;
  #blockLength = 0;

  get empty(): boolean {
    return this.#items.length === 0;
  }

  append(source: Uint8Array, from: number, to: number): void {
    this.#items.push(this.#copy(source, from, to));
    this.size += to - from + PIECE_COST;
  }

  request(request: Request): void {
    if (this.#items.at(-1) !== request) this.#items.push(request);
  }

  /** The request that is next in turn. */
  takeRequest(): Request | null {
    const [first] = this.#items;
    if (typeof first !== "string") return null;
    this.#items.shift();
    return first;
  }

  /**
   * The next pieces that may be written at once: up to the one that brings them to `bytes`, because a look at the file's
   * size follows each piece. They stay until `written`.
   */
  batch(bytes: number): Buffer[] {
    const pieces: Buffer[] = [];
    let length = 0;
    for (const item of this.#items) {
      if (typeof item === "string" || pieces.length === BATCH_PIECES) break;
      pieces.push(item);
      length += item.length;
      if (length >= Math.min(bytes, BATCH_BYTES)) break;
    }
    return pieces;
  }

  /** So many bytes of the first pieces have left. */
  written(bytes: number): void {
    let left = bytes;
    let done = 0;
    for (const item of this.#items) {
      if (typeof item === "string" || left < item.length) break;
      left -= item.length;
      this.size -= item.length + PIECE_COST;
      done++;
    }
    this.#items.splice(0, done);
    const [first] = this.#items;
    if (left > 0 && first instanceof Buffer) {
      this.#items[0] = first.subarray(left);
      this.size -= left;
    }
    if (this.#items.length === 0) this.#block = null;
  }

  /** Throws all output away and says how much it was; requests stay. */
  discard(): number {
    let bytes = 0;
    for (const item of this.#items) if (typeof item !== "string") bytes += item.length;
    this.#items = this.#items.filter((item) => typeof item === "string");
    this.#block = null;
    this.size = 0;
    return bytes;
  }

  #copy(source: Uint8Array, from: number, to: number): Buffer {
    const length = to - from;
    const piece = length > SMALL_BYTES ? Buffer.allocUnsafeSlow(length) : this.#room(length);
    piece.set(source.subarray(from, to));
    return piece;
  }

  #room(length: number): Buffer {
    if (this.#block === null || this.#blockLength + length > BLOCK_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#blockLength = 0;
    }
    this.#blockLength += length;
    return this.#block.subarray(this.#blockLength - length, this.#blockLength);
  }
}
