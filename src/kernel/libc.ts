/**
 * libc through node:ffi; nothing else imports that module. Wrappers answer as the system calls themselves do: a result, or
 * minus the errno.
 *
 * Two rules keep errno right. Every C function that sets it returns int32 here, for a 64-bit result is a BigInt whose
 * allocation may collect garbage; and it is read in the very expression that sees -1, with nothing allocated between.
 * 64-bit arguments are bigint. What every start needs is resolved at once, the rest at its first use. Each function costs
 * 0.04 ms and a page of memory: where no wrapper of libc does more than the system call, `syscall` stands for it.
 */
import {
  type DynamicLibrary,
  dlopen,
  type FunctionDefinitions,
  type FunctionSignature,
  getCurrentEventLoop,
  getInt32,
  getRawPointer,
  getUint64,
  toBuffer,
} from "node:ffi";
import {
  AT_FDCWD,
  DIRENT,
  EINTR,
  KERNEL_SIGSET_SIZE,
  M_MMAP_THRESHOLD,
  POLLFD,
  RLIMIT_NOFILE,
  SIGSET_SIZE,
  SYS,
} from "./abi.ts";
import { encodeText } from "./text.ts";

/** An address in our own memory. */
export type Pointer = bigint;

const { lib, functions: c } = dlopen(null, {
  __errno_location: { arguments: [], return: "pointer" },
  prctl: { arguments: ["int32", "uint64", "uint64", "uint64", "uint64"], return: "int32" },
  sigaction: { arguments: ["int32", "pointer", "pointer"], return: "int32" },
  strlen: { arguments: ["pointer"], return: "uint64" },
  syscall: { arguments: ["int64", "int64", "int64", "int64", "int64"], return: "int32" },
  waitpid: { arguments: ["int32", "pointer", "int32"], return: "int32" },
});

/** Resolves functions now: they are needed by every start. */
export function atOnce<const T extends FunctionDefinitions>(definitions: T) {
  return lib.getFunctions(definitions);
}

/** Resolves a function when it is first asked for; that throws when this libc does not have it. */
export function later<const S extends FunctionSignature>(name: string, signature: S) {
  const resolve = (library: DynamicLibrary) => library.getFunction(name, signature);
  let found: ReturnType<typeof resolve> | undefined;
  return () => {
    found ??= resolve(lib);
    return found;
  };
}

/** A `uv_poll_cb`, for the life of this process; it gets the handle. What is thrown in it ends the process. */
export function pollCallback(action: (handle: Pointer) => void): Pointer {
  return lib.registerCallback({ arguments: ["pointer", "int32", "int32"], return: "void" }, (handle) => {
    if (typeof handle === "bigint") action(handle);
  });
}

/** A `uv_close_cb`, likewise. */
export function closeCallback(action: (handle: Pointer) => void): Pointer {
  return lib.registerCallback({ arguments: ["pointer"], return: "void" }, (handle) => {
    if (typeof handle === "bigint") action(handle);
  });
}

/** libuv's `uv_loop_t *` that this thread runs on. */
export function eventLoop(): Pointer {
  return getCurrentEventLoop();
}

/** glibc's value at the start of a process. */
const LARGE_BYTES = 128 * 1024;

const lateChown = later("fchown", { arguments: ["int32", "uint32", "uint32"], return: "int32" });
const lateExit = later("_exit", { arguments: ["int32"], return: "void" });
const lateExecve = later("execve", { arguments: ["pointer", "pointer", "pointer"], return: "int32" });
const lateIsatty = later("isatty", { arguments: ["int32"], return: "int32" });
const lateMallopt = later("mallopt", { arguments: ["int32", "int32"], return: "int32" });
const lateTrim = later("malloc_trim", { arguments: ["uint64"], return: "int32" });
const lateKill = later("kill", { arguments: ["int32", "int32"], return: "int32" });
const latePoll = later("poll", { arguments: ["pointer", "uint64", "int32"], return: "int32" });
const lateRead = later("read", { arguments: ["int32", "pointer", "uint64"], return: "int32" });
const lateTcgetpgrp = later("tcgetpgrp", { arguments: ["int32"], return: "int32" });
const lateTcsetpgrp = later("tcsetpgrp", { arguments: ["int32", "int32"], return: "int32" });
const lateWrite = later("write", { arguments: ["int32", "pointer", "uint64"], return: "int32" });

