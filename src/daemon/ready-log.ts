/** `ready_log`: a regular expression, searched in each line of a run's output until one has it. */
import { compilePattern } from "../config/pattern.ts";
import type { ProgramId } from "../core/spec.ts";
import type { Logs, StreamName } from "../logs/logs.ts";
import { type Verdict, YES } from "./probes.ts";
import { type RequiredText, requiredText } from "./required-text.ts";

export interface LineWatch {
  readonly pattern: string;
  readonly id: ProgramId;
  /** Where the run's output begins. */
  readonly mark: Readonly<Record<StreamName, number>>;
  readonly logs: Pick<Logs, "history" | "historyEnd" | "follow">;
  readonly tell: (verdict: Verdict) => void;
}

/** Of a line this much is looked at. */
const LINE_BYTES = 4096;
const NEWLINE = 10;

/** The answer ends it. */
export function watchLines({ pattern, id, mark, logs, tell }: LineWatch): () => void {
  const search = compilePattern(pattern);
  const texts = requiredText(pattern);
  const stops: (() => void)[] = [];
  let over = false;
  const finish = (verdict: Verdict | null): void => {
    if (over) return;
    over = true;
    for (const stop of stops.splice(0)) stop();
    if (verdict !== null) tell(verdict);
  };
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = new Lines(texts);
    const take = (bytes: Uint8Array): void => {
      if (!over && lines.feed(bytes).some((line) => search.test(line))) finish(YES);
    };
    const before = logs.history(id, stream);
    const length = Math.min(before.length, logs.historyEnd(id, stream) - mark[stream]);
    if (length > 0) take(before.subarray(before.length - length));
    if (!over) stops.push(logs.follow(id, stream, take));
  }
  return () => finish(null);
}

/** Bytes → whole lines, each cut at `LINE_BYTES`; the rest of a longer one is skipped, and so are those without any of `texts`. */
class Lines {
  readonly #texts: readonly Buffer[];
  readonly #held = Buffer.allocUnsafe(LINE_BYTES);
  #length = 0;

  /** null: every line counts. */
  constructor(texts: RequiredText) {
    this.#texts = (texts ?? [""]).map((text) => Buffer.from(text));
  }

  feed(bytes: Uint8Array): string[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: string[] = [];
    let isSkipped = false;
    for (let at = 0; at < chunk.length; ) {
      if (this.#length === 0 && !isSkipped) {
        isSkipped = true;
        at = this.#skip(chunk, at);
      }
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline < 0 ? chunk.length : newline;
      const taken = chunk.subarray(at, Math.min(end, at + LINE_BYTES - this.#length));
      this.#held.set(taken, this.#length);
      this.#length += taken.length;
      if (newline >= 0) {
        if (this.#find(this.#held.subarray(0, this.#length)) >= 0)
          lines.push(this.#held.toString("utf8", 0, this.#length).replace(/\r$/, ""));
        this.#length = 0;
      }
      at = end + 1;
    }
    return lines;
  }

  /** Where the first line begins that may have the text, in a chunk where a line begins `at`. */
  #skip(chunk: Buffer, at: number): number {
    const last = chunk.lastIndexOf(NEWLINE);
    if (last < at) return at;
    const found = this.#find(chunk.subarray(at, last));
    return found < 0 ? last + 1 : chunk.lastIndexOf(NEWLINE, at + found) + 1 || at;
  }

  /** Where the first of the texts is. */
  #find(bytes: Buffer): number {
    let first = -1;
    for (const text of this.#texts) {
      const found = (first < 0 ? bytes : bytes.subarray(0, first)).indexOf(text);
      if (found >= 0) first = found;
    }
    return first;
  }
}
