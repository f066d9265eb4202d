/** The log path put together: programs' pipes, formats, history and the container's stdout and stderr. */
import { type GlobalSpec, namespec, type ProgramId, type ProgramSpec } from "../core/spec.ts";
import type { Millis } from "../core/states.ts";
import { CaptureContext, type CaptureKernel } from "./capture.ts";
import {
  autoPrefix,
  colourPrefix,
  isShown,
  levelTag,
  nameWidth,
  OWN_NAME,
  renderPrefix,
  renderTimestamp,
  wantsColour,
} from "./format.ts";
import { History } from "./history.ts";
import { jsonKeys, renderJson } from "./json.ts";
import type { Level, Logs, OutputListener, StreamCounters, StreamName } from "./logs.ts";
import { OwnLines } from "./own-lines.ts";
import { PartialLines } from "./partial.ts";
import type { Owner } from "./queue.ts";
import { openSinks, type Sink, type SinkKernel } from "./sinks.ts";
import { Channel, type FlowLimits, ProgramStream, type StreamHost } from "./stream.ts";
import { JsonWriter, RawWriter, TextWriter, type Writer } from "./writers.ts";

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
export interface LogKernel extends CaptureKernel, SinkKernel {
  readonly pid: number;
}

export interface LogOptions {
  readonly kernel: LogKernel;
  readonly clock: LogClock;
  readonly global: GlobalSpec;
  readonly programs: readonly ProgramSpec[];
  readonly output?: OutputListener;
  /** Instead of the environment's NO_COLOR. */
  readonly noColor?: string | undefined;
  /** Descriptors to write to instead of 1 and 2. */
  readonly stdout?: number;
  readonly stderr?: number;
}

interface ProgramLogs {
  readonly history: History;
  readonly stdout: Channel;
  readonly stderr: Channel;
  readonly streams: Set<ProgramStream>;
}

export function createLogs(options: LogOptions): Logs {
  return new ContainerLogs(options);
}

class ContainerLogs implements Logs, StreamHost {
  readonly captures: CaptureContext;
  readonly partials: PartialLines;
  readonly #options: LogOptions;
  readonly #clock: LogClock;
  readonly #stdout: Sink;
  readonly #stderr: Sink;
  readonly #own: OwnLines;
  readonly #programs = new Map<ProgramId, ProgramLogs>();
  readonly #wantRoom = new Set<ProgramStream>();
  readonly #flushes = new Set<() => void>();
  #global: GlobalSpec;
  #limits: FlowLimits;
  #width = 0;
  /** For colours. */
  #order = new Map<ProgramId, number>();

  constructor(options: LogOptions) {
    const { kernel, clock, global } = options;
    this.#options = options;
    this.#clock = clock;
    this.#global = global;
    this.#limits = flowLimits(global);
    this.captures = new CaptureContext(kernel);
    this.partials = new PartialLines(clock, () => this.#global.logPartialTimeout * 1000);
    const { stdout, stderr } = openSinks(options.stdout ?? 1, options.stderr ?? 2, clock, kernel);
    this.#stdout = stdout;
    this.#stderr = stderr;
    stdout.onProgress = () => this.#onProgress();
    stderr.onProgress = () => this.#onProgress();
    this.#own = new OwnLines(stderr, (level, text) => this.#renderOwn(level, text));
    this.configure(global, options.programs);
  }

  configure(global: GlobalSpec, programs: readonly ProgramSpec[]): void {
    this.#global = global;
    this.#limits = flowLimits(global);
    this.#width = nameWidth(programs);
    this.#order = new Map(programs.map((spec, index) => [spec.id, index]));
    for (const [id, program] of this.#programs) {
      program.history.setLimit(global.logHistory);
      // Counters stay: they never go down, and only names from configurations get one.
      if (!this.#order.has(id) && program.streams.size === 0) program.history.clear();
      for (const stream of program.streams) stream.configure();
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
  }

  history(id: ProgramId, stream: StreamName): Uint8Array {
    return this.#programs.get(id)?.history[stream].bytes() ?? new Uint8Array(0);
  }

  historyEnd(id: ProgramId, stream: StreamName): number {
    return this.#programs.get(id)?.history[stream].end ?? 0;
  }

  clear(id: ProgramId): void {
    this.#programs.get(id)?.history.clear();
  }

  lastLines(id: ProgramId, bytes: number): string {
    return this.#programs.get(id)?.history.lastLines(bytes) ?? "";
  }

  follow(_id: ProgramId, _stream: StreamName, _listener: (bytes: Uint8Array) => void): () => void {
    return () => {};
  }

  mainHistory(): { bytes: Uint8Array; end: number } {
    return { bytes: new Uint8Array(0), end: 0 };
  }

  clearMain(): void {}

  followMain(_listener: (text: Uint8Array) => void): () => void {
    return () => {};
  }

  reopen(): void {}

  counters(id: ProgramId, stream: StreamName): Readonly<StreamCounters> {
    return this.#programs.get(id)?.[stream].counters ?? { lines: 0, bytes: 0, droppedBytes: 0 };
  }

  stuckSince(): Millis | null {
    const { stuckSince: first } = this.#stdout;
    const { stuckSince: second } = this.#stderr;
    return first === null ? second : second === null ? first : Math.min(first, second);
  }

  flush(millis: number): Promise<void> {
    this.#own.write();
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#flushes.delete(done);
        cancel();
        resolve();
      };
      const cancel = this.#clock.after(millis, done);
      this.#flushes.add(done);
    });
  }

