/** What the names in calls stand for: `name`, `group:name`, `group:*` (supervisord.md 14.3). */
import { compareText } from "../core/plan.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { Control } from "./control.ts";
import { FAULTS, RpcError } from "./faults.ts";
import type { Settled } from "./waits.ts";
import type { Value } from "./xmlrpc.ts";

/** `group:*` and `group:` stand for a whole group: program null then. Throws BAD_NAME. */
export function findTarget(
  control: Control,
  name: string,
): { group: string; program: ProgramSnapshot | null } {
  const colon = name.indexOf(":");
  const group = colon < 0 ? name : name.slice(0, colon);
  const member = colon < 0 ? name : name.slice(colon + 1);
  if (colon >= 0 && (member === "" || member === "*")) {
    if (!isActive(control, group)) throw new RpcError("BAD_NAME", name);
    return { group, program: null };
  }
  const program = programNamed(control, name);
  if (!program) throw new RpcError("BAD_NAME", name);
  return { group, program };
}

/** The one program that `name` or `group:name` stands for. */
export function programNamed(control: Control, name: string): ProgramSnapshot | null {
  const colon = name.indexOf(":");
  const [group, member] = colon < 0 ? [name, name] : [name.slice(0, colon), name.slice(colon + 1)];
  const { programs } = control.snapshot();
  return programs.find(({ spec }) => spec.group === group && spec.name === member) ?? null;
}

/** One program; throws BAD_NAME for a group as well. */
export function findProgram(control: Control, name: string): ProgramSnapshot {
  const { program } = findTarget(control, name);
  if (!program) throw new RpcError("BAD_NAME", name);
  return program;
}

export function isActive(control: Control, group: string): boolean {
  return control.groups().some(({ name }) => name === group);
}

/** Throws BAD_NAME. */
export function groupMembers(control: Control, group: string): ProgramSnapshot[] {
  if (!isActive(control, group)) throw new RpcError("BAD_NAME", group);
  return inOrder(control).filter(({ spec }) => spec.group === group);
}

/** Group by group by their priority, in each by that of the programs; what is equal stays in the order of the group. */
export function inOrder(control: Control): ProgramSnapshot[] {
  const { programs } = control.snapshot();
  const listed = new Map(control.groups().flatMap((group) => group.programs.map((id, index) => [id, index])));
  return programs.toSorted(({ id, spec }, { id: otherId, spec: other }) => {
    if (spec.groupPriority !== other.groupPriority) return spec.groupPriority - other.groupPriority;
    if (spec.group !== other.group) return compareText(spec.group, other.group);
    return spec.priority - other.priority || (listed.get(id) ?? 0) - (listed.get(otherId) ?? 0);
  });
}

/** How one of several programs fared, as a struct. */
export function result({ spec, fault }: Settled): Value {
  return {
    name: spec.name,
    group: spec.group,
    status: fault?.code ?? FAULTS.SUCCESS,
    description: fault?.text ?? "OK",
  };
}
