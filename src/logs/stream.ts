/** One output stream of one run: pipe → history, counters, lines → the sink, and what happens when the sink is slow. */
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Millis } from "../core/states.ts";
import { Capture, type CaptureContext, type CaptureListener } from "./capture.ts";
import { droppedText } from "./format.ts";
import type { History } from "./history.ts";
import { countLines, LineSplitter, type LineWriter } from "./lines.ts";
import type { StreamCounters, StreamName } from "./logs.ts";
import type { PartialLines } from "./partial.ts";
import type { Owner } from "./queue.ts";
import type { Sink } from "./sinks.ts";
import type { Writer } from "./writers.ts";

/** Most that is read of a pipe at once when its program has ended: what the largest pipe of ours holds. */
const DRAIN_BYTES = 1024 * 1024;

/** How much may wait for a sink, in bytes of output. */
export interface FlowLimits {
  readonly overflow: "block" | "drop";
  readonly maxLine: number;
  /** Of one stream of a program: above it the stream is paused or its lines are dropped. */
  readonly stream: number;
  /**
   * The same for last words, which are read although the stream is over its limit. Reached only by a program that ends
   * again and again while nobody reads; then lines are dropped in any mode.
   */
  readonly lastWords: number;
  /** Of all streams together, so that hundreds of programs cannot fill the memory. */
  readonly sink: number;
}

/** What one program's stream keeps from run to run. */
export class Channel implements Owner {
  queued = 0;
  readonly counters: StreamCounters = { lines: 0, bytes: 0, droppedBytes: 0 };
  /** Dropped since the last line that said so. */
  droppedLines = 0;
  droppedBytes = 0;

  lost(bytes: number): void {
    this.counters.droppedBytes += bytes;
  }
}

/** What a stream needs from the whole. */
export interface StreamHost {
  readonly captures: CaptureContext;
  readonly partials: PartialLines;
  limits(): FlowLimits;
  /** null: the output is thrown away. */
  sink(spec: ProgramSpec, stream: StreamName): Sink | null;
  writer(spec: ProgramSpec, pid: number, stream: StreamName, sink: Sink, owner: Owner): Writer;
  /** The stream waits for room in its sink: call `onRoom` when some was made, until it returns true. */
  wantsRoom(stream: ProgramStream): void;
  ended(stream: ProgramStream): void;
  chunk(options: StreamOptions, buffer: Buffer, length: number): void;
  now(): Millis;
}

export interface StreamOptions {
  readonly spec: ProgramSpec;
  readonly pid: number;
  readonly stream: StreamName;
  /** Owned from now on. */
  readonly fd: number;
  readonly channel: Channel;
  readonly history: History;
}

export class ProgramStream implements CaptureListener, LineWriter {
  readonly id: ProgramId;
  readonly pid: number;
  /** When the unfinished line that is held began; null: none is. */
  heldSince: Millis | null = null;
  readonly #host: StreamHost;
  readonly #options: StreamOptions;
  readonly #channel: Channel;
  readonly #capture: Capture;
  readonly #sink: Sink | null;
  /** Both made with the first bytes: most streams of many programs stay silent. */
  #writer: Writer | null = null;
  #splitter: LineSplitter | null = null;
  #wrote = false;

  /** Throws when the fd cannot be read; it is closed then. */
  constructor(host: StreamHost, options: StreamOptions) {
    this.id = options.spec.id;
    this.pid = options.pid;
    this.#host = host;
    this.#options = options;
    this.#channel = options.channel;
    this.#sink = host.sink(options.spec, options.stream);
    this.#capture = new Capture(options.fd, host.captures, this);
  }

