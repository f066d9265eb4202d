/**
 * Prometheus metrics: from a snapshot and the journal's counters to text. Nothing is collected between scrapes, and the loop
 * gets a turn after every few programs of a family, so that signals and exits never wait for a scrape.
 */
import type { RestartReason } from "../core/effect.ts";
import type { ProgramSnapshot, Snapshot } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import { CATALOGUE, type Family, type Scrape } from "./catalogue.ts";
import { createDefaults } from "./defaults.ts";
import { textOf } from "./labels.ts";
import { type FamilyValues, loadRegistry } from "./prom-client.ts";

export interface StreamNumbers {
  readonly lines: number;
  readonly bytes: number;
  readonly droppedBytes: number;
}

/** What one program did since tsinit started; nothing here ever gets smaller but `startDurationSeconds`. */
export interface ProgramNumbers {
  readonly id: ProgramId;
  readonly group: string;
  readonly program: string;
  readonly starts: number;
  readonly restarts: ReadonlyMap<RestartReason, number>;
  /** By exit code, or signal name. */
  readonly exits: ReadonlyMap<string, number>;
  /** Of the last start that reached RUNNING; null before the first. */
  readonly startDurationSeconds: number | null;
  readonly log: { readonly stdout: StreamNumbers; readonly stderr: StreamNumbers };
}

/** Facts of tsinit itself. Signals by name (`SIGTERM`); times in seconds since 1970. */
export interface Totals {
  readonly orphans: number;
  readonly signals: ReadonlyMap<string, number>;
  readonly faults: number;
  readonly shuttingDown: boolean;
  readonly reloadSuccessful: boolean;
  readonly reloadSuccessAt: number;
  readonly version: string;
}

/** Measured resources of a program's whole process tree. null: not known now (not running, or /proc is hidden). */
export interface Usage {
  readonly cpuSeconds: number | null;
  readonly residentBytes: number | null;
  readonly processes: number | null;
  readonly openFds: number | null;
}

export interface MetricsSource {
  snapshot(): Snapshot;
  /** The programs that exist now. */
  programs(): Iterable<ProgramNumbers>;
  totals(): Totals;
  /** Programs that are missing here have no resource metrics in this scrape. */
  usage(): Promise<ReadonlyMap<ProgramId, Usage>>;
}

export interface RenderedMetrics {
  readonly contentType: string;
  readonly body: string;
}

export interface Metrics {
  /** Text 0.0.4, or OpenMetrics 1.0.0. Requests that come while one is answered get the same answer. */
  render(openMetrics: boolean): Promise<RenderedMetrics>;
}

/** Whose series are written before the loop gets a turn: a thousand lines at most, a millisecond or two. */
const PROGRAMS_PER_TURN = 125;

export function createMetrics(source: MetricsSource): Metrics {
  const running = new Map<boolean, Promise<RenderedMetrics>>();
  const defaults = createDefaults();

  async function renderNow(openMetrics: boolean): Promise<RenderedMetrics> {
    const Registry = await loadRegistry();
    const registry = new Registry(
      openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
    );
    const usage = await source.usage().catch(() => new Map<ProgramId, Usage>());
    await nextTurn();
    const scrape = takeScrape(source, usage);
    const slices = sliceByProgram(scrape);
    const parts: string[] = [];
    const write = async (family: FamilyValues): Promise<void> => {
      // In OpenMetrics the family has the name without `_total`, and prom-client puts it back onto the samples.
      const counter = openMetrics && family.type === "counter";
      const named = counter ? { ...family, name: family.name.replace(/_total$/, "") } : family;
      parts.push(await registry.getMetricsAsString({ get: async () => named }), "\n");
    };
    for (const family of CATALOGUE) {
      const lines: string[] = [];
      for (const slice of family.labels.includes("program") ? slices : [scrape]) {
        await nextTurn();
        lines.push(renderSeries(family, slice));
      }
      if (lines.every((text) => text === "")) continue;
      await write({ ...family, values: [] });
      parts.push(...lines);
    }
    for (const family of await defaults()) if (family.values.length > 0) await write(family);
    if (openMetrics) parts.push("# EOF\n");
    return { contentType: registry.contentType, body: parts.join("") };
  }

  return {
    render(openMetrics) {
      const already = running.get(openMetrics);
      if (already) return already;
      const now = renderNow(openMetrics).finally(() => running.delete(openMetrics));
      running.set(openMetrics, now);
      return now;
    },
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function takeScrape(source: MetricsSource, usage: ReadonlyMap<ProgramId, Usage>): Scrape {
  const snapshot = source.snapshot();
  const states = new Map<ProgramId, ProgramSnapshot>(
    snapshot.programs.map((program) => [program.id, program]),
  );
  const programs = Array.from(source.programs(), (numbers) => ({
    numbers,
    state: states.get(numbers.id) ?? null,
    usage: usage.get(numbers.id) ?? null,
    labels: { group: numbers.group, program: numbers.program },
  }));
  return { programs, totals: source.totals(), nodeVersion: process.version };
}

function sliceByProgram(scrape: Scrape): Scrape[] {
  const slices: Scrape[] = [];
  for (let from = 0; from < scrape.programs.length; from += PROGRAMS_PER_TURN)
    slices.push({ ...scrape, programs: scrape.programs.slice(from, from + PROGRAMS_PER_TURN) });
  return slices;
}

/**
 * A line for each value, without prom-client: its store joins label values with `|` to find a series, and `|` may be part of
 * a name; and its formatter makes and escapes anew the labels that two dozen lines of a program share. Pieces that are joined
 * at the end leave the collector least to do, which was a third of a scrape.
 */
function renderSeries(family: Family, scrape: Scrape): string {
  const pieces: (string | number)[] = [];
  family.collect(scrape, (labels, value, more) => {
    if (value === null || !Number.isFinite(value)) return;
    const text = textOf(labels);
    if (text === "") pieces.push(family.name, " ", value, "\n");
    else if (more === undefined) pieces.push(family.name, "{", text, "} ", value, "\n");
    else pieces.push(family.name, "{", text, ",", textOf(more), "} ", value, "\n");
  });
  return pieces.join("");
}
