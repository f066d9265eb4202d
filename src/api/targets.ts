/** What the names in calls stand for: `name`, `group:name`, `group:*` (supervisord.md 14.3). */
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

/** By group priority, then program priority; what is equal stays in the order of the names. */
export function inOrder(control: Control): ProgramSnapshot[] {
  return control
    .snapshot()
    .programs.toSorted(
      (left, right) =>
        left.spec.groupPriority - right.spec.groupPriority || left.spec.priority - right.spec.priority,
    );
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
