/** Who descends from us, from one pass over /proc. */
import type { Pid } from "../core/states.ts";
import { O_CLOEXEC, O_RDONLY } from "./abi.ts";
import { readDirectory } from "./files.ts";
import * as libc from "./libc.ts";

export interface ProcessStat {
  readonly pid: Pid;
  readonly parent: Pid;
  /** Not a zombie, and not about to vanish. */
  readonly alive: boolean;
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

/** null when it has ended meanwhile. */
function readStat(name: string): ProcessStat | null {
  const fd = libc.open(libc.cString(`/proc/${name}/stat`), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return null;
  const count = libc.read(fd, line);
  libc.close(fd);
  return count > 0 ? parseStat(line.toString("latin1", 0, count)) : null;
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
  return { pid, parent, alive: (state !== "Z" && state !== "X") || threads > 1 };
}
