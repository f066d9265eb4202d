/**
 * A kernel in memory: programs are functions installed under a path, time is a FakeClock, failures come when asked for.
 * The contract suite (test/kernel-contract.ts) keeps it from drifting away from Linux.
 */
import { SIGNALS, type Signal } from "../../src/core/signal-names.ts";
import type { Pid } from "../../src/core/states.ts";
import type {
  Datagram,
  Errno,
  Fd,
  FileKind,
  Kernel,
  ProcessInfo,
  Reaped,
  SpawnRequest,
  SpawnResult,
} from "../../src/kernel/kernel.ts";
import { FakeClock } from "./clock.ts";
import { FakeFiles } from "./files.ts";
import type { FakeFile } from "./pipe.ts";
import { FakeProcess, type FakeProgram, type FakeTraits } from "./process.ts";

export interface FakeOptions {
  readonly clock?: FakeClock;
  readonly pid?: Pid;
  readonly uid?: number;
  readonly environment?: readonly (readonly [string, string])[];
  /** Pids wrap here, to see them used again. */
  readonly pidMax?: number;
}

/** Verbs that can be told to fail. */
export type FailingVerb = "spawn" | "kill" | "pipe" | "open" | "chown" | "setPipeSize" | "becomeSubreaper";

/** `exit` was called: nothing of the daemon runs after it. */
export class FakeExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

interface Failure {
  readonly verb: FailingVerb;
  readonly errno: Errno;
  readonly step: Extract<SpawnResult, { ok: false }>["step"];
  times: number;
}

export class FakeKernel implements Kernel {
  readonly pid: Pid;
  readonly uid: number;
  readonly clock: FakeClock;
  /** SIGCHLD and signals to ourselves, in a turn of their own as Node delivers them: on the clock's next `advance`. */
  onSignal: (signal: Signal) => void = () => {};
  /** Linux hands out ended children oldest first; "end" is the order in which they ended. */
  reapOrder: "age" | "end" = "age";
  /** Null /proc: `descendants` cannot tell. */
  hasProc = true;
  subreaper = false;
  name = "node";
  exitCode: number | null = null;
  fileLimitRaised = false;
  readonly unblocked = new Set<Signal>();
  readonly armed: Signal[] = [];
  /** Signals whose disposition `isDefault` says is the default. */
  readonly defaults = new Set<Signal>();
  /** What `writeNow` and programs without a pipe wrote, by descriptor. */
  readonly written = new Map<Fd, string>();
  /** Every spawn that worked, in order. */
  readonly spawned: FakeProcess[] = [];

  readonly #environment: [string, string][];
  readonly #pidMax: number;
  #lastPid: Pid;
  #started = 1;
  /** All that a pid stands for, zombies too. */
  readonly #table = new Map<Pid, FakeProcess>();
  /** Our children, oldest first; orphans come in behind. */
  readonly #children = new Set<FakeProcess>();
  readonly #zombies: FakeProcess[] = [];
  /** Paths and descriptors. */
  readonly files = new FakeFiles();
  readonly #pendingSignals = new Set<Signal>();
  #failures: Failure[] = [];

  constructor(options: FakeOptions = {}) {
    this.clock = options.clock ?? new FakeClock();
    this.pid = options.pid ?? 1;
    this.uid = options.uid ?? 0;
    this.#environment = (options.environment ?? [["PATH", "/bin"]]).map(([name, value]) => [name, value]);
    this.#pidMax = options.pidMax ?? 4_194_304;
    this.#lastPid = this.pid;
  }

  // ---- scripting

  /** Makes `path` a program. */
  install(path: string, program: FakeProgram): void {
    this.files.install(path, program);
  }

  /** The verb fails so often; a spawn at `step`, by default `fork`. `Infinity` until `heal`. */
  fail(verb: FailingVerb, errno: Errno, times = 1, step: Failure["step"] = "fork"): void {
    this.#failures.push({ verb, errno, step, times });
  }

