/** What a scrape says, and whether counters kept their promise: they never go down while tsinit lives. */

export interface Scraped {
  /** By the whole series name, labels included. */
  readonly values: ReadonlyMap<string, number>;
  readonly counters: ReadonlySet<string>;
}

/** Prometheus' text format, as far as we write it. */
export function parseMetrics(text: string): Scraped {
  const values = new Map<string, number>();
  const counters = new Set<string>();
  let isCounter = false;
  for (const line of text.split("\n")) {
    const type = /^# TYPE \S+ (\w+)$/.exec(line)?.[1];
    if (type !== undefined) isCounter = type === "counter";
    if (line === "" || line.startsWith("#")) continue;
    const blank = line.lastIndexOf(" ");
    const series = line.slice(0, blank);
    values.set(series, Number(line.slice(blank + 1)));
    if (isCounter) counters.add(series);
  }
  return { values, counters };
}

/** The sum of a family's series. */
export function sumOf({ values }: Scraped, family: string): number {
  let sum = 0;
  for (const [series, value] of values) {
    if (series === family || series.startsWith(`${family}{`)) sum += value;
  }
  return sum;
}

export class CounterWatch {
  readonly complaints: string[] = [];
  readonly #highest = new Map<string, number>();

  /** The sum of a family's series, those included that went with their programs. */
  total(family: string): number {
    return sumOf({ values: this.#highest, counters: new Set() }, family);
  }

  /** A series may be away for a while, with its program; it comes back no lower. */
  check({ values, counters }: Scraped): void {
    for (const series of counters) {
      const value = values.get(series) ?? Number.NaN;
      const before = this.#highest.get(series) ?? 0;
      if (!(value >= before)) this.complaints.push(`${series} went from ${before} to ${value}`);
      this.#highest.set(series, value);
    }
  }
}
