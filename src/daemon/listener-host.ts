/** Stands for the event listeners where there may be none: loads them once a configuration has some, keeps what comes meanwhile. */
import type { JournalEntry } from "../core/effect.ts";
import type { Blame } from "../core/event.ts";
import type { Plan, ProgramId } from "../core/spec.ts";
import type { OutputListener } from "../logs/logs.ts";
import type { ListenerOptions, Listeners } from "./listeners.ts";

export interface ListenerHost {
  /** Before the boot event. */
  start(): Promise<void>;
  onEntry(entry: JournalEntry): void;
  readonly output: OutputListener;
  onDrained(id: ProgramId): void;
  sendRemoteEvent(type: string, data: string): void;
  blame(): Blame | null;
  whenIdle(done: () => void): void;
}

type HostOptions = ListenerOptions & {
  readonly fault: (where: string, error: unknown) => void;
};

export function hasListeners(plan: Plan): boolean {
  return plan.programs.some((spec) => spec.listener !== null);
}

export function createListenerHost(options: HostOptions): ListenerHost {
  let listeners: Listeners | null = null;
  /** What came while they are being loaded; null: nobody loads them. */
  let pending: ((listeners: Listeners) => void)[] | null = null;

  function guarded(action: (listeners: Listeners) => void, to: Listeners): void {
    try {
      action(to);
    } catch (error) {
      options.fault("the event listeners", error);
    }
  }

  function run(action: (listeners: Listeners) => void): void {
    if (listeners !== null) guarded(action, listeners);
    else pending?.push(action);
  }

  async function load(): Promise<void> {
    if (listeners !== null || pending !== null) return;
    pending = [];
    try {
      const { createListeners } = await import("./listeners.ts");
      listeners = createListeners(options);
      for (const action of pending) guarded(action, listeners);
    } catch (error) {
      options.fault("loading the event listeners", error);
    }
    pending = null;
  }

  return {
    async start() {
      if (!hasListeners(options.plan())) return;
      await load();
      run((to) => to.onBoot());
    },
    onEntry(entry) {
      const mayAdd = entry.type === "reloaded" || entry.type === "group-added";
      if (listeners === null && mayAdd && hasListeners(options.plan())) void load();
      run((to) => to.onEntry(entry));
    },
    output: {
      chunk(spec, pid, stream, bytes) {
        if (listeners === null && pending === null) return;
        // The bytes are the caller's again after the call.
        const own = listeners === null ? bytes.slice() : bytes;
        run((to) => to.onChunk(spec, pid, stream, own));
      },
      captured(spec, pid, stream, bytes) {
        if (listeners === null && pending === null) return;
        const own = listeners === null ? bytes.slice() : bytes;
        run((to) => to.onCaptured(spec, pid, stream, own));
      },
    },
    onDrained: (id) => run((to) => to.onDrained(id)),
    sendRemoteEvent: (type, data) => run((to) => to.onRemoteEvent(type, data)),
    blame: () => listeners?.blame() ?? null,
    whenIdle(done) {
      if (listeners === null) done();
      else run((to) => to.whenIdle(done));
    },
  };
}
