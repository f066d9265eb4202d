/** While two programs flood the log: how long a probe takes, and whether a third program still gets its lines out. */
import { openPipeline, openTickPipeline } from "../pipeline.ts";
import { call, get } from "../rpc.ts";
import { withInit } from "../run.ts";
import { type Context, interleave, leaveOut, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { type Program, pm2, runit, type System, s6, supervisord, tsinit } from "../systems.ts";
import { sleep, within } from "../wait.ts";
import { LINE } from "./logs.ts";

const PROBE = "probe";
const THIRD = "third";
const THIRD_MS = 120_000;

const floods: Program[] = ["web", "worker"].map((name) => ({ name, script: `exec yes '${LINE}'` }));

async function probeUnderFlood(system: System, context: Context): Promise<void> {
  const pipeline = openPipeline(0, Number.MAX_SAFE_INTEGER);
  try {
    await withInit(system, { programs: () => floods, stdout: pipeline.path }, async (running) => {
      // Past every start-up; the flood is on.
      await sleep(2_500);
      for (let turn = 0; turn < (context.quick ? 200 : 600); turn += 1) {
        const answer =
          system === tsinit
            ? await get(running.port, "/livez")
            : await call(running.socket, "supervisor.getState");
        if (answer.status !== 200) throw new Error(`/livez: ${answer.status} ${answer.body}`);
        context.sheet.add(PROBE, system.name, answer.ms);
        await sleep(10);
      }
    });
  } finally {
    pipeline.end();
  }
}

/** How late a line of a third program comes that writes one every 50 ms, while the two flood. */
async function thirdUnderFlood(system: System, context: Context): Promise<void> {
  const pipeline = openTickPipeline(context.quick ? 200 : 800);
  const ticker: Program = {
    name: "third",
    command: [process.execPath, new URL("../ticker.ts", import.meta.url).pathname],
  };
  try {
    await withInit(system, { programs: () => [...floods, ticker], stdout: pipeline.path }, async () => {
      const ages = await within(THIRD_MS, "lines of the third program", pipeline.reading);
      for (const age of ages) context.sheet.add(THIRD, system.name, age);
    });
  } finally {
    pipeline.end();
  }
}

async function run(context: Context): Promise<void> {
  leaveOut(context, [PROBE], "no probe to ask", [runit, s6]);
  leaveOut(context, [THIRD], "programs write to the output themselves", [runit, s6]);
  leaveOut(context, [PROBE, THIRD], "holds what it cannot write without bound", [pm2]);
  const rounds = context.quick ? 1 : 3;
  const both = [tsinit, supervisord];
  await interleave(context, [PROBE], rounds, both, (system) => probeUnderFlood(system, context));
  await interleave(context, [THIRD], rounds, both, (system) => thirdUnderFlood(system, context));
}

export const probes: Scenario = {
  id: "probes",
  rows: [
    {
      id: PROBE,
      title: "/livez while two programs flood the log, p99 (supervisord: getState)",
      unit: "ms",
      statistic: "p99",
      bars: [bar("< 25 ms", "less than", 25)],
    },
    {
      id: THIRD,
      title: "a line of a third program while two flood: from its writing to the reader, p99",
      unit: "ms",
      statistic: "p99",
      bars: [bar("< 25 ms", "less than", 25)],
    },
  ],
  run,
};
