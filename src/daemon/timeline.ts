/**
 * When each program wanted to start for the first time, began to, and was up: what `tsinit ctl graph` is made of. Later
 * restarts change nothing, so it stays one small record a program, and goes with it.
 */
import type { StartTimes, Timeline } from "../api/graph.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Clock } from "./clock.ts";

export interface TimelineKeeper {
  /** The start sequence begins with these programs. */
  boot(programs: readonly ProgramSpec[]): void;
  onEntry(entry: JournalEntry): void;
  view(): Timeline;
}

type Times = { -readonly [Key in keyof StartTimes]: StartTimes[Key] };
type StateEntry = Extract<JournalEntry, { type: "state" }>;

/** `programs`: those that there are now. */
export function createTimeline(clock: Clock, programs: () => readonly ProgramSpec[]): TimelineKeeper {
  const born = clock.now();
  const startedAt = clock.wall();
  const all = new Map<ProgramId, Times>();
  let upAt: number | null = null;

  const now = (): number => Math.round(clock.now() - born) / 1000;

  function timesOf(id: ProgramId): Times {
    let times = all.get(id);
    if (times === undefined) {
      times = { wanted: null, began: null, running: null, ready: null, done: null, failed: null, tries: 0 };
      all.set(id, times);
    }
    times.wanted ??= now();
    return times;
  }

  function onState({ id, to, ended }: StateEntry): void {
    switch (to.name) {
      case "STARTING": {
        const times = timesOf(id);
        times.began ??= now();
        if (times.running === null && times.done === null) times.tries++;
        return;
      }
      case "RUNNING":
        timesOf(id).running ??= now();
        return;
      case "EXITED":
        if (ended?.expected) timesOf(id).done ??= now();
        return;
      case "FATAL":
        timesOf(id).failed ??= now();
        return;
      default:
        return;
    }
  }

  function forgetRemoved(): void {
    const known = new Set(programs().map(({ id }) => id));
    for (const id of all.keys()) if (!known.has(id)) all.delete(id);
  }

  return {
    boot(first) {
      for (const { id, autostart, schedule } of first) if (autostart && schedule === null) timesOf(id);
    },
    onEntry(entry) {
      switch (entry.type) {
        case "state":
          return onState(entry);
        case "blocked":
          timesOf(entry.id);
          return;
        case "ready":
          if (entry.ready) timesOf(entry.id).ready ??= now();
          return;
        case "started":
          upAt = now();
          return;
        case "group-removed":
        case "reloaded":
          return forgetRemoved();
        default:
          return;
      }
    },
    view: () => ({ now: now(), startedAt, upAt, of: (id) => all.get(id) ?? null }),
  };
}
