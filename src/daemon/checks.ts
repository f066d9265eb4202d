/** Stands for the checks of programs where there may be none: loads what they need once a configuration has some. */
import type { JournalEntry } from "../core/effect.ts";
import type { Plan, ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Fd, Kernel } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";
import type { OutputMark, Readiness, ReadinessOptions } from "./readiness.ts";

export interface Checks {
  /** Before the boot event; what is not loaded by then is told later what came meanwhile. */
  start(): void;
  onEntry(entry: JournalEntry): void;
  /** Owns the read end of a program's `ready_fd`. */
  keepReadyFd(spec: ProgramSpec, pid: Pid, fd: Fd): void;
}

export type ChecksOptions = Omit<ReadinessOptions, "ask" | "logs"> & {
  readonly kernel: Kernel;
  readonly logs: Logs;
  readonly plan: () => Plan;
  readonly helpers: Parameters<typeof import("./probes.ts").createAsk>[0];
  readonly fault: (where: string, error: unknown) => void;
};

/** Those that are asked for here; `ready_notify` is the programs' own doing. */
function hasChecks(plan: Plan): boolean {
  return plan.programs.some(
    ({ ready, live }) => live !== null || (ready !== null && ready.way.kind !== "notify"),
  );
}

export function createChecks(options: ChecksOptions): Checks {
  const { kernel, logs } = options;
  let readiness: Readiness | null = null;
  /** What came while they are being loaded; null: nobody loads them. */
  let pending: ((readiness: Readiness) => void)[] | null = null;

  function guarded(action: (readiness: Readiness) => void, to: Readiness): void {
    try {
      action(to);
    } catch (error) {
      options.fault("the checks", error);
    }
  }

  function run(action: (readiness: Readiness) => void): boolean {
    if (readiness !== null) guarded(action, readiness);
    else if (pending !== null) pending.push(action);
    else return false;
    return true;
  }

  async function load(): Promise<void> {
    if (readiness !== null || pending !== null || !hasChecks(options.plan())) return;
    pending = [];
    try {
      const [{ createReadiness }, { createAsk }] = await Promise.all([
        import("./readiness.ts"),
        import("./probes.ts"),
      ]);
      readiness = createReadiness({ ...options, ask: createAsk(options.helpers) });
      for (const action of pending) guarded(action, readiness);
    } catch (error) {
      options.fault("loading the checks", error);
    }
    pending = null;
  }

  /** Where the output of a run begins: nothing of it has been read yet. */
  function markOf(id: ProgramId): OutputMark {
    return { stdout: logs.historyEnd(id, "stdout"), stderr: logs.historyEnd(id, "stderr") };
  }

  return {
    start: () => void load(),
    onEntry(entry) {
      switch (entry.type) {
        case "spawned": {
          const { id, pid } = entry;
          if (readiness === null && pending === null) return;
          const mark = markOf(id);
          run((to) => to.onSpawned(id, pid, mark));
          return;
        }
        case "state":
          run((to) => to.onState(entry.id, entry.to.name));
          return;
        case "reloaded":
        case "group-added":
          void load();
          run((to) => to.onPlan());
          return;
        case "draining":
        case "stopping":
          run((to) => to.stop());
          return;
        default:
          return;
      }
    },
    keepReadyFd(spec, pid, fd) {
      if (!run((to) => to.keepReadyFd(spec.id, pid, fd))) kernel.close(fd);
    },
  };
}
