/** Faults of tsinit itself. One that somebody caught is dropped, counted, shown, and the programs go on. */
import type { SystemEvent } from "../core/event.ts";
import type { Level } from "../logs/logs.ts";

export interface Faults {
  /** `where`: what it was that failed. */
  fault(where: string, error: unknown): void;
  /** Nobody caught it, so nobody knows what is still right: the programs are stopped in order, then 70. */
  onUncaught(error: unknown): void;
  /** So many until now. */
  count(): number;
}

export interface FaultOptions {
  readonly say: (level: Level, text: string) => void;
  readonly submit: (event: SystemEvent) => void;
}

export function createFaults({ say, submit }: FaultOptions): Faults {
  let count = 0;

  function fault(where: string, error: unknown): void {
    count++;
    say(
      "critical",
      `fault in ${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  return {
    fault,
    onUncaught(error) {
      fault("tsinit itself", error);
      submit({ type: "fault", reason: error instanceof Error ? error.message : String(error) });
    },
    count: () => count,
  };
}
