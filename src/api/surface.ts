/** What the handlers of all routes work with: the daemon's control, its numbers, and what is made of them when first asked. */
import type { ProgramId } from "../core/spec.ts";
import type { Metrics, ProgramCounts, StreamNumbers, Totals } from "../observe/metrics.ts";
import type { Control } from "./control.ts";
import type { Rpc } from "./rpc.ts";
import { createRpc } from "./rpc.ts";

/** The part of the daemon's clock that is needed here. */
export interface ServerClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls `listener` once after so many milliseconds; the answer cancels it. */
  after(millis: number, listener: () => void): () => void;
}

export interface ServerDeps {
  readonly control: Control;
  readonly clock: ServerClock;
  readonly logs: {
    counters(id: ProgramId, stream: "stdout" | "stderr"): StreamNumbers;
    say(level: "error", text: string): void;
  };
  readonly totals: () => Totals;
  readonly record: (id: ProgramId) => ProgramCounts;
  /** A request that failed by a fault of ours. Left out: it is only logged. */
  readonly fault?: (where: string, error: unknown) => void;
}

export interface Surface {
  readonly control: Control;
  metrics(): Promise<Metrics>;
  rpc(): Rpc;
  fault(where: string, error: unknown): void;
}

export function createSurface(deps: ServerDeps): Surface {
  const { control, clock, logs } = deps;
  let metrics: Promise<Metrics> | null = null;
  let rpc: Rpc | null = null;
  return {
    control,
    metrics() {
      metrics ??= loadMetrics(deps);
      return metrics;
    },
    rpc() {
      rpc ??= createRpc(control, clock);
      return rpc;
    },
    fault(where, error) {
      if (deps.fault) return deps.fault(where, error);
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logs.say("error", `fault in ${where}: ${text}`);
    },
  };
}

/** Nothing of this is loaded before the first scrape. */
async function loadMetrics({ control, clock, logs, totals, record }: ServerDeps): Promise<Metrics> {
  const [{ createMetrics }, { createUsage }] = await Promise.all([
    import("../observe/metrics.ts"),
    import("../observe/usage.ts"),
  ]);
  return createMetrics({
    snapshot: () => control.snapshot(),
    counts: record,
    stream: (id, stream) => logs.counters(id, stream),
    totals,
    usage: createUsage({ clock }),
  });
}
