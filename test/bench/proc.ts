/** What /proc tells about a process tree from outside its namespace. A process that is gone reads as empty. */
import { readdirSync, readFileSync } from "node:fs";

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Direct children of a process, zombies too. */
export function children(pid: number): number[] {
  return threads(pid).flatMap((tid) =>
    read(`/proc/${pid}/task/${tid}/children`)
      .split(" ")
      .filter((text) => text !== "")
      .map(Number),
  );
}

/** The whole tree below a process, without itself. */
export function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** The kernel's short name of a process; empty when it is gone. */
export function comm(pid: number): string {
  return read(`/proc/${pid}/comm`).trimEnd();
}

/** True for a process that has ended and waits for its parent. */
export function isZombie(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "Z";
}

/** A number of /proc/PID/status, e.g. RssAnon in KiB; 0 where it is missing. */
export function statusNumber(pid: number | string, field: string): number {
  const match = new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(read(`/proc/${pid}/status`));
  return match === null ? 0 : Number(match[1]);
}

/** The pid that a process sees of itself, in the innermost of its pid namespaces. */
export function innerPid(pid: number): number {
  const match = /^NSpid:.*?(\d+)$/m.exec(read(`/proc/${pid}/status`));
  return match === null ? 0 : Number(match[1]);
}

/** Context switches, wanted and forced, of all threads of a process since they started. */
export function contextSwitches(pid: number): number {
  let sum = 0;
  for (const tid of threads(pid)) {
    sum += statusNumber(`${pid}/task/${tid}`, "voluntary_ctxt_switches");
    sum += statusNumber(`${pid}/task/${tid}`, "nonvoluntary_ctxt_switches");
  }
  return sum;
}