/** Stable for the life of this thread. */
const ERRNO = c.__errno_location();

/** Minus the errno for a call that failed. Nothing may come between the two: an allocation could change errno. */
export function orErrno(result: number): number {
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

// ---- memory

export interface Memory {
  readonly bytes: Buffer;
  readonly at: Pointer;
}

/** Zeroed memory that stays where it is for as long as the answer is referenced. */
export function allocate(size: number): Memory {
  // An ArrayBuffer of its own: a small typed array may live inside the garbage-collected heap and move.
  const bytes = Buffer.from(new ArrayBuffer(size));
  return { bytes, at: getRawPointer(bytes) };
}

/** Where bytes are now; keep them referenced for as long as the address is used. */
export function addressOf(bytes: Uint8Array): Pointer {
  return getRawPointer(bytes);
}

/** Text as a C string. The memory is the answer's own: keep it referenced until the call is over. */
export function cString(text: string): Buffer {
  return encodeText(`${text}\0`);
}

/** A NULL-terminated `char *[]` with its strings; both must stay referenced until the call is over. */
export interface CStrings {
  readonly pointers: BigUint64Array;
  readonly text: Buffer;
}

/** null when a string holds a NUL, which C would take for its end. */
export function cStrings(list: readonly string[]): CStrings | null {
  for (const item of list) if (item.includes("\0")) return null;
  const text = encodeText(list.length === 0 ? "\0" : `${list.join("\0")}\0`);
  const pointers = new BigUint64Array(list.length + 1);
  const base = getRawPointer(text);
  let offset = 0;
  for (let i = 0; i < list.length; i++) {
    pointers[i] = base + BigInt(offset);
    offset = text.indexOf(0, offset) + 1;
  }
  return { pointers, text };
}

/** The entries of `environ`, as they are. */
export function environ(): Buffer[] {
  const entries: Buffer[] = [];
  const list = getUint64(lib.getSymbol("environ"));
  if (list === 0n) return entries;
  for (let at = list; ; at += 8n) {
    const entry = getUint64(at);
    if (entry === 0n) return entries;
    entries.push(toBuffer(entry, Number(c.strlen(entry)), true));
  }
}

// ---- files

/** `path` is a C string. */
export function open(path: Buffer, flags: number): number {
  for (;;) {
    const fd = syscall(SYS.openat, AT_FDCWD, getRawPointer(path), BigInt(flags));
    if (fd !== -EINTR) return fd;
  }
}

/** Linux has closed the descriptor whatever it answers: never repeated. */
export function close(fd: number): void {
  syscall(SYS.close, BigInt(fd));
}

/** Not for requests whose argument is a pointer. */
export function fcntl(fd: number, request: number, argument: number): number {
  return syscall(SYS.fcntl, BigInt(fd), BigInt(request), BigInt(argument));
}

export function read(fd: number, into: Uint8Array): number {
  const call = lateRead();
  const size = BigInt(into.byteLength);
  for (;;) {
    const count = call(fd, into, size);
    const failed = count === -1 ? getInt32(ERRNO, 0) : 0;
    if (failed === 0) return count;
    if (failed !== EINTR) return -failed;
  }
}

export function write(fd: number, bytes: Uint8Array): number {
  const call = lateWrite();
  const size = BigInt(bytes.byteLength);
  for (;;) {
    const count = call(fd, bytes, size);
    const failed = count === -1 ? getInt32(ERRNO, 0) : 0;
    if (failed === 0) return count;
    if (failed !== EINTR) return -failed;
  }
}

const pipeEnds = allocate(8);

export function pipe2(flags: number): { read: number; write: number } | number {
  const result = syscall(SYS.pipe2, pipeEnds.at, BigInt(flags));
  if (result < 0) return result;
  return { read: pipeEnds.bytes.readInt32LE(0), write: pipeEnds.bytes.readInt32LE(4) };
}

export function fchown(fd: number, uid: number, gid: number): number {
  const call = lateChown();
  const result = call(fd, uid, gid);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

export function isatty(fd: number): boolean {
  return lateIsatty()(fd) === 1;
}

const pollSet = allocate(POLLFD.size);

/** What happened (POLL* bits), 0 for nothing within `millis`, or minus the errno. */
export function poll(fd: number, events: number, millis: number): number {
  const call = latePoll();
  pollSet.bytes.writeInt32LE(fd, 0);
  pollSet.bytes.writeInt16LE(events, POLLFD.events);
  pollSet.bytes.writeInt16LE(0, POLLFD.revents);
  const result = call(pollSet.at, 1n, millis);
  if (result === -1) return -getInt32(ERRNO, 0);
  return pollSet.bytes.readUInt16LE(POLLFD.revents);
}

/** Any system call whose result fits 32 bits. */
export function syscall(number: bigint, a = 0n, b = 0n, d = 0n, e = 0n): number {
  const result = c.syscall(number, a, b, d, e);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

const directoryBytes = allocate(32768);
const directorySize = BigInt(directoryBytes.bytes.length);

/** Names in an open directory, one call's worth: empty at the end, or minus the errno. */
export function directoryNames(fd: number): string[] | number {
  const { bytes, at } = directoryBytes;
  const filled = syscall(SYS.getdents64, BigInt(fd), at, directorySize);
  if (filled < 0) return filled;
  const names: string[] = [];
  for (let entry = 0; entry < filled; entry += bytes.readUInt16LE(entry + DIRENT.length)) {
    const name = entry + DIRENT.name;
    names.push(bytes.toString("latin1", name, bytes.indexOf(0, name)));
  }
  return names;
}

// ---- processes and signals

export function kill(pid: number, signal: number): number {
  const call = lateKill();
  const result = call(pid, signal);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

/** Comes back only when it failed, with minus the errno. */
export function execve(file: Buffer, argv: CStrings, environment: CStrings): number {
  const call = lateExecve();
  call(file, argv.pointers, environment.pointers);
  return -getInt32(ERRNO, 0);
}

const waitStatus = allocate(4);

/** A pid whose wait status `lastWaitStatus` then tells, 0 when none has ended yet, or minus the errno. */
export function waitpid(pid: number, options: number): number {
  const result = c.waitpid(pid, waitStatus.at, options);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

export function lastWaitStatus(): number {
  return waitStatus.bytes.readInt32LE(0);
}

export function prctl(option: number, a = 0n, b = 0n, d = 0n, e = 0n): number {
  const result = c.prctl(option, a, b, d, e);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

/** Reads the signal's `struct sigaction` into `old` and/or sets it from `next`. */
export function sigaction(signal: number, next: Memory | null, old: Memory | null): number {
  const result = c.sigaction(signal, next?.at ?? 0n, old?.at ?? 0n);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

/** `how` is SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK. Answers the mask as it was. */
export function changeSignalMask(how: number, set: Memory): Memory {
  const old = allocate(SIGSET_SIZE);
  syscall(SYS.rt_sigprocmask, BigInt(how), set.at, old.at, KERNEL_SIGSET_SIZE);
  return old;
}

const limits = allocate(16);

/** RLIMIT_NOFILE of this process. */
export function fileLimit(): { soft: bigint; hard: bigint } {
  syscall(SYS.prlimit64, 0n, RLIMIT_NOFILE, 0n, limits.at);
  return { soft: limits.bytes.readBigUInt64LE(0), hard: limits.bytes.readBigUInt64LE(8) };
}

export function setFileLimit(soft: bigint, hard: bigint): number {
  limits.bytes.writeBigUInt64LE(soft, 0);
  limits.bytes.writeBigUInt64LE(hard, 8);
  return syscall(SYS.prlimit64, 0n, RLIMIT_NOFILE, limits.at, 0n);
}

/** Sets the file mode creation mask, answers the one before. */
export function umask(mask: number): number {
  return process.umask(mask);
}

/**
 * glibc's own: free pages anywhere in its heaps go back to the kernel. What is large stays out of the heaps from now on, where
 * it would leave holes: else the first free of such a piece raises the size that glibc calls large.
 */
export function trimHeap(): void {
  lateMallopt()(M_MMAP_THRESHOLD, LARGE_BYTES);
  lateTrim()(0n);
}

export function exit(code: number): never {
  for (;;) lateExit()(code);
}

/** The foreground group of a terminal that is our controlling one, or minus the errno. */
export function foregroundGroup(fd: number): number {
  const call = lateTcgetpgrp();
  const result = call(fd);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}

export function setForegroundGroup(fd: number, group: number): number {
  const call = lateTcsetpgrp();
  const result = call(fd, group);
  return result === -1 ? -getInt32(ERRNO, 0) : result;
}
