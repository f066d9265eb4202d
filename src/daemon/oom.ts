/** Whether the kernel killed a process because memory ran out: the cgroup counts it, nothing else tells. */
import { readFileSync } from "node:fs";
import type { Millis } from "../core/states.ts";

export interface OomWatch {
  /** Whether the killer struck once more than was asked for so far. Strikes that nobody asked for are soon forgotten. */
  takeStrike(now: Millis): boolean;
}

/** Several processes killed at once are reaped one after the other; later ends have other reasons. */
const FORGET_MS = 2000;

/** The text of a file, or null. */
export type ReadText = (path: string) => string | null;

const FROM_DISK: ReadText = (path) => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
};

/**
 * Reads nothing but the starting count now. Where the container shows no cgroup (no /sys/fs/cgroup), nothing ever struck.
 */
export function watchOom(read: ReadText = FROM_DISK): OomWatch {
  const path = counterOf(read);
  const count = (): number => (path === null ? 0 : killsIn(read(path)));
  let seen = count();
  let left = 0;
  let until = 0;
  return {
    takeStrike(now) {
      const total = count();
      if (now > until) left = 0;
      if (total > seen) {
        left += total - seen;
        until = now + FORGET_MS;
      }
      seen = total;
      if (left === 0) return false;
      left--;
      return true;
    },
  };
}

/**
 * v2: `memory.events` of our own group, which counts those below it as well. v1: `memory.oom_control` of the memory
 * controller. With a private cgroup namespace our group is the root of the mount; without, its path is in /proc.
 */
function counterOf(read: ReadText): string | null {
  const lines = (read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  const unified = lines.find(([id]) => id === "0")?.[2];
  const memory = lines.find(([, controllers]) => controllers?.split(",").includes("memory"))?.[2];
  const candidates = [
    ...(memory === undefined
      ? []
      : [memory, ""].map((at) => `/sys/fs/cgroup/memory${slash(at)}/memory.oom_control`)),
    ...(unified === undefined ? [] : [unified, ""].map((at) => `/sys/fs/cgroup${slash(at)}/memory.events`)),
  ];
  return candidates.find((path) => /^oom_kill \d/m.test(read(path) ?? "")) ?? null;
}

function slash(path: string): string {
  return path === "/" ? "" : path;
}

function killsIn(text: string | null): number {
  return Number(/^oom_kill (\d+)/m.exec(text ?? "")?.[1] ?? 0);
}
