/**
 * CPU time, memory, processes and descriptors of each program's process tree, measured when somebody asks. pidusage reads CPU
 * time and memory of up to a hundred processes; who belongs to whom, children's times, descriptors and the numbers of more
 * processes than that come from /proc directly.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { ProgramId } from "../core/spec.ts";
import type { Usage } from "./metrics.ts";

export interface UsageClock {
  /** Monotonic milliseconds. */
  now(): number;
  after(millis: number, listener: () => void): () => void;
}

export interface UsageOptions {
  /** The programs of now; pid 0: no process. */
  readonly programs: () => Iterable<{ readonly id: ProgramId; readonly pid: number }>;
  readonly clock: UsageClock;
  /** Where proc(5) is mounted. */
  readonly proc?: string;
}

/** Never rejects; a /proc that cannot be read gives an empty map. */
export type UsageReader = () => Promise<ReadonlyMap<ProgramId, Usage>>;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Clock ticks since boot: tells a process from a later one with the same pid. */
  readonly startTicks: string;
  /** Seconds of CPU of its own. */
  readonly cpuSeconds: number;
  /** Seconds of CPU of its children that ended and were waited for. */
  readonly childSeconds: number;
  readonly residentPages: number;
}

/** USER_HZ: what proc(5) counts in on every Linux of ours, whatever the kernel's own HZ. */
const TICKS_PER_SECOND = 100;
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
/** Files of /proc read before the loop gets a turn: about a millisecond. */
const READS_PER_TURN = 64;

export function createUsage(options: UsageOptions): UsageReader {
  const { programs, clock, proc = "/proc" } = options;
  const totals = new Map<ProgramId, CpuTotal>();
  const measure = createPidusage(clock, proc);
  let last: { readonly at: number; readonly result: Promise<ReadonlyMap<ProgramId, Usage>> } | null = null;
  /** Two at a time would open each file twice, and pidusage remembers, and closes, only one of them. */
  let isReading = false;

  async function read(): Promise<ReadonlyMap<ProgramId, Usage>> {
    const processes = await readProcesses(proc);
    if (processes === null) return new Map();
    const wanted = Array.from(programs());
    const trees = growTrees(processes, new Set(wanted.map(({ pid }) => pid)));
    const members = Array.from(trees.values()).flat();
    const measuring =
      members.length > PIDUSAGE_PROCESSES
        ? measureDirectly(members, pageBytes(proc))
        : measure(members.map(({ pid }) => pid));
    const fds = await countFds(proc, trees);
    const measured = await measuring;
    const usage = new Map<ProgramId, Usage>();
    for (const { id, pid } of wanted) {
      const tree = trees.get(pid) ?? [];
      const total = totals.get(id) ?? new CpuTotal();
      if (measured && tree.length > 0) {
        total.add(
          runKey(tree, pid),
          sum(tree, (one) => (measured.get(one.pid)?.cpuSeconds ?? 0) + one.childSeconds),
        );
        totals.set(id, total);
      }
      if (pid > 0 && tree.length === 0) continue;
      usage.set(id, {
        cpuSeconds: totals.has(id) ? total.seconds : null,
        residentBytes: measured ? sum(tree, (one) => measured.get(one.pid)?.residentBytes ?? 0) : null,
        processes: tree.length,
        openFds: pid > 0 ? (fds.get(pid) ?? null) : 0,
      });
    }
    return usage;
  }

  return () => {
    const now = clock.now();
    if (last !== null && (isReading || now - last.at < CACHE_MS)) return last.result;
    isReading = true;
    const result = read()
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

/** null: no /proc. Processes that end meanwhile, or may not be read, are left out. */
async function readProcesses(proc: string): Promise<ReadonlyMap<number, Process> | null> {
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
    const process = readProcess(proc, pid);
    if (process) processes.set(pid, process);
    if (++reads % READS_PER_TURN === 0) await nextTurn();
  }
  return processes.size === 0 ? null : processes;
}

function readProcess(proc: string, pid: number): Process | null {
  try {
    // As UTF-8 it is one call; otherwise Node takes 64 KB for a file whose size is not known.
    const stat = readFileSync(`${proc}/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything: count from the last one (proc(5), fields 3 and up).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startTicks: fields[19] ?? "",
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      childSeconds: (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND,
      residentPages: Number(fields[21]),
    };
  } catch {
    return null;
  }
}

/** By root pid; missing where none of the tree may be looked into. */
async function countFds(
  proc: string,
  trees: ReadonlyMap<number, readonly Process[]>,
): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  let reads = 0;
  for (const [root, tree] of trees)
    for (const { pid } of tree) {
      try {
        counts.set(root, (counts.get(root) ?? 0) + countEntries(`${proc}/${pid}/fd`));
      } catch {
        // It ended just now, or belongs to somebody else.
      }
      if (++reads % READS_PER_TURN === 0) await nextTurn();
    }
  return counts;
}

/** Since Linux 6.2 the directory's size says how many there are; before, it is 0. */
function countEntries(path: string): number {
  return statSync(path).size || readdirSync(path).length;
}

type Measured = ReadonlyMap<number, { readonly cpuSeconds: number; readonly residentBytes: number }>;

/** What pidusage would answer, from what is known already. */
function measureDirectly(processes: readonly Process[], pageSize: number): Measured {
  return new Map(
    processes.map(({ pid, cpuSeconds, residentPages }) => [
      pid,
      { cpuSeconds, residentBytes: residentPages * pageSize },
    ]),
  );
}

const AT_PAGESZ = 6n;
const USUAL_PAGE_BYTES = 4096;

/** From the auxiliary vector, pairs of words (getauxval(3)): arm64 has kernels with pages of 64 KB. */
function pageBytes(proc: string): number {
  try {
    const words = readFileSync(`${proc}/self/auxv`);
    for (let at = 0; at + 16 <= words.length; at += 16)
      if (words.readBigUInt64LE(at) === AT_PAGESZ) return Number(words.readBigUInt64LE(at + 8));
  } catch {
    // Nobody may read it.
  }
  return USUAL_PAGE_BYTES;
}

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

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
