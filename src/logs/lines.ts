/**
 * Bytes as they come from a pipe → whole lines. Pure: no clock, no descriptors.
 *
 * A chunk of a busy program is handled as one run of whole lines; only its unfinished end is copied and held back. A line
 * longer than the limit is cut, so what is held never exceeds it. CR, NUL, escapes and bytes that are not UTF-8 are data.
 */

const NEWLINE = 10;
/** A held line's buffer above this size is given back once the line is out. */
const KEEP_BYTES = 4096;
/** Cutting must always leave room for one whole character and some sense. */
const SHORTEST_LIMIT = 16;

/** Memory that can be copied a word at a time from any offset. */
export interface Bytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function bytesOf(buffer: Buffer): Bytes {
  return { buffer, view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length) };
}

/** Where `prefixLines` is: read offset, write offset, newlines seen, and whether it stopped inside a line. */
export interface LineCursor {
  read: number;
  write: number;
  lines: number;
  inside: boolean;
}

/**
 * Copies `input` from `cursor.read` to `to` into `output` at `cursor.write`, with `prefix` before each line, and stops at the
 * end of either. Words of four bytes are tested for a newline at once: no call and no object per line.
 */
export function prefixLines(
  input: Bytes,
  to: number,
  output: Bytes,
  prefix: Buffer,
  cursor: LineCursor,
): void {
  const { buffer: source, view: sourceView } = input;
  const { buffer: target, view: targetView } = output;
  const prefixLength = prefix.length;
  const limit = target.length;
  const lastWord = to - 4;
  const lastTargetWord = limit - 4;
  let { read, write, lines, inside } = cursor;
  while (read < to) {
    if (!inside) {
      if (write + prefixLength >= limit) break;
      for (let index = 0; index < prefixLength; index++) target[write + index] = prefix[index] as number;
      write += prefixLength;
      inside = true;
    }
    while (read <= lastWord && write <= lastTargetWord) {
      const word = sourceView.getInt32(read, true);
      const zeroAtNewline = word ^ 0x0a0a0a0a;
      if (((zeroAtNewline - 0x01010101) & ~zeroAtNewline & 0x80808080) !== 0) break;
      targetView.setInt32(write, word, true);
      read += 4;
      write += 4;
    }
    while (read < to && write < limit) {
      const byte = source[read++] as number;
      target[write++] = byte;
      if (byte === NEWLINE) {
        inside = false;
        lines++;
        break;
      }
    }
    if (write >= limit) break;
  }
  cursor.read = read;
  cursor.write = write;
  cursor.lines = lines;
  cursor.inside = inside;
}

export function countLines(source: Buffer, from: number, to: number): number {
  let lines = 0;
  for (let at = source.indexOf(NEWLINE, from); at >= 0 && at < to; at = source.indexOf(NEWLINE, at + 1))
    lines++;
  return lines;
}

/**
 * The largest end ≤ `to` that does not cut a UTF-8 character in two. Bytes that are no UTF-8 are left as they are: only a
 * lead byte within the last three whose sequence would go on past `to` moves the end.
 */
export function characterEnd(source: Buffer, from: number, to: number): number {
  for (let back = 1; back <= 3 && to - back >= from; back++) {
    const byte = source[to - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length =
      byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc0 && byte < 0xe0 ? 2 : 1;
    return length > back ? to - back : to;
  }
  return to;
}

/** Takes what a `LineSplitter` finds. Ranges are of `source` and only valid during the call. */
export interface LineWriter {
  /** Whole lines, each with its newline at the end. */
  lines(source: Buffer, from: number, to: number): void;
  /**
   * A part of one line, without newline. `continues`: earlier pieces of it were written; `goesOn`: more of it follows or
   * may follow. Empty when a line that was written as unfinished turns out to have ended there.
   */
  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void;
}

const NOTHING = Buffer.alloc(0);

export class LineSplitter {
  readonly #writer: LineWriter;
  #limit: number;
  #held: Buffer = NOTHING;
  #heldLength = 0;
  #continues = false;

  /** `limit`: bytes of the longest line that is kept whole. */
  constructor(writer: LineWriter, limit: number) {
    this.#writer = writer;
    this.#limit = Math.max(SHORTEST_LIMIT, limit);
  }

  /** Whether bytes of an unfinished line wait here. */
  get holding(): boolean {
    return this.#heldLength > 0;
  }

  setLimit(limit: number): void {
    this.#limit = Math.max(SHORTEST_LIMIT, limit);
    while (this.#heldLength > this.#limit) this.#cut();
  }

  feed(source: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#heldLength === 0 && !this.#continues) {
        // No line inside a window of limit + newline can be too long, so its whole lines go on as they are.
        const window = Math.min(to, at + this.#limit + 1);
        const last = source.lastIndexOf(NEWLINE, window - 1);
        if (last >= at) {
          this.#writer.lines(source, at, last + 1);
          at = last + 1;
          continue;
        }
      }
      at = this.#take(source, at, to);
    }
  }

  /** Writes what is held as a piece of a line that goes on: it has waited long enough. */
  flushPartial(): void {
    if (this.#heldLength > 0) this.#cut();
  }

  /** The stream is at its end: an unfinished line counts as finished. */
  end(): void {
    if (this.#heldLength > 0 || this.#continues) this.#finishLine();
    this.#held = NOTHING;
  }

  /** Adds to the held line up to its newline, the limit or the end of the chunk; returns where it stopped. */
  #take(source: Buffer, at: number, to: number): number {
    const newline = source.indexOf(NEWLINE, at);
    const ends = newline >= 0 && newline < to;
    const stop = ends ? newline : to;
    const room = this.#limit - this.#heldLength;
    if (stop - at > room) {
      this.#hold(source, at, at + room);
      this.#cut();
      return at + room;
    }
    this.#hold(source, at, stop);
    if (!ends) return to;
    this.#finishLine();
    return stop + 1;
  }

  #hold(source: Buffer, from: number, to: number): void {
    const length = this.#heldLength + to - from;
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(256, length * 2)));
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    source.copy(this.#held, this.#heldLength, from, to);
    this.#heldLength = length;
  }

  #finishLine(): void {
    const length = this.#heldLength;
    this.#heldLength = 0;
    const continues = this.#continues;
    this.#continues = false;
    this.#writer.piece(this.#held, 0, length, continues, false);
    if (this.#held.length > KEEP_BYTES) this.#held = NOTHING;
  }

  #cut(): void {
    const length = this.#heldLength;
    const end = characterEnd(this.#held, 0, length);
    // Nothing but the beginning of a character: it waits for the rest of itself.
    if (end === 0) return;
    this.#writer.piece(this.#held, 0, end, this.#continues, true);
    this.#held.copy(this.#held, 0, end, length);
    this.#heldLength = length - end;
    this.#continues = true;
  }
}
