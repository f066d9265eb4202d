/** `stop_command`: run beside a program that is to stop, killed when the signals' turn has come or the program is gone. */
import { describeStatus } from "../core/describe.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import type { HookSpec, ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid, ProgramState } from "../core/states.ts";
import type { Level } from "../logs/logs.ts";
import type { Helpers } from "./helpers.ts";

export interface StopCommands {
  /** `spec`: what the process was made from. The event: it could not be started. */
  run(spec: ProgramSpec, hook: HookSpec, pid: Pid): SystemEvent | null;
  /** The program is sent a signal. */
  onKill(id: ProgramId): void;
  onEntry(entry: JournalEntry): void;
}

export interface StopCommandOptions {
  readonly helpers: Helpers;
  readonly stateOf: (id: ProgramId) => ProgramState | null;
  readonly submit: (event: SystemEvent) => void;
  readonly say: (level: Level, text: string) => void;
}

export function createStopCommands({ helpers, stateOf, submit, say }: StopCommandOptions): StopCommands {
  /** How to kill those under way. */
  const running = new Map<ProgramId, () => void>();

  function end(id: ProgramId): boolean {
    const kill = running.get(id);
    running.delete(id);
    kill?.();
    return kill !== undefined;
  }

  return {
    run(spec, hook, pid) {
      const { id, name } = spec;
      end(id);
      const failed = (reason: string): SystemEvent => {
        say("warn", `stop_command of ${name} failed: ${reason}`);
        return { type: "stop-command-failed", id, pid, reason };
      };
      const started = helpers.run({
        spec,
        hook,
        mainPid: pid,
        output: "log",
        onEnd(status) {
          running.delete(id);
          if (status.kind !== "exited" || status.code !== 0) submit(failed(describeStatus(status)));
        },
      });
      if (!started.ok) return failed(started.reason);
      running.set(id, () => started.helper.kill());
      return null;
    },
    onKill(id) {
      const state = stateOf(id);
      // Not the stop's own signal but one that an operator asked for.
      if (state?.name === "STOPPING" && state.signalsSent === 0) return;
      if (end(id)) say("warn", `killing the stop_command of ${nameOf(id)}, which has not ended in time`);
    },
    onEntry(entry) {
      if (entry.type === "state" && entry.from === "STOPPING") end(entry.id);
    },
  };
}

function nameOf(id: ProgramId): string {
  return id.slice(id.lastIndexOf(":") + 1);
}
