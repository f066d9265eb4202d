/**
 * The container's stdout and stderr: bytes out, never blocking the loop and never changing what others share.
 *
 * O_NONBLOCK belongs to the open file description, which the programs and the next process on the terminal share: it is
 * never set on fd 1 or 2. A pipe is opened once more through /proc, non-blocking, for us alone. What cannot be opened
 * again (sockets, another user's pipe, no /proc) and terminals and files are written by one thread at a time.
 */
import { closeSync, constants, fstatSync, openSync, type Stats, write, writeSync } from "node:fs";
import type net from "node:net";
import type { Millis } from "../core/states.ts";
import type { Arena } from "./arena.ts";
import { type Block, OutputQueue, type Owner } from "./queue.ts";

/** One write in flight is at most so long: progress is seen often enough to tell slow from stuck. */
const WRITE_BYTES = 64 * 1024;
const PIPE_BYTES = 1024 * 1024;
/** A descriptor that failed is tried again after this time at the earliest. */
const RETRY_MILLIS = 1000;
/** A shared description that somebody else made non-blocking cannot be waited for, only asked again. */
const POLL_MILLIS = 10;
/** /dev/null is character device 1:3. */
const NULL_DEVICE = 0x103;
const NEWLINE = 10;
const NEWLINE_BYTES = Buffer.from("\n");

export interface SinkClock {
  now(): Millis;
  after(millis: number, listener: () => void): () => void;
}

export interface SinkKernel {
  setPipeSize(fd: number, bytes: number): string | null;
  isatty(fd: number): boolean;
}

type Errno = string;

interface Device {
  /** Bytes taken without waiting; an errno when it is no use. */
  writeNow(source: Buffer, from: number, to: number): number | Errno;
  /** Calls `done` once some or all are written. */
  writeLater(source: Buffer, from: number, to: number, done: (result: number | Errno) => void): void;
  close(): void;
}

function errnoOf(error: unknown): Errno {
  return (error as NodeJS.ErrnoException).code ?? "EIO";
}

/** A pipe under a non-blocking description of our own. */
class PipeDevice implements Device {
  readonly #fd: number;
  readonly #kernel: SinkKernel;
  #socket: net.Socket | null = null;

  constructor(fd: number, kernel: SinkKernel) {
    this.#fd = fd;
    this.#kernel = kernel;
  }

