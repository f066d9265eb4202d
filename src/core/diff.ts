/** What differs between two plans: by group for the operator, by program for the system. */
import { tiersOf } from "./plan.ts";
import type { Plan, ProgramId, ProgramSpec, ReadyWay } from "./spec.ts";

/** Group names in the order of the plan that has them: supervisorctl adds them one by one, by priority. */
export interface GroupDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * supervisord.md 15: a group has changed when its priority, its list of programs, or any key of a program
 * differs.
 */
export function diffGroups(before: Plan, after: Plan): GroupDiff {
  const old = new Map(before.groups.map((group) => [group.name, group]));
  const names = new Set(after.groups.map((group) => group.name));
  const added: string[] = [];
  const changed: string[] = [];
  const differs = differingIds(before, after);
  for (const group of after.groups) {
    const was = old.get(group.name);
    if (was === undefined) added.push(group.name);
    else if (!isEqual(was, group) || group.programs.some((id) => differs.has(id))) changed.push(group.name);
  }
  const removed = before.groups.map((group) => group.name).filter((name) => !names.has(name));
  return { added, changed, removed: dependantsFirst(removed, before) };
}

/** supervisorctl stops and removes them one by one: who depends on another comes before it. */
function dependantsFirst(groups: readonly string[], plan: Plan): readonly string[] {
  if (groups.length < 2) return groups;
  const tiers = tiersOf(plan.programs);
  const levels = new Map<string, number>();
  for (const { id, group } of plan.programs)
    levels.set(group, Math.max(levels.get(group) ?? 0, tiers.get(id)?.[2] ?? 0));
  // What nothing connects keeps its place.
  return groups.toSorted((a, b) => (levels.get(b) ?? 0) - (levels.get(a) ?? 0));
}

/** Programs, each list in the order of the plan it comes from. */
export interface ProgramDiff {
  readonly added: readonly ProgramId[];
  /** Another process is needed. */
  readonly restarted: readonly ProgramId[];
  /** The new keys apply to the process that runs. */
  readonly adjusted: readonly ProgramId[];
  readonly removed: readonly ProgramId[];
}

/** What a reload from one plan to the other does to each program. */
export function diffPrograms(before: Plan, after: Plan): ProgramDiff {
  const old = new Map(before.programs.map((spec) => [spec.id, spec]));
  const ids = new Set(after.programs.map((spec) => spec.id));
  const added: ProgramId[] = [];
  const restarted: ProgramId[] = [];
  const adjusted: ProgramId[] = [];
  for (const spec of after.programs) {
    const was = old.get(spec.id);
    if (was === undefined) added.push(spec.id);
    else {
      const difference = diffSpecs(was, spec);
      if (difference === "restart") restarted.push(spec.id);
      if (difference === "live") adjusted.push(spec.id);
    }
  }
  const removed = before.programs.map((spec) => spec.id).filter((id) => !ids.has(id));
  return { added, restarted, adjusted, removed };
}

function differingIds(before: Plan, after: Plan): ReadonlySet<ProgramId> {
  const { added, restarted, adjusted } = diffPrograms(before, after);
  return new Set([...added, ...restarted, ...adjusted]);
}

/**
 * Whether a key can change under a running process. Complete by type: a new key does not compile until
 * somebody has decided. The live ones are tsinit's own behaviour towards the process; the others are what it
 * was made from.
 */
const APPLIES: Readonly<Record<keyof ProgramSpec, "live" | "restart">> = {
  id: "restart",
  name: "restart",
  group: "restart",
  section: "live",
  kind: "restart",
  processNum: "restart",
  command: "restart",
  argv: "restart",
  commandError: "restart",
  groupPriority: "live",
  priority: "live",
  autostart: "live",
  autorestart: "live",
  startsecs: "live",
  startretries: "live",
  exitcodes: "live",
  stopsignals: "live",
  stopwaitsecs: "live",
  stopasgroup: "live",
  killasgroup: "live",
  critical: "live",
  type: "live",
  user: "restart",
  directory: "restart",
  umask: "restart",
  environment: "restart",
  forwardSignals: "live",
  redirectStderr: "restart",
  stdout: "live",
  stderr: "live",
  logFormat: "live",
  logPrefix: "live",
  logLevelPrefix: "live",
  serverurl: "restart",
  stdin: "restart",
  listener: "restart",
  socket: "restart",
  dependsOn: "live",
  restartWith: "live",
  ready: "live",
  live: "live",
  watchdogSecs: "restart",
  restart: "live",
  schedule: "live",
  runtimeMaxSecs: "live",
  preStart: "live",
  stopCommand: "live",
};

/** `restart` when any key differs that the process was made from, else `live`, else `same`. */
export function diffSpecs(before: ProgramSpec, after: ProgramSpec): "same" | "live" | "restart" {
  if (before === after) return "same";
  let found: "same" | "live" = "same";
  for (const key of Object.keys(APPLIES) as (keyof ProgramSpec)[]) {
    if (isEqual(before[key], after[key])) continue;
    if (APPLIES[key] === "restart") return "restart";
    found = "live";
  }
  return isEqual(handedOver(before), handedOver(after)) ? found : "restart";
}

/** What a process is given for its ready check: it cannot be had later. */
function handedOver({ ready }: ProgramSpec): ReadyWay | null {
  const way = ready?.way;
  return way?.kind === "fd" || way?.kind === "notify" ? way : null;
}

/**
 * Deep equality of plain data: values, arrays in order, Maps and objects regardless of the order of their
 * keys.
 */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => isEqual(item, b[i]));
  }
  if (a instanceof Map || b instanceof Map) {
    if (!(a instanceof Map) || !(b instanceof Map) || a.size !== b.size) return false;
    return [...a].every(([key, value]) => b.has(key) && isEqual(value, b.get(key)));
  }
  const left = new Map<string, unknown>(Object.entries(a));
  const right = new Map<string, unknown>(Object.entries(b));
  return isEqual(left, right);
}
