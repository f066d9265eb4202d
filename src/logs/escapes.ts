/**
 * strip_ansi: output without terminal control sequences, over the boundaries of reads too. Pure.
 *
 * supervisord looks for one of fifteen letters after `ESC [`, wherever that is, and so eats text behind a sequence that
 * ends with another one (`ESC [ 3 ~`). Here a sequence is what ECMA-48 says: parameters, intermediates and one final byte.
 * Every other escape stays, as it does there.
 */

const ESCAPE = 0x1b;
const BRACKET = 0x5b;
/** Longer than any that means something: it is text then, and what is held stays small. */
const LONGEST = 64;

export type Take = (source: Buffer, from: number, to: number) => void;

export class EscapeStripper {
  /** The beginning of what may become a sequence. */
  readonly #held = Buffer.alloc(LONGEST);
  #heldLength = 0;

  /** Calls `take` at most once: with the range itself when there is nothing to drop. */
  feed(source: Buffer, from: number, to: number, take: Take): void {
    if (this.#heldLength === 0) {
      const first = source.indexOf(ESCAPE, from);
      if (first < 0 || first >= to) return take(source, from, to);
    }
    const kept = Buffer.allocUnsafe(this.#heldLength + to - from);
    let length = 0;
    for (let at = from; at < to; at++) {
      if (this.#heldLength === 0 && source[at] !== ESCAPE) {
        const next = source.indexOf(ESCAPE, at);
        const end = next < 0 || next > to ? to : next;
        length += source.copy(kept, length, at, end);
        at = end - 1;
        continue;
      }
      const byte = source[at] as number;
      const verdict = this.#judge(byte);
      if (verdict === "hold") {
        this.#held[this.#heldLength++] = byte;
        continue;
      }
      if (verdict === "drop") {
        this.#heldLength = 0;
        continue;
      }
      length += this.#held.copy(kept, length, 0, this.#heldLength);
      this.#heldLength = 0;
      // It may begin the next one.
      if (byte === ESCAPE) this.#held[this.#heldLength++] = byte;
      else kept[length++] = byte;
    }
    if (length > 0) take(kept, 0, length);
  }

  /** Nothing more comes: a lone escape is data, an unfinished sequence is none. */
  end(take: Take): void {
    const lone = this.#heldLength === 1;
    this.#heldLength = 0;
    if (lone) take(Buffer.from([ESCAPE]), 0, 1);
  }

  #judge(byte: number): "hold" | "drop" | "keep" {
    if (this.#heldLength === 0) return "hold";
    if (this.#heldLength === 1) return byte === BRACKET ? "hold" : "keep";
    if (byte >= 0x40 && byte <= 0x7e) return "drop";
    return byte >= 0x20 && byte < 0x40 && this.#heldLength < LONGEST ? "hold" : "keep";
  }
}
