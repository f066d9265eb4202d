/**
 * One log file beside the console. Everything that touches the disk happens in the thread pool, one thing at a time; what
 * waits is bounded. A file that fails or does not take what is written stops, nothing else does: that is said once, what
 * it misses is counted, and it is tried again when there is something to write.
 */
import type { Millis } from "../core/states.ts";
import { Backlog } from "./backlog.ts";
import { appendLog, closeLog, errnoOf, type OpenFile, openLog, removeLog, shiftBackups } from "./disk.ts";
import type { Level } from "./logs.ts";
import type { Slots } from "./slots.ts";

/** A disk that takes nothing for so long is not waited for any more. */
const STUCK_MILLIS: Millis = 1000;
/** Read although the file is behind: the last words of programs. */
const LAST_WORDS_BYTES = 4 * 1024 * 1024;
/** Tries after a failure: at first after, doubling, at most. */
const RETRY_MILLIS: Millis = 1000;
const RETRY_MILLIS_MAX: Millis = 16_000;
/** A full FIFO is asked again after so long, doubling, at most. */
const POLL_MILLIS: Millis = 10;
const POLL_MILLIS_MAX: Millis = 1000;
/** A rotation that failed is not tried at every write. */
const ROTATE_AGAIN_MILLIS: Millis = 60_000;

/** A file that fails and works in turn is not told of more often. */
const SAID_MILLIS: Millis = 1000;

export interface Rotation {
  /** Looked at after each write; 0: never. */
  readonly maxbytes: number;
  readonly backups: number;
}

export interface LogFileHost {
  readonly slots: Slots;
  now(): Millis;
  after(millis: number, listener: () => void): () => void;
  say(level: Level, text: string): void;
  /** Bytes that may wait: `log_buffer`. */
  limit(): number;
  /** Whether whoever writes waits for the file (for a while), or output is dropped at once. */
  overflow(): "block" | "drop";
  /** The container's own stdout or stderr under another name: it has the output already. */
  isConsole(identity: string): boolean;
  /** Bytes have left, or the file was given up: who waits may go on. */
  onProgress(): void;
}

export interface LogFileOptions {
  readonly path: string;
  /** Of a file that is made. */
  readonly mode: number;
  /** Nothing is opened before. */
  readonly ready: Promise<void> | null;
}

export class LogFile {
  readonly path: string;
  /** Of whoever opened it last. */
  rotation: Rotation = { maxbytes: 0, backups: 0 };
  readonly #host: LogFileHost;
  readonly #options: LogFileOptions;
  readonly #backlog = new Backlog();
  #users = 0;
  #file: OpenFile | null = null;
  #size = 0;
  #opens = false;
  /** Since when what is being done has brought nothing; null: there is nothing to do. */
  #busySince: Millis | null = null;
  #watched = false;
  /** Why output is missing from the file. */
  #trouble: string | null = null;
  #troubleAt: Millis = 0;
  #lostBytes = 0;
  #retryAt: Millis = 0;
  #retryAfter: Millis = RETRY_MILLIS;
  #pollAfter: Millis = POLL_MILLIS;
  #rotateAt: Millis = 0;

  constructor(host: LogFileHost, options: LogFileOptions) {
    this.path = options.path;
    this.#host = host;
    this.#options = options;
  }

  /** Somebody writes from now on: it is opened now, so that it exists and what is wrong is known. */
  acquire(rotation: Rotation): void {
    this.rotation = rotation;
    this.#users++;
    if (this.#file !== null || !this.#mayTry()) return;
    this.#opens = true;
    this.#start();
  }

  /** It is closed when nobody writes any more and all is written. */
  release(): void {
    this.#users--;
    this.#start();
  }

  get used(): boolean {
    return this.#users > 0 || this.#busySince !== null;
  }

  /** Nothing is on its way that could still arrive. */
  get idle(): boolean {
    return this.#busySince === null || this.#isStuck();
  }

  /** So much waits that whoever writes should wait too; false for a file that is not waited for. */
  isOver(share: number): boolean {
    if (this.#backlog.size < this.#host.limit() * share || this.#isStuck()) return false;
    if (this.#host.overflow() === "drop") return false;
    if (!this.#watched) {
      this.#watched = true;
      this.#host.after(STUCK_MILLIS, () => {
        this.#watched = false;
        this.#host.onProgress();
      });
    }
    return true;
  }

  write(source: Uint8Array, from: number, to: number): void {
    if (!this.#mayTry()) {
      this.#lostBytes += to - from;
      return;
    }
    const waits = this.#host.overflow() === "block" && !this.#isStuck();
    if (this.#backlog.size >= this.#host.limit() + (waits ? LAST_WORDS_BYTES : 0)) {
      this.#lostBytes += to - from;
      this.#noteTrouble("it does not take what is written");
      return;
    }
    this.#backlog.append(source, from, to);
    this.#start();
  }

  reopen(): void {
    this.#retryAt = 0;
    if (this.#users === 0) return;
    this.#backlog.request("reopen");
    this.#start();
  }

  /** Empty from now on; what waits is part of what is forgotten. */
  clear(): void {
    this.#retryAt = 0;
    this.#backlog.discard();
    this.#backlog.request("clear");
    this.#start();
  }

  #mayTry(): boolean {
    return this.#retryAt === 0 || this.#host.now() >= this.#retryAt;
  }

  #isStuck(): boolean {
    return this.#busySince !== null && this.#host.now() - this.#busySince >= STUCK_MILLIS;
  }

