/** The results: samples by row and system, the bars they are held against, and what comes of it. */
import { median, percentile } from "./stats.ts";

export type Statistic = "median" | "p99" | "max";

/** A promise of the product: tsinit's value against another system's times `limit`, or against `limit` itself. */
export type Bar = {
  readonly text: string;
  readonly against: string | null;
  readonly sense: "at most" | "at least" | "less than";
  readonly limit: number;
};

export type Row = {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly statistic: Statistic;
  readonly bars: readonly Bar[];
};

export type Value = {
  readonly value: number;
  readonly samples: readonly number[];
  readonly failure: string | null;
};

export type Verdict = {
  readonly bar: string;
  /** tsinit's value divided by the other's; the value itself for an absolute bar; null if not measured. */
  readonly ratio: number | null;
  readonly met: boolean | null;
};

export type Result = {
  readonly row: Row;
  readonly values: ReadonlyMap<string, Value>;
  /** Systems that cannot do this at all, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly verdicts: readonly Verdict[];
};

/** A shorthand for rows: "at most `limit` × `against`", or absolute when `against` is null. */
export function bar(text: string, sense: Bar["sense"], limit: number, against: string | null = null): Bar {
  return { text, sense, limit, against };
}

function summarise(samples: readonly number[], statistic: Statistic): number {
  if (statistic === "median") return median(samples);
  return statistic === "p99" ? percentile(samples, 0.99) : Math.max(...samples);
}

/** Holds tsinit's value against one bar. */
function judge(one: Bar, values: ReadonlyMap<string, Value>): Verdict {
  const own = values.get("tsinit")?.value ?? Number.NaN;
  const other = one.against === null ? 1 : (values.get(one.against)?.value ?? Number.NaN);
  const ratio = own / other;
  if (Number.isNaN(ratio)) return { bar: one.text, ratio: null, met: null };
  const met =
    one.sense === "at least"
      ? ratio >= one.limit
      : one.sense === "at most"
        ? ratio <= one.limit
        : ratio < one.limit;
  return { bar: one.text, ratio, met };
}

function inner<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const found = map.get(key) ?? new Map<string, T>();
  map.set(key, found);
  return found;
}

export class Sheet {
  readonly #samples = new Map<string, Map<string, number[]>>();
  readonly #failures = new Map<string, Map<string, string>>();
  readonly #leftOut = new Map<string, Map<string, string>>();

  add(row: string, system: string, sample: number): void {
    const systems = inner(this.#samples, row);
    const samples = systems.get(system);
    if (samples === undefined) systems.set(system, [sample]);
    else samples.push(sample);
  }

  /** Notes that a system could not be measured; the first reason is kept, and samples already taken stay. */
  fail(row: string, system: string, reason: string): void {
    const systems = inner(this.#failures, row);
    if (!systems.has(system)) systems.set(system, reason);
  }

  /** Notes that a system has no such thing as the row measures: no failure, but said by name. */
  leaveOut(row: string, system: string, reason: string): void {
    inner(this.#leftOut, row).set(system, reason);
  }

  result(row: Row): Result {
    const values = new Map<string, Value>();
    const samples = this.#samples.get(row.id) ?? new Map<string, number[]>();
    const failures = this.#failures.get(row.id) ?? new Map<string, string>();
    for (const system of new Set([...samples.keys(), ...failures.keys()])) {
      const own = samples.get(system) ?? [];
      const value = own.length === 0 ? Number.NaN : summarise(own, row.statistic);
      values.set(system, { value, samples: own, failure: failures.get(system) ?? null });
    }
    const leftOut = this.#leftOut.get(row.id) ?? new Map<string, string>();
    return { row, values, leftOut, verdicts: row.bars.map((one) => judge(one, values)) };
  }
}