  /** Settings have changed. */
  configure(): void {
    this.#writer = null;
    this.#splitter?.setLimit(this.#host.limits().maxLine);
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#host.chunk(this.#options, buffer, length);
    const { counters } = this.#channel;
    counters.bytes += length;
    this.#options.history.write(this.#options.stream, buffer, 0, length);
    if (!this.#sink) {
      counters.lines += countLines(buffer, 0, length);
      return;
    }
    this.#splitter ??= new LineSplitter(this, this.#host.limits().maxLine);
    this.#wrote = false;
    this.#splitter.feed(buffer, 0, length);
    this.#noteHeld(this.#splitter.holding);
    if (!this.#wrote) return;
    this.#sink.kick();
    if (this.#isOver(1) && this.#host.limits().overflow === "block") {
      this.#capture.pause();
      this.#host.wantsRoom(this);
    }
  }

  onEnd(): void {
    this.#endLine();
    this.#host.ended(this);
  }

  /** The process is gone: everything it wrote is passed on, an unfinished line is ended. */
  finish(): void {
    this.#capture.drain(DRAIN_BYTES);
    this.#endLine();
  }

  /** Reads what is there and closes. */
  close(): void {
    this.#capture.drain(DRAIN_BYTES);
    this.#capture.close();
  }

  get ended(): boolean {
    return this.#capture.ended;
  }

  flushPartial(): void {
    this.heldSince = null;
    this.#splitter?.flushPartial();
    this.#sink?.kick();
  }

  lines(source: Buffer, from: number, to: number): void {
    this.#wrote = true;
    if (this.#refuses()) return this.#drop(countLines(source, from, to), to - from);
    this.#channel.counters.lines += this.#write().lines(source, from, to);
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    this.#wrote = true;
    if (this.#refuses()) return this.#drop(goesOn ? 0 : 1, to - from);
    if (!goesOn) this.#channel.counters.lines++;
    this.#write().piece(source, from, to, continues, goesOn);
  }

  /** There is room in the sink: says what was dropped, reads on. False while it is still too little. */
  onRoom(): boolean {
    if (this.#isOver(0.5)) return false;
    if (this.#isDropping()) {
      this.#sayDropped();
      this.#sink?.kick();
    }
    this.#capture.resume();
    return true;
  }

  #endLine(): void {
    this.#splitter?.end();
    this.#noteHeld(false);
    this.#sink?.kick();
  }

  #noteHeld(holding: boolean): void {
    if (!holding) {
      if (this.heldSince !== null) this.#host.partials.remove(this);
      this.heldSince = null;
    } else if (this.heldSince === null || this.#wrote) {
      this.heldSince = this.#host.now();
      this.#host.partials.add(this);
    }
  }

  /** The writer, after a word about lines that are missing before this one. */
  #write(): Writer {
    if (this.#isDropping()) this.#sayDropped();
    return this.#writerNow();
  }

  #writerNow(): Writer {
    if (!this.#sink) throw new Error("a discarded stream has no writer");
    const { spec, pid, stream } = this.#options;
    this.#writer ??= this.#host.writer(spec, pid, stream, this.#sink, this.#channel);
    return this.#writer;
  }

  #isOver(share: number): boolean {
    const limits = this.#host.limits();
    return (
      this.#channel.queued >= limits.stream * share || (this.#sink?.queue.size ?? 0) >= limits.sink * share
    );
  }

  #isDropping(): boolean {
    return this.#channel.droppedBytes > 0;
  }

  #refuses(): boolean {
    if (this.#isDropping()) return this.#isOver(0.5);
    const limits = this.#host.limits();
    if (limits.overflow === "drop") return this.#isOver(1);
    return this.#channel.queued >= limits.lastWords || (this.#sink?.queue.size ?? 0) >= limits.sink * 2;
  }

  #drop(lines: number, bytes: number): void {
    const channel = this.#channel;
    // An empty rest of a line leaves nothing to tell of.
    if (bytes === 0) return;
    channel.counters.lines += lines;
    channel.counters.droppedBytes += bytes;
    channel.droppedLines += lines;
    channel.droppedBytes += bytes;
    this.#host.wantsRoom(this);
  }

  #sayDropped(): void {
    const channel = this.#channel;
    const text = droppedText(channel.droppedLines, channel.droppedBytes);
    channel.droppedLines = 0;
    channel.droppedBytes = 0;
    this.#writerNow().notice(text);
  }
}
