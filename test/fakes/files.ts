/** Paths and descriptors of the fake kernel. */
import type { Datagram, Errno, Fd, FileKind } from "../../src/kernel/kernel.ts";
import { type FakeFile, FakePipe, release, retain } from "./pipe.ts";
import type { FakeProgram } from "./process.ts";

export interface FakePath extends FileKind {
  readonly program: FakeProgram | null;
  /** `#!` names something that does not exist. */
  readonly badInterpreter: boolean;
  readonly content: string;
}

const FILE: FakePath = { type: "file", executable: false, program: null, badInterpreter: false, content: "" };

/** What a socket holds that nobody reads, about. */
const DATAGRAMS = 10;

export class FakeFiles {
  readonly #paths = new Map<string, FakePath>();
  readonly #open = new Map<Fd, FakeFile>();
  readonly #sockets = new Map<string, FakeFile>();

  constructor() {
    for (const path of ["/", "/tmp"]) this.add(path, { type: "directory", executable: true });
    this.add("/dev/null", { type: "other" });
    for (const fd of [0, 1, 2]) this.#open.set(fd, describe("/dev/null"));
  }

  install(path: string, program: FakeProgram): void {
    this.add(path, { executable: true, program });
  }

  /** A file that nobody can run, unless told otherwise. */
  add(path: string, change: Partial<FakePath> = {}): void {
    this.#paths.set(path, { ...FILE, ...change });
  }

  remove(path: string): void {
    this.#paths.delete(path);
  }

  find(path: string): FakePath | null {
    return this.#paths.get(path) ?? null;
  }

  at(fd: Fd): FakeFile | undefined {
    return this.#open.get(fd);
  }

