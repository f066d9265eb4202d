/** What an init writes, kept with the time each piece came; and real pipes for it to write to, as a runtime gives. */
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface Line {
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** Milliseconds on performance.now()'s clock. */
  readonly at: number;
}

/** One stream, as bytes and as lines. With `sink`, bytes go there and nothing is kept. */
export class Recording {
  readonly lines: Line[] = [];
  readonly #chunks: Buffer[] = [];
  readonly #name: "stdout" | "stderr";
  readonly #all: Line[];
  readonly #sink: ((chunk: Buffer) => void) | undefined;
  #rest: Buffer = Buffer.alloc(0);
  ended: Promise<void> = Promise.resolve();
  #source: Readable | null = null;

  constructor(name: "stdout" | "stderr", all: Line[], sink?: (chunk: Buffer) => void) {
    this.#name = name;
    this.#all = all;
    this.#sink = sink;
  }

  follow(source: Readable, held: boolean): void {
    this.#source = source;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    source.once("close", () => {
      if (this.#rest.length > 0) this.#push(this.#rest);
      this.#rest = Buffer.alloc(0);
      resolve();
    });
    source.on("error", () => source.destroy());
    if (!held) this.release();
  }

  /** Starts reading a stream that was held; at most so many bytes a second. */
  release(bytesPerSecond = Number.POSITIVE_INFINITY): void {
    const source = this.#source;
    source?.removeAllListeners("data");
    source?.on("data", (chunk: Buffer) => {
      this.#take(chunk);
      if (bytesPerSecond === Number.POSITIVE_INFINITY) return;
      source.pause();
      setTimeout(() => source.resume(), (chunk.length / bytesPerSecond) * 1000);
    });
    source?.resume();
  }

  /** Stops reading, until `release`. */
  hold(): void {
    this.#source?.removeAllListeners("data");
    this.#source?.pause();
  }

  /** Reads no more until `resume`: what a slow log driver does. */
  pause(): void {
    this.#source?.pause();
  }

  resume(): void {
    this.#source?.resume();
  }

  /** Goes away as a reader: whoever writes gets EPIPE. */
  destroy(): void {
    this.#source?.destroy();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  #take(chunk: Buffer): void {
    if (this.#sink !== undefined) {
      this.#sink(chunk);
      return;
    }
    this.#chunks.push(chunk);
    let data = Buffer.concat([this.#rest, chunk]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      this.#push(data.subarray(0, end));
      data = data.subarray(end + 1);
    }
    this.#rest = data;
  }

  #push(bytes: Buffer): void {
    const line: Line = { stream: this.#name, text: bytes.toString("utf8"), at: performance.now() };
    this.lines.push(line);
    this.#all.push(line);
  }
}

export interface Pipe {
  readonly source: Readable;
  /** For the child; to be closed here once it runs. */
  readonly writer: number;
}

/** A FIFO: node's own `pipe` would be a socket, which no container runtime gives. */
export function makePipe(directory: string, name: string): Pipe {
  const path = join(directory, name);
  execFileSync("mkfifo", ["-m", "666", path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  return { source: new Socket({ fd: reader, readable: true, writable: false }), writer };
}

export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // already closed
  }
}
