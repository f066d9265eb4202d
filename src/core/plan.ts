/** The order of programs: which tier each belongs to, and that every id is there once. */
import type { GlobalSpec, Plan, ProgramId, ProgramSpec } from "./spec.ts";

/**
 * `[group priority, priority]`, compared in that order. For a program outside a [group] both are its own
 * priority.
 */
export type Tier = readonly [groupPriority: number, priority: number];

/**
 * The tier of a program. Members of a tier start and stop together; lower tiers start first and stop last.
 */
export function tierOf(spec: { readonly groupPriority: number; readonly priority: number }): Tier {
  return [spec.groupPriority, spec.priority];
}

/**
 * True when two programs belong to the same tier. Allocates nothing: it runs for every program on every gate
 * check.
 */
export function isSameTier(a: ProgramSpec, b: ProgramSpec): boolean {
  return a.groupPriority === b.groupPriority && a.priority === b.priority;
}

/** Code-unit order, the same everywhere: the locale of a container must not change the start order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareInStartOrder(a: ProgramSpec, b: ProgramSpec): number {
  return (
    a.groupPriority - b.groupPriority ||
    a.priority - b.priority ||
    compareText(a.group, b.group) ||
    compareText(a.name, b.name)
  );
}

/** Start order: tier, then name, that of the group first as supervisord has it. The argument is not changed. */
export function orderPrograms(programs: readonly ProgramSpec[]): ProgramSpec[] {
  return [...programs].sort(compareInStartOrder);
}

/** The same order for anything that carries a spec. */
export function orderBySpec<T extends { readonly spec: ProgramSpec }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => compareInStartOrder(a.spec, b.spec));
}

/** Ids that occur more than once, each named once, in the order met. */
export function duplicateIds(programs: readonly { readonly id: ProgramId }[]): ProgramId[] {
  const seen = new Set<ProgramId>();
  const twice = new Set<ProgramId>();
  for (const { id } of programs) {
    if (seen.has(id)) twice.add(id);
    seen.add(id);
  }
  return [...twice];
}

/** Throws when an id occurs twice: two records of one id would start two processes of one program. */
export function assertUniqueIds(programs: readonly { readonly id: ProgramId }[]): void {
  const twice = duplicateIds(programs);
  if (twice.length > 0) throw new Error(`program ids are not unique: ${twice.join(", ")}`);
}

/** A plan without programs. */
export function emptyPlan(global: GlobalSpec): Plan {
  return { global, groups: [], programs: [], passthrough: false };
}
