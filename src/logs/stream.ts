/** One output stream of one run: pipe → history, counters, lines → the sink, and what happens when the sink is slow. */
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Millis } from "../core/states.ts";
import { Capture, type CaptureContext, type CaptureListener } from "./capture.ts";
import type { Destinations } from "./destinations.ts";
import { type FilterOutput, OutputFilter } from "./filter.ts";
import { droppedText } from "./format.ts";
import type { History } from "./history.ts";
import { LineSplitter, type LineWriter } from "./lines.ts";
import type { LogFile } from "./log-file.ts";
import type { OutputListener, StreamCounters, StreamName } from "./logs.ts";
import type { PartialLines } from "./partial.ts";
import type { Owner } from "./queue.ts";
import type { Sink } from "./sinks.ts";
import type { SyslogLines } from "./syslog.ts";
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
   * The same for last words, which are read although the stream is over its limit, of a run that began when there was still
   * something of an earlier one. Reached by a program that ends again and again while nobody reads; then lines are dropped in
   * any mode.
   */
  readonly lastWords: number;
  /** Of all streams together, so that hundreds of programs cannot fill the memory: above it those that write are paused. */
  readonly sink: number;
  /** Above it nobody is read any more, and the words of a run whose forerunner's still wait are dropped. */
  readonly sinkFull: number;
  /** Beyond it last words are dropped, whosever they are. */
  readonly sinkLastWords: number;
}

/** What one program's stream keeps from run to run. */
export class Channel implements Owner {
  queued = 0;
  readonly counters: StreamCounters = { lines: 0, bytes: 0, droppedBytes: 0 };
  /** Dropped since the last line that said so. */
  droppedLines = 0;
  droppedBytes = 0;
  /** Who wants the output as it comes. */
  readonly followers = new Set<(bytes: Uint8Array) => void>();

  lost(bytes: number): void {
    this.counters.droppedBytes += bytes;
  }
}

/** What a stream needs from the whole. */
export interface StreamHost {
  readonly captures: CaptureContext;
  readonly partials: PartialLines;
  readonly destinations: Pick<Destinations, "sink" | "file" | "syslog">;
  limits(): FlowLimits;
  readonly output: OutputListener | null;
  stripsAnsi(): boolean;
  writer(spec: ProgramSpec, pid: number, stream: StreamName, sink: Sink, owner: Owner): Writer;
  /** The stream waits for room in its sink: call `onRoom` when some was made, until it returns true. */
  wantsRoom(stream: ProgramStream): void;
  /** The sink has no room for anybody. */
  holdAll(sink: Sink): void;
  ended(stream: ProgramStream): void;
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

/** What of a stream the `OutputListener` is called for. */
type Events = "none" | "chunks" | "protocol";

export class ProgramStream implements CaptureListener, LineWriter, FilterOutput {
  readonly id: ProgramId;
  readonly pid: number;
  /** When the unfinished line that is held began; null: none is. */
  heldSince: Millis | null = null;
  readonly #host: StreamHost;
  readonly #options: StreamOptions;
  readonly #channel: Channel;
  readonly #capture: Capture;
  #spec: ProgramSpec;
  #sink: Sink | null;
  // Beside the console: null, the usual, costs the path of every byte nothing.
  #file: LogFile | null;
  #syslog: SyslogLines | null;
  #events: Events;
  #filter: OutputFilter | null;
  /** Both made with the first bytes: most streams of many programs stay silent. */
  #writer: Writer | null = null;
  #splitter: LineSplitter | null = null;
  #wrote = false;
  /** What an earlier run wrote had not left when this one began, and there was no room ever since. */
  #isBehind: boolean;
  #readsLastWords = false;

