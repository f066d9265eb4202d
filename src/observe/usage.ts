/**
 * CPU time, memory, processes and descriptors of each program's process tree, measured when somebody asks. pidusage reads CPU
 * time and memory of up to a hundred processes; who belongs to whom, children's times, descriptors and the numbers of more
 * processes than that come from /proc directly.
 */
import { readFileSync } from "node:fs";
import type { ProgramId } from "../core/spec.ts";
import type { Root, Usage } from "./metrics.ts";
import { countFds, nextTurn, type Process, pageBytes, READS_PER_TURN, readProcesses } from "./proc.ts";

export interface UsageClock {
  /** Monotonic milliseconds. */
  now(): number;
  after(millis: number, listener: () => void): () => void;
}

export interface UsageOptions {
  readonly clock: UsageClock;
  /** Where proc(5) is mounted. */
  readonly proc?: string;
}

/** `programs`: those of now, asked when it measures. Never rejects; a /proc that cannot be read gives an empty map. */
export type UsageReader = (programs: () => readonly Root[]) => Promise<ReadonlyMap<ProgramId, Usage>>;

/** How long a measurement is good enough. */
const CACHE_MS = 1000;
/** pidusage keeps a descriptor per process for so long; 0 would make it open them without end. */
const PIDUSAGE_MAXAGE_MS = 4000;
/**
 * It opens the file of each process, most often twice, and keeps it open until then: a thousand programs would cost it the
 * time of a whole scrape and the init as many descriptors. More processes are counted from what was read of them anyway.
 */
const PIDUSAGE_PROCESSES = 100;
/** Its first call may need an answer from outside the process, which can get lost. */
const PIDUSAGE_FIRST_MS = 1000;

export function createUsage(options: UsageOptions): UsageReader {
  const { clock, proc = "/proc" } = options;
  const totals = new Map<ProgramId, CpuTotal>();
  const measure = createPidusage(clock, proc);
  let pageSize = 0;
  let last: { readonly at: number; readonly result: Promise<ReadonlyMap<ProgramId, Usage>> } | null = null;
  /** Two at a time would open each file twice, and pidusage remembers, and closes, only one of them. */
  let isReading = false;

  async function read(programs: () => readonly Root[]): Promise<ReadonlyMap<ProgramId, Usage>> {
    pageSize ||= pageBytes(proc);
    const processes = await readProcesses(proc, pageSize);
    if (processes === null) return new Map();
    await nextTurn();
    const roots = programs();
    const trees = growTrees(processes, new Set(roots.map(({ pid }) => pid)));
    const members = Array.from(trees.values()).flat();
    // The processes themselves have what pidusage would answer.
    const measured: Measured | null =
      members.length > PIDUSAGE_PROCESSES ? processes : await measure(members.map(({ pid }) => pid));
    const usage = new Map<ProgramId, Usage>();
    let reads = 0;
    for (const { id, pid } of roots) {
      const tree = trees.get(pid) ?? [];
      const sums = { cpuSeconds: 0, residentBytes: 0, openFds: 0 };
      let canSeeFds = pid === 0;
      for (const one of tree) {
        const numbers = measured?.get(one.pid);
        sums.cpuSeconds += (numbers?.cpuSeconds ?? 0) + one.childSeconds;
        sums.residentBytes += numbers?.residentBytes ?? 0;
        const fds = countFds(proc, one.pid);
        canSeeFds ||= fds !== null;
        sums.openFds += fds ?? 0;
        if (++reads % READS_PER_TURN === 0) await nextTurn();
      }
      if (measured && tree.length > 0) {
        const total = totals.get(id) ?? new CpuTotal();
        total.add(runKey(tree, pid), sums.cpuSeconds);
        totals.set(id, total);
      }
      if (pid > 0 && tree.length === 0) continue;
      usage.set(id, {
        cpuSeconds: totals.get(id)?.seconds ?? null,
        residentBytes: measured ? sums.residentBytes : null,
        processes: tree.length,
        openFds: canSeeFds ? sums.openFds : null,
      });
    }
    return usage;
  }

  return (programs) => {
    const now = clock.now();
    if (last !== null && (isReading || now - last.at < CACHE_MS)) return last.result;
    isReading = true;
    const result = read(programs)
      .catch(() => new Map<ProgramId, Usage>())
      .finally(() => {
        isReading = false;
      });
    last = { at: now, result };
    return result;
  };
}

