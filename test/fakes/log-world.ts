/** A log path between real pipes: programs' ends to write to, the container's ends to read from, time by hand. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import type { GlobalSpec, ProgramSpec } from "../../src/core/spec.ts";
import { linuxKernel } from "../../src/kernel/linux.ts";
import type { Vector } from "../../src/logs/arena.ts";
import { createLogs } from "../../src/logs/create.ts";
import { jsonFormats } from "../../src/logs/json-formats.ts";
import type { Logs, OutputListener, StreamName } from "../../src/logs/logs.ts";
import { FakeClock } from "./clock.ts";
import { fakeGlobal } from "./plans.ts";

export const kernel = linuxKernel();

export function pipe(): { read: number; write: number } {
  const ends = kernel.pipe();
  if (typeof ends === "string") throw new Error(ends);
  return ends;
}

/** Collects what comes out of a descriptor. */
export class Reader {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #waiters = new Set<() => void>();
  length = 0;

  /** Owns `fd`. Reads nothing before `start`. */
  constructor(fd: number, started = true) {
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.length += chunk.length;
      for (const waiter of [...this.#waiters]) waiter();
    });
    this.#socket.on("error", () => {});
    if (!started) this.#socket.pause();
  }

  start(): void {
    this.#socket.resume();
  }

  stop(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#socket.destroy();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  /** The text once it has `part` in it. */
  async until(part: string | ((text: string) => boolean)): Promise<string> {
    await this.untilTrue(() => {
      const text = this.text();
      return typeof part === "string" ? text.includes(part) : part(text);
    });
    return this.text();
  }

  untilTrue(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
      check();
    });
  }
}

export interface World {
  readonly logs: Logs;
  readonly clock: FakeClock;
  readonly out: Reader;
  readonly err: Reader;
  /** A fresh run's stream: the end that the program writes to. */
  attach(spec: ProgramSpec, pid: number, stream: StreamName): ProgramEnd;
}

export class ProgramEnd {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
  }

  close(): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }

  /** Hands the end to a shell: its output comes out of the pipe. Resolves when the shell has ended. */
  run(script: string): { readonly child: ChildProcess; readonly ended: Promise<void> } {
    const child = spawn("sh", ["-c", script], { stdio: ["ignore", this.fd, "inherit"] });
    this.close();
    return { child, ended: new Promise((resolve) => child.on("exit", () => resolve())) };
  }
}

export interface WorldOptions {
  readonly global?: Partial<GlobalSpec>;
  readonly programs?: readonly ProgramSpec[];
  /** Whether somebody reads the container's output from the beginning. */
  readonly reading?: boolean;
  readonly output?: OutputListener;
  /** The socket of syslogd. */
  readonly syslog?: string;
  /** stderr goes to the same pipe. */
  readonly joined?: boolean;
  readonly vector?: () => Promise<Vector>;
}

/** `use` gets the world; everything is closed afterwards. */
export async function withWorld(options: WorldOptions, use: (world: World) => Promise<void>): Promise<void> {
  const stdout = pipe();
  const stderr = pipe();
  const clock = new FakeClock();
  const out = new Reader(stdout.read, options.reading ?? true);
  const err = new Reader(stderr.read, options.reading ?? true);
  const ends: ProgramEnd[] = [];
  const logs = await createLogs({
    kernel,
    clock,
    global: fakeGlobal(options.global),
    programs: options.programs ?? [],
    stdout: stdout.write,
    stderr: options.joined ? stdout.write : stderr.write,
    noColor: "",
    json: () => Promise.resolve(jsonFormats),
    ...(options.output ? { output: options.output } : {}),
    ...(options.vector ? { vector: options.vector } : {}),
    ...(options.syslog === undefined ? {} : { syslog: options.syslog }),
  });
  const attach = (spec: ProgramSpec, pid: number, stream: StreamName): ProgramEnd => {
    const { read, write } = pipe();
    logs.attach(spec, pid, stream, read);
    const end = new ProgramEnd(write);
    ends.push(end);
    return end;
  };
  try {
    await use({ logs, clock, out, err, attach });
  } finally {
    for (const end of ends) end.close();
    for (const reader of [out, err]) reader.close();
    closeSync(stdout.write);
    closeSync(stderr.write);
  }
}

/** One turn of the event loop, so that what is ready to be read gets read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await turn();
}
