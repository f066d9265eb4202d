/** Probes while two programs flood the log, and a scrape with a thousand programs. */
import { openPipeline } from "../pipeline.ts";
import { call, get } from "../rpc.ts";
import { allAsleep, sleepers, withInit } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { type Program, type System, supervisord, tsinit } from "../systems.ts";
import { sleep } from "../wait.ts";
import { LINE } from "./logs.ts";

const PROBE = "probe";
const SCRAPE = "metrics-1000";
const SCRAPED_PROGRAMS = 1_000;

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

async function scrape(system: System, context: Context): Promise<void> {
  await withInit(system, { programs: () => sleepers(SCRAPED_PROGRAMS) }, async (running) => {
    await allAsleep(running, SCRAPED_PROGRAMS, 60_000);
    await sleep(2_500);
    for (let turn = 0; turn < 12; turn += 1) {
      const answer = await get(running.port, "/metrics");
      const programs = answer.body.match(/^tsinit_program_up\{/gm)?.length ?? 0;
      if (answer.status !== 200 || programs !== SCRAPED_PROGRAMS) {
        throw new Error(`/metrics: ${answer.status}, ${programs} programs`);
      }
      context.sheet.add(SCRAPE, system.name, answer.ms);
      await sleep(200);
    }
  });
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
      id: SCRAPE,
      title: "/metrics with 1,000 programs, slowest of 12",
      unit: "ms",
      statistic: "max",
      bars: [bar("< 100 ms", "less than", 100)],
    },
  ],
  run: async (context) => {
    await interleave(context, [PROBE], 1, [tsinit, supervisord], (system) =>
      probeUnderFlood(system, context),
    );
    await interleave(context, [SCRAPE], 1, [tsinit], (system) => scrape(system, context));
  },
};