  // What the streams ask for.

  limits(): FlowLimits {
    return this.#limits;
  }

  now(): Millis {
    return this.#clock.now();
  }

  sink(spec: ProgramSpec, stream: StreamName): Sink | null {
    const { target } = spec[stream];
    if (target === "discard") return null;
    return (target === "syslog" ? stream : target) === "stdout" ? this.#stdout : this.#stderr;
  }

  writer(spec: ProgramSpec, pid: number, stream: StreamName, sink: Sink, owner: Owner): Writer {
    const { queue } = sink;
    if (spec.logFormat === "raw") return new RawWriter(queue, owner);
    if (spec.logFormat === "json") {
      const level: Level = stream === "stdout" ? "info" : "error";
      const record = { level, program: spec.name, group: spec.group, pid, stream };
      return new JsonWriter(queue, owner, jsonKeys(this.#global.logKeys), record, () => this.#wallMillis());
    }
    const prefix = renderPrefix(spec, pid, stream, this.#width);
    const coloured = wantsColour(
      this.#global.logColor,
      this.#stdout.terminal,
      sink.terminal,
      this.#options.noColor ?? process.env["NO_COLOR"],
    );
    const shown = coloured ? colourPrefix(prefix, this.#order.get(spec.id) ?? 0) : prefix;
    const stamped = this.#global.logTimestamps === "rfc3339";
    return new TextWriter(queue, owner, shown, stamped ? () => this.#wallMillis() : null);
  }

  wantsRoom(stream: ProgramStream): void {
    this.#wantRoom.add(stream);
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

  #wallMillis(): number {
    return Math.round(this.#clock.wall() * 1000);
  }

  #isIdle(): boolean {
    return this.#stdout.idle && this.#stderr.idle && this.#own.idle;
  }

  #onProgress(): void {
    for (const stream of [...this.#wantRoom]) if (stream.onRoom()) this.#wantRoom.delete(stream);
    this.#own.onRoom();
    if (this.#flushes.size > 0 && this.#isIdle()) for (const done of [...this.#flushes]) done();
  }

  #renderOwn(level: Level, text: string): Buffer {
    const { logFormat, logTimestamps, logKeys } = this.#global;
    const time = renderTimestamp(this.#wallMillis());
    if (logFormat === "json") {
      const { pid } = this.#options.kernel;
      const record = { time, level, program: OWN_NAME, group: OWN_NAME, pid, stream: "stderr" } as const;
      return Buffer.from(renderJson(jsonKeys(logKeys), record, text, null));
    }
    // Among raw lines no column has to be kept.
    const prefix = autoPrefix(OWN_NAME, logFormat === "raw" ? 0 : this.#width);
    const head = `${logTimestamps === "rfc3339" ? `${time} ` : ""}${prefix}${levelTag(level)} `;
    return Buffer.from(`${head}${text.split("\n").join(`\n${head}`)}\n`);
  }
}

function flowLimits(global: GlobalSpec): FlowLimits {
  const { logBuffer, logOverflow, logMaxLine } = global;
  return {
    overflow: logOverflow,
    maxLine: logMaxLine,
    stream: logBuffer,
    lastWords: logBuffer + LAST_WORDS_BYTES,
    sink: logBuffer * FULL_STREAMS,
  };
}
