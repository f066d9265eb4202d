/**
 * supervisorctl's `update`, which exists only as a sequence of calls (supervisord.md 15): reloadConfig, then for each changed
 * group stopProcessGroup, removeProcessGroup, addProcessGroup. Taken word for word it restarts the whole group. Here a
 * stopProcessGroup that is the next step after the reread stops only what has to be restarted or is gone, and is answered
 * as if all were stopped; the others are held. The remove is answered, the add makes the group what was read.
 *
 * A stop is a promise, so holding ends at once when anything but the next step is called, and after 2 s: then what is held
 * is really stopped (and removed, where that was answered), and the call that came between waits for it. Until something is
 * held, questions may come between, but no greeting: `supervisorctl stop` begins with getVersion, `update` does not.
 */
import { diffSpecs } from "../core/diff.ts";
import type { ProgramId } from "../core/spec.ts";
import type { Control } from "./control.ts";
import type { ServerClock } from "./surface.ts";
import { stopPrograms } from "./waits.ts";

/** supervisorctl makes its calls in immediate succession. */
const PATIENCE_MS = 2000;

/** Groups of the last reread that are not dealt with yet. */
interface Groups {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

interface Held {
  readonly group: string;
  /** Members that need not be stopped. */
  readonly kept: ReadonlySet<ProgramId>;
  /** Members that were up, and come back if they are stopped now: those that had to be, or by another update meanwhile. */
  readonly stopped: readonly ProgramId[];
}

type Step =
  | { readonly name: "none" }
  | { readonly name: "reread" }
  /** The answer to the stop waits for the members that have to go: its caller cannot call anything. */
  | { readonly name: "stopping"; readonly held: Held }
  /** Next: removeProcessGroup. */
  | { readonly name: "stopped"; readonly held: Held }
  /** Next: addProcessGroup. */
  | { readonly name: "removed"; readonly held: Held };

export interface UpdateSequence {
  /** To be called before each method. Resolves when the call may be dealt with; null: at once. */
  before(method: string, group: unknown): Promise<void> | null;
  /** reloadConfig has been answered. */
  reread(groups: Groups): void;
  /**
   * A stop of `group` for an update: the members that are kept; call `stopped` when the others are down. null: it is a
   * stop like any other. `up`: its members that are not down.
   */
  hold(group: string, up: readonly ProgramId[]): ReadonlySet<ProgramId> | null;
  stopped(): void;
  /** The members kept by the stop before, when a removal of the group is the next step; else null. */
  kept(group: string): ReadonlySet<ProgramId> | null;
  removed(): void;
  /** Whether this was the end of an update of the group, which is done then. */
  add(group: string): boolean;
}

export function createUpdateSequence(control: Control, clock: ServerClock): UpdateSequence {
  let step: Step = { name: "none" };
  let groups: Groups = { added: [], changed: [], removed: [] };
  let releasing: Promise<void> | null = null;
  let cancel = (): void => {};

  /** `step` must be followed by the next in time. */
  function enter(next: Step): void {
    cancel();
    step = next;
    cancel = ["none", "stopping"].includes(next.name) ? () => {} : clock.after(PATIENCE_MS, leave);
  }

  /** It was no update: what is held is stopped as it was asked for. */
  function leave(): void {
    const was = step;
    enter({ name: "none" });
    if (was.name === "stopped" || was.name === "removed") releasing ??= release(was);
  }

  async function release({ name, held }: Extract<Step, { held: Held }>): Promise<void> {
    try {
      const members = control.snapshot().programs.filter(({ spec }) => spec.group === held.group);
      await stopPrograms(control, members, true);
      if (name === "removed") control.perform({ type: "remove-group", group: held.group });
    } finally {
      releasing = null;
    }
  }

  function isNext(method: string, group: unknown): boolean {
    const is = (name: string, names: readonly string[]): boolean =>
      method === `supervisor.${name}` && typeof group === "string" && names.includes(group);
    switch (step.name) {
      case "none":
      case "stopping":
        return true;
      case "reread":
        return (
          isQuestion(method) ||
          is("stopProcessGroup", [...groups.changed, ...groups.removed]) ||
          is("removeProcessGroup", groups.removed) ||
          is("addProcessGroup", groups.added)
        );
      case "stopped":
        return is("removeProcessGroup", [step.held.group]);
      case "removed":
        return is("addProcessGroup", [step.held.group]);
    }
  }

  return {
    before(method, group) {
      // Its calls come one by one.
      if (method === "system.multicall") return null;
      if (!isNext(method, group)) leave();
      else if (step.name === "reread") enter(step);
      return releasing;
    },
    reread(found) {
      if (step.name === "stopping") return;
      groups = found;
      enter({ name: "reread" });
    },
    hold(group, up) {
      if (step.name !== "reread" || !groups.changed.includes(group)) return null;
      groups = { ...groups, changed: groups.changed.filter((name) => name !== group) };
      const wanted = new Map(control.lastRead().programs.map((spec) => [spec.id, spec]));
      const kept = new Set<ProgramId>();
      for (const { id, spec } of control.snapshot().programs) {
        const next = wanted.get(id);
        if (spec.group === group && next && diffSpecs(spec, next) !== "restart") kept.add(id);
      }
      const stopped = up.filter((id) => wanted.has(id));
      enter({ name: "stopping", held: { group, kept, stopped } });
      return kept;
    },
    stopped() {
      if (step.name === "stopping") enter({ name: "stopped", held: step.held });
    },
    kept: (group) => (step.name === "stopped" && step.held.group === group ? step.held.kept : null),
    removed() {
      if (step.name === "stopped") enter({ name: "removed", held: step.held });
    },
    add(group) {
      if (step.name !== "removed" || step.held.group !== group) return false;
      if (!control.lastRead().groups.some(({ name }) => name === group)) return false;
      const { stopped } = step.held;
      control.perform({ type: "replace-group", group, stopped });
      enter({ name: "reread" });
      return true;
    },
  };
}

/** Changes nothing, and is no greeting. */
function isQuestion(method: string): boolean {
  if (method === "supervisor.getVersion" || method === "supervisor.getAPIVersion") return false;
  return /^(?:system\.|supervisor\.(?:get|read|tail))/.test(method);
}
