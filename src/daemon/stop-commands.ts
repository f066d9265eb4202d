/** `stop_command`: run beside a program that is to stop, killed when it takes too long or the program is gone. */
import { describeStatus } from "../core/describe.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Level } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";
import type { Helpers } from "./helpers.ts";

export interface StopCommands {
  /** The event: it could not be started. */
  run(spec: ProgramSpec, pid: Pid): SystemEvent | null;
  onEntry(entry: JournalEntry): void;
}

export interface StopCommandOptions {
  readonly helpers: Helpers;
  readonly clock: Clock;
  readonly submit: (event: SystemEvent) => void;
  readonly say: (level: Level, text: string) => void;
}

export function createStopCommands({ helpers, clock, submit, say }: StopCommandOptions): StopCommands {
  /** Ends those under way. */
  const running = new Map<ProgramId, () => void>();

  return {
    run(spec, pid) {
      const { id, name, stopCommand, stopwaitsecs } = spec;
      running.get(id)?.();
      const failed = (reason: string): SystemEvent => {
        say("warn", `stop_command of ${name} failed: ${reason}`);
        return { type: "stop-command-failed", id, pid, reason };
      };
      // A reload may have taken it away in the same moment.
      if (stopCommand === null) return failed("there is none");
      const started = helpers.run({
        spec,
        hook: stopCommand,
        mainPid: pid,
        output: "log",
        onEnd(status) {
          end();
          if (status.kind !== "exited" || status.code !== 0) submit(failed(describeStatus(status)));
        },
      });
      if (!started.ok) return failed(started.reason);
      const cancel = clock.after(stopwaitsecs * 1000, () => {
        say("warn", `killing the stop_command of ${name}, which has not ended within ${stopwaitsecs} s`);
        end();
      });
      const end = (): void => {
        running.delete(id);
        cancel();
        started.helper.kill();
      };
      running.set(id, end);
      return null;
    },
    onEntry(entry) {
      if (entry.type === "state" && entry.from === "STOPPING") running.get(entry.id)?.();
    },
  };
}
