/** The end of the process, once the core has decided on it: why, what is still to be written, and out. */
import type { Outcome } from "../core/effect.ts";
import type { Millis } from "../core/states.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Level, Logs } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";
import { writeTerminationLog } from "./files.ts";

export interface Ending {
  /** Comes back at once when the end is under way already, else never. */
  end(outcome: Outcome): Promise<void>;
  /** Somebody has no patience with a slow reader of the last lines. Before the end that means nothing. */
  hurry(): void;
}

export interface EndingOptions {
  readonly kernel: Pick<Kernel, "exit">;
  readonly clock: Clock;
  readonly logs: Pick<Logs, "flush" | "lastLines">;
  readonly tell: (level: Level, text: string) => void;
  /** What else is to be told goes before the last line. */
  readonly beforeLastLine: () => void;
  readonly terminationLog: () => string;
  /** When `shutdown_timeout` is over; null: nothing says when. */
  readonly killAt: () => Millis | null;
}

/** At the end: a reader of stdout or stderr that takes nothing for so long is stuck. */
export const STUCK_MS = 2000;
/** What the last lines have when `shutdown_timeout` is over. */
const LAST_LINES_MS = 500;
/** Room for the program's last output in the termination log, beside the sentence why. */
const LAST_LINES_BYTES = 3500;

export function createEnding(options: EndingOptions): Ending {
  const { kernel, clock, logs, tell } = options;
  let ending = false;
  const hurried = Promise.withResolvers<void>();

  return {
    async end(outcome) {
      if (ending) return;
      ending = true;
      options.beforeLastLine();
      const why = `exit ${outcome.code}: ${outcome.reason}`;
      const output = outcome.program === null ? "" : logs.lastLines(outcome.program, LAST_LINES_BYTES);
      writeTerminationLog(options.terminationLog(), output === "" ? `${why}\n` : `${why}\n${output}`);
      tell(outcome.code === 0 ? "info" : "critical", why);
      const killAt = options.killAt();
      const limit = killAt === null ? null : Math.max(LAST_LINES_MS, killAt - clock.now());
      await Promise.race([logs.flush(STUCK_MS, limit), hurried.promise]);
      // The exit listeners (signal-exit's among them) run here: process.exit() could wait for ever on a stuck write.
      process.emit("exit", outcome.code);
      kernel.exit(outcome.code);
    },
    hurry() {
      if (ending) hurried.resolve();
    },
  };
}
