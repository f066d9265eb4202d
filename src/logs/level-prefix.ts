/**
 * `log_level_prefix`: a line that begins with `<0>` to `<7>` says its level, as sd-daemon(3) has it. The mark is taken off;
 * the pieces of a cut line have the level of the first.
 */
import { type Severity, syslogSeverity } from "./severity.ts";
import type { Writer } from "./writers.ts";

/** Bytes of `<N>`. */
export const LEVEL_PREFIX = 3;
const LESS = 0x3c;
const GREATER = 0x3e;
const SEVEN = 0x37;
const ZERO = 0x30;
const NEWLINE = 10;

/** The level that the line at `from` begins with; null: none. */
export function levelAt(source: Uint8Array, from: number, to: number): Severity | null {
  if (source[from] !== LESS || from + LEVEL_PREFIX > to || source[from + 2] !== GREATER) return null;
  return levelOf(source[from + 1] ?? 0);
}

/** The same in a text. */
export function levelIn(text: string, from: number): Severity | null {
  if (text.charCodeAt(from) !== LESS || text.charCodeAt(from + 2) !== GREATER) return null;
  return levelOf(text.charCodeAt(from + 1));
}

function levelOf(digit: number): Severity | null {
  return digit >= ZERO && digit <= SEVEN ? syslogSeverity(digit - ZERO) : null;
}

/** Levels of the pieces of one stream. */
export class PieceLevels {
  #level: Severity | null = null;

  /** Of this piece; null: its line has none. */
  next(source: Uint8Array, from: number, to: number, continues: boolean): Severity | null {
    if (!continues) this.#level = levelAt(source, from, to);
    return this.#level;
  }
}

/** Lines without their marks, for a writer that has no use for levels. */
export class UnmarkedWriter implements Writer {
  readonly #inner: Writer;
  /** Lines without their marks; as large as the chunks are. */
  #unmarked: Buffer = Buffer.alloc(0);

  constructor(inner: Writer) {
    this.#inner = inner;
  }

  lines(source: Buffer, from: number, to: number): number {
    let length = 0;
    let copied = from;
    for (let at = from; at < to; at = source.indexOf(NEWLINE, at) + 1) {
      if (levelAt(source, at, to) === null) continue;
      length = this.#copy(source, copied, at, length, to - from);
      copied = at + LEVEL_PREFIX;
    }
    if (copied === from) return this.#inner.lines(source, from, to);
    return this.#inner.lines(this.#unmarked, 0, this.#copy(source, copied, to, length, to - from));
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    const marked = !continues && levelAt(source, from, to) !== null;
    this.#inner.piece(source, marked ? from + LEVEL_PREFIX : from, to, continues, goesOn);
  }

  notice(text: string): void {
    this.#inner.notice(text);
  }

  #copy(source: Buffer, from: number, to: number, at: number, room: number): number {
    if (this.#unmarked.length < room) this.#unmarked = Buffer.allocUnsafeSlow(room);
    return at + source.copy(this.#unmarked, at, from, to);
  }
}
