/** Two formats of a program's lines, written into a queue: text with a prefix, and raw. JSON: json-writer.ts. */

import { CONTINUED, renderTimestamp } from "./format.ts";
import type { LineCursor, LineWriter } from "./lines.ts";
import type { OutputQueue, Owner } from "./queue.ts";
import type { Sink } from "./sinks.ts";

const NEWLINE = Buffer.from("\n");
const MARK = Buffer.from(CONTINUED);
/** Room asked for beyond a prefix, so that a block is not begun for a few bytes. */
const SLACK = 256;
/** A prefix is put into one block with some of its line. */
const LONGEST_PREFIX = 4096;

export interface Writer extends LineWriter {
  /** The number of lines. */
  lines(source: Buffer, from: number, to: number): number;
  /** A line about the stream, in the stream. */
  notice(text: string): void;
}

/** Milliseconds since 1970. */
export type WallClock = () => number;

export class TextWriter implements Writer {
  readonly #queue: OutputQueue;
  readonly #owner: Owner;
  readonly #heading: Buffer;
  readonly #wall: WallClock | null;
  #stampedAt = -1;
  readonly #cursor: LineCursor = { read: 0, write: 0, lines: 0, inside: false };

  /** `wall`: a timestamp goes before the prefix. */
  constructor(queue: OutputQueue, owner: Owner, prefix: string, wall: WallClock | null) {
    this.#queue = queue;
    this.#owner = owner;
    this.#wall = wall;
    this.#heading = Buffer.from(wall ? `${renderTimestamp(0)} ${prefix}` : prefix).subarray(
      0,
      LONGEST_PREFIX,
    );
  }

  lines(source: Buffer, from: number, to: number): number {
    const heading = this.#stamp();
    const cursor = this.#cursor;
    cursor.read = from;
    cursor.lines = 0;
    cursor.inside = false;
    const queue = this.#queue;
    // Not even by the program itself, when it was raw before a reload.
    queue.begin(null);
    while (cursor.read < to) {
      const block = queue.room(heading.length + SLACK);
      cursor.write = block.end;
      queue.arena.prefixLines(source, to, block.bytes, heading, cursor);
      queue.commit(this.#owner, block, cursor.write - block.end);
    }
    return cursor.lines;
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    // The line was written as unfinished and nothing more came: its mark said so already.
    const queue = this.#queue;
    if (from === to && continues && !goesOn) return queue.endLine(this.#owner);
    const heading = this.#stamp();
    queue.begin(null);
    queue.append(this.#owner, heading, 0, heading.length);
    if (continues) queue.append(this.#owner, MARK, 0, MARK.length);
    queue.append(this.#owner, source, from, to);
    if (goesOn) queue.append(this.#owner, MARK, 0, MARK.length);
    queue.append(this.#owner, NEWLINE, 0, 1);
  }

  notice(text: string): void {
    const bytes = Buffer.from(text);
    this.piece(bytes, 0, bytes.length, false, false);
  }

  /** All lines of one chunk have the time at which it was read. */
  #stamp(): Buffer {
    if (!this.#wall) return this.#heading;
    const now = this.#wall();
    if (now !== this.#stampedAt) this.#heading.write(renderTimestamp(now), 0, "latin1");
    this.#stampedAt = now;
    return this.#heading;
  }
}

/** Bytes as they are. A line that stays unfinished is left open until it goes on or somebody else has a line. */
export class RawWriter implements Writer {
  readonly #sink: Pick<Sink, "queue" | "writeThrough">;
  readonly #queue: OutputQueue;
  readonly #owner: Owner;

  constructor(sink: Pick<Sink, "queue" | "writeThrough">, owner: Owner) {
    this.#sink = sink;
    this.#queue = sink.queue;
    this.#owner = owner;
  }

  lines(source: Buffer, from: number, to: number): number {
    this.#queue.begin(this.#owner);
    // Nothing is put before or between them: what can leave at once is not copied.
    const taken = this.#sink.writeThrough(source, from, to);
    this.#queue.append(this.#owner, source, from + taken, to);
    return this.#queue.arena.countLines(source, from, to);
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    const queue = this.#queue;
    if (from === to && continues && !goesOn) {
      queue.endLine(this.#owner);
      return;
    }
    queue.begin(this.#owner);
    queue.append(this.#owner, source, from, to);
    queue.leaveLineOpen(this.#owner);
    if (!goesOn) queue.endLine(this.#owner);
  }

  notice(text: string): void {
    this.#queue.endLine(this.#owner);
    const bytes = Buffer.from(text);
    this.piece(bytes, 0, bytes.length, false, false);
  }
}
