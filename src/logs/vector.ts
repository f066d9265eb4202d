/** The two loops of lines.ts over WebAssembly's memory, sixteen bytes at a time: taken when a program floods (arena.ts). */
import type { Vector } from "./arena.ts";
import { type Bytes, bytesOf, type LineCursor } from "./lines.ts";

const PAGE_BYTES = 64 * 1024;
/** Longer heads are left to lines.ts. */
const HEAD_BYTES = 4096;
/** What the loops may look at or write behind their range. */
const MARGIN_BYTES = 32;
const INPUT_BYTES = 256 * 1024;
const BLOCK_BYTES = 256 * 1024;
/** As many as a stream holds back before it is paused, with default settings, and some: what is beyond that is slow anyway. */
const BLOCKS = 6;

/** A variable of the module. */
interface Result {
  readonly value: number;
}

interface Loops {
  readonly read: Result;
  readonly write: Result;
  readonly lines: Result;
  readonly inside: Result;
  prefixLines(
    from: number,
    to: number,
    output: number,
    limit: number,
    head: number,
    headLength: number,
    isInside: number,
  ): void;
  countLines(from: number, to: number): number;
}

/** `module`: lines.as.ts compiled. Throws where the address space is limited: WebAssembly reserves gigabytes of it. */
export function createVector(module: Uint8Array<ArrayBuffer>): Vector {
  const bytes = HEAD_BYTES + 2 * MARGIN_BYTES + INPUT_BYTES + BLOCKS * BLOCK_BYTES;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  // Pages that nobody writes to cost nothing.
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory } });
  const loops = exports as Loops;
  const all = memory.buffer;
  const part = (at: number, length: number): Bytes => bytesOf(Buffer.from(all, at, length));
  const head = part(0, HEAD_BYTES).buffer;
  const inputAt = HEAD_BYTES + MARGIN_BYTES;
  const blocksAt = inputAt + INPUT_BYTES + MARGIN_BYTES;

  const has = ({ buffer }: Bytes): boolean => buffer.buffer === all;

  return {
    input: part(inputAt, INPUT_BYTES),
    blocks: Array.from({ length: BLOCKS }, (_, index) => part(blocksAt + index * BLOCK_BYTES, BLOCK_BYTES)),

    has,

    prefixLines(input: Bytes, to: number, output: Bytes, prefix: Buffer, cursor: LineCursor): boolean {
      if (!has(input) || !has(output)) return false;
      const source = input.buffer.byteOffset;
      const target = output.buffer.byteOffset;
      const { read, write, inside } = cursor;
      const limit = output.buffer.length - prefix.length - MARGIN_BYTES;
      if (prefix.length > HEAD_BYTES || write >= limit) return false;
      head.set(prefix);
      loops.prefixLines(
        source + read,
        source + to,
        target + write,
        target + limit,
        0,
        prefix.length,
        inside ? 1 : 0,
      );
      cursor.read = loops.read.value - source;
      cursor.write = loops.write.value - target;
      cursor.lines += loops.lines.value;
      cursor.inside = loops.inside.value === 1;
      return true;
    },

    countLines(source: Bytes, from: number, to: number): number {
      const at = source.buffer.byteOffset;
      return loops.countLines(at + from, at + to);
    },
  };
}
