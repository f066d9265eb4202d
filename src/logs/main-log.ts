/**
 * tsinit's own lines as supervisord's main log has them (supervisord.md 9.1): the last ones in memory for clients, and a
 * file or syslog where the configuration asks for one. They are put into words only for those who read them: local time
 * costs a start what nothing else there needs.
 */
import { levelTag, renderLocalTime } from "./format.ts";
import type { LogFile } from "./log-file.ts";
import type { Level } from "./logs.ts";
import type { Syslog } from "./syslog.ts";

interface Entry {
  readonly wall: number;
  readonly level: Level;
  readonly text: string;
  readonly bytes: number;
}

/** `2026-11-24 12:34:56,789 INFO ` and the newline. */
const FRAME_BYTES = 30;

export class MainLog {
  /** Null: none. */
  file: LogFile | null = null;
  syslog: Syslog | null = null;
  readonly #followers = new Set<(text: Uint8Array) => void>();
  #limit: number;
  #entries: Entry[] = [];
  #bytes = 0;
  #end = 0;

  /** `limit`: bytes kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  setLimit(limit: number): void {
    this.#limit = limit;
    this.#forget();
  }

  /** `wall`: milliseconds since 1970. */
  say(wall: number, level: Level, text: string): void {
    const entry = { wall, level, text, bytes: FRAME_BYTES + Buffer.byteLength(text) };
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#end += entry.bytes;
    this.#forget();
    if (this.file === null && this.syslog === null && this.#followers.size === 0) return;
    const line = Buffer.from(render(entry));
    this.file?.write(line, 0, line.length);
    // No newline: it is one message.
    this.syslog?.send(line.subarray(0, -1));
    for (const follower of [...this.#followers]) {
      try {
        follower(line);
      } catch {
        this.#followers.delete(follower);
      }
    }
  }

  history(): { readonly bytes: Uint8Array; readonly end: number } {
    const all = Buffer.from(this.#entries.map(render).join(""));
    return { bytes: all.subarray(Math.max(0, all.length - this.#limit)), end: this.#end };
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#end = 0;
    this.file?.clear();
  }

  follow(listener: (text: Uint8Array) => void): () => void {
    this.#followers.add(listener);
    return () => void this.#followers.delete(listener);
  }

  /** Entries that are wholly beyond the limit go. */
  #forget(): void {
    let count = 0;
    for (const entry of this.#entries) {
      if (this.#bytes - entry.bytes < this.#limit) break;
      this.#bytes -= entry.bytes;
      count++;
    }
    if (count > 0) this.#entries.splice(0, count);
  }
}

function render({ wall, level, text }: Entry): string {
  return `${renderLocalTime(wall)} ${levelTag(level)} ${text}\n`;
}
