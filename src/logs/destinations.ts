/** Where output goes: the container's stdout and stderr; log files and syslogd, made when somebody first wants them. */
import type { GlobalSpec, ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Millis } from "../core/states.ts";
import type { Arena } from "./arena.ts";
import { LogFiles, wantsFiles } from "./files.ts";
import type { LogFile } from "./log-file.ts";
import type { Level, StreamName } from "./logs.ts";
import { openSinks, type Sink, type SinkClock, type SinkKernel } from "./sinks.ts";
import { Syslog, type SyslogKernel, SyslogLines } from "./syslog.ts";

/** The names of descriptors 1 and 2 as a `*_logfile` (supervisord.md 9.4). */
const DESCRIPTOR = /^\/(dev\/(stdout|stderr|fd\/[12])|proc\/(self|1)\/fd\/[12])$/;

/** What they ask of the log path. */
export interface DestinationsHost {
  readonly kernel: SinkKernel & SyslogKernel;
  readonly clock: SinkClock;
  /** Milliseconds since 1970. */
  wall(): Millis;
  global(): GlobalSpec;
  say(level: Level, text: string): void;
  /** Something has left, or was given up. */
  onProgress(): void;
}

export interface DestinationsOptions {
  /** Descriptors to write to instead of 1 and 2. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** The socket of syslogd, instead of /dev/log. */
  readonly syslog?: string;
}

export class Destinations {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly #host: DestinationsHost;
  readonly #options: DestinationsOptions;
  /** Made when somebody wants it; never with `log_files=off`. */
  #files: LogFiles | null = null;
  #syslog: Syslog | null = null;

  constructor(host: DestinationsHost, arena: Arena, options: DestinationsOptions) {
    this.#host = host;
    this.#options = options;
    const { stdout, stderr } = openSinks(
      options.stdout ?? 1,
      options.stderr ?? 2,
      host.clock,
      host.kernel,
      arena,
    );
    this.stdout = stdout;
    this.stderr = stderr;
    this.#watch(stdout, "stdout");
    if (stderr !== stdout) this.#watch(stderr, "stderr");
  }

  /** Nothing is left that could still be written. */
  get idle(): boolean {
    const console = this.stdout.idle && this.stderr.idle;
    return console && (this.#files?.idle ?? true) && (this.#syslog?.idle ?? true);
  }

  /** Since when stdout or stderr takes nothing. */
  get stuckSince(): Millis | null {
    const { stuckSince: first } = this.stdout;
    const { stuckSince: second } = this.stderr;
    return first === null ? second : second === null ? first : Math.min(first, second);
  }

  configure(global: GlobalSpec, programs: readonly ProgramSpec[]): void {
    if (this.#files !== null || wantsFiles(global, programs)) this.#openFiles().configure(programs);
  }

  /** null: the output is not shown. */
  sink(spec: ProgramSpec, stream: StreamName): Sink | null {
    const { target, logfile } = spec[stream];
    if (target === "discard") return null;
    // Its protocol is for nobody to read, unless somebody asked for it.
    if (spec.kind === "eventlistener" && stream === "stdout" && !DESCRIPTOR.test(logfile)) return null;
    return (target === "syslog" ? stream : target) === "stdout" ? this.stdout : this.stderr;
  }

  /** Opens the stream's log file, if it has one. */
  file(spec: ProgramSpec, stream: StreamName): LogFile | null {
    return spec[stream].file === null ? null : this.#openFiles().open(spec, stream);
  }

  syslog(spec: ProgramSpec, stream: StreamName): SyslogLines | null {
    const { syslog, target } = spec[stream];
    if (!syslog || (spec.kind === "eventlistener" && stream === "stdout")) return null;
    return new SyslogLines(this.#openSyslog(), spec.name, target === "syslog", spec.logLevelPrefix);
  }

  /** Opens the file of tsinit's own lines, if it has one. */
  mainFile({ mainLog }: GlobalSpec): LogFile | null {
    return mainLog.file === null ? null : this.#openFiles().openPath(mainLog.file, mainLog);
  }

  mainSyslog({ mainLog }: GlobalSpec): Syslog | null {
    return mainLog.syslog ? this.#openSyslog() : null;
  }

  /** The path made up for `AUTO`; empty: the stream has no such file. */
  automatic(id: ProgramId, stream: StreamName): string {
    return this.#files?.automatic(id, stream) ?? "";
  }

  clear(spec: ProgramSpec): void {
    this.#files?.clear(spec);
  }

  reopen(): void {
    this.#files?.reopen();
  }

  #openFiles(): LogFiles {
    const { clock, global, say, onProgress } = this.#host;
    const { stdout = 1, stderr = 2 } = this.#options;
    this.#files ??= new LogFiles({
      console: [stdout, stderr],
      global,
      now: () => clock.now(),
      after: (millis, listener) => clock.after(millis, listener),
      say,
      onProgress,
    });
    return this.#files;
  }

  #openSyslog(): Syslog {
    const { kernel, clock, wall, say, onProgress } = this.#host;
    this.#syslog ??= new Syslog(
      {
        kernel,
        now: () => clock.now(),
        wall,
        after: (millis, listener) => clock.after(millis, listener),
        say,
        onProgress,
      },
      this.#options.syslog,
    );
    return this.#syslog;
  }

  #watch(sink: Sink, name: StreamName): void {
    sink.onProgress = () => this.#host.onProgress();
    sink.onBroken = (errno) =>
      this.#host.say("error", `cannot write to ${name}: ${errno}; what it misses is counted`);
    sink.onMended = (bytes) => this.#host.say("info", `${name} is written again; it misses ${bytes} bytes`);
  }
}
