/** tsinit's own lines: never waiting for anything, never without bound. */
import { droppedText } from "./format.ts";
import type { Level } from "./logs.ts";
import type { Owner } from "./queue.ts";
import type { Sink } from "./sinks.ts";

/** In the sink's queue, where nothing can be taken back. */
const QUEUED_BYTES = 64 * 1024;
/** Behind it; beyond this the oldest go. */
const WAITING_BYTES = 256 * 1024;

export class OwnLines implements Owner {
  queued = 0;
  readonly #sink: Sink;
  readonly #render: (level: Level, text: string) => Buffer;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #droppedLines = 0;
  #droppedBytes = 0;
  #willWrite = false;

  /** `render`: whole lines, newlines included. */
  constructor(sink: Sink, render: (level: Level, text: string) => Buffer) {
    this.#sink = sink;
    this.#render = render;
  }

  /** Nothing waits here; what the sink has queued is its own affair. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#droppedLines === 0;
  }

  lost(): void {}

  say(level: Level, text: string): void {
    const line = this.#render(level, text);
    if (this.queued < QUEUED_BYTES && this.idle) {
      this.#put(line);
      // There may be no end of this turn.
      if (level === "critical" || level === "error") this.write();
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    while (this.#waitingBytes > WAITING_BYTES) {
      const oldest = this.#waiting.shift();
      if (!oldest) break;
      this.#waitingBytes -= oldest.length;
      this.#droppedLines++;
      this.#droppedBytes += oldest.length;
    }
  }

  /** There is room in the sink. */
  onRoom(): void {
    if (this.idle || this.queued >= QUEUED_BYTES) return;
    if (this.#droppedLines > 0) {
      const text = droppedText(this.#droppedLines, this.#droppedBytes);
      this.#droppedLines = 0;
      this.#droppedBytes = 0;
      this.#put(this.#render("warn", text));
    }
    let count = 0;
    for (; count < this.#waiting.length && this.queued < QUEUED_BYTES; count++) {
      const line = this.#waiting[count];
      if (!line) break;
      this.#waitingBytes -= line.length;
      this.#put(line);
    }
    this.#waiting.splice(0, count);
  }

  /** Writes what is still to be written in this turn of the event loop. */
  write(): void {
    this.#sink.kick();
  }

  #put(line: Buffer): void {
    this.#sink.queue.begin(this);
    this.#sink.queue.append(this, line, 0, line.length);
    if (this.queued >= QUEUED_BYTES) this.write();
    else this.#writeSoon();
  }

  /** At the end of this turn: what there is to do comes before what there is to say of it, and many lines are one write. */
  #writeSoon(): void {
    if (this.#willWrite) return;
    this.#willWrite = true;
    setImmediate(() => {
      this.#willWrite = false;
      this.write();
      this.#sink.onProgress();
    });
  }
}
