/** The log path put together: programs' pipes, formats, history and the container's stdout and stderr. */
import { type GlobalSpec, namespec, type ProgramId, type ProgramSpec } from "../core/spec.ts";
import type { Millis } from "../core/states.ts";
import { Arena, type Vector } from "./arena.ts";
import { CaptureContext, type CaptureKernel } from "./capture.ts";
import { Destinations, type DestinationsHost, type DestinationsOptions } from "./destinations.ts";
import { Flushes } from "./flushes.ts";
import { colourPrefix, isShown, nameWidth, renderPrefix, wantsColour } from "./format.ts";
import { History } from "./history.ts";
import type { JsonFormats } from "./json-formats.ts";
import { UnmarkedWriter } from "./level-prefix.ts";
import type { Level, Logs, OutputListener, StreamCounters, StreamName } from "./logs.ts";
import { MainLog } from "./main-log.ts";
import { OwnFormat } from "./own-format.ts";
import { OwnLines } from "./own-lines.ts";
import { PartialLines } from "./partial.ts";
import type { Owner } from "./queue.ts";
import type { Sink } from "./sinks.ts";
import { Channel, type FlowLimits, ProgramStream, type StreamHost } from "./stream.ts";
import { RawWriter, TextWriter, type Writer } from "./writers.ts";

/** A pipe that outlives its program, because an orphan holds it, is read for so long. */
const LINGER_MILLIS = 5000;
/** Room for the last words of programs that end while nobody reads. */
const LAST_WORDS_BYTES = 8 * 1024 * 1024;
/** Full buffers of so many streams may wait for one sink. */
const FULL_STREAMS = 32;

export interface LogClock {
  /** Monotonic milliseconds. */
  now(): Millis;
  /** Seconds since 1970, with a fraction. */
  wall(): number;
  /** Calls once after so many milliseconds; the answer cancels it. */
  after(millis: number, listener: () => void): () => void;
}

/** What of the kernel the logs use. */
export type LogKernel = CaptureKernel & DestinationsHost["kernel"] & { readonly pid: number };

export interface LogOptions extends DestinationsOptions {
  readonly kernel: LogKernel;
  readonly clock: LogClock;
  readonly global: GlobalSpec;
  readonly programs: readonly ProgramSpec[];
  readonly output?: OutputListener;
  /** Instead of the environment's NO_COLOR. */
  readonly noColor?: string | undefined;
  /** Loads what JSON needs, for the first configuration that asks for it. */
  readonly json?: () => Promise<JsonFormats>;
  /** Loads what makes the path of a flood fast; without it nothing does. */
  readonly vector?: () => Promise<Vector>;
}

interface ProgramLogs {
  readonly history: History;
  readonly stdout: Channel;
  readonly stderr: Channel;
  readonly streams: Set<ProgramStream>;
}

/** Resolves when the first line can be written in the format that is asked for. */
export async function createLogs(options: LogOptions): Promise<Logs> {
  const { global, programs, json } = options;
  const isWanted = json !== undefined && wantsJson(global, programs);
  return new ContainerLogs(options, isWanted ? await json() : null);
}

function wantsJson({ logFormat }: GlobalSpec, programs: readonly ProgramSpec[]): boolean {
  return logFormat === "json" || programs.some((spec) => spec.logFormat === "json");
}

class ContainerLogs implements Logs, StreamHost {
  readonly captures: CaptureContext;
  readonly partials: PartialLines;
  readonly destinations: Destinations;
  readonly output: OutputListener | null;
  readonly #options: LogOptions;
  readonly #clock: LogClock;
  readonly #own: OwnLines;
  #ownFormat: OwnFormat;
  /** null until a configuration asks for it. */
  #json: JsonFormats | null;
  readonly #main: MainLog;
  #specs: ReadonlyMap<ProgramId, ProgramSpec> = new Map();
  readonly #programs = new Map<ProgramId, ProgramLogs>();
  readonly #wantRoom = new Set<ProgramStream>();
  readonly #flushes: Flushes;
  #global: GlobalSpec;
  #limits: FlowLimits;
  #width = 0;
  /** For colours. */
  #order = new Map<ProgramId, number>();

