/** Effects → the world. It decides nothing; what it learns goes back as an event. */
import type { Effect, JournalEntry, Outcome } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import { SIGNALS, type Signal } from "../core/signal-names.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Journal } from "./journal.ts";
import { type LaunchContext, launch } from "./launch.ts";
import type { NotifyHost } from "./notify-host.ts";
import type { Reaper } from "./reaper.ts";
import type { StopCommands } from "./stop-commands.ts";

export interface PerformOptions {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly journal: Journal;
  readonly notify: Pick<NotifyHost, "load" | "open">;
  readonly launchContext: () => LaunchContext;
  readonly specOf: (id: ProgramId) => ProgramSpec | null;
  /** Whether a spawn that was put off is still wanted. */
  readonly isAwaited: (id: ProgramId) => boolean;
  /** For answers that come later. */
  readonly submit: (event: SystemEvent) => void;
  readonly stopCommands: Pick<StopCommands, "run" | "onKill">;
  readonly awaitListeners: () => void;
  /** Before a signal is sent to a program. */
  readonly onKill: (kill: Extract<Effect, { type: "kill" }>) => void;
  readonly onExit: (outcome: Outcome) => void;
}

export function createPerformer(options: PerformOptions): (effect: Effect) => SystemEvent | null {
  const { kernel, reaper, journal } = options;

  function spawn(id: ProgramId, stage: "pre" | "main"): SystemEvent | null {
    const spec = options.specOf(id);
    if (!spec) return null;
    // What runs before the program does not speak for it.
    const channel = stage === "main" ? options.notify.open(spec) : null;
    if (channel === "loading") return spawnLater(spec);
    if (channel !== null && "refused" in channel)
      return { type: "spawn-failed", id, reason: channel.refused, code: 1 };
    const context = options.launchContext();
    const environment = channel ? [...context.environment, ...channel.variables] : context.environment;
    const launched = launch(spec, stage, { ...context, environment });
    if (!launched.ok) {
      channel?.discard();
      return { type: "spawn-failed", id, reason: launched.reason, code: launched.code };
    }
    reaper.track(launched.pid, id, stage);
    channel?.keep(launched.pid);
    return { type: "spawned", id, pid: launched.pid };
  }

  /** A reload has brought the first program of its kind. The core waits for the answer. */
  function spawnLater(spec: ProgramSpec): null {
    const { id } = spec;
    void options.notify.load([spec]).then(() => {
      const reason = "it is no longer wanted";
      const answer: SystemEvent | null = options.isAwaited(id)
        ? spawn(id, "main")
        : { type: "spawn-failed", id, reason, code: 1 };
      if (answer !== null) options.submit(answer);
    });
    return null;
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
        return options.stopCommands.run(effect.spec, effect.hook, effect.pid);
      case "spawn":
        return spawn(effect.id, effect.stage);
      case "kill": {
        options.stopCommands.onKill(effect.id);
        options.onKill(effect);
        if (effect.signal === SIGNALS.KILL) reaper.noteKilled(effect.pid);
        const errno = kernel.kill(effect.group ? reaper.groupTarget(effect.pid) : effect.pid, effect.signal);
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
