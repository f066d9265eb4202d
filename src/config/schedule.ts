/** Cron expressions (product 2.4, `schedule`). */
import type { ScheduleSpec } from "../core/spec.ts";
import { load } from "./croner.cjs";
import { Invalid } from "./problems.ts";
import { quote } from "./text.ts";

/** Answers the first time after `after` that the schedule names, null when there is none. */
export type NextRun = (after: Date) => Date | null;

/** Throws Invalid when the expression is none, or names no time at all. */
export function compileSchedule({ expression, timezone }: ScheduleSpec): NextRun {
  const { Cron } = load();
  try {
    // As Vixie cron: times that are named, lists and ranges of them too, neither fall into the hour that summer time leaves
    // out nor come twice with the one that it repeats; what has a `*` in seconds, minutes or hours follows the clock.
    const rule = { paused: true, fixedTimeRule: "no-wildcard" } as const;
    const options = timezone === null ? rule : { ...rule, timezone };
    // Neither a year nor a date: those are not five or six fields.
    const fields = expression.trim().split(/\s+/).length;
    if (!expression.startsWith("@") && fields !== 5 && fields !== 6)
      throw new Error(`it has ${fields} fields`);
    const cron = new Cron(expression, options);
    if (cron.nextRun() === null) throw new Error("no day ever matches it");
    return (after) => cron.nextRun(after);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Invalid(
      `${quote(expression)} is no schedule: ${why}; expected five fields (minute hour day month weekday), ` +
        "or six with seconds first",
    );
  }
}
