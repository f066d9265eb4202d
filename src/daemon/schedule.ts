/**
 * Programs that start by the clock on the wall (product 2.4, `schedule`): one timer for the earliest of them, and the event
 * `scheduled` when its time has come. What is missed by a jump forward, or while the machine slept, is made up for by one
 * run. After a jump back a time that was reached before is not reached again: the next run stays where it was. The hour that
 * summer time leaves out or repeats is croner's: a time that does not exist comes at the end of the gap, one that comes twice
 * counts the first time, and what runs every so many minutes goes on doing so. Loaded only when a program has a schedule.
 */
import { compileSchedule, type NextRun } from "../config/schedule.ts";
import type { ProgramId, ProgramSpec, ScheduleSpec } from "../core/spec.ts";
import type { Clock } from "./clock.ts";

export interface Schedules {
  /** The programs of now. A schedule that is as it was keeps its next run. */
  configure(programs: readonly ProgramSpec[]): void;
  /** When the program runs next, in seconds since 1970; 0 without a schedule, or when no time is left that it names. */
  nextRunAt(id: ProgramId): number;
}

interface Entry {
  readonly spec: ScheduleSpec;
  readonly next: NextRun;
  /** Milliseconds since 1970; null: never again. */
  due: number | null;
}

/** A clock that is set, or a machine that slept, is noticed after so long. */
const LONGEST_MS = 60_000;
/** A jump back by more is a clock that was wrong before: the times it had reached mean nothing. */
const WRONG_CLOCK_MS = 24 * 3600 * 1000;

export function createSchedules(
  clock: Clock,
  onDue: (id: ProgramId) => void,
  onFault: (error: unknown) => void,
): Schedules {
  const entries = new Map<ProgramId, Entry>();
  /** The latest that the wall clock has ever shown. */
  let reached = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | null = null;

  const wall = (): number => Math.floor(clock.wall() * 1000);
  const nextAfter = (next: NextRun, after: number): number | null => next(new Date(after))?.getTime() ?? null;

  function look(): void {
    const now = wall();
    const wasWrong = now < reached - WRONG_CLOCK_MS;
    reached = wasWrong ? now : Math.max(reached, now);
    const due: ProgramId[] = [];
    try {
      for (const [id, entry] of entries) {
        if (wasWrong) entry.due = nextAfter(entry.next, now);
        if (entry.due === null || entry.due > now) continue;
        due.push(id);
        // Whatever goes wrong now, it is not due again at once.
        entry.due = null;
        entry.due = nextAfter(entry.next, reached);
      }
    } catch (error) {
      onFault(error);
    }
    arm();
    for (const id of due) onDue(id);
  }

  function arm(): void {
    cancel?.();
    cancel = null;
    if (entries.size === 0) return;
    const now = wall();
    let wait = LONGEST_MS;
    for (const { due } of entries.values()) if (due !== null) wait = Math.min(wait, due - now);
    cancel = clock.after(Math.max(wait, 1), look);
  }

  return {
    configure(programs) {
      const before = new Map(entries);
      const now = wall();
      entries.clear();
      for (const { id, schedule } of programs) {
        if (schedule === null) continue;
        const old = before.get(id);
        if (old !== undefined && isSame(old.spec, schedule)) {
          entries.set(id, old);
          continue;
        }
        const next = compileSchedule(schedule);
        entries.set(id, { spec: schedule, next, due: nextAfter(next, now) });
      }
      arm();
    },
    nextRunAt: (id) => (entries.get(id)?.due ?? 0) / 1000,
  };
}

/** What happens when runs overlap is not a matter of time. */
function isSame(a: ScheduleSpec, b: ScheduleSpec): boolean {
  return a.expression === b.expression && a.timezone === b.timezone;
}
