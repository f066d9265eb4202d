/** The door to schedule.ts: that file, and with it what knows cron expressions and time zones, is loaded for the first program with a schedule. */
import type { JournalEntry } from "../core/effect.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Clock } from "./clock.ts";
import type { Schedules } from "./schedule.ts";

export interface ScheduleHost {
  /** Takes up the schedules of the programs that there are now. */
  start(): Promise<void>;
  /** A reload may bring other programs. */
  onEntry(entry: JournalEntry): void;
  /** Seconds since 1970; 0: none is known. */
  nextRunAt(id: ProgramId): number;
}

export interface ScheduleHostOptions {
  readonly clock: Clock;
  readonly programs: () => readonly ProgramSpec[];
  readonly onDue: (id: ProgramId) => void;
  readonly fault: (where: string, error: unknown) => void;
}

export function createScheduleHost({ clock, programs, onDue, fault }: ScheduleHostOptions): ScheduleHost {
  let schedules: Schedules | null = null;

  async function start(): Promise<void> {
    if (schedules === null && programs().every(({ schedule }) => schedule === null)) return;
    try {
      const { createSchedules } = await import("./schedule.ts");
      schedules ??= createSchedules(clock, onDue, (error) => fault("a schedule", error));
      schedules.configure(programs());
    } catch (error) {
      fault("the schedules", error);
    }
  }

  return {
    start,
    onEntry(entry) {
      if (entry.type === "reloaded" || entry.type === "group-added" || entry.type === "group-removed")
        void start();
    },
    nextRunAt: (id) => schedules?.nextRunAt(id) ?? 0,
  };
}