  /** Throws when the fd cannot be read; it is closed then. */
  constructor(host: StreamHost, options: StreamOptions) {
    this.id = options.spec.id;
    this.pid = options.pid;
    this.#host = host;
    this.#options = options;
    this.#spec = options.spec;
    this.#channel = options.channel;
    this.#isBehind = options.channel.queued > 0;
    const { spec, stream } = options;
    this.#sink = host.destinations.sink(spec, stream);
    this.#capture = new Capture(options.fd, host.captures, this);
    this.#spec = spec;
    this.#file = host.destinations.file(spec, stream);
    this.#syslog = host.destinations.syslog(spec, stream);
    this.#events = this.#eventsOf(spec);
    this.#filter = this.#makeFilter(spec);
    // What an earlier run wrote fills all the room.
    if (host.limits().overflow === "block" && this.#isOver(1)) this.hold();
  }

  /** Settings have changed, maybe those of the program too; null: it is being removed and keeps what it had. */
  configure(spec: ProgramSpec | null): void {
    if (spec !== null && spec !== this.#spec) this.#retarget(spec);
    this.#writer = null;
    this.#splitter?.setLimit(this.#host.limits().maxLine);
    const strips = this.#host.stripsAnsi();
    if (this.#filter !== null) this.#filter.stripAnsi = strips;
    else this.#filter = this.#makeFilter(this.#spec);
    // No longer to wait for a sink that may be stuck.
    if (this.#host.limits().overflow === "drop" && !this.#file?.isOver(1)) this.#capture.resume();
  }

  #retarget(spec: ProgramSpec): void {
    const { stream } = this.#options;
    const sink = this.#host.destinations.sink(spec, stream);
    // A line that is half written belongs where it began.
    if (sink !== this.#sink) this.#endLine();
    const file = this.#host.destinations.file(spec, stream);
    this.#file?.release();
    if (spec[stream].captureMaxbytes !== this.#spec[stream].captureMaxbytes) {
      this.#filter?.end();
      this.#filter = null;
    }
    this.#spec = spec;
    this.#sink = sink;
    this.#file = file;
    this.#syslog = this.#host.destinations.syslog(spec, stream);
    this.#events = this.#eventsOf(spec);
  }

  #eventsOf(spec: ProgramSpec): Events {
    const { stream } = this.#options;
    if (this.#host.output === null) return "none";
    if (spec.kind === "eventlistener" && stream === "stdout") return "protocol";
    return spec[stream].eventsEnabled ? "chunks" : "none";
  }

  #makeFilter(spec: ProgramSpec): OutputFilter | null {
    const capture = this.#events === "protocol" ? 0 : spec[this.#options.stream].captureMaxbytes;
    const strips = this.#host.stripsAnsi();
    return capture > 0 || strips ? new OutputFilter(this, capture, strips) : null;
  }

  onBytes(buffer: Buffer, length: number): void {
    this.#channel.counters.bytes += length;
    this.#wrote = false;
    if (this.#channel.queued === 0) this.#isBehind = false;
    if (this.#events === "protocol") this.#tell(buffer, 0, length);
    if (this.#filter === null) this.take(buffer, 0, length);
    else this.#filter.feed(buffer, 0, length);
    if (this.#wrote) this.#sink?.kick();
    else if (this.#file === null) return;
    if (!this.#mustPause()) return;
    this.hold();
    if (this.#sink !== null && this.#sink.queue.size >= this.#host.limits().sinkFull)
      this.#host.holdAll(this.#sink);
  }

  /** Reads no more until there is room. */
  hold(): void {
    this.#capture.pause();
    // The rest of an unfinished line may be in the pipe: it is not the program that keeps it waiting.
    this.#noteHeld(false);
    this.#host.wantsRoom(this);
  }

  writesTo(sink: Sink): boolean {
    return this.#sink === sink;
  }

  take(source: Buffer, from: number, to: number): void {
    const channel = this.#channel;
    this.#options.history.write(this.#options.stream, source, from, to);
    if (this.#file !== null) this.#file.write(source, from, to);
    if (this.#events === "chunks") this.#tell(source, from, to);
    if (channel.followers.size > 0) this.#follow(source, from, to);
    if (this.#sink === null && this.#syslog === null) {
      channel.counters.lines += this.#count(source, from, to);
      return;
    }
    this.#splitter ??= new LineSplitter(this, this.#host.limits().maxLine);
    this.#splitter.feed(source, from, to);
    this.#noteHeld(this.#splitter.holding);
  }

  capturing(source: Buffer, from: number, to: number): void {
    // supervisord sends it to PROCESS_LOG as well (supervisord.md 9.6).
    if (this.#events === "chunks") this.#tell(source, from, to);
  }

  captured(bytes: Buffer): void {
    const { pid, stream } = this.#options;
    this.#host.output?.captured(this.#spec, pid, stream, bytes);
  }

  onEnd(): void {
    this.#endLine();
    this.#file?.release();
    this.#host.ended(this);
  }

  /** The process is gone: everything it wrote is passed on, an unfinished line is ended. */
  finish(): void {
    this.#drain();
    this.#endLine();
  }

  /** Reads what is there and closes. */
  close(): void {
    this.#drain();
    this.#capture.close();
  }

  #drain(): void {
    this.#readsLastWords = true;
    this.#capture.drain(DRAIN_BYTES);
    this.#readsLastWords = false;
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
    const shown = this.#syslog === null ? from : this.#syslog.lines(source, from, to);
    if (shown > from) this.#channel.counters.lines += this.#count(source, from, shown);
    if (shown === to) return;
    if (this.#refuses()) return this.#drop(this.#count(source, shown, to), to - shown);
    this.#channel.counters.lines += this.#write()?.lines(source, shown, to) ?? this.#count(source, shown, to);
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    this.#wrote = true;
    const isRest = from === to && continues && !goesOn;
    const elsewhere = this.#syslog !== null && !isRest && this.#syslog.piece(source, from, to, continues);
    if (!elsewhere && this.#refuses()) return this.#drop(goesOn ? 0 : 1, to - from);
    if (!goesOn) this.#channel.counters.lines++;
    if (!elsewhere) this.#write()?.piece(source, from, to, continues, goesOn);
  }

  /** There is room in the sink: says what was dropped, reads on. False while it is still too little. */
  onRoom(): boolean {
    if (this.#isOver(0.5) || this.#file?.isOver(0.5)) return false;
    this.#isBehind = false;
    if (this.#isDropping()) {
      this.#sayDropped();
      this.#sink?.kick();
    }
    this.#capture.resume();
    if (this.#splitter?.holding) this.#noteHeld(true);
    return true;
  }

  /** The process, or its pipe, is gone. */
  #endLine(): void {
    this.#filter?.end();
    this.#splitter?.end();
    this.#noteHeld(false);
    this.#sink?.kick();
  }

  #mustPause(): boolean {
    if (this.#file?.isOver(1)) return true;
    return this.#wrote && this.#isOver(1) && this.#host.limits().overflow === "block";
  }

  #count(source: Buffer, from: number, to: number): number {
    return this.#host.captures.arena.countLines(source, from, to);
  }

  #tell(source: Buffer, from: number, to: number): void {
    const { pid, stream } = this.#options;
    this.#host.output?.chunk(this.#spec, pid, stream, source.subarray(from, to));
  }

  #follow(source: Buffer, from: number, to: number): void {
    // A copy, because they keep it and the buffer is the next read's too.
    const bytes = Buffer.from(source.subarray(from, to));
    const { followers } = this.#channel;
    for (const follower of [...followers]) {
      try {
        follower(bytes);
      } catch {
        followers.delete(follower);
      }
    }
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

  /** The writer, after a word about lines that are missing before this one; null where nothing is shown. */
  #write(): Writer | null {
    if (this.#isDropping()) this.#sayDropped();
    return this.#writerNow();
  }

  #writerNow(): Writer | null {
    if (!this.#sink) return null;
    const { pid, stream } = this.#options;
    this.#writer ??= this.#host.writer(this.#spec, pid, stream, this.#sink, this.#channel);
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

  /** There is no room, also after what can leave at once has left: a chunk may be longer than all that may wait. */
  #refuses(): boolean {
    if (!this.#isFull()) return false;
    this.#sink?.kick();
    return this.#isFull();
  }

  #isFull(): boolean {
    const limits = this.#host.limits();
    if (limits.overflow === "drop") return this.#isOver(this.#isDropping() ? 0.5 : 1);
    const size = this.#sink?.queue.size ?? 0;
    // Who lives is paused after a chunk too much, and what one run has left in its pipe is kept, however long its lines
    // become: many short ones are ten times as long in JSON.
    if (!this.#readsLastWords) return false;
    if (!this.#isBehind) return size >= limits.sinkLastWords;
    return this.#channel.queued >= limits.lastWords || size >= limits.sinkFull;
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
    this.#writerNow()?.notice(text);
  }
}