  #hasWork(): boolean {
    return this.#opens || !this.#backlog.empty || (this.#users === 0 && this.#file !== null);
  }

  #start(): void {
    if (this.#busySince !== null || !this.#hasWork()) return;
    this.#busySince = this.#host.now();
    this.#next();
  }

  #next(): void {
    this.#host.slots.run(() => this.#turn());
  }

  /** One thing, then somebody else's turn. */
  async #turn(): Promise<void> {
    let goesOn = true;
    try {
      goesOn = await this.#step();
    } catch (error) {
      await this.#fail(error);
    }
    if (!goesOn) {
      if (this.#users === 0 && this.#isStuck()) this.#lostBytes += this.#backlog.discard();
      // Nothing came of it: the time since when is kept.
      this.#host.after(this.#pollAfter, () => this.#next());
      this.#pollAfter = Math.min(this.#pollAfter * 2, POLL_MILLIS_MAX);
      return;
    }
    this.#pollAfter = POLL_MILLIS;
    this.#busySince = null;
    this.#start();
    this.#host.onProgress();
  }

  /** False: it cannot go on now, and has to be asked again. */
  async #step(): Promise<boolean> {
    this.#opens = false;
    const request = this.#backlog.takeRequest();
    if (request === "clear") return this.#clear();
    if (request === "reopen") {
      await this.#close();
      await this.#open(false);
      return true;
    }
    if (this.#backlog.empty && this.#users === 0) {
      await this.#close();
      return true;
    }
    const file = this.#file ?? (await this.#open(false));
    if (this.#host.isConsole(file.identity)) {
      this.#backlog.discard();
      return true;
    }
    const rotates = file.regular && this.rotation.maxbytes > 0;
    const pieces = this.#backlog.batch(rotates ? this.rotation.maxbytes - this.#size : Infinity);
    if (pieces.length === 0) return true;
    let count: number;
    try {
      count = await appendLog(file.fd, pieces);
    } catch (error) {
      if (errnoOf(error) === "EAGAIN") return false;
      throw error;
    }
    // The size may have been reached inside a piece that is not written to its end yet.
    const whole = count === pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#backlog.written(count);
    this.#size += count;
    this.#noteSuccess();
    if (rotates && whole && this.#size >= this.rotation.maxbytes) await this.#rotate();
    return true;
  }

  async #open(empty: boolean): Promise<OpenFile> {
    await this.#options.ready;
    const file = await openLog(this.path, this.#options.mode, empty);
    this.#file = file;
    this.#size = file.size;
    return file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    if (file !== null) await closeLog(file.fd);
  }

  async #clear(): Promise<boolean> {
    const { fd, regular, identity } = this.#file ?? (await this.#open(false));
    if (!regular || this.#host.isConsole(identity)) return true;
    await removeLog(this.path, fd);
    await this.#close();
    await this.#open(false);
    return true;
  }

  /** supervisord.md 9.3. */
  async #rotate(): Promise<void> {
    if (this.#host.now() < this.#rotateAt) return;
    await this.#close();
    try {
      if (this.rotation.backups > 0) await shiftBackups(this.path, this.rotation.backups);
    } catch (error) {
      if (this.#rotateAt === 0)
        this.#host.say(
          "error",
          `cannot rotate the log file ${this.path}: ${errnoOf(error)}; it goes on growing`,
        );
      this.#rotateAt = this.#host.now() + ROTATE_AGAIN_MILLIS;
      await this.#open(false);
      return;
    }
    this.#rotateAt = 0;
    await this.#open(true);
  }

  async #fail(error: unknown): Promise<void> {
    await this.#close();
    this.#lostBytes += this.#backlog.discard();
    this.#retryAt = this.#host.now() + this.#retryAfter;
    this.#retryAfter = Math.min(this.#retryAfter * 2, RETRY_MILLIS_MAX);
    this.#noteTrouble(describe(errnoOf(error)));
  }

  #noteTrouble(why: string): void {
    if (this.#trouble !== null) return;
    this.#trouble = why;
    this.#troubleAt = this.#host.now();
    this.#host.say("error", `cannot write the log file ${this.path}: ${why}; what it misses is counted`);
  }

  #noteSuccess(): void {
    this.#retryAt = 0;
    if (this.#trouble === null) {
      this.#retryAfter = RETRY_MILLIS;
      return;
    }
    if (this.#host.now() - this.#troubleAt < SAID_MILLIS) return;
    const bytes = this.#lostBytes;
    this.#trouble = null;
    this.#lostBytes = 0;
    this.#host.say("info", `the log file ${this.path} is written again; ${bytes} bytes are missing in it`);
  }
}

function describe(errno: string): string {
  switch (errno) {
    case "ENOENT":
      return "ENOENT (its directory does not exist)";
    case "ENOSPC":
      return "ENOSPC (the disk is full)";
    case "ENXIO":
      return "ENXIO (nobody reads that pipe)";
    default:
      return errno;
  }
}