  heal(): void {
    this.#failures = [];
  }

  /** A living process or a zombie. */
  process(pid: Pid): FakeProcess | null {
    return this.#table.get(pid) ?? null;
  }

  /** A process that no program of ours started, such as docker exec's: its parent is outside of the container. */
  intrude(program: FakeProgram): FakeProcess {
    const request: SpawnRequest = { ...NOTHING, file: "/intruder", argv: ["intruder"] };
    const process = this.#create(null, this.#traits(request), new Map());
    process.setsid();
    program(process);
    return process;
  }

  /** A signal from outside to ourselves; several of one kind are one until delivered. */
  signal(signal: Signal): void {
    if (this.#pendingSignals.has(signal)) return;
    this.#pendingSignals.add(signal);
    this.clock.after(0, () => {
      this.#pendingSignals.delete(signal);
      this.onSignal(signal);
    });
  }

  // ---- Kernel

  environment(): [name: string, value: string][] {
    return this.#environment.map(([name, value]) => [name, value]);
  }

  spawn(request: SpawnRequest): SpawnResult {
    const failure = this.#takeFailure("spawn");
    if (failure) return { ok: false, step: failure.step, errno: failure.errno };
    const wanted = [...request.stdio.map((from, as) => ({ from, as })), ...(request.extra ?? [])];
    const files = new Map<Fd, FakeFile>();
    for (const { from, as } of wanted) {
      const file = this.files.at(from);
      if (!file) return { ok: false, step: "exec", errno: "EBADF" };
      files.set(as, file);
    }
    const refused = this.#refuse(request);
    if (refused) return refused;
    const process = this.#create(null, this.#traits(request), files);
    this.#children.add(process);
    if (request.group === "session") process.setsid();
    else process.group = request.group === "ours" ? this.pid : process.pid;
    this.spawned.push(process);
    this.files.find(request.file)?.program?.(process);
    return { ok: true, pid: process.pid };
  }

  reap(): Reaped | "none" | "childless" {
    if (this.#children.size === 0) return "childless";
    const ended = this.reapOrder === "end" ? this.#zombies[0] : this.#oldestZombie();
    if (!ended?.status) return "none";
    this.#children.delete(ended);
    this.#zombies.splice(this.#zombies.indexOf(ended), 1);
    this.#table.delete(ended.pid);
    return { pid: ended.pid, status: ended.status };
  }

  kill(pid: Pid, signal: Signal | 0): Errno | null {
    const failure = this.#takeFailure("kill");
    if (failure) return failure.errno;
    if (pid === this.pid) {
      if (signal !== 0) this.signal(signal);
      return null;
    }
    const targets = [...this.#table.values()].filter((each) =>
      pid === -1 ? true : pid < 0 ? each.group === -pid : each.pid === pid,
    );
    if (targets.length === 0) return "ESRCH";
    if (signal !== 0) for (const target of targets) target.take(signal);
    return null;
  }

  becomeSubreaper(): Errno | null {
    const failure = this.#takeFailure("becomeSubreaper");
    if (!failure) this.subreaper = true;
    return failure?.errno ?? null;
  }

  childrenOf(pid: Pid): Pid[] | null {
    if (!this.hasProc) return null;
    if (pid === this.pid) return [...this.#children].map((each) => each.pid);
    return [...this.#table.values()].filter((each) => each.parent?.pid === pid).map((each) => each.pid);
  }

  processAt(pid: Pid): ProcessInfo | null {
    const found = this.hasProc ? this.#table.get(pid) : undefined;
    if (!found) return null;
    const { group, session, alive } = found;
    const parent = found.parent?.pid ?? (this.#children.has(found) ? this.pid : 0);
    return { parent, group, session, alive, startedAt: found.startedAt };
  }

  environmentOf(pid: Pid): string[] | null {
    const found = this.hasProc ? this.#table.get(pid) : undefined;
    return found?.alive ? [...found.traits.request.environment] : null;
  }

  descendants(): Pid[] | null {
    if (!this.hasProc) return null;
    const isOurs = (each: FakeProcess): boolean =>
      each.parent ? isOurs(each.parent) : this.#children.has(each);
    return [...this.#table.values()].filter((each) => each.alive && isOurs(each)).map((each) => each.pid);
  }

  pipe(): { readonly read: Fd; readonly write: Fd } | Errno {
    return this.#takeFailure("pipe")?.errno ?? this.files.pipe();
  }

  setPipeSize(fd: Fd, bytes: number): Errno | null {
    return this.#takeFailure("setPipeSize")?.errno ?? this.files.setPipeSize(fd, bytes);
  }

  chown(fd: Fd, uid: number, gid: number): Errno | null {
    const failure = this.#takeFailure("chown");
    return failure ? failure.errno : this.files.chown(fd, uid, gid, this.uid === 0);
  }

  open(path: string): Fd | Errno {
    return this.#takeFailure("open")?.errno ?? this.files.open(path);
  }

  close(fd: Fd): void {
    this.files.close(fd);
  }

  read(fd: Fd, into: Uint8Array): number | Errno {
    return this.files.read(fd, into);
  }

  readable(fd: Fd): boolean {
    return this.files.readable(fd);
  }

  isatty(fd: Fd): boolean {
    return this.files.at(fd)?.terminal ?? false;
  }

  stat(path: string): FileKind | null {
    const found = this.files.find(path);
    return found ? { type: found.type, executable: found.executable } : null;
  }

  unblock(signals: readonly Signal[]): void {
    for (const signal of signals) this.unblocked.add(signal);
  }

  armOnce(signal: Signal): void {
    this.armed.push(signal);
  }

  isDefault(signal: Signal): boolean {
    return this.defaults.has(signal);
  }

  setName(name: string): void {
    this.name = Buffer.from(name).subarray(0, 15).toString();
  }

  raiseFileLimit(): void {
    this.fileLimitRaised = true;
  }

  releaseMemory(): void {}

  listen(host: string, port: number): Fd | Errno {
    return this.files.listen(host, port);
  }

  listenUnix(path: string): Fd | Errno {
    return this.files.listenUnix(path);
  }

  setBacklog(fd: Fd): Errno | null {
    return this.files.setBacklog(fd);
  }

  knock(path: string): Errno | null {
    return this.files.knock(path);
  }

  sendDatagram(path: string, bytes: Uint8Array): Errno | null {
    return this.files.sendDatagram(path, bytes, { pid: this.pid, uid: this.uid });
  }

  bindDatagrams(path: string): Fd | Errno {
    return this.files.bindFree(path);
  }

  receiveDatagram(fd: Fd): Datagram | Errno {
    return this.files.receiveDatagram(fd);
  }

  watch(fd: Fd, onReadable: () => void): (() => void) | Errno {
    if (!this.files.at(fd)) return "EBADF";
    let cancel = (): void => {};
    const look = (): void => {
      cancel = this.clock.after(1, look);
      if (this.files.readable(fd)) onReadable();
    };
    cancel = this.clock.after(0, look);
    return () => cancel();
  }

  userOf(pid: Pid): number | null {
    return this.#table.get(pid)?.traits.uid ?? null;
  }

  openProcess(pid: Pid): Fd | Errno {
    const process = this.#table.get(pid);
    return process ? this.files.openSpecial(`pidfd ${pid}`, () => !process.alive) : "ESRCH";
  }

  /** Whoever is replaced does not come back, as after an exit. */
  replace(file: string): Errno {
    if (this.stat(file) === null) return "ENOENT";
    throw new FakeExit(0);
  }

  exit(code: number): never {
    this.exitCode = code;
    throw new FakeExit(code);
  }

  writeNow(fd: Fd, text: string): void {
    const pipe = this.files.at(fd)?.pipe;
    if (pipe?.end === "write") pipe.pipe.write(text);
    else this.written.set(fd, (this.written.get(fd) ?? "") + text);
  }

  // ---- inside

  /** What posix_spawn would answer instead of a pid. */
  #refuse(request: SpawnRequest): SpawnResult | null {
    const no = (step: Failure["step"], errno: Errno): SpawnResult => ({ ok: false, step, errno });
    if (request.user && this.uid !== 0 && request.user.uid !== this.uid) return no("user", "EPERM");
    const directory = request.directory === null ? null : this.files.find(request.directory);
    if (request.directory !== null && !directory) return no("directory", "ENOENT");
    if (directory && directory.type !== "directory") return no("directory", "ENOTDIR");
    if ([request.file, ...request.argv, ...request.environment].some((text) => text.includes("\0")))
      return no("exec", "EINVAL");
    const file = this.files.find(request.file);
    if (!file || file.badInterpreter) return no("exec", "ENOENT");
    if (file.type !== "file" || !file.executable) return no("exec", "EACCES");
    return file.program ? null : no("exec", "ENOEXEC");
  }

  #traits(request: SpawnRequest): FakeTraits {
    return {
      request,
      parent: this.pid,
      uid: request.user?.uid ?? this.uid,
      gid: request.user?.gid ?? 0,
      groups: request.user?.groups ?? [],
      umask: request.umask ?? 0o022,
      directory: request.directory ?? "/",
      fileLimit: 1024,
    };
  }

  #create(parent: FakeProcess | null, traits: FakeTraits, files: ReadonlyMap<Fd, FakeFile>): FakeProcess {
    const pid = this.#nextPid();
    const ids = { group: parent?.group ?? pid, session: parent?.session ?? this.pid };
    const world = {
      start: (by: FakeProcess, program: FakeProgram) => {
        const child = this.#create(by, by.traits, by.files());
        program(child);
        return child;
      },
      ended: (process: FakeProcess) => this.#onEnd(process),
      after: (millis: number, action: () => void) => void this.clock.after(millis, action),
    };
    const process = new FakeProcess(
      world,
      pid,
      parent,
      traits,
      { ...ids, startedAt: this.#started++ },
      files,
    );
    this.#table.set(pid, process);
    return process;
  }

  #nextPid(): Pid {
    for (let tries = 0; tries < this.#pidMax; tries++) {
      this.#lastPid = this.#lastPid >= this.#pidMax ? 2 : this.#lastPid + 1;
      const isGroup = () => [...this.#table.values()].some((each) => each.group === this.#lastPid);
      if (this.#lastPid !== this.pid && !this.#table.has(this.#lastPid) && !isGroup()) return this.#lastPid;
    }
    throw new Error("the fake kernel has no pid left");
  }

  /** Its children become ours, if we take orphans; then it waits to be reaped by us, or its own parent does that at once. */
  #onEnd(process: FakeProcess): void {
    for (const each of this.#table.values()) {
      if (each.parent !== process) continue;
      each.parent = null;
      if (this.pid === 1 || this.subreaper) this.#children.add(each);
    }
    if (!this.#children.has(process)) {
      this.#table.delete(process.pid);
      return;
    }
    this.#zombies.push(process);
    this.signal(SIGNALS.CHLD);
  }

  #oldestZombie(): FakeProcess | undefined {
    for (const child of this.#children) if (!child.alive) return child;
    return undefined;
  }

  #takeFailure(verb: FailingVerb): Failure | null {
    const failure = this.#failures.find((each) => each.verb === verb && each.times > 0);
    if (failure) failure.times--;
    return failure ?? null;
  }
}

const NOTHING: SpawnRequest = {
  file: "/",
  argv: [],
  environment: [],
  directory: null,
  stdio: [0, 1, 2],
  user: null,
  umask: null,
  foreground: false,
};
