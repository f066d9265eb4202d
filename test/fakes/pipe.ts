/** Pipes of the fake kernel: bytes in memory, an end once no writer is left. */
import type { Datagram } from "../../src/kernel/kernel.ts";

export class FakePipe {
  readers = 0;
  writers = 0;
  capacity = 65536;
  owner = { uid: 0, gid: 0 };
  #bytes = Buffer.alloc(0);
  #onEnd: (() => void)[] = [];

  write(text: string | Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(text)]);
  }

  /** 0: nothing there. */
  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#bytes.length);
    into.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.subarray(count);
    return count;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get ended(): boolean {
    return this.writers === 0 && this.size === 0;
  }

  /** Called once no writer is left. */
  onEnd(listener: () => void): void {
    if (this.writers === 0) listener();
    else this.#onEnd.push(listener);
  }

  closeWriter(): void {
    this.writers--;
    if (this.writers === 0) for (const listener of this.#onEnd.splice(0)) listener();
  }
}

/** One open description: what a descriptor, here or in a process, refers to. */
export interface FakeFile {
  readonly path: string;
  readonly pipe: { readonly pipe: FakePipe; readonly end: "read" | "write" } | null;
  readonly terminal: boolean;
  /** Where it listens: a port, or a path. */
  readonly listens?: number | string;
  /** Not yet read. */
  content: Buffer;
  /** Of a socket: not yet read. */
  readonly datagrams: Datagram[];
  /** Where it is neither a pipe nor always readable. */
  readonly isReadable?: () => boolean;
}

export function retain(file: FakeFile): FakeFile {
  if (file.pipe?.end === "read") file.pipe.pipe.readers++;
  if (file.pipe?.end === "write") file.pipe.pipe.writers++;
  return file;
}

export function release(file: FakeFile): void {
  if (file.pipe?.end === "read") file.pipe.pipe.readers--;
  if (file.pipe?.end === "write") file.pipe.pipe.closeWriter();
}