  writeNow(source: Buffer, from: number, to: number): number | Errno {
    try {
      return writeSync(this.#fd, source, from, to - from);
    } catch (error) {
      const code = errnoOf(error);
      return code === "EAGAIN" ? 0 : code;
    }
  }

  writeLater(source: Buffer, from: number, to: number, done: (result: number | Errno) => void): void {
    const end = Math.min(to, from + WRITE_BYTES);
    this.#waiting().write(source.subarray(from, end), (error) => done(error ? errnoOf(error) : end - from));
  }

  close(): void {
    if (this.#socket) this.#socket.destroy();
    else closeSync(this.#fd);
  }

  /** Made when the pipe is full for the first time: its reader is slower than we are, so more room pays. */
  #waiting(): net.Socket {
    if (this.#socket) return this.#socket;
    this.#kernel.setPipeSize(this.#fd, PIPE_BYTES);
    const { Socket } = process.getBuiltinModule("node:net");
    const socket = new Socket({ fd: this.#fd, readable: false, writable: true });
    // The write's callback gets the error as well.
    socket.on("error", () => {});
    this.#socket = socket;
    return socket;
  }
}

/** A descriptor that may block: the thread pool waits for it. */
class PoolDevice implements Device {
  readonly #fd: number;
  readonly #clock: SinkClock;

  constructor(fd: number, clock: SinkClock) {
    this.#fd = fd;
    this.#clock = clock;
  }

  writeNow(): number {
    return 0;
  }

  writeLater(source: Buffer, from: number, to: number, done: (result: number | Errno) => void): void {
    write(this.#fd, source, from, Math.min(WRITE_BYTES, to - from), null, (error, written) => {
      if (!error) done(written);
      else if (error.code === "EAGAIN")
        this.#clock.after(POLL_MILLIS, () => this.writeLater(source, from, to, done));
      else done(errnoOf(error));
    });
  }

  close(): void {}
}

const NULL: Device = {
  writeNow: (_source, from, to) => to - from,
  writeLater: (_source, from, to, done) => done(to - from),
  close: () => {},
};

/** Bytes of nobody: the newline after a line that an error tore. */
const NOBODY: Owner = { queued: 0, lost: () => {} };

export class Sink {
  readonly queue: OutputQueue;
  readonly terminal: boolean;
  /** Called when bytes have left, or were given up, after a wait. */
  onProgress: () => void = () => {};
  /** Called when the descriptor turns out to be broken, and when it works again: how much was given up meanwhile. */
  onBroken: (errno: string) => void = () => {};
  onMended: (lostBytes: number) => void = () => {};
  readonly #fd: number;
  readonly #clock: SinkClock;
  readonly #kernel: SinkKernel;
  #device: Device | null = null;
  #writing = false;
  #waitingSince: Millis | null = null;
  #retryAt: Millis | null = null;
  #lastByte = NEWLINE;
  /** Since it broke; null: it works. */
  #lostBytes: number | null = null;

  constructor(fd: number, clock: SinkClock, kernel: SinkKernel, arena?: Arena) {
    this.queue = new OutputQueue(arena);
    this.#fd = fd;
    this.#clock = clock;
    this.#kernel = kernel;
    this.terminal = kernel.isatty(fd);
  }

  /** Nothing is left that could still be written. */
  get idle(): boolean {
    return !this.#writing && (this.queue.size === 0 || this.#retryAt !== null);
  }

  /** Since when nothing has left although something waits; null when all is well or the descriptor is broken. */
  get stuckSince(): Millis | null {
    return this.#waitingSince;
  }

  /** Writes what is queued as far as it goes now; the rest follows by itself. */
  kick(): void {
    if (this.#writing) return;
    if (this.#retryAt !== null && this.#clock.now() < this.#retryAt) {
      this.#giveUp();
      return;
    }
    this.#pump(true);
  }

  /**
   * How many of the bytes have left at once, past the queue, where that is empty and the descriptor takes them; an error is
   * left to `kick`.
   */
  writeThrough(source: Buffer, from: number, to: number): number {
    if (this.#writing || this.queue.size > 0 || this.#retryAt !== null) return 0;
    const device = this.#open();
    const taken = typeof device === "string" ? 0 : device.writeNow(source, from, to);
    if (typeof taken === "string" || taken === 0) return 0;
    this.#note(source, from + taken);
    return taken;
  }

  #pump(tryNow: boolean): void {
    for (let head = this.queue.head(); head; head = this.queue.head()) {
      const device = this.#open();
      if (typeof device === "string") return this.#fail(device);
      const { start, end } = head;
      const { buffer } = head.bytes;
      const taken = tryNow ? device.writeNow(buffer, start, end) : 0;
      if (typeof taken === "string") return this.#fail(taken);
      if (taken > 0) this.#written(head, taken);
      if (taken === end - start) continue;
      this.#writing = true;
      this.#waitingSince ??= this.#clock.now();
      device.writeLater(buffer, start + taken, end, (result) => this.#onWritten(head, result));
      return;
    }
    this.#waitingSince = null;
  }

  #onWritten(block: Block, result: number | Errno): void {
    this.#writing = false;
    this.#waitingSince = null;
    if (typeof result === "string") return this.#fail(result);
    this.#written(block, result);
    this.#pump(false);
    this.onProgress();
  }

  #written(block: Block, count: number): void {
    this.#note(block.bytes.buffer, block.start + count);
    this.queue.consume(count);
    if (this.#lostBytes === null) return;
    const lost = this.#lostBytes;
    this.#lostBytes = null;
    this.onMended(lost);
  }

  #note(source: Buffer, end: number): void {
    this.#lastByte = source[end - 1] ?? NEWLINE;
    this.#retryAt = null;
  }

  #fail(errno: Errno): void {
    this.#device?.close();
    this.#device = null;
    this.#waitingSince = null;
    // A number that is not ours may become anybody's.
    this.#retryAt = errno === "EBADF" ? Number.POSITIVE_INFINITY : this.#clock.now() + RETRY_MILLIS;
    const wasBroken = this.#lostBytes !== null;
    this.#giveUp();
    if (!wasBroken) this.onBroken(errno);
    this.onProgress();
  }

  #giveUp(): void {
    this.#lostBytes = (this.#lostBytes ?? 0) + this.queue.size;
    this.queue.discard();
    if (this.#lastByte !== NEWLINE) this.queue.append(NOBODY, NEWLINE_BYTES, 0, 1);
  }

  #open(): Device | Errno {
    if (this.#device) return this.#device;
    try {
      this.#device = this.#openAs(fstatSync(this.#fd));
      return this.#device;
    } catch (error) {
      return errnoOf(error);
    }
  }

  #openAs(stat: Stats): Device {
    if (stat.isCharacterDevice() && stat.rdev === NULL_DEVICE) return NULL;
    if (!stat.isFIFO()) return new PoolDevice(this.#fd, this.#clock);
    try {
      const fd = openSync(`/proc/self/fd/${this.#fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
      return new PipeDevice(fd, this.#kernel);
    } catch {
      return new PoolDevice(this.#fd, this.#clock);
    }
  }
}

function identity(fd: number): string | null {
  try {
    const { dev, ino } = fstatSync(fd);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

export interface Sinks {
  readonly stdout: Sink;
  /** The same as stdout when both are one file, pipe or terminal: their lines must not overtake one another. */
  readonly stderr: Sink;
}

export function openSinks(
  stdoutFd: number,
  stderrFd: number,
  clock: SinkClock,
  kernel: SinkKernel,
  arena?: Arena,
): Sinks {
  const stdout = new Sink(stdoutFd, clock, kernel, arena);
  const first = identity(stdoutFd);
  const same = first !== null && first === identity(stderrFd);
  return { stdout, stderr: same ? stdout : new Sink(stderrFd, clock, kernel, arena) };
}
