/**
 * What is on its way out of one descriptor: bytes in blocks, first in first out, and whose they are. Pure.
 *
 * Lines are put together in place (`room`, `commit`), so a chunk is copied once between pipe and pipe. Everything appended
 * between two calls of `begin` stays together.
 */
import { Arena } from "./arena.ts";
import type { Bytes } from "./lines.ts";

/** Finished entries at the front of the segment list before it is moved up. */
const COMPACT_AFTER = 256;

/** Whoever has bytes in the queue. `lost` is told what was thrown away because the descriptor is broken. */
export interface Owner {
  queued: number;
  lost(bytes: number): void;
}

export interface Block {
  readonly bytes: Bytes;
  start: number;
  end: number;
}

interface Segment {
  readonly owner: Owner;
  bytes: number;
}

export class OutputQueue {
  /** Bytes not yet taken away by `consume`. */
  size = 0;
  readonly arena: Arena;
  #blocks: Block[] = [];
  #segments: Segment[] = [];
  #firstSegment = 0;
  /** Who left a line without its newline (raw format only). */
  #openLine: Owner | null = null;

  /** The blocks come from `arena`, which several queues may share. */
  constructor(arena: Arena = new Arena()) {
    this.arena = arena;
  }

  /** Before the lines of `owner`: ends a line that somebody else left open. null: a line that nobody may have begun. */
  begin(owner: Owner | null): void {
    if (this.#openLine !== null && this.#openLine !== owner) this.endLine(this.#openLine);
  }

  leaveLineOpen(owner: Owner): void {
    this.#openLine = owner;
  }

  /** Ends the line that `owner` left open, if it did. */
  endLine(owner: Owner): void {
    if (this.#openLine !== owner) return;
    this.#openLine = null;
    this.append(owner, NEWLINE, 0, 1);
  }

  /** A block with at least `bytes` (below 64 KB) free at `end`. Write there, then `commit`. */
  room(bytes: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.bytes.buffer.length - last.end >= bytes) return last;
    const block = { bytes: this.arena.takeBlock(), start: 0, end: 0 };
    this.#blocks.push(block);
    return block;
  }

  /** The next `bytes` after `end` of the block that `room` gave belong to the queue now. */
  commit(owner: Owner, block: Block, bytes: number): void {
    block.end += bytes;
    this.size += bytes;
    owner.queued += bytes;
    const last = this.#segments.length > this.#firstSegment ? this.#segments.at(-1) : undefined;
    if (last?.owner === owner) last.bytes += bytes;
    else this.#segments.push({ owner, bytes });
  }

  append(owner: Owner, source: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const block = this.room(1);
      const { buffer } = block.bytes;
      const count = Math.min(to - at, buffer.length - block.end);
      buffer.set(source.subarray(at, at + count), block.end);
      this.commit(owner, block, count);
      at += count;
    }
  }

  /** The oldest bytes, `start` to `end` of a block; null when there are none. They stay until `consume`. */
  head(): Block | null {
    const first = this.#blocks[0];
    return first && first.end > first.start ? first : null;
  }

  /** The first `bytes`, all of them in the head block, have left. */
  consume(bytes: number): void {
    this.#credit(bytes, false);
    this.size -= bytes;
    const first = this.#blocks[0];
    if (!first) return;
    first.start += bytes;
    if (first.start < first.end) return;
    this.#blocks.shift();
    this.arena.giveBlock(first.bytes);
  }

  /** Throws everything away and tells the owners. */
  discard(): void {
    this.#credit(this.size, true);
    this.size = 0;
    for (const { bytes } of this.#blocks) this.arena.giveBlock(bytes);
    this.#blocks = [];
    this.#openLine = null;
  }

  #credit(bytes: number, lost: boolean): void {
    let left = bytes;
    while (left > 0) {
      const segment = this.#segments[this.#firstSegment];
      if (!segment) break;
      const count = Math.min(left, segment.bytes);
      segment.bytes -= count;
      segment.owner.queued -= count;
      if (lost) segment.owner.lost(count);
      left -= count;
      if (segment.bytes === 0) this.#firstSegment++;
    }
    if (this.#firstSegment === this.#segments.length) this.#segments.length = 0;
    else if (this.#firstSegment < COMPACT_AFTER) return;
    else this.#segments.splice(0, this.#firstSegment);
    this.#firstSegment = 0;
  }
}

const NEWLINE = Buffer.from("\n");
