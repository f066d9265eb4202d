/** Stands for the notifications where no program may send any: loads them for the first one that may. */
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Channel, Notify, NotifyOptions } from "./notify.ts";

export interface NotifyHost {
  /** Before programs such as these are started. */
  load(programs: readonly ProgramSpec[]): Promise<void>;
  /** null: it has none; "loading": ask again when `load` is done; else the reason why it cannot start. */
  open(spec: ProgramSpec): Channel | { readonly refused: string } | "loading" | null;
  drain(id: ProgramId): void;
  onMainPid(id: ProgramId, pid: Pid): void;
  end(id: ProgramId): void;
  closeAll(): void;
}

export function createNotifyHost(options: NotifyOptions): NotifyHost {
  let notify: Notify | null = null;
  let isBroken = false;

  return {
    async load(programs) {
      if (notify !== null || isBroken || !programs.some(mayNotify)) return;
      try {
        const { createNotify } = await import("./notify.ts");
        notify ??= createNotify(options);
      } catch (error) {
        isBroken = true;
        options.fault("loading the notifications", error);
      }
    },
    open(spec) {
      if (!mayNotify(spec) || isBroken) return null;
      if (notify === null) return "loading";
      const channel = notify.open(spec);
      return typeof channel === "string" ? { refused: channel } : channel;
    },
    drain: (id) => notify?.drain(id),
    onMainPid: (id, pid) => notify?.onMainPid(id, pid),
    end: (id) => notify?.end(id),
    closeAll: () => notify?.closeAll(),
  };
}

function mayNotify(spec: ProgramSpec): boolean {
  return spec.ready?.way.kind === "notify" || spec.watchdogSecs !== null;
}
