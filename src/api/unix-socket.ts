/** The control socket's file: never open to others, never taken from a server that lives, never left behind. */
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";

export interface UnixSocketOptions {
  readonly path: string;
  /** Mode bits. */
  readonly mode: number;
  /** -1: left as it is. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

export type UnixSocketResult =
  | { readonly ok: true; readonly remove: () => void }
  | { readonly ok: false; readonly error: string };

/** sun_path of unix(7), less the terminating NUL. */
const MAX_PATH_BYTES = 107;
/** Another tsinit that starts at the same moment may get in between. */
const ATTEMPTS = 3;

/**
 * Makes `server` listen on the path. The socket is bound under another name with no permissions for others and gets the path
 * when it is as it shall be: from its first moment on, nobody else can connect to it.
 */
export async function listenOnPath(server: Server, options: UnixSocketOptions): Promise<UnixSocketResult> {
  const { path, mode, owner } = options;
  const slash = path.lastIndexOf("/") + 1;
  const draft = `${path.slice(0, slash)}.${process.pid.toString(36)}.${path.slice(slash, slash + 8)}`;
  if (Math.max(Buffer.byteLength(path), Buffer.byteLength(draft)) > MAX_PATH_BYTES)
    return {
      ok: false,
      error: `${path}: longer than ${MAX_PATH_BYTES} bytes, which a socket's path cannot be`,
    };
  const directory = slash < 2 ? "/" : path.slice(0, slash - 1);
  try {
    // Of a missing directory libuv says that permission is denied.
    if (statSync(directory, { throwIfNoEntry: false }) === undefined)
      return { ok: false, error: `${path}: the directory ${directory} does not exist` };
    unlinkQuietly(draft);
    await bind(server, draft);
    if (owner) chownSync(draft, owner.uid, owner.gid);
    chmodSync(draft, mode);
    const error = await moveIntoPlace(draft, path);
    unlinkQuietly(draft);
    if (error === null) return { ok: true, remove: removeIfSame(path) };
    server.close();
    return { ok: false, error };
  } catch (error) {
    server.close();
    unlinkQuietly(draft);
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, error: `${path}: ${why.replaceAll(` ${draft}`, "")}` };
  }
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // The file is made inside listen(), so nothing else of ours is created under this mask.
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

/** The reason why not, or null. A link fails where there is something, and then it matters what. */
async function moveIntoPlace(draft: string, path: string): Promise<string | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      linkSync(draft, path);
      return null;
    } catch (error) {
      const code = codeOf(error);
      if (code !== "EEXIST") {
        // Some file systems have no links.
        if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
        if (lstatQuietly(path) === null) {
          renameSync(draft, path);
          return null;
        }
      }
    }
    const taken = await whoHas(path);
    if (taken !== null) return taken;
    unlinkQuietly(path);
  }
  return `${path}: another process keeps taking it`;
}

/** null: nobody, it may be removed. */
async function whoHas(path: string): Promise<string | null> {
  const file = lstatQuietly(path);
  if (file === null) return null;
  if (!file.isSocket()) return `${path} exists and is not a socket`;
  const code = await new Promise<string>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve("");
    });
    probe.once("error", (error) => resolve(codeOf(error)));
  });
  if (code === "ECONNREFUSED" || code === "ENOENT") return null;
  return code === "" || code === "EAGAIN"
    ? `${path}: another program is listening there`
    : `${path}: ${code}`;
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