/**
 * CPU seconds of all runs of a program. What the processes of now add up to gets smaller when one ends that nobody in the tree
 * waits for (its main process, an orphan): the difference is kept, so the total never goes down.
 */
class CpuTotal {
  #run = "";
  #current = 0;
  #ended = 0;

  /** `run` is another string after a restart. */
  add(run: string, current: number): void {
    if (run !== this.#run) this.#ended += this.#current;
    else if (current < this.#current) this.#ended += this.#current - current;
    this.#run = run;
    this.#current = current;
  }

  get seconds(): number {
    return this.#ended + this.#current;
  }
}

/** The main process of a run; when that has gone and others live on, still the same run. */
function runKey(tree: readonly Process[], pid: number): string {
  const main = tree.find((one) => one.pid === pid);
  return main ? `${pid} ${main.startTicks}` : String(pid);
}

/** Each root's descendants and process group members, itself included; by root pid. */
function growTrees(
  processes: ReadonlyMap<number, Process>,
  roots: ReadonlySet<number>,
): ReadonlyMap<number, readonly Process[]> {
  const owners = new Map<number, number>();
  const ownerOf = (pid: number): number => {
    const path: number[] = [];
    let owner = 0;
    for (let at = pid; at > 0; ) {
      const known = owners.get(at);
      const process = processes.get(at);
      if (known !== undefined) owner = known;
      else if (roots.has(at)) owner = at;
      else if (process && roots.has(process.group)) owner = process.group;
      if (owner > 0 || known !== undefined || !process || path.includes(at)) break;
      path.push(at);
      at = process.parent;
    }
    for (const passed of path) owners.set(passed, owner);
    owners.set(pid, owner);
    return owner;
  };
  const trees = new Map<number, Process[]>();
  for (const process of processes.values()) {
    const owner = ownerOf(process.pid);
    if (owner === 0) continue;
    const tree = trees.get(owner);
    if (tree) tree.push(process);
    else trees.set(owner, [process]);
  }
  return trees;
}

type Measured = ReadonlyMap<number, { readonly cpuSeconds: number; readonly residentBytes: number }>;

/**
 * pidusage with its edges covered: null when it cannot be used. Its first call asks `getconf` for two constants unless a
 * bundle answers in its place, and where children are reaped by somebody else that answer never comes: then it is left alone.
 */
function createPidusage(
  clock: UsageClock,
  proc: string,
): (pids: readonly number[]) => Promise<Measured | null> {
  let state: "new" | "good" | "broken" = "new";

  async function ask(pids: readonly number[]): Promise<Measured> {
    const { default: pidusage } = await import("pidusage");
    // It writes into the array that it is given, and takes settings from the environment that are not given.
    const stats = await pidusage([...pids], { maxage: PIDUSAGE_MAXAGE_MS, usePs: false });
    const measured = new Map<number, { cpuSeconds: number; residentBytes: number }>();
    for (const pid of pids) {
      // Missing for a process that ended, and for a moment after a pid was used again.
      const one = stats[pid] ?? null;
      if (one) measured.set(pid, { cpuSeconds: one.ctime / 1000, residentBytes: one.memory });
    }
    return measured;
  }

  return async (pids) => {
    if (pids.length === 0) return state === "broken" ? null : new Map();
    // Without this file it would write a complaint on our stderr at each call.
    if (state === "broken" || !isReadable(`${proc}/uptime`)) return null;
    if (state === "good") return ask(pids).catch(() => null);
    let cancel = (): void => {};
    const late = new Promise<null>((resolve) => {
      cancel = clock.after(PIDUSAGE_FIRST_MS, () => resolve(null));
    });
    const first = await Promise.race([ask(pids).catch(() => null), late]);
    cancel();
    state = first === null ? "broken" : "good";
    return first;
  };
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
