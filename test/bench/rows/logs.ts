/** How fast lines of one program pass: steady state, counted in the program's own bytes. */
import { openPipeline } from "../pipeline.ts";
import { withInit } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { type System, supervisord, tsinit } from "../systems.ts";
import { within } from "../wait.ts";

const PREFIXED = "log-prefixed";
const RAW = "log-raw";
/** 84 bytes and the newline. */
export const LINE = "0123456789abcdefghijklmnopqrstuvwxyz ".repeat(3).slice(0, 84);
const MB = 1_000_000;
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

async function throughput(system: System, settings: readonly string[], megabytes: number): Promise<number> {
  const pipeline = openPipeline(100 * MB, megabytes * MB);
  const programs = () => [{ name: "web", script: `yes '${LINE}' | head -c 1000G` }];
  try {
    return await withInit(system, { programs, settings, stdout: pipeline.path }, async () => {
      const reading = await within(DEADLINE_MS, "reading", pipeline.reading);
      if (!reading.line.endsWith(`${LINE}\n`)) throw new Error(`unexpected line: ${reading.line}`);
      const share = (LINE.length + 1) / reading.line.length;
      return (reading.bytes * share) / MB / (reading.ms / 1000);
    });
  } finally {
    pipeline.end();
  }
}

async function run(context: Context): Promise<void> {
  const raw: System = { ...tsinit, name: "tsinit raw" };
  const systems = [
    tsinit,
    plain("cat", `yes '${LINE}' | head -c 1000G | cat`),
    supervisord,
    raw,
    plain("no init", `yes '${LINE}' | head -c 1000G`),
  ];
  const { sheet } = context;
  await interleave(context, [PREFIXED, RAW], context.quick ? 3 : 7, systems, async (system) => {
    const settings = system === raw ? ["log_format=raw"] : [];
    const rate = await throughput(system, settings, context.quick ? 600 : 1_500);
    if (system !== raw) sheet.add(PREFIXED, system.name, rate);
    if (system === raw) sheet.add(RAW, "tsinit", rate);
    else if (system !== tsinit) sheet.add(RAW, system.name, rate);
  });
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