  /** Descriptors that are open beside 0, 1 and 2: none, once everything was closed. */
  leftOpen(): Fd[] {
    return [...this.#open.keys()].filter((fd) => fd > 2);
  }

  /** Makes a descriptor a terminal. */
  makeTerminal(fd: Fd): void {
    this.#open.set(fd, { ...describe("/dev/tty"), terminal: true });
  }

  pipe(): { readonly read: Fd; readonly write: Fd } {
    const pipe = new FakePipe();
    const read = this.#keep({ ...describe("pipe"), pipe: { pipe, end: "read" } });
    return { read, write: this.#keep({ ...describe("pipe"), pipe: { pipe, end: "write" } }) };
  }

  setPipeSize(fd: Fd, bytes: number): Errno | null {
    const pipe = this.at(fd)?.pipe?.pipe;
    if (pipe) pipe.capacity = bytes;
    return pipe ? null : "EBADF";
  }

  chown(fd: Fd, uid: number, gid: number, isRoot: boolean): Errno | null {
    const file = this.at(fd);
    if (!file) return "EBADF";
    if (!isRoot) return "EPERM";
    if (file.pipe) file.pipe.pipe.owner = { uid, gid };
    return null;
  }

  open(path: string): Fd | Errno {
    if (path.includes("\0")) return "EINVAL";
    const found = this.find(path);
    return found ? this.#keep({ ...describe(path), content: Buffer.from(found.content) }) : "ENOENT";
  }

  /** A socket under a path, for datagrams to be read from; the path stays when it is closed. */
  bindDatagrams(path: string): Fd {
    const datagrams: Datagram[] = [];
    const file: FakeFile = { ...describe(path), datagrams, isReadable: () => datagrams.length > 0 };
    this.#sockets.set(path, file);
    return this.#keep(file);
  }

  /** The same, where nothing is yet. An abstract name is free again once its socket is closed. */
  bindFree(path: string): Fd | Errno {
    if (path === "" || path.includes("\0")) return "EINVAL";
    const isAbstract = path.startsWith("@");
    if (Buffer.byteLength(path) > (isAbstract ? 108 : 107)) return "ENAMETOOLONG";
    const bound = this.#sockets.get(path);
    const isTaken = isAbstract
      ? [...this.#open.values()].some((file) => file === bound)
      : bound !== undefined;
    if (isTaken || this.find(path)) return "EADDRINUSE";
    const directory = this.find(path.slice(0, path.lastIndexOf("/")) || "/");
    if (!isAbstract && directory?.type !== "directory") return directory ? "ENOTDIR" : "ENOENT";
    return this.bindDatagrams(path);
  }

  receiveDatagram(fd: Fd): Datagram | Errno {
    const file = this.at(fd);
    if (!file) return "EBADF";
    return this.#sockets.get(file.path) === file ? (file.datagrams.shift() ?? "EAGAIN") : "ENOTSOCK";
  }

  /** A descriptor of something that is not a file. */
  openSpecial(path: string, isReadable: () => boolean): Fd {
    return this.#keep({ ...describe(path), isReadable });
  }

  sendDatagram(path: string, bytes: Uint8Array, sender = { pid: 1, uid: 0 }): Errno | null {
    if (path === "" || path.includes("\0")) return "EINVAL";
    const socket = this.#sockets.get(path);
    if (!socket) return path.startsWith("@") || this.#paths.has(path) ? "ECONNREFUSED" : "ENOENT";
    if (![...this.#open.values()].includes(socket)) return "ECONNREFUSED";
    if (socket.datagrams.length > DATAGRAMS) return "EAGAIN";
    socket.datagrams.push({ ...sender, bytes: bytes.length > 4096 ? null : Buffer.from(bytes) });
    return null;
  }

  listen(host: string, port: number): Fd | Errno {
    if (!/^(\*|\d+(\.\d+){3})?$/.test(host)) return "ENOTSUP";
    if (this.#listeners(port) > 0) return "EADDRINUSE";
    return this.#keep({ ...describe(`port ${port}`), listens: port });
  }

  listenUnix(path: string): Fd | Errno {
    if (path === "" || path.includes("\0")) return "EINVAL";
    if (Buffer.byteLength(path) > 107) return "ENAMETOOLONG";
    if (this.find(path)) return "EADDRINUSE";
    const directory = this.find(path.slice(0, path.lastIndexOf("/")) || "/");
    if (directory?.type !== "directory") return directory ? "ENOTDIR" : "ENOENT";
    this.add(path, { type: "other" });
    return this.#keep({ ...describe(path), listens: path });
  }

  setBacklog(fd: Fd): Errno | null {
    const file = this.at(fd);
    if (!file) return "EBADF";
    return file.listens === undefined ? "ENOTSOCK" : null;
  }

  knock(path: string): Errno | null {
    if (Buffer.byteLength(path) > 107) return "ENAMETOOLONG";
    if (!this.find(path)) return "ENOENT";
    return this.#listeners(path) > 0 ? null : "ECONNREFUSED";
  }

  #listeners(place: number | string): number {
    return [...this.#open.values()].filter((file) => file.listens === place).length;
  }

  close(fd: Fd): void {
    const file = this.#open.get(fd);
    if (!file) return;
    this.#open.delete(fd);
    release(file);
  }

  read(fd: Fd, into: Uint8Array): number | Errno {
    const file = this.at(fd);
    if (!file || file.pipe?.end === "write") return "EBADF";
    if (this.#sockets.get(file.path) === file) {
      const next = file.datagrams.shift();
      return next === undefined ? "EAGAIN" : Buffer.from(next.bytes ?? []).copy(into);
    }
    if (file.pipe) {
      const count = file.pipe.pipe.read(into);
      return count > 0 || file.pipe.pipe.writers === 0 ? count : "EAGAIN";
    }
    const count = file.content.copy(into);
    file.content = file.content.subarray(count);
    return count;
  }

  readable(fd: Fd): boolean {
    const file = this.at(fd);
    if (file?.isReadable) return file.isReadable();
    const pipe = file?.pipe;
    return pipe?.end !== "read" || pipe.pipe.size > 0 || pipe.pipe.ended;
  }

  /** The lowest free number, as Linux gives it. */
  #keep(file: FakeFile): Fd {
    let fd = 3;
    while (this.#open.has(fd)) fd++;
    this.#open.set(fd, retain(file));
    return fd;
  }
}

function describe(path: string): FakeFile {
  return { path, pipe: null, terminal: false, content: Buffer.alloc(0), datagrams: [] };
}
