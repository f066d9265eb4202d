/** A process of the fake kernel: what a scripted program can do, and how it takes signals (signal(7)). */
import { SIGNALS, type Signal } from "../../src/core/signal-names.ts";
import type { ExitStatus, Pid } from "../../src/core/states.ts";
import type { Fd, SpawnRequest } from "../../src/kernel/kernel.ts";
import { type FakeFile, release, retain } from "./pipe.ts";

/** Runs at the start of the process; what it leaves behind are handlers and alarms. Doing nothing: it lives for ever. */
export type FakeProgram = (self: FakeProcess) => void;

/** What a process needs of its kernel. */
export interface FakeWorld {
  start(parent: FakeProcess, program: FakeProgram): FakeProcess;
  ended(process: FakeProcess): void;
  after(millis: number, action: () => void): void;
}

/** Everything a process passes on to its children, or shows about itself. */
export interface FakeTraits {
  readonly request: SpawnRequest;
  /** The init's pid. */
  readonly parent: Pid;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly umask: number;
  readonly directory: string;
  readonly fileLimit: number;
}

const IGNORED_BY_DEFAULT: readonly Signal[] = [SIGNALS.CHLD, SIGNALS.URG, SIGNALS.WINCH, SIGNALS.CONT];
const STOPPING: readonly Signal[] = [SIGNALS.STOP, SIGNALS.TSTP, SIGNALS.TTIN, SIGNALS.TTOU];

export class FakeProcess {
  readonly pid: Pid;
  readonly traits: FakeTraits;
  /** The process that was its parent at the start; null for the init's own children and, later, for orphans. */
  parent: FakeProcess | null;
  group: Pid;
  session: Pid;
  /** Counts processes, as the kernel's clock ticks tell them apart. */
  readonly startedAt: number;
  stopped = false;
  /** null while it lives. */
  status: ExitStatus | null = null;
  /** What reached it, in order, ignored or not. */
  readonly received: Signal[] = [];
  readonly #world: FakeWorld;
  readonly #files: ReadonlyMap<Fd, FakeFile>;
  readonly #handlers = new Map<Signal, () => void>();
  #held: Signal[] = [];

  constructor(
    world: FakeWorld,
    pid: Pid,
    parent: FakeProcess | null,
    traits: FakeTraits,
    ids: { group: Pid; session: Pid; startedAt: number },
    files: ReadonlyMap<Fd, FakeFile>,
  ) {
    this.#world = world;
    this.pid = pid;
    this.parent = parent;
    this.traits = traits;
    this.group = ids.group;
    this.session = ids.session;
    this.startedAt = ids.startedAt;
    this.#files = files;
    for (const file of files.values()) retain(file);
  }

  get alive(): boolean {
    return this.status === null;
  }

  /** The words after the program's name. */
  get words(): readonly string[] {
    return this.traits.request.argv.slice(1);
  }

  variable(name: string): string | null {
    const entry = this.traits.request.environment.find((line) => line.startsWith(`${name}=`));
    return entry === undefined ? null : entry.slice(name.length + 1);
  }

  exit(code: number): void {
    this.#end({ kind: "exited", code: code & 0xff });
  }

  die(signal: Signal, coreDumped = false): void {
    this.#end({ kind: "signalled", signal, coreDumped });
  }

  /** Nothing happens if it has ended by then. */
  after(millis: number, action: () => void): void {
    this.#world.after(millis, () => {
      if (this.alive) action();
    });
  }

  exitAfter(millis: number, code: number): void {
    this.after(millis, () => this.exit(code));
  }

  on(signal: Signal, handler: () => void): void {
    this.#handlers.set(signal, handler);
  }

  ignore(...signals: Signal[]): void {
    for (const signal of signals) this.on(signal, () => {});
  }

  /** A child in the same group, with the same descriptors. Children of a program that lives are reaped by it. */
  fork(program: FakeProgram): FakeProcess {
    return this.#world.start(this, program);
  }

  /** Leaves group and session. */
  setsid(): void {
    this.group = this.pid;
    this.session = this.pid;
  }

  print(text: string, fd: Fd = 1): void {
    this.#files.get(fd)?.pipe?.pipe.write(text);
  }

  /** At the end of stdin, at once when it is no pipe. */
  onInputEnd(action: () => void): void {
    const guarded = () => {
      if (this.alive) action();
    };
    const input = this.#files.get(0)?.pipe;
    if (input) input.pipe.onEnd(guarded);
    else guarded();
  }

  files(): ReadonlyMap<Fd, FakeFile> {
    return this.#files;
  }

  /** kill(2) from anywhere. */
  take(signal: Signal): void {
    if (!this.alive) return;
    this.received.push(signal);
    if (signal === SIGNALS.KILL) this.die(signal);
    else if (signal === SIGNALS.CONT) this.#resume();
    else if (this.stopped) this.#held.push(signal);
    else this.#react(signal);
  }

  #resume(): void {
    this.stopped = false;
    this.#handlers.get(SIGNALS.CONT)?.();
    for (const signal of this.#held.splice(0)) if (this.alive) this.#react(signal);
  }

  #react(signal: Signal): void {
    const handler = signal === SIGNALS.STOP ? undefined : this.#handlers.get(signal);
    if (handler) handler();
    else if (STOPPING.includes(signal)) this.stopped = true;
    else if (!IGNORED_BY_DEFAULT.includes(signal)) this.die(signal);
  }

  #end(status: ExitStatus): void {
    if (!this.alive) return;
    this.status = status;
    this.#held = [];
    for (const file of this.#files.values()) release(file);
    this.#world.ended(this);
  }
}
