/** From the SIGKILL of a RUNNING program to the first line of its successor. */
import { descendants, innerPid } from "../proc.ts";
import { type Running, ringer, start } from "../run.ts";
import { type Context, guard, interleave, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { supervisors } from "../systems.ts";
import { sleep } from "../wait.ts";

const ROW = "restart";
const PROGRAMS = 8;
/** Past every system's start-up second, supervisord's one-second tick included. */
const SETTLED_MS = 2_500;
const DEADLINE_MS = 15_000;
const SAMPLES_A_ROUND = 2;

/** Kills program `name`, once it is as old as that, and returns the milliseconds until it rings again. */
export async function crash(running: Running, name: string, settledMs = SETTLED_MS): Promise<number> {
  const last = running.bell.rings.findLast((ring) => ring.words[0] === name);
  const inner = Number(last?.words[1]);
  const target = descendants(running.pid).find((pid) => innerPid(pid) === inner);
  if (last === undefined || target === undefined) throw new Error(`${name} is not there`);
  const age = performance.now() - last.at;
  if (age < settledMs) await sleep(settledMs - age);
  const from = running.bell.rings.length;
  const since = performance.now();
  process.kill(target, "SIGKILL");
  const ring = await running.bell.wait(name, from, DEADLINE_MS);
  return ring.at - since;
}

async function run(context: Context): Promise<void> {
  const fleet = new Map<string, Running>();
  const names = Array.from({ length: PROGRAMS }, (_, index) => `p${index}`);
  try {
    await interleave(context, [ROW], 1, supervisors, async (system) => {
      const running = await start(system, { programs: (bell) => names.map((name) => ringer(name, bell)) });
      fleet.set(system.name, running);
      for (const name of names) await running.bell.wait(name, 0, DEADLINE_MS);
    });
    // All systems live side by side and take turns; a program's turn comes round only when it is settled.
    const rounds = context.quick ? 4 : 16;
    for (let round = 0; round < rounds; round += 1) {
      for (const [system, running] of fleet) {
        await guard(context, [ROW], system, async () => {
          for (let turn = 0; turn < SAMPLES_A_ROUND; turn += 1) {
            const name = `p${(round * SAMPLES_A_ROUND + turn) % PROGRAMS}`;
            context.sheet.add(ROW, system, await crash(running, name));
            // Not in step with anybody's tick.
            await sleep(Math.random() * 100);
          }
        });
      }
    }
  } finally {
    for (const running of fleet.values()) await running.end();
  }
}

export const restart: Scenario = {
  id: "restart",
  rows: [
    {
      id: ROW,
      title: "crash of a RUNNING program to its next exec",
      unit: "ms",
      statistic: "median",
      bars: [
        bar("≤ 1/100 supervisord", "at most", 1 / 100, "supervisord"),
        bar("≤ 3 × runit", "at most", 3, "runit"),
      ],
    },
  ],
  run,
};
