/** Fifty and five hundred programs: spawned, asked about, held in memory, stopped. */
import { call } from "../rpc.ts";
import { allAsleep, type Running, sleepers, withInit } from "../run.ts";
import { type Context, interleave, leaveOut, type Scenario } from "../scenario.ts";
import { bar, type Row } from "../sheet.ts";
import { pm2, runit, s6, supervisord, supervisors, tsinit } from "../systems.ts";
import { sleep } from "../wait.ts";
import { privateMemory } from "./idle.ts";

const UP_50 = "up-50";
const UP_500 = "up-500";
const STATUS = "status-500";
const MEMORY = "memory-500";
const STOP = "stop-500";
const SETTLED_MS = 3_000;
const DEADLINE_MS = 120_000;

async function askStatus(running: Running, context: Context): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    const answer = await call(running.socket, "supervisor.getAllProcessInfo");
    const count = answer.body.split("<name>statename</name>").length - 1;
    if (count !== 500) throw new Error(`getAllProcessInfo told of ${count} programs`);
    context.sheet.add(STATUS, running.system.name, answer.ms);
  }
}

async function run(context: Context): Promise<void> {
  const { sheet } = context;
  const times = context.quick ? 1 : 3;
  leaveOut(context, [STATUS], "no status by RPC", [runit, s6]);
  leaveOut(context, [STATUS], "an RPC of its own, no XML-RPC", [pm2]);
  await interleave(context, [UP_50], 3, supervisors, (system) =>
    withInit(system, { programs: () => sleepers(50) }, async (running) => {
      sheet.add(UP_50, system.name, await allAsleep(running, 50));
    }),
  );
  await interleave(context, [UP_500, STATUS, MEMORY, STOP], times, supervisors, (system) =>
    withInit(system, { programs: () => sleepers(500) }, async (running) => {
      sheet.add(UP_500, system.name, await allAsleep(running, 500));
      await sleep(SETTLED_MS);
      // Before the first question, which would load the control surface.
      sheet.add(MEMORY, system.name, privateMemory(running));
      if (system === tsinit || system === supervisord) await askStatus(running, context);
      sheet.add(STOP, system.name, await running.stop(DEADLINE_MS));
    }),
  );
}

function row(id: string, title: string, unit: string, text: string, limit: number): Row {
  return { id, title, unit, statistic: "median", bars: [bar(text, "at most", limit, "supervisord")] };
}

export const fleet: Scenario = {
  id: "fleet",
  rows: [
    row(UP_50, "exec of the init to the exec of the 50th program", "ms", "≤ 1/10 supervisord", 1 / 10),
    row(UP_500, "the same, 500 programs", "ms", "≤ 1/4 supervisord", 1 / 4),
    row(STATUS, "getAllProcessInfo of 500 over the unix socket", "ms", "≤ 1/4 supervisord", 1 / 4),
    row(MEMORY, "RssAnon of the init with 500 programs", "KiB", "≤ 1.0 × supervisord", 1),
    row(STOP, "stop signal to the end of the namespace, 500 programs", "ms", "≤ 1/4 supervisord", 1 / 4),
  ],
  run,
};
