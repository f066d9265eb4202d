/** The order of programs: which tier each belongs to, and that every id is there once. */
import type { GlobalSpec, Plan, ProgramId, ProgramSpec } from "./spec.ts";

/**
 * `[group priority, priority]`, compared in that order. For a program outside a [group] both are its own priority.
 * `level`: steps of dependencies below it; it orders the members of a tier and does not divide them.
 */
export type Tier = readonly [groupPriority: number, priority: number, level: number];

/** The tier that a program's own priorities give it. */
export function tierOf(spec: { readonly groupPriority: number; readonly priority: number }): Tier {
  return [spec.groupPriority, spec.priority, 0];
}

/** 0: members of one tier, whatever their level. */
export function compareTiers(a: Tier, b: Tier): number {
  return a[0] - b[0] || a[1] - b[1];
}

/**
 * The tier that each program belongs to: its own, or that of what it depends on where that is later. Members of a tier
 * start and stop together, but for what depends on each other; lower tiers start first and stop last.
 */
export function tiersOf(programs: readonly ProgramSpec[]): ReadonlyMap<ProgramId, Tier> {
  const specs = new Map(programs.map((spec) => [spec.id, spec]));
  const tiers = new Map<ProgramId, Tier>();
  const visit = (spec: ProgramSpec): Tier => {
    const known = tiers.get(spec.id);
    if (known !== undefined) return known;
    let tier = tierOf(spec);
    // Set before it is final: a cycle, which the configuration does not let through, ends here.
    tiers.set(spec.id, tier);
    for (const { id } of spec.dependsOn) {
      const other = specs.get(id);
      if (other === undefined) continue;
      const theirs = visit(other);
      const level = Math.max(tier[2], theirs[2] + 1);
      const later = compareTiers(theirs, tier) > 0 ? theirs : tier;
      tier = [later[0], later[1], level];
    }
    tiers.set(spec.id, tier);
    return tier;
  };
  for (const spec of programs) visit(spec);
  return tiers;
}

function compareOrder(a: Tier, b: Tier): number {
  return compareTiers(a, b) || a[2] - b[2];
}

/** A circle of dependencies, the first program again at its end, or null. */
export function findCycle(programs: readonly ProgramSpec[]): ProgramId[] | null {
  const specs = new Map(programs.map((spec) => [spec.id, spec]));
  const done = new Set<ProgramId>();
  const path: ProgramId[] = [];
  const visit = (id: ProgramId): ProgramId[] | null => {
    const at = path.indexOf(id);
    if (at !== -1) return [...path.slice(at), id];
    if (done.has(id)) return null;
    path.push(id);
    for (const dependency of specs.get(id)?.dependsOn ?? []) {
      const cycle = visit(dependency.id);
      if (cycle !== null) return cycle;
    }
    path.pop();
    done.add(id);
    return null;
  };
  for (const { id } of programs) {
    const cycle = visit(id);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** Code-unit order, the same everywhere: the locale of a container must not change the start order. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Start order: tier, then name, that of the group first as supervisord has it. The argument is not changed. */
export function orderPrograms(programs: readonly ProgramSpec[]): ProgramSpec[] {
  const tiers = tiersOf(programs);
  const tier = (spec: ProgramSpec): Tier => tiers.get(spec.id) ?? tierOf(spec);
  return [...programs].sort(
    (a, b) => compareOrder(tier(a), tier(b)) || compareText(a.group, b.group) || compareText(a.name, b.name),
  );
}

/** The same order for records, each with its tier. */
export function orderBySpec<T extends { readonly spec: ProgramSpec; readonly tier: Tier }>(
  items: readonly T[],
): T[] {
  const tiers = tiersOf(items.map(({ spec }) => spec));
  return items
    .map((item) => ({ ...item, tier: tiers.get(item.spec.id) ?? tierOf(item.spec) }))
    .sort(
      (a, b) =>
        compareOrder(a.tier, b.tier) ||
        compareText(a.spec.group, b.spec.group) ||
        compareText(a.spec.name, b.spec.name),
    );
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
