/** Effects → the world. It decides nothing; what it learns goes back as an event. */
import type { Effect, JournalEntry, Outcome } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import { SIGNALS, type Signal } from "../core/signal-names.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Journal } from "./journal.ts";
import { type LaunchContext, launch } from "./launch.ts";
import type { Reaper } from "./reaper.ts";

export interface PerformOptions {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly journal: Journal;
  readonly launchContext: () => LaunchContext;
  readonly specOf: (id: ProgramId) => ProgramSpec | null;
  readonly awaitListeners: () => void;
  readonly onExit: (outcome: Outcome) => void;
}

export function createPerformer(options: PerformOptions): (effect: Effect) => SystemEvent | null {
  const { kernel, reaper, journal } = options;

  function spawn(id: ProgramId): SystemEvent | null {
    const spec = options.specOf(id);
    if (!spec) return null;
    const launched = launch(spec, options.launchContext());
    if (!launched.ok) return { type: "spawn-failed", id, reason: launched.reason, code: launched.code };
    reaper.track(launched.pid, id);
    return { type: "spawned", id, pid: launched.pid };
  }

  /** Everything that still lives: kill(-1) only as real PID 1, else it would reach the neighbours or the whole machine. */
  function sweep(signal: Signal | 0): void {
    if (signal === 0) return reaper.watchAlone();
    if (kernel.pid === 1) kernel.kill(-1, signal);
    else for (const pid of kernel.descendants() ?? []) kernel.kill(pid, signal);
    reaper.watchAlone();
  }

  /** Before the first signal: later its children are nobody's. */
  function noteStop(entry: JournalEntry): void {
    if (entry.type !== "state" || entry.to.name !== "STOPPING" || entry.to.leader === null) return;
    reaper.noteStopping(entry.id, entry.to.leader);
  }

  return (effect) => {
    switch (effect.type) {
      case "stop-command":
        return null;
      case "spawn":
        return spawn(effect.id);
      case "kill": {
        if (effect.signal === SIGNALS.KILL) reaper.noteKilled(effect.pid);
        const errno = kernel.kill(effect.group ? -effect.pid : effect.pid, effect.signal);
        // ESRCH: it ended just now, its exit is on the way.
        if (errno === null || errno === "ESRCH") return null;
        return { type: "kill-failed", id: effect.id, reason: errno };
      }
      case "kill-rest":
        reaper.killRest(effect.id, effect.signal, effect.except);
        return null;
      case "watch-group":
        reaper.watchGroup(effect.id, effect.pid);
        return null;
      case "sweep":
        sweep(effect.signal);
        return null;
      case "await-listeners":
        options.awaitListeners();
        return null;
      case "journal":
        noteStop(effect.entry);
        journal.record(effect.entry);
        return null;
      case "exit":
        options.onExit(effect.outcome);
        return null;
    }
  };
}
