/** Descriptors and paths: what `linux.ts` needs of them beyond one call. */
import {
  AT_FDCWD,
  CLOSE_RANGE_CLOEXEC,
  EAGAIN,
  EINTR,
  F_SETFD,
  FD_CLOEXEC,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  POLLOUT,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
  STAT,
  SYS,
  X_OK,
} from "./abi.ts";
import type { Fd, FileKind } from "./kernel.ts";
import * as libc from "./libc.ts";
import { encodeText } from "./text.ts";

const status = libc.allocate(STAT.size);

/** The S_IFMT bits of what the C string `path` leads to, links followed, or minus the errno. */
export function fileType(path: Buffer): number {
  const failed = libc.syscall(SYS.newfstatat, AT_FDCWD, libc.addressOf(path), status.at, 0n);
  return failed < 0 ? failed : status.bytes.readUInt32LE(STAT.mode) & S_IFMT;
}

export interface FileFacts {
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
}

/** What the C string `path` leads to; null when that cannot be told. */
export function factsOf(path: Buffer): FileFacts | null {
  if (fileType(path) < 0) return null;
  const { bytes } = status;
  return {
    uid: bytes.readUInt32LE(STAT.uid),
    gid: bytes.readUInt32LE(STAT.gid),
    links: bytes.readUInt32LE(STAT.links),
  };
}

/** All of a file, at most `limit` bytes; minus the errno when it cannot be read. */
export function readFile(path: Buffer, limit: number): Buffer | number {
  const fd = libc.open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.min(16_384, limit - size));
    const count = part.length === 0 ? 0 : libc.read(fd, part);
    if (count <= 0) {
      libc.close(fd);
      return count < 0 ? count : parts.length === 1 ? (parts[0] ?? part) : Buffer.concat(parts);
    }
    parts.push(part.subarray(0, count));
    size += count;
  }
}

export function statPath(path: string): FileKind | null {
  if (path.includes("\0")) return null;
  const name = libc.cString(path);
  const type = fileType(name);
  if (type < 0) return null;
  // access(2) knows what mode bits do not say: a file system mounted noexec, ACLs, our own ids.
  const executable = libc.syscall(SYS.faccessat, AT_FDCWD, libc.addressOf(name), X_OK) >= 0;
  return { type: type === S_IFREG ? "file" : type === S_IFDIR ? "directory" : "other", executable };
}

/**
 * Marks everything but 0, 1 and 2 close-on-exec. Node opens its own descriptors that way; this is for those that the
 * container's runtime, or whoever started us, left open.
 */
export function closeInheritedOnExec(): void {
  const marked = libc.syscall(SYS.close_range, 3n, 0xffffffffn, CLOSE_RANGE_CLOEXEC);
  if (marked >= 0) return;
  // Linux before 5.11, gVisor, or a seccomp profile older than the call.
  for (const fd of openDescriptors()) if (fd > 2) libc.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/** Without /proc: every number that may be one, EBADF for most. */
const GUESSES = 4096;

function openDescriptors(): Fd[] {
  return (readDirectory("/proc/self/fd") ?? Array.from({ length: GUESSES }, (_, i) => `${i}`)).map(Number);
}

/** Names in a directory, `.` and `..` too; null when it cannot be read. */
export function readDirectory(path: string): string[] | null {
  const fd = libc.open(libc.cString(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return null;
  const all: string[] = [];
  for (;;) {
    const names = libc.directoryNames(fd);
    if (typeof names === "number" || names.length === 0) {
      libc.close(fd);
      return typeof names === "number" ? null : all;
    }
    for (const name of names) all.push(name);
  }
}

/** A pipe that is ready takes this much at once (PIPE_BUF), so a blocking descriptor does not block. */
const CHUNK = 4096;
const PATIENCE_MS = 100;

/** Writes until the end, an error, or no reader for 100 ms. */
export function writeAll(fd: Fd, text: string): void {
  const bytes = encodeText(text);
  for (let at = 0; at < bytes.length; ) {
    const ready = libc.poll(fd, POLLOUT, PATIENCE_MS);
    if (ready === -EINTR) continue;
    if (ready <= 0) return;
    const written = libc.write(fd, bytes.subarray(at, at + CHUNK));
    if (written === -EAGAIN) continue;
    if (written <= 0) return;
    at += written;
  }
}
