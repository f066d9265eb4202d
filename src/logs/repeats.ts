/**
 * A program in a crash loop says the same few things about itself for hours. The first times are told word by word, the
 * rest is counted and told once in a while. Pure: lines and times go in.
 */
import type { Millis } from "../core/states.ts";
import type { LogLine } from "./wording.ts";

/** So many alike within so long are told each; supervisord's three tries stay far below. */
const TOLD = 10;
const WINDOW_MS = 60_000;
/** Kinds of lines that are remembered; what comes beyond is told. */
const KINDS = 5000;

interface Kind {
  /** When the first of this window came. */
  readonly since: Millis;
  readonly count: number;
  /** The last of them. */
  readonly line: LogLine;
}

export class Repeats {
  readonly #kinds = new Map<string, Kind>();
  /** When the first window with something to tell is over, or null. */
  #due: Millis | null = null;

  get due(): Millis | null {
    return this.#due;
  }

  /** Whether the line, which is about `subject`, is to be told now. */
  admit(subject: string, line: LogLine, now: Millis): boolean {
    const key = `${subject}\n${kindOf(line.text)}`;
    const known = this.#kinds.get(key);
    const isOver = known !== undefined && known.count <= TOLD && now - known.since >= WINDOW_MS;
    if (known === undefined && this.#kinds.size >= KINDS && !this.#makeRoom(now)) return true;
    const { since, count } = known === undefined || isOver ? { since: now, count: 0 } : known;
    this.#kinds.set(key, { since, count: count + 1, line });
    if (count < TOLD) return true;
    if (this.#due === null || since + WINDOW_MS < this.#due) this.#due = since + WINDOW_MS;
    return false;
  }

  /** What was counted until the end of its window, or until now. */
  take(now: Millis, what: "due" | "all"): LogLine[] {
    const lines: LogLine[] = [];
    this.#due = null;
    for (const [key, { since, count, line }] of this.#kinds) {
      const more = count - TOLD;
      if (more <= 0) continue;
      if (what === "due" && now - since < WINDOW_MS) {
        this.#due = Math.min(this.#due ?? since + WINDOW_MS, since + WINDOW_MS);
        continue;
      }
      // Still at it: what comes next is no news either.
      this.#kinds.set(key, { since: now, count: TOLD, line });
      const times = more === 1 ? "once" : `${more} times`;
      const seconds = Math.max(1, Math.round((now - since) / 1000));
      lines.push({ level: line.level, text: `${line.text} (${times} more, within ${seconds} s)` });
    }
    return lines;
  }

  #makeRoom(now: Millis): boolean {
    for (const [key, { since, count }] of this.#kinds)
      if (count <= TOLD && now - since >= WINDOW_MS) this.#kinds.delete(key);
    return this.#kinds.size < KINDS;
  }
}

/** Pids tell otherwise equal lines apart and mean nothing for what they say. */
function kindOf(text: string): string {
  return text.replace(/\bpid \d+|\(\d+\)/g, "#");
}
