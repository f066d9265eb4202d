/**
 * Capture mode (supervisord.md 9.6): what stands between the tags of PROCESS_COMMUNICATION goes to listeners instead of the
 * log, and the tags vanish, also when reads cut them. Pure.
 *
 * Unlike supervisord, which waits for more than a tag's length and loses what is left when the program ends, only what may
 * be the beginning of a tag is held back, and released at the end.
 */
const BEGIN = Buffer.from("<!--XSUPERVISOR:BEGIN-->");
const END = Buffer.from("<!--XSUPERVISOR:END-->");
const NOTHING = Buffer.alloc(0);

/** Ranges are only valid during the call. */
export interface TagListener {
  text(source: Buffer, from: number, to: number): void;
  /** A part of what is being captured. */
  inside(source: Buffer, from: number, to: number): void;
  /** The end tag was seen. */
  closed(): void;
}

export class TagFinder {
  readonly #listener: TagListener;
  #inside = false;
  #held: Buffer = NOTHING;

  constructor(listener: TagListener) {
    this.#listener = listener;
  }

  feed(source: Buffer, from: number, to: number): void {
    if (this.#held.length === 0) return this.#search(source, from, to);
    const joined = Buffer.concat([this.#held, source.subarray(from, to)]);
    this.#held = NOTHING;
    this.#search(joined, 0, joined.length);
  }

  /** The process is gone: what might have become a tag was none, and what was being captured is lost. */
  end(): void {
    const held = this.#held;
    this.#held = NOTHING;
    if (held.length > 0) this.#pass(held, 0, held.length);
    this.#inside = false;
  }

  #search(source: Buffer, from: number, to: number): void {
    let at = from;
    for (;;) {
      const tag = this.#inside ? END : BEGIN;
      const found = source.subarray(at, to).indexOf(tag);
      if (found < 0) break;
      this.#pass(source, at, at + found);
      at += found + tag.length;
      this.#inside = !this.#inside;
      if (!this.#inside) this.#listener.closed();
    }
    const held = beginningAtEnd(source, at, to, this.#inside ? END : BEGIN);
    this.#pass(source, at, to - held);
    // A copy: the buffer is the next read's too.
    if (held > 0) this.#held = Buffer.from(source.subarray(to - held, to));
  }

  #pass(source: Buffer, from: number, to: number): void {
    if (from === to) return;
    if (this.#inside) this.#listener.inside(source, from, to);
    else this.#listener.text(source, from, to);
  }
}

/** How many of the last bytes are the first ones of `tag`. */
function beginningAtEnd(source: Buffer, from: number, to: number, tag: Buffer): number {
  for (let length = Math.min(tag.length - 1, to - from); length > 0; length--) {
    if (source.compare(tag, 0, length, to - length, to) === 0) return length;
  }
  return 0;
}

/**
 * The last bytes of a capture. supervisord's bound: what would exceed it pushes out as many of the oldest bytes as it has
 * itself, so one large piece is kept whole.
 */
export class BoundBytes {
  readonly #limit: number;
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  write(source: Buffer, from: number, to: number): void {
    const count = to - from;
    if (this.#end - this.#start + count > this.#limit) this.#start = Math.min(this.#end, this.#start + count);
    if (this.#end + count > this.#buffer.length) this.#makeRoom(count);
    this.#end += source.copy(this.#buffer, this.#end, from, to);
  }

  /** Valid until the next write; it is forgotten here. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#buffer = NOTHING;
    this.#start = 0;
    this.#end = 0;
    return bytes;
  }

  #makeRoom(count: number): void {
    const length = this.#end - this.#start;
    const moved = Buffer.allocUnsafeSlow(Math.max(256, (length + count) * 2));
    this.#buffer.copy(moved, 0, this.#start, this.#end);
    this.#buffer = moved;
    this.#start = 0;
    this.#end = length;
  }
}
