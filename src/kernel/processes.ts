/** Processes as /proc shows them: who descends from us, from one pass over it, and what one of them is. */
import type { Pid } from "../core/states.ts";
import { O_CLOEXEC, O_RDONLY } from "./abi.ts";
import { readDirectory } from "./files.ts";
import type { ProcessInfo } from "./kernel.ts";
import * as libc from "./libc.ts";
import { decodeText } from "./text.ts";

export interface ProcessStat extends ProcessInfo {
  readonly pid: Pid;
}

/** One line fits: a name of at most 64 bytes and about fifty numbers. */
const line = Buffer.alloc(1024);

/** Living descendants in no special order; null when /proc is missing or shows another pid namespace than ours. */
export function findDescendants(self: Pid): Pid[] | null {
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

export function processAt(pid: Pid): ProcessInfo | null {
  return readStat(`${pid}`);
}

export function userOf(pid: Pid): number | null {
  const uid = /^Uid:\t(\d+)/m.exec(readStart(`${pid}/status`) ?? "")?.[1];
  return uid === undefined ? null : Number(uid);
}

/** An environment may be megabytes: what is further on is not looked for. */
const ENVIRONMENT_BYTES = 256 * 1024;

export function environmentOf(pid: Pid): string[] | null {
  const fd = libc.open(libc.cString(`/proc/${pid}/environ`), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return null;
  const parts: Buffer[] = [];
  for (let size = 0; size < ENVIRONMENT_BYTES; ) {
    const part = Buffer.alloc(4096);
    const count = libc.read(fd, part);
    if (count <= 0) break;
    size += count;
    parts.push(part.subarray(0, count));
  }
  libc.close(fd);
  return decodeText(Buffer.concat(parts))
    .split("\0")
    .filter((entry) => entry !== "");
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
  const fields = text.slice(end + 2).split(" ", 18);
  const pid = Number.parseInt(text, 10);
  const parent = Number(fields[1]);
  if (end < 0 || !(pid > 0) || !(parent >= 0)) return null;
  // The first thread of a living process may have ended: it then looks like a zombie, with other threads beside it.
  const threads = Number(fields[17]);
  const state = fields[0];
  const [, , group, session] = fields.map(Number);
  if (group === undefined || session === undefined) return null;
  return { pid, parent, group, session, alive: (state !== "Z" && state !== "X") || threads > 1 };
}
