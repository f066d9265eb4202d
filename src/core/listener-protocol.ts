/**
 * A listener's side of the event protocol (supervisord.md 10.4): what it writes, in chunks of any size, → READY and
 * results. Lengths are bytes. Nothing it writes can make this grow: an unfinished line is bounded, of a result's body only
 * so much is kept as tells OK from anything else.
 */
import { decodeText } from "./supervisor-events.ts";

/** UNKNOWN: it broke the protocol; only a new process gets out of it. */
export type MemberState = "ACKNOWLEDGED" | "READY" | "BUSY" | "UNKNOWN";

export type Answer =
  | { readonly type: "ready" }
  /** The body was OK, or anything else. */
  | { readonly type: "result"; readonly ok: boolean }
  /** The line in the place of `RESULT <length>`; null: bytes where none belong. */
  | { readonly type: "broken"; readonly line: string | null };

const READY = ascii("READY\n");
const OK = ascii("OK");
const LF = 10;
/** `RESULT `, or anything as long. */
const RESULT_BYTES = 7;
/** `RESULT `, digits and an end are 30 bytes at most; supervisord would read on without end. */
const LINE_BYTES = 1024;

export class ProtocolReader {
  #input: Uint8Array = new Uint8Array(0);
  /** Of a result's body: how much is to come, and its first bytes. null: outside of one. */
  #body: { left: number; start: number[] } | null = null;

  /**
   * The next thing that was said, or null when that takes more bytes. `bytes` are added first; what is left over is kept
   * for the next call, so that it can be made with none until null comes.
   */
  next(state: MemberState, bytes: Uint8Array): Answer | null {
    this.#append(bytes);
    if (this.#input.length === 0 && this.#body === null) return null;
    switch (state) {
      case "ACKNOWLEDGED":
        return this.#readReady();
      case "BUSY":
        return this.#body === null ? this.#readLine() : this.#readBody(this.#body);
      case "READY":
        return this.#broken(null);
      case "UNKNOWN":
        this.#input = new Uint8Array(0);
        return null;
    }
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const joined = new Uint8Array(this.#input.length + bytes.length);
    joined.set(this.#input);
    joined.set(bytes, this.#input.length);
    this.#input = joined;
  }

  #take(count: number): Uint8Array {
    const taken = this.#input.subarray(0, count);
    this.#input = this.#input.slice(count);
    return taken;
  }

  #broken(line: string | null): Answer {
    this.#input = new Uint8Array(0);
    return { type: "broken", line };
  }

  #readReady(): Answer | null {
    if (this.#input.length < READY.length) return null;
    if (!READY.every((byte, index) => this.#input[index] === byte)) return this.#broken(null);
    this.#take(READY.length);
    return { type: "ready" };
  }

  #readLine(): Answer | null {
    const end = this.#input.indexOf(LF);
    if (end === -1 && this.#input.length < LINE_BYTES) return null;
    const bytes = this.#input.subarray(0, end === -1 ? LINE_BYTES : end);
    // supervisord does not look at the first word, and there are listeners that answer `RESULT:2`. Python's int() allows
    // blanks around the number, so a line that ends with CR LF counts.
    const [, digits] = /^\s*\+?(\d{1,15})\s*$/.exec(decodeText(bytes.subarray(RESULT_BYTES))) ?? [];
    if (end === -1 || digits === undefined) return this.#broken(decodeText(bytes));
    this.#take(end + 1);
    this.#body = { left: Number(digits), start: [] };
    return this.#readBody(this.#body);
  }

  #readBody(body: { left: number; start: number[] }): Answer | null {
    const bytes = this.#take(Math.min(body.left, this.#input.length));
    body.left -= bytes.length;
    body.start.push(...bytes.subarray(0, OK.length + 1 - body.start.length));
    if (body.left > 0) return null;
    this.#body = null;
    const ok = body.start.length === OK.length && OK.every((byte, index) => body.start[index] === byte);
    return { type: "result", ok };
  }
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
