/** Who descends from whom, and what is known of them, from /proc. */
import type { Pid } from "../core/states.ts";
import { EACCES, EPERM, O_CLOEXEC, O_RDONLY } from "./abi.ts";
import { asFileOwner } from "./credentials.ts";
import { factsOf, readDirectory, readFile } from "./files.ts";
import type { ProcessInfo } from "./kernel.ts";
import * as libc from "./libc.ts";
import { decodeText } from "./text.ts";

export interface ProcessStat extends ProcessInfo {
  readonly pid: Pid;
}

/** One line fits: a name of at most 64 bytes and about fifty numbers. */
const line = Buffer.alloc(1024);

/** Tens of thousands of children. */
const CHILDREN_BYTES = 1 << 20;
/** An environment may be larger; what is looked for stands near its end or its beginning, and memory is bounded. */
const ENVIRONMENT_BYTES = 1 << 18;

/** Living descendants in no special order; null when /proc is missing or shows another pid namespace than ours. */
export function findDescendants(self: Pid): Pid[] | null {
  const children = findChildren(self);
  if (children === null) return null;
  const living: Pid[] = [];
  const parents = [self];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const child of children.get(parent) ?? []) {
      if (child.alive) living.push(child.pid);
      parents.push(child.pid);
    }
  }
  return living;
}

/** All processes by their parent. */
function findChildren(self: Pid): Map<Pid, ProcessStat[]> | null {
  if (readStat("self")?.pid !== self) return null;
  const children = new Map<Pid, ProcessStat[]>();
  for (const name of readDirectory("/proc") ?? []) {
    const first = name.charCodeAt(0);
    if (first < 0x30 || first > 0x39) continue;
    const stat = readStat(name);
    if (!stat) continue;
    const siblings = children.get(stat.parent);
    if (siblings) siblings.push(stat);
    else children.set(stat.parent, [stat]);
  }
  return children;
}

/**
 * Each thread has the children that it forked, orphans come to the first. Where the kernel was built without these lists
 * all of /proc is looked through.
 */
export function childrenOf(pid: Pid): Pid[] | null {
  const found: Pid[] = [];
  for (const thread of threadsOf(pid)) {
    const list = readFile(libc.cString(`/proc/${pid}/task/${thread}/children`), CHILDREN_BYTES);
    if (typeof list !== "number") addNumbers(list, found);
    else if (factsOf(libc.cString(`/proc/${pid}/task/${thread}`)) !== null)
      return (
        findChildren(process.pid)
          ?.get(pid)
          ?.map((child) => child.pid) ?? null
      );
  }
  return found;
}

/** Ours but for the first have no children. A folder has a link for each folder in it, and two of its own. */
function threadsOf(pid: Pid): readonly (Pid | string)[] {
  if (pid === process.pid) return [pid];
  const folder = `/proc/${pid}/task`;
  if (factsOf(libc.cString(folder))?.links === 3) return [pid];
  return (readDirectory(folder) ?? []).filter((name) => !name.startsWith("."));
}

/** Decimal numbers, a blank behind each. */
function addNumbers(text: Buffer, numbers: number[]): void {
  let value = 0;
  for (const byte of text) {
    if (byte >= 0x30 && byte <= 0x39) value = value * 10 + byte - 0x30;
    else {
      if (value > 0) numbers.push(value);
      value = 0;
    }
  }
}

export function processAt(pid: Pid): ProcessInfo | null {
  return readStat(String(pid));
}

export function environmentOf(pid: Pid): string[] | null {
  const path = libc.cString(`/proc/${pid}/environ`);
  let bytes = readFile(path, ENVIRONMENT_BYTES);
  if (bytes === -EACCES || bytes === -EPERM) {
    const owner = factsOf(path);
    if (owner !== null) bytes = asFileOwner(owner.uid, owner.gid, () => readFile(path, ENVIRONMENT_BYTES));
  }
  if (typeof bytes === "number") return null;
  return decodeText(bytes)
    .split("\0")
    .filter((entry) => entry !== "");
}

/** The real one. */
export function userOf(pid: Pid): number | null {
  const uid = /^Uid:\t(\d+)/m.exec(readStart(`${pid}/status`) ?? "")?.[1];
  return uid === undefined ? null : Number(uid);
}

/** null when it has ended meanwhile. */
function readStat(name: string): ProcessStat | null {
  const text = readStart(`${name}/stat`);
  return text === null ? null : parseStat(text);
}

/** The first kilobyte of a file in /proc, null when there is none. */
function readStart(name: string): string | null {
  const fd = libc.open(libc.cString(`/proc/${name}`), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return null;
  const count = libc.read(fd, line);
  libc.close(fd);
  return count > 0 ? line.toString("latin1", 0, count) : null;
}

/** /proc/PID/stat, proc_pid_stat(5): `pid (name) state ppid …`, where the name may hold anything, `) Z 1 ` too. */
export function parseStat(text: string): ProcessStat | null {
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ", 20);
  const pid = Number.parseInt(text, 10);
  const parent = Number(fields[1]);
  if (end < 0 || !(pid > 0) || !(parent >= 0)) return null;
  // The first thread of a living process may have ended: it then looks like a zombie, with other threads beside it.
  const threads = Number(fields[17]);
  const state = fields[0];
  const alive = (state !== "Z" && state !== "X") || threads > 1;
  return {
    pid,
    parent,
    group: Number(fields[2]),
    session: Number(fields[3]),
    startedAt: Number(fields[19]),
    alive,
  };
}
