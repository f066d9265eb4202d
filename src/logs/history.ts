/** The last output of a program, kept in memory: one ring for each stream, and the order in which the streams took turns. */
import type { StreamName } from "./logs.ts";

const FIRST_BYTES = 1024;
/** Changes of stream that `lastLines` can put back into order. */
const TURNS_KEPT = 128;

/** The last `limit` bytes of what was written; memory is taken as it fills. */
export class Ring {
  /** Bytes ever written. */
  end = 0;
  #limit: number;
  #buffer = Buffer.alloc(0);
  /** Where the next byte goes, once the buffer has its full size. */
  #at = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  setLimit(limit: number): void {
    if (limit === this.#limit) return;
    const kept = this.bytes();
    const end = this.end;
    this.clear();
    this.#limit = limit;
    this.write(kept, 0, kept.length);
    this.end = end;
  }

  write(source: Buffer, from: number, to: number): void {
    this.end += to - from;
    const start = Math.max(from, to - this.#limit);
    const count = to - start;
    if (count === 0) return;
    if (this.#length + count > this.#buffer.length) this.#grow(this.#length + count);
    const first = Math.min(count, this.#buffer.length - this.#at);
    source.copy(this.#buffer, this.#at, start, start + first);
    source.copy(this.#buffer, 0, start + first, to);
    this.#at = (this.#at + count) % this.#buffer.length;
    this.#length = Math.min(this.#buffer.length, this.#length + count);
  }

  /** A copy, oldest first. */
  bytes(): Buffer {
    const { length } = this.#buffer;
    if (this.#length < length || length === 0) return Buffer.from(this.#buffer.subarray(0, this.#length));
    return Buffer.concat([this.#buffer.subarray(this.#at), this.#buffer.subarray(0, this.#at)]);
  }

  /** Forgets the bytes, not how many there were. */
  clear(): void {
    this.#buffer = Buffer.alloc(0);
    this.#at = 0;
    this.#length = 0;
  }

  /** Only ever called before the first wrap: until then the bytes lie in order from 0. */
  #grow(needed: number): void {
    const size = Math.min(this.#limit, Math.max(FIRST_BYTES, needed, this.#buffer.length * 2));
    if (size === this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#at = this.#length;
  }
}

interface Turn {
  readonly stream: StreamName;
  /** `Ring.end` after this turn's bytes. */
  end: number;
}

export class History {
  readonly stdout: Ring;
  readonly stderr: Ring;
  #turns: Turn[] = [];

  constructor(limit: number) {
    this.stdout = new Ring(limit);
    this.stderr = new Ring(limit);
  }

  setLimit(limit: number): void {
    this.stdout.setLimit(limit);
    this.stderr.setLimit(limit);
  }

  write(stream: StreamName, source: Buffer, from: number, to: number): void {
    const ring = this[stream];
    ring.write(source, from, to);
    const last = this.#turns.at(-1);
    if (last?.stream === stream) {
      last.end = ring.end;
      return;
    }
    this.#turns.push({ stream, end: ring.end });
    if (this.#turns.length > TURNS_KEPT) this.#turns.shift();
  }

  /** As an emptied log file: offsets begin at 0 again. */
  clear(): void {
    for (const ring of [this.stdout, this.stderr]) {
      ring.clear();
      ring.end = 0;
    }
    this.#turns = [];
  }

  /** The newest whole lines of both streams in the order they came, at most `limit` bytes of UTF-8. */
  lastLines(limit: number): string {
    const lines = this.#linesInOrder();
    let size = 0;
    let first = lines.length;
    while (first > 0) {
      const length = Buffer.byteLength(lines[first - 1] ?? "") + 1;
      if (size + length > limit) break;
      size += length;
      first--;
    }
    if (first === lines.length) return tail(lines.at(-1) ?? "", limit);
    return lines.slice(first).join("\n");
  }

  #linesInOrder(): string[] {
    const rings = { stdout: reader(this.stdout), stderr: reader(this.stderr) };
    const lines: string[] = [];
    for (const turn of this.#turns) {
      const { bytes, start, rest } = rings[turn.stream];
      const upTo = Math.max(0, turn.end - start);
      const text = rest + bytes.toString("latin1", rings[turn.stream].read, upTo);
      const parts = text.split("\n");
      rings[turn.stream].read = Math.max(upTo, rings[turn.stream].read);
      rings[turn.stream].rest = parts.pop() ?? "";
      for (const line of parts) lines.push(decode(line));
    }
    for (const { rest } of [rings.stdout, rings.stderr]) if (rest !== "") lines.push(decode(rest));
    return lines;
  }
}

function reader(ring: Ring): { bytes: Buffer; start: number; read: number; rest: string } {
  return { bytes: ring.bytes(), start: ring.end - ring.length, read: 0, rest: "" };
}

/** The end of a line that is too long as a whole, from a whole character on. */
function tail(line: string, limit: number): string {
  const bytes = Buffer.from(line);
  let start = Math.max(0, bytes.length - limit);
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.toString("utf8", start);
}

/** Lines are split as single bytes, so that no character is torn between two turns. */
function decode(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
