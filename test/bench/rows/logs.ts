/** How fast lines of one program pass: steady state, counted in the program's own bytes. */
import { openPipeline } from "../pipeline.ts";
import { withInit } from "../run.ts";
import { type Context, interleave, leaveOut, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { pm2, pm2Prefixed, runit, type System, s6, supervisord, tsinit } from "../systems.ts";
import { within } from "../wait.ts";

const PREFIXED = "log-prefixed";
const RAW = "log-raw";
/** 84 bytes and the newline. */
export const LINE = "0123456789abcdefghijklmnopqrstuvwxyz ".repeat(3).slice(0, 84);
const MB = 1_000_000;
const WARM_MB = 100;
const DEADLINE_MS = 60_000;

/** The same pipeline without an init: a shell as PID 1. */
function plain(name: string, command: string): System {
  return {
    name,
    kind: "single",
    path: "/bin/sh",
    stopSignal: "SIGKILL",
    helpers: [],
    prepare: () => ["/bin/sh", "-c", command],
  };
}

/**
 * pm2-runtime reads on when its output is slower, and holds the rest in memory without bound: it gets a twentieth of the
 * bytes, from a program that writes no more than that.
 */
function isUnbounded(system: System): boolean {
  return system.name === pm2.name;
}

async function throughput(system: System, settings: readonly string[], megabytes: number): Promise<number> {
  const share = isUnbounded(system) ? 1 / 20 : 1;
  const [warm, timed] = [WARM_MB * share * MB, megabytes * share * MB];
  const pipeline = openPipeline(warm, timed);
  // Prefixes only add to it, so that the reader gets its bytes in any case.
  const limit = isUnbounded(system) ? String(warm + timed + MB) : "1000G";
  const script = `yes '${LINE}' | head -c ${limit}\nexec sleep 100000`;
  const programs = () => [{ name: "web", script }];
  try {
    return await withInit(system, { programs, settings, stdout: pipeline.path }, async () => {
      const reading = await within(DEADLINE_MS, "reading", pipeline.reading);
      if (!reading.line.endsWith(`${LINE}\n`)) throw new Error(`unexpected line: ${reading.line}`);
      return (reading.bytes * ((LINE.length + 1) / reading.line.length)) / MB / (reading.ms / 1000);
    });
  } finally {
    pipeline.end();
  }
}

async function run(context: Context): Promise<void> {
  const raw: System = { ...tsinit, name: "tsinit raw" };
  const baselines = [
    plain("cat", `yes '${LINE}' | head -c 1000G | cat`),
    plain("no init", `yes '${LINE}' | head -c 1000G`),
  ];
  leaveOut(context, [PREFIXED, RAW], "programs write to the output themselves", [runit, s6]);
  const systems = [tsinit, supervisord, raw, pm2Prefixed, pm2, ...baselines];
  await interleave(context, [PREFIXED, RAW], context.quick ? 3 : 7, systems, async (system) => {
    const settings = system === raw ? ["log_format=raw"] : [];
    const rate = await throughput(system, settings, context.quick ? 600 : 1_500);
    const name = system === raw ? tsinit.name : system.name;
    for (const row of [PREFIXED, RAW]) if (isIn(row, system, raw)) context.sheet.add(row, name, rate);
  });
}

/** Whoever can do either is in the row of what it did; the others, who know no prefixes, are in both. */
function isIn(row: string, system: System, raw: System): boolean {
  if (system === tsinit || system === pm2Prefixed) return row === PREFIXED;
  return system === raw || system === pm2 ? row === RAW : true;
}

export const logs: Scenario = {
  id: "logs",
  rows: [
    {
      id: PREFIXED,
      title: "log throughput of one program, 85-byte lines, prefixed (supervisord: raw copy)",
      unit: "MB/s",
      statistic: "median",
      bars: [
        bar("≥ 1.0 × cat", "at least", 1, "cat"),
        bar("≥ 0.9 × supervisord", "at least", 0.9, "supervisord"),
      ],
    },
    {
      id: RAW,
      title: "the same with log_format=raw",
      unit: "MB/s",
      statistic: "median",
      bars: [bar("≥ 1.0 × supervisord", "at least", 1, "supervisord")],
    },
  ],
  run,
};