  constructor(options: LogOptions, json: JsonFormats | null) {
    const { kernel, clock, global } = options;
    this.#options = options;
    this.#json = json;
    this.#clock = clock;
    this.#global = global;
    this.#limits = flowLimits(global);
    const arena = new Arena(options.vector);
    this.captures = new CaptureContext(kernel, arena);
    this.partials = new PartialLines(clock, () => this.#global.logPartialTimeout * 1000);
    const host: DestinationsHost = {
      kernel,
      clock,
      wall: () => this.#wallMillis(),
      global: () => this.#global,
      say: (level, text) => this.say(level, text),
      onProgress: () => this.#onProgress(),
    };
    this.destinations = new Destinations(host, arena, options);
    this.#flushes = new Flushes({
      now: () => clock.now(),
      after: (millis, listener) => clock.after(millis, listener),
      isIdle: () => this.destinations.idle && this.#own.idle,
    });
    this.output = options.output ?? null;
    this.#main = new MainLog(global.logHistory);
    this.#own = new OwnLines(this.destinations.stderr, (level, text) =>
      this.#ownFormat.render(level, text, this.#wallMillis()),
    );
    this.#ownFormat = new OwnFormat(global, 0, kernel.pid, json);
    this.configure(global, options.programs);
  }

  configure(global: GlobalSpec, programs: readonly ProgramSpec[]): void {
    const { json } = this.#options;
    if (this.#json === null && json !== undefined && wantsJson(global, programs)) {
      // The first that asks for it. The module is in the bundle: it is there before anything else is read.
      void json().then((formats) => {
        this.#json = formats;
        this.configure(global, programs);
      });
      return;
    }
    this.#global = global;
    this.#limits = flowLimits(global);
    this.#width = nameWidth(programs);
    this.#ownFormat = new OwnFormat(global, this.#width, this.#options.kernel.pid, this.#json);
    this.#order = new Map(programs.map((spec, index) => [spec.id, index]));
    this.#specs = new Map(programs.map((spec) => [spec.id, spec]));
    this.destinations.configure(global, programs);
    this.#configureMain(global);
    for (const [id, program] of this.#programs) {
      program.history.setLimit(global.logHistory);
      // Counters stay: they never go down, and only names from configurations get one.
      if (!this.#order.has(id) && program.streams.size === 0) program.history.clear();
      for (const stream of program.streams) stream.configure(this.#specs.get(id) ?? null);
    }
  }

  attach(spec: ProgramSpec, pid: number, stream: StreamName, fd: number): void {
    const program = this.#program(spec.id);
    const channel = program[stream];
    try {
      const { history } = program;
      program.streams.add(new ProgramStream(this, { spec, pid, stream, fd, channel, history }));
    } catch (error) {
      this.say("error", `cannot read the ${stream} of ${namespec(spec)}: ${String(error)}`);
    }
  }

  finish(id: ProgramId, pid: number): void {
    const streams = this.#programs.get(id)?.streams ?? [];
    for (const stream of [...streams]) {
      if (stream.pid !== pid) continue;
      stream.finish();
      if (!stream.ended) this.#clock.after(LINGER_MILLIS, () => stream.close());
    }
  }

  say(level: Level, text: string): void {
    if (!isShown(level, this.#global.logLevel)) return;
    if (!this.#global.silent || isShown(level, "error")) this.#own.say(level, text);
    this.#main.say(this.#wallMillis(), level, text);
  }

  history(id: ProgramId, stream: StreamName): Uint8Array {
    return this.#programs.get(id)?.history[stream].bytes() ?? new Uint8Array(0);
  }

  historyEnd(id: ProgramId, stream: StreamName): number {
    return this.#programs.get(id)?.history[stream].end ?? 0;
  }

  automaticFile(id: ProgramId, stream: StreamName): string {
    return this.destinations.automatic(id, stream);
  }

  clear(id: ProgramId): void {
    this.#programs.get(id)?.history.clear();
    const spec = this.#specs.get(id);
    if (spec) this.destinations.clear(spec);
  }

  lastLines(id: ProgramId, bytes: number): string {
    return this.#programs.get(id)?.history.lastLines(bytes) ?? "";
  }

  follow(id: ProgramId, stream: StreamName, listener: (bytes: Uint8Array) => void): () => void {
    // Only configured names get an entry: what clients ask for must not fill the memory.
    if (!this.#specs.has(id) && !this.#programs.has(id)) return () => {};
    const { followers } = this.#program(id)[stream];
    followers.add(listener);
    return () => void followers.delete(listener);
  }

  mainHistory(): { readonly bytes: Uint8Array; readonly end: number } {
    return this.#main.history();
  }

  /** supervisord's words, which go into what is thrown away. */
  clearMain(): void {
    this.say("info", "reopening log file");
    this.#main.clear();
  }

  followMain(listener: (text: Uint8Array) => void): () => void {
    return this.#main.follow(listener);
  }

  reopen(): void {
    this.destinations.reopen();
  }

  counters(id: ProgramId, stream: StreamName): Readonly<StreamCounters> {
    return this.#programs.get(id)?.[stream].counters ?? { lines: 0, bytes: 0, droppedBytes: 0 };
  }

  stuckSince(): Millis | null {
    return this.destinations.stuckSince;
  }

  flush(patience: Millis, limit: Millis | null): Promise<void> {
    this.#own.write();
    // Those that wrote last may not have been read yet.
    for (const { streams } of this.#programs.values()) for (const stream of [...streams]) stream.finish();
    return this.#flushes.wait(patience, limit);
  }

  // What the streams ask for.

  limits(): FlowLimits {
    return this.#limits;
  }

  now(): Millis {
    return this.#clock.now();
  }

  stripsAnsi(): boolean {
    return this.#global.stripAnsi;
  }

  writer(spec: ProgramSpec, pid: number, stream: StreamName, sink: Sink, owner: Owner): Writer {
    const { queue } = sink;
    if (spec.logFormat === "raw") return new RawWriter(sink, owner);
    if (spec.logFormat === "json" && this.#json !== null) {
      const { logKeys } = this.#global;
      return this.#json.writer(queue, owner, logKeys, { spec, pid, stream }, () => this.#wallMillis());
    }
    const prefix = renderPrefix(spec, pid, stream, this.#width);
    const coloured = wantsColour(
      this.#global.logColor,
      this.destinations.stdout.terminal,
      sink.terminal,
      this.#options.noColor ?? process.env["NO_COLOR"],
    );
    const shown = coloured ? colourPrefix(prefix, this.#order.get(spec.id) ?? 0) : prefix;
    const stamped = this.#global.logTimestamps === "rfc3339";
    const writer = new TextWriter(queue, owner, shown, stamped ? () => this.#wallMillis() : null);
    return spec.logLevelPrefix ? new UnmarkedWriter(writer) : writer;
  }

  wantsRoom(stream: ProgramStream): void {
    this.#wantRoom.add(stream);
  }

  holdAll(sink: Sink): void {
    for (const { streams } of this.#programs.values())
      for (const stream of streams) if (stream.writesTo(sink)) stream.hold();
  }

  ended(stream: ProgramStream): void {
    this.#programs.get(stream.id)?.streams.delete(stream);
  }

  #program(id: ProgramId): ProgramLogs {
    let program = this.#programs.get(id);
    if (!program) {
      program = {
        history: new History(this.#global.logHistory),
        stdout: new Channel(),
        stderr: new Channel(),
        streams: new Set(),
      };
      this.#programs.set(id, program);
    }
    return program;
  }

  #configureMain(global: GlobalSpec): void {
    const main = this.#main;
    main.setLimit(global.logHistory);
    main.syslog = this.destinations.mainSyslog(global);
    const before = main.file;
    main.file = this.destinations.mainFile(global);
    before?.release();
  }

  #wallMillis(): number {
    return Math.round(this.#clock.wall() * 1000);
  }

  #onProgress(): void {
    for (const stream of [...this.#wantRoom]) if (stream.onRoom()) this.#wantRoom.delete(stream);
    this.#own.onRoom();
    this.#flushes.onProgress();
  }
}

function flowLimits(global: GlobalSpec): FlowLimits {
  const { logBuffer, logOverflow, logMaxLine } = global;
  const sink = logBuffer * FULL_STREAMS;
  // The last words of one program fit, however small the buffers are.
  const full = Math.max(sink, LAST_WORDS_BYTES);
  return {
    overflow: logOverflow,
    maxLine: logMaxLine,
    stream: logBuffer,
    lastWords: logBuffer + LAST_WORDS_BYTES,
    sink,
    sinkFull: full * 2,
    sinkLastWords: full * 4,
  };
}
