/** What log files do on disk, in the thread pool: opening, rotating, clearing. Failures are Node's errors with a `code`. */
import {
  close,
  constants,
  fchmod,
  fstat,
  ftruncate,
  lstat,
  open,
  readdir,
  rename,
  type Stats,
  unlink,
  writev,
} from "node:fs";

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;
/** A FIFO that nobody reads and a device that is not ready are errors, nothing to wait for. */
const FLAGS = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY;

type Done<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

function act(start: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return call<void>((done) => start((error) => done(error, undefined)));
}

export function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

export interface OpenFile {
  readonly fd: number;
  readonly size: number;
  /** Only a file can be rotated and cleared. */
  readonly regular: boolean;
  /** Device and inode. */
  readonly identity: string;
}

/**
 * For appending; made with `mode` when it is not there. The mode is set by hand, for the process's umask is for a moment
 * somebody else's while a program with `umask=` is spawned.
 */
export async function openLog(path: string, mode: number, empty: boolean): Promise<OpenFile> {
  const fd = await openOrCreate(path, mode, empty ? FLAGS | O_TRUNC : FLAGS);
  const stat = await call<Stats>((done) => fstat(fd, done));
  return { fd, size: stat.size, regular: stat.isFile(), identity: identityOf(stat) };
}

export function identityOf(stat: Stats): string {
  return `${stat.dev}:${stat.ino}`;
}

async function openOrCreate(path: string, mode: number, flags: number): Promise<number> {
  const openWith = (more: number) => call<number>((done) => open(path, flags | more, 0o600, done));
  try {
    return await openWith(0);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  let fd: number;
  try {
    fd = await openWith(O_CREAT | O_EXCL);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    // A link that leads to nothing yet, or somebody was faster.
    fd = await openWith(O_CREAT);
  }
  // File systems without modes refuse that.
  await act((done) => fchmod(fd, mode, done)).catch(() => {});
  return fd;
}

export function closeLog(fd: number): Promise<void> {
  // Linux has closed it whatever it answers.
  return act((done) => close(fd, done)).catch(() => {});
}

export function appendLog(fd: number, pieces: readonly Buffer[]): Promise<number> {
  return call<number>((done) => writev(fd, pieces, null, (error, count) => done(error, count)));
}

/** `x.N-1` becomes `x.N`, and so on down to `x`, which becomes `x.1`; the oldest is overwritten. */
export async function shiftBackups(path: string, backups: number): Promise<void> {
  const slash = path.lastIndexOf("/");
  const base = `${path.slice(slash + 1)}.`;
  const names = await call<string[]>((done) => readdir(path.slice(0, slash) || "/", done));
  const numbers = names
    .filter((name) => name.startsWith(base) && /^[1-9]\d*$/.test(name.slice(base.length)))
    .map((name) => Number(name.slice(base.length)))
    .filter((number) => number < backups);
  for (const number of numbers.sort((a, b) => b - a))
    await move(`${path}.${number}`, `${path}.${number + 1}`);
  await move(path, `${path}.1`);
}

/** Somebody may have removed it meanwhile. */
function move(from: string, to: string): Promise<void> {
  return act((done) => rename(from, to, done)).catch((error) => {
    if (errnoOf(error) !== "ENOENT") throw error;
  });
}

/** Removes a file so that a new one can be made; a link to one is left where it is, and what it leads to is emptied. */
export async function removeLog(path: string, fd: number): Promise<void> {
  const stat = await call<Stats | null>((done) => lstat(path, (_error, found) => done(null, found)));
  const truncate = () => act((done) => ftruncate(fd, 0, done));
  if (!stat?.isFile()) return stat ? truncate() : undefined;
  // No right to the directory, as somebody who is not root.
  await act((done) => unlink(path, done)).catch(truncate);
}

/**
 * Removes what an earlier run left of its automatic files: `NAME---IDENTIFIER-RANDOM.log`, and their backups. Answers what
 * could not be removed, or null when the directory cannot be read.
 */
export async function removeAutomatic(directory: string, identifier: string): Promise<string[] | null> {
  const literally = identifier.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = new RegExp(`^.+?---${literally}-\\S+\\.log(\\.\\d{1,4})?$`);
  const left: string[] = [];
  try {
    const names = await call<string[]>((done) => readdir(directory, done));
    for (const name of names.filter((each) => pattern.test(each))) {
      const path = `${directory}/${name}`;
      await act((done) => unlink(path, done)).catch((error) => {
        if (errnoOf(error) !== "ENOENT") left.push(path);
      });
    }
    return left;
  } catch {
    return null;
  }
}
