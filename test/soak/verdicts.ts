/**
 * What came of a soak: samples taken while nothing happens, the invariants that must hold between them, and the table and the
 * lines that tell it. Pure.
 */

/** Taken in the calm configuration, after a lap of load. */
export interface Sample {
  /** Seconds since the first program ran. */
  readonly at: number;
  readonly rssAnonKiB: number;
  readonly fds: number;
  readonly threads: number;
  readonly zombies: number;
  /**
   * Context switches a second of all threads while nobody asks anything, once V8 has collected what the lap left: what timers
   * are still there shows here. null: not waited for.
   */
  readonly switches: number | null;
  readonly crashes: number;
  readonly orphans: number;
  readonly lines: number;
}

export interface Verdict {
  readonly text: string;
  readonly isKept: boolean;
  /** What was found, or what is wrong. */
  readonly found: string;
}

/** Conformance 112. */
const FLAT = 0.05;
/** What an idle init may have (product promise of the row `idle`). */
export const QUIET_SWITCHES = 1;
/**
 * Below this a difference says nothing: after a collection V8 keeps every page on which one object lives, and malloc all of its
 * heap below the highest piece in use. Both depend on the moment. What leaks grows beyond it in a longer run.
 */
export const FLOOR_KIB = 8_192;
/** The same while V8 has had no time to collect: its young generation and a full `log_buffer` of all streams, 32 MB each. */
export const UNCOLLECTED_KIB = 65_536;

/** The first and the last third, at least one sample each. */
export function windows<T>(samples: readonly T[]): [first: readonly T[], last: readonly T[]] {
  const size = Math.max(1, Math.floor(samples.length / 3));
  return [samples.slice(0, size), samples.slice(-size)];
}

/**
 * Grown beyond what is allowed? Less is never wrong. The lowest of each window is looked at: what V8 has not collected yet, tens
 * of megabytes at one time and none at another, only adds to what lives.
 */
function isMemoryFlat(samples: readonly Sample[], floorKiB: number): Verdict {
  const [first, last] = windows(samples);
  const before = Math.min(...first.map(({ rssAnonKiB }) => rssAnonKiB));
  const after = Math.min(...last.map(({ rssAnonKiB }) => rssAnonKiB));
  const allowed = Math.max(FLAT * before, floorKiB);
  const all = samples.map(({ rssAnonKiB }) => rssAnonKiB);
  const range = `${samples.length} samples between ${Math.min(...all).toLocaleString("en")} and ${Math.max(...all).toLocaleString("en")}`;
  const change = `${before.toLocaleString("en")} → ${after.toLocaleString("en")} KiB`;
  return {
    text: `private memory (RssAnon) is flat (5 %, or ${floorKiB} KiB)`,
    isKept: after - before <= allowed,
    found: `${change}; ${range}`,
  };
}

/** The same number in every sample. */
function isSame(name: string, samples: readonly Sample[], value: (sample: Sample) => number): Verdict {
  const all = samples.map(value);
  return { text: `${name} are what they were`, isKept: new Set(all).size === 1, found: all.join(", ") };
}

/** Everything that can be told from the samples alone; `floorKiB`: growth of memory that says nothing. */
export function judgeSamples(samples: readonly Sample[], floorKiB: number): Verdict[] {
  const worst = (value: (sample: Sample) => number) => Math.max(...samples.map(value));
  return [
    isMemoryFlat(samples, floorKiB),
    isSame("open descriptors", samples, ({ fds }) => fds),
    isSame("threads", samples, ({ threads }) => threads),
    {
      text: "no zombie is left",
      isKept: worst(({ zombies }) => zombies) === 0,
      found: `${worst(({ zombies }) => zombies)}`,
    },
    {
      text: `no timer is left: at most ${QUIET_SWITCHES} context switch a second`,
      isKept: worst(({ switches }) => switches ?? 0) <= QUIET_SWITCHES,
      found: `at most ${worst(({ switches }) => switches ?? 0).toFixed(2)}`,
    },
  ];
}

/** A verdict about a list of things that must not have happened. */
export function noneOf(text: string, happened: readonly string[], found = "none"): Verdict {
  if (happened.length === 0) return { text, isKept: true, found };
  const more = happened.length > 5 ? ` … ${happened.length} in all` : "";
  return { text, isKept: false, found: happened.slice(0, 5).join("; ") + more };
}

export function renderVerdicts(verdicts: readonly Verdict[]): string {
  return verdicts
    .map(({ text, isKept, found }) => `${isKept ? "kept  " : "BROKEN"} ${text}: ${found}`)
    .join("\n");
}

const COLUMNS: readonly [title: string, value: (sample: Sample) => string][] = [
  ["RssAnon KiB", ({ rssAnonKiB }) => Math.round(rssAnonKiB).toLocaleString("en")],
  ["fds", ({ fds }) => String(fds)],
  ["threads", ({ threads }) => String(threads)],
  ["zombies", ({ zombies }) => String(zombies)],
  ["switches/s", ({ switches }) => switches?.toFixed(2) ?? "–"],
  ["ends of programs", ({ crashes }) => crashes.toLocaleString("en")],
  ["orphans", ({ orphans }) => orphans.toLocaleString("en")],
  ["numbered lines", ({ lines }) => lines.toLocaleString("en")],
];

/** Start, middle and end as a Markdown table. */
export function renderSamples(samples: readonly Sample[]): string {
  const shown = new Set([0, Math.floor((samples.length - 1) / 2), samples.length - 1]);
  const names = ["start", "middle", "end"];
  const rows = [...shown].flatMap((index, place) => {
    const sample = samples[index];
    if (sample === undefined) return [];
    const name = index === samples.length - 1 ? "end" : names[place];
    return [
      `| ${name}, ${sample.at.toFixed(0)} s | ${COLUMNS.map(([, value]) => value(sample)).join(" | ")} |`,
    ];
  });
  const head = `| | ${COLUMNS.map(([title]) => title).join(" | ")} |`;
  return [head, `|---${"|---".repeat(COLUMNS.length)}|`, ...rows].join("\n");
}
