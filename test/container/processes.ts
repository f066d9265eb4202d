/** What /proc says, seen from outside: the processes of a container by the ids they have inside. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Process {
  /** Inside the container. */
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** R, S, D, T, Z … (proc(5)). */
  readonly state: string;
  readonly name: string;
  /** Words joined by blanks; empty for a zombie. */
  readonly command: string;
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Processes of a process file system, e.g. /proc/4711/root/proc: the container's own. */
export function listProcesses(proc: string): Process[] {
  const found: Process[] = [];
  let entries: string[];
  try {
    entries = readdirSync(proc);
  } catch {
    return found;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readText(`${proc}/${entry}/stat`);
    if (stat === null) continue;
    const close = stat.lastIndexOf(")");
    const fields = stat.slice(close + 2).split(" ");
    found.push({
      pid: Number(entry),
      name: stat.slice(stat.indexOf("(") + 1, close),
      state: fields[0] ?? "?",
      parent: Number(fields[1]),
      group: Number(fields[2]),
      session: Number(fields[3]),
      command: (readText(`${proc}/${entry}/cmdline`) ?? "").split("\0").join(" ").trim(),
    });
  }
  return found;
}

export function childrenOf(pid: number): number[] {
  const text = readText(`/proc/${pid}/task/${pid}/children`);
  if (text === null) return [];
  return text.split(" ").filter(Boolean).map(Number);
}

/** The id that a process of a container has out here, or null when it is gone. */
export function outerPid(init: number, inner: number): number | null {
  const namespace = readLink(`/proc/${init}/ns/pid`);
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const status = readText(`/proc/${entry}/status`);
    const ids = status?.match(/^NSpid:\t(.*)$/m)?.[1]?.split("\t");
    if (ids?.at(-1) === String(inner) && readLink(`/proc/${entry}/ns/pid`) === namespace)
      return Number(entry);
  }
  return null;
}

/** A `Name:\tvalue` of /proc/PID/status, or null. */
export function statusField(pid: number, field: string): string | null {
  const status = readText(`/proc/${pid}/status`);
  return status?.match(new RegExp(`^${field}:\\t(.*)$`, "m"))?.[1]?.trim() ?? null;
}

/** Whether a signal set of /proc/PID/status (SigCgt, SigIgn, SigBlk) holds the signal. */
export function inSignalSet(pid: number, field: string, signal: number): boolean {
  const set = statusField(pid, field);
  return set !== null && (BigInt(`0x${set}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** Context switches of all threads so far. */
export function contextSwitches(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readText(`/proc/${pid}/task/${thread}/status`) ?? "";
    for (const [, count] of status.matchAll(/ctxt_switches:\t(\d+)/g)) sum += Number(count);
  }
  return sum;
}
