/**
 * A listening socket at a path: never open to others, never taken from a server that lives unless that is asked for,
 * never left behind. All of it happens at once, before the first program is started.
 */
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import type { Errno, Fd, Kernel } from "../kernel/kernel.ts";

export interface UnixSocketRequest {
  readonly path: string;
  /** Mode bits. */
  readonly mode: number;
  /** null, or a gid of -1: left as it is. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly backlog: number;
  /** What becomes of a socket that is there and has a listener. One without is replaced always, other files never. */
  readonly living: "respect" | "replace";
}

export interface UnixSocket {
  readonly fd: Fd;
  /** There was one that nobody listened on any more. */
  readonly wasStale: boolean;
  /** Removes the file, if it is still this socket. */
  readonly remove: () => void;
}

export type UnixSocketResult =
  | { readonly ok: true; readonly socket: UnixSocket }
  /** `isTaken`: somebody else listens there. `error` begins with the path. */
  | { readonly ok: false; readonly isTaken: boolean; readonly error: string };

/** sun_path of unix(7), less the terminating NUL. */
const MAX_PATH_BYTES = 107;
/** Another tsinit that starts at the same moment may get in between. */
const ATTEMPTS = 3;

/**
 * The socket is bound under another name with no permissions for others and gets the path when it is as it shall be: from
 * the first moment there, whoever may connect can.
 */
export function openUnixSocket(kernel: Kernel, request: UnixSocketRequest): UnixSocketResult {
  const { path, mode, owner } = request;
  const refuse = (error: string, isTaken = false): UnixSocketResult => ({
    ok: false,
    isTaken,
    error: `${path}: ${error}`,
  });
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return refuse(`longer than ${MAX_PATH_BYTES} bytes, which a socket's path cannot be`);
  const draft = draftName(path);
  let fd = kernel.listenUnix(draft, request.backlog);
  if (fd === "EADDRINUSE") {
    // Left by one of the same number that did not come to its end.
    unlinkQuietly(draft);
    fd = kernel.listenUnix(draft, request.backlog);
  }
  if (typeof fd !== "number") return refuse(bindProblem(path, fd));
  let placed: Placed;
  try {
    if (owner) chownSync(draft, owner.uid, owner.gid);
    chmodSync(draft, mode);
    placed = moveIntoPlace(kernel, draft, request);
  } catch (error) {
    placed = { error: `cannot be put there (${codeOf(error)})`, isTaken: false };
  }
  unlinkQuietly(draft);
  if ("wasStale" in placed) return { ok: true, socket: { fd, ...placed, remove: removeIfSame(path) } };
  kernel.close(fd);
  return refuse(placed.error, placed.isTaken);
}

/** `<path>.<pid>` as supervisord has it: that is the name that ss and lsof go on showing. */
function draftName(path: string): string {
  const pid = process.pid.toString(36);
  const full = `${path}.${pid}`;
  return Buffer.byteLength(full) > MAX_PATH_BYTES
    ? `${path.slice(0, path.lastIndexOf("/") + 1)}.${pid}`
    : full;
}

function bindProblem(path: string, errno: Errno): string {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  if (statSync(directory, { throwIfNoEntry: false }) === undefined)
    return `the directory ${directory} does not exist`;
  return errno === "EACCES" || errno === "EROFS"
    ? `the directory ${directory} is not writable (${errno})`
    : errno;
}

type Placed = { readonly wasStale: boolean } | { readonly error: string; readonly isTaken: boolean };

/** A link fails where there is something, and then it matters what. */
function moveIntoPlace(kernel: Kernel, draft: string, request: UnixSocketRequest): Placed {
  const { path } = request;
  let wasStale = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (link(draft, path)) return { wasStale };
    const file = lstatQuietly(path);
    if (file === null) continue;
    if (!file.isSocket()) return { error: "exists and is not a socket", isTaken: false };
    if (request.living === "replace") {
      renameSync(draft, path);
      return { wasStale: false };
    }
    const answer = kernel.knock(path);
    if (answer === null || answer === "EAGAIN")
      return { error: "another program is listening there", isTaken: true };
    if (answer !== "ECONNREFUSED" && answer !== "ENOENT") return { error: answer, isTaken: false };
    rmSync(path, { force: true });
    wasStale = true;
  }
  return { error: "another process keeps taking it", isTaken: true };
}

/** False: there is something at the path. */
function link(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return false;
    // Some file systems have no links.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
    if (lstatQuietly(path) !== null) return false;
    renameSync(draft, path);
    return true;
  }
}

/** Removes the file if it is still this socket; somebody may have put another one in its place. */
function removeIfSame(path: string): () => void {
  const ours = lstatQuietly(path);
  return () => {
    const now = lstatQuietly(path);
    if (ours && now && now.ino === ours.ino && now.dev === ours.dev) unlinkQuietly(path);
  };
}

function lstatQuietly(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch {
    return null;
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is not there, which is what was wanted.
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
