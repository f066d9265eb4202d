/** The reading side of one program's pipe. */
import { closeSync } from "node:fs";
import type net from "node:net";
import { Arena } from "./arena.ts";

/** Most that is read of one pipe in a turn of the loop: libuv would take 2 MB, and requests and signals wait meanwhile. */
const TURN_BYTES = 256 * 1024;
/**
 * A read that brings this much counts as a sign of a busy program; after so many of them its pipe is made larger, and the
 * whole path faster.
 */
const BUSY_READ_BYTES = 32 * 1024;
const BUSY_READS = 4;
const BUSY_PIPE_BYTES = 1024 * 1024;
/** Enlarged pipes count against the user's pipe-user-pages-soft (64 MB by default): only so many at a time. */
const BUSY_PIPES = 16;

export interface CaptureKernel {
  /** 0 at the end; an errno name, "EAGAIN" when there is nothing now. */
  read(fd: number, into: Uint8Array): number | string;
  setPipeSize(fd: number, bytes: number): string | null;
}

/** What all pipes share. */
export class CaptureContext {
  readonly kernel: CaptureKernel;
  readonly arena: Arena;
  enlarged = 0;

  constructor(kernel: CaptureKernel, arena = new Arena()) {
    this.kernel = kernel;
    this.arena = arena;
  }
}

export interface CaptureListener {
  /** The first `length` bytes of `buffer`, only during the call. */
  onBytes(buffer: Buffer, length: number): void;
  /** Nothing more will come; called once. */
  onEnd(): void;
}

export class Capture {
  readonly #fd: number;
  readonly #context: CaptureContext;
  readonly #listener: CaptureListener;
  readonly #socket: net.Socket;
  #paused = false;
  #ended = false;
  #busyReads = 0;
  /** Bytes read one after the other, with no chance for anybody else. */
  #readInTurn = 0;
  /** Goes on reading in the next turn. */
  #yielding: NodeJS.Immediate | null = null;

  /** Owns `fd`, the read end of a pipe, from now on. Throws when it cannot be polled, with the fd closed. */
  constructor(fd: number, context: CaptureContext, listener: CaptureListener) {
    this.#fd = fd;
    this.#context = context;
    this.#listener = listener;
    const { Socket } = process.getBuiltinModule("node:net");
    // Asked after each read, for the one after it.
    const buffer = (): Buffer => context.arena.input;
    const callback = (length: number, filled: Uint8Array): boolean => this.#onRead(length, filled as Buffer);
    try {
      this.#socket = new Socket({ fd, readable: true, writable: false, onread: { buffer, callback } });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#end());
  }

  get paused(): boolean {
    return this.#paused;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Stops reading: when the pipe is full, its writer waits, and nobody else. */
  pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Reads what is there, paused or not, until the pipe is empty, at its end, or about `budget` bytes were read. */
  drain(budget: number): void {
    // Its end was read, and the socket has closed the descriptor without telling yet: the number may be another pipe's, or a
    // client's, whose bytes would be taken away and passed off as this program's.
    if (this.#socket.destroyed) return this.#end();
    const { arena, kernel } = this.#context;
    const buffer = arena.input;
    for (let left = budget; left > 0 && !this.#ended; ) {
      const count = kernel.read(this.#fd, buffer);
      if (count === 0) return this.close();
      if (typeof count === "string") return;
      this.#listener.onBytes(buffer, count);
      left -= count;
    }
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #onRead(count: number, buffer: Buffer): boolean {
    if (this.#ended) return false;
    let length = count;
    if (this.#busyReads === BUSY_READS) length += this.#readMore(buffer, count);
    else if (length >= BUSY_READ_BYTES) this.#noteBusyRead();
    this.#listener.onBytes(buffer, length);
    if (this.#paused) return false;
    // A read that did not fill the buffer is the last of its turn.
    this.#readInTurn = length < buffer.length ? 0 : this.#readInTurn + length;
    if (this.#readInTurn < TURN_BYTES) return true;
    this.#yield();
    return false;
  }

  /** A busy program has written more meanwhile, and what is done for each chunk costs more than a read. */
  #readMore(buffer: Buffer, from: number): number {
    let to = from;
    while (to < buffer.length) {
      const count = this.#context.kernel.read(this.#fd, buffer.subarray(to));
      // What is wrong, or the end, comes up at the next read.
      if (typeof count === "string" || count === 0) break;
      to += count;
    }
    return to - from;
  }

  /** Lets everybody else have a turn. */
  #yield(): void {
    this.#readInTurn = 0;
    this.#yielding ??= setImmediate(() => {
      this.#yielding = null;
      if (!this.#paused && !this.#ended) this.#socket.resume();
    });
  }

  #noteBusyRead(): void {
    const context = this.#context;
    if (this.#busyReads === BUSY_READS - 1 && context.enlarged >= BUSY_PIPES) return;
    if (++this.#busyReads < BUSY_READS) return;
    context.arena.accelerate();
    context.enlarged++;
    context.kernel.setPipeSize(this.#fd, BUSY_PIPE_BYTES);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#busyReads === BUSY_READS) this.#context.enlarged--;
    this.#listener.onEnd();
  }
}
