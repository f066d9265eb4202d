/**
 * Prometheus metrics: from a snapshot and the journal's counters to text. Nothing is collected between scrapes, and the loop
 * gets a turn after every few programs of a family, so that signals and exits never wait for a scrape.
 */
import type { RestartReason } from "../core/effect.ts";
import type { ProgramSnapshot, Snapshot } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import { type Body, createBodies } from "./body.ts";
import { CATALOGUE, type InitFamily, type ProgramFamily, type ScrapedProgram } from "./catalogue.ts";
import { createDefaults } from "./defaults.ts";
import { labelText } from "./lines.ts";
import { nextTurn } from "./proc.ts";
import { type FamilyValues, loadRegistry, type Registry } from "./prom-client.ts";

export interface StreamNumbers {
  readonly lines: number;
  readonly bytes: number;
  readonly droppedBytes: number;
}

/** What one program did since tsinit started; nothing here ever gets smaller but `startDurationSeconds`. */
export interface ProgramCounts {
  readonly starts: number;
  readonly restarts: ReadonlyMap<RestartReason, number>;
  /** By exit code, or signal name. */
  readonly exits: ReadonlyMap<string, number>;
  /** Of the last start that reached RUNNING; null before the first. */
  readonly startDurationSeconds: number | null;
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

/** A program and the pid of its main process; 0: none. */
export interface Root {
  readonly id: ProgramId;
  readonly pid: number;
}

export interface MetricsSource {
  /** The programs that exist now. */
  snapshot(): Snapshot;
  counts(id: ProgramId): ProgramCounts;
  stream(id: ProgramId, stream: "stdout" | "stderr"): StreamNumbers;
  totals(): Totals;
  /** `programs` is asked if it is time to measure. Who is missing in the answer has no resource metrics in this scrape. */
  usage(programs: () => readonly Root[]): Promise<ReadonlyMap<ProgramId, Usage>>;
}

export interface RenderedMetrics {
  readonly contentType: string;
  readonly body: Buffer;
  /** To be called once by each who asked, when the body is not needed any more: its memory becomes that of another one. */
  release(): void;
}

export interface Metrics {
  /** Text 0.0.4, or OpenMetrics 1.0.0. Requests that come while one is answered get the same answer. */
  render(openMetrics: boolean): Promise<RenderedMetrics>;
}

/** Whose series are written before the loop gets a turn: a thousand lines at most, half a millisecond. */
const PROGRAMS_PER_TURN = 125;

/** About as long as the lines of one are, and those of tsinit itself. */
const PROGRAM_BYTES = 2_100;
const OWN_BYTES = 10_000;

/** An answer that is being made, and how many asked for it. */
interface Asked {
  askers: number;
  readonly answer: Promise<RenderedMetrics>;
}

export function createMetrics(source: MetricsSource): Metrics {
  const running = new Map<boolean, Asked>();
  const bodies = createBodies();
  const defaults = createDefaults();
  let lastBytes = 0;

  async function renderNow(openMetrics: boolean): Promise<Omit<RenderedMetrics, "release">> {
    const Registry = await loadRegistry();
    const registry = new Registry(
      openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
    );
    const { programs } = source.snapshot();
    const usage = await source.usage(() => programs.map(rootOf)).catch(() => new Map<ProgramId, Usage>());
    const slices = await scrapeInTurns(source, programs, usage);
    const body = bodies.create(lastBytes || OWN_BYTES + programs.length * PROGRAM_BYTES);
    await writeCatalogue(body, registry, slices, source.totals());
    for (const family of await defaults())
      if (family.values.length > 0) body.write(await renderFamily(registry, family));
    if (openMetrics) body.write("# EOF\n");
    const bytes = body.end();
    lastBytes = bytes.length;
    return { contentType: registry.contentType, body: bytes };
  }

  function begin(openMetrics: boolean): Asked {
    const answer = renderNow(openMetrics)
      .then((rendered) => ({
        ...rendered,
        release() {
          asked.askers--;
          if (asked.askers === 0) bodies.release(rendered.body);
        },
      }))
      .finally(() => running.delete(openMetrics));
    const asked: Asked = { askers: 0, answer };
    running.set(openMetrics, asked);
    return asked;
  }

  return {
    render(openMetrics) {
      const asked = running.get(openMetrics) ?? begin(openMetrics);
      asked.askers++;
      return asked.answer;
    },
  };
}

/** A program that is being stopped may have lost its main process while others of its group live on. */
function rootOf({ id, pid, state }: ProgramSnapshot): Root {
  return { id, pid: state.name === "STOPPING" ? state.pid : pid };
}

async function scrapeInTurns(
  source: MetricsSource,
  programs: readonly ProgramSnapshot[],
  usage: ReadonlyMap<ProgramId, Usage>,
): Promise<ScrapedProgram[][]> {
  const slices: ScrapedProgram[][] = [];
  for (let from = 0; from < programs.length; from += PROGRAMS_PER_TURN) {
    await nextTurn();
    const slice = programs.slice(from, from + PROGRAMS_PER_TURN).map(
      (state): ScrapedProgram => ({
        state,
        counts: source.counts(state.id),
        stdout: source.stream(state.id, "stdout"),
        stderr: source.stream(state.id, "stderr"),
        usage: usage.get(state.id) ?? null,
        labels: `${labelText("group", state.spec.group)},${labelText("program", state.spec.name)}`,
      }),
    );
    slices.push(slice);
  }
  return slices;
}

async function writeCatalogue(
  body: Body,
  registry: Registry,
  slices: readonly (readonly ScrapedProgram[])[],
  totals: Totals,
): Promise<void> {
  for (const family of CATALOGUE) {
    const head = await renderFamily(registry, { ...family, values: [] });
    if ("ofInit" in family) {
      body.write(head + renderOwn(family, totals));
      continue;
    }
    let isEmpty = true;
    for (const slice of slices) {
      await nextTurn();
      const text = renderPrograms(family, slice);
      if (text === "") continue;
      body.write(isEmpty ? head + text : text);
      isEmpty = false;
    }
  }
}

/** Its HELP and TYPE, and what values it has, by prom-client. */
async function renderFamily(registry: Registry, family: FamilyValues): Promise<string> {
  // In OpenMetrics the family has the name without `_total`, and prom-client puts it back onto the samples.
  const isCounter =
    registry.contentType.startsWith("application/openmetrics-text") && family.type === "counter";
  const named = isCounter ? { ...family, name: family.name.replace(/_total$/, "") } : family;
  return `${await registry.getMetricsAsString({ get: async () => named })}\n`;
}

/**
 * The lines of our own, without prom-client: its store joins label values with `|` to find a series, and `|` may be part of
 * a name; and its formatter makes and escapes anew the labels that two dozen lines of a program share.
 */
function renderPrograms({ name, ofProgram }: ProgramFamily, programs: readonly ScrapedProgram[]): string {
  const begin = `${name}{`;
  const texts: string[] = [];
  for (const program of programs) {
    const found = ofProgram(program, name);
    if (typeof found === "string") texts.push(found);
    else if (found !== null && Number.isFinite(found)) texts.push(`${begin}${program.labels}} ${found}\n`);
  }
  return texts.join("");
}

function renderOwn({ name, ofInit }: InitFamily, totals: Totals): string {
  return ofInit(totals)
    .map(([labels, value]) => (labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`))
    .join("");
}
