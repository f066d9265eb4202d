/** What is read of proc(5), a file or a directory at a time, and a turn for the loop after every few of them. */
import { readdirSync, readFileSync, statSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks since boot: tells a process from a later one with the same pid. */
  readonly startTicks: string;
  /** Seconds of CPU of its own. */
  readonly cpuSeconds: number;
  /** Seconds of CPU of its children that ended and were waited for. */
  readonly childSeconds: number;
  readonly residentBytes: number;
}

/** USER_HZ: what proc(5) counts in on every Linux of ours, whatever the kernel's own HZ. */
const TICKS_PER_SECOND = 100;
/** Files of /proc read before the loop gets a turn: less than a millisecond. */
export const READS_PER_TURN = 32;

/** null: no /proc. Processes that end meanwhile, or may not be read, are left out. */
export async function readProcesses(
  proc: string,
  pageSize: number,
): Promise<ReadonlyMap<number, Process> | null> {
  let names: string[];
  try {
    names = readdirSync(proc);
  } catch {
    return null;
  }
  const processes = new Map<number, Process>();
  let reads = 0;
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const process = readProcess(proc, pid, pageSize);
    if (process) processes.set(pid, process);
    if (++reads % READS_PER_TURN === 0) await nextTurn();
  }
  return processes.size === 0 ? null : processes;
}

/** Fields that are looked at, counted from the one behind the name. */
const FIELDS = 22;

function readProcess(proc: string, pid: number, pageSize: number): Process | null {
  try {
    // As UTF-8 it is one call; otherwise Node takes 64 KB for a file whose size is not known.
    const stat = readFileSync(`${proc}/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything: count from the last one (proc(5), fields 3 and up).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ", FIELDS);
    return {
      pid,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startTicks: fields[19] ?? "",
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      childSeconds: (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND,
      residentBytes: Number(fields[21]) * pageSize,
    };
  } catch {
    return null;
  }
}

/** Descriptors that a process has open; null: it ended just now, or belongs to somebody else. */
export function countFds(proc: string, pid: number | "self"): number | null {
  const path = `${proc}/${pid}/fd`;
  try {
    // Since Linux 6.2 the directory's size says how many there are; before, it is 0. To read our own takes one more.
    return statSync(path).size || readdirSync(path).length - (pid === "self" ? 1 : 0);
  } catch {
    return null;
  }
}

const AT_PAGESZ = 6n;
const USUAL_PAGE_BYTES = 4096;

/** From the auxiliary vector, pairs of words (getauxval(3)): arm64 has kernels with pages of 64 KB. */
export function pageBytes(proc: string): number {
  try {
    const words = readFileSync(`${proc}/self/auxv`);
    for (let at = 0; at + 16 <= words.length; at += 16)
      if (words.readBigUInt64LE(at) === AT_PAGESZ) return Number(words.readBigUInt64LE(at + 8));
  } catch {
    // Nobody may read it.
  }
  return USUAL_PAGE_BYTES;
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
