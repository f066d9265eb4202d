/** What an init costs while nothing happens: private memory with one program, and wake-ups with a hundred. */
import { contextSwitches, statusNumber } from "../proc.ts";
import { allAsleep, type Running, sleepers, start } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { everyone } from "../systems.ts";
import { sleep } from "../wait.ts";

const MEMORY = "memory-1";
const WAKES = "idle";
const SETTLED_MS = 5_000;
const WINDOW_MS = 10_000;
const LONG_WINDOW_MS = 30_000;

/** RssAnon of all of an init's own processes, in KiB. */
export function privateMemory(running: Running): number {
  return running.ownProcesses().reduce((sum, pid) => sum + statusNumber(pid, "RssAnon"), 0);
}

/** Starts every system with `count` programs (single inits: one), lets them settle side by side, then looks. */
async function sideBySide(
  context: Context,
  row: string,
  count: number,
  look: (fleet: readonly Running[]) => Promise<void>,
): Promise<void> {
  const fleet: Running[] = [];
  try {
    await interleave(context, [row], 1, everyone, async (system) => {
      const own = system.kind === "single" ? 1 : count;
      const running = await start(system, { programs: () => sleepers(own) });
      fleet.push(running);
      await allAsleep(running, own);
    });
    await sleep(SETTLED_MS);
    await look(fleet);
  } finally {
    for (const running of fleet) await running.end();
  }
}

function switches(running: Running): number {
  return running.ownProcesses().reduce((sum, pid) => sum + contextSwitches(pid), 0);
}

async function run(context: Context): Promise<void> {
  const { sheet } = context;
  for (let round = 0; round < (context.quick ? 1 : 3); round += 1) {
    await sideBySide(context, MEMORY, 1, async (fleet) => {
      for (const running of fleet) sheet.add(MEMORY, running.system.name, privateMemory(running));
    });
  }
  await sideBySide(context, WAKES, 100, async (fleet) => {
    const before = fleet.map(switches);
    const since = performance.now();
    await sleep(context.quick ? WINDOW_MS : LONG_WINDOW_MS);
    const seconds = (performance.now() - since) / 1000;
    for (const [index, running] of fleet.entries()) {
      sheet.add(WAKES, running.system.name, (switches(running) - (before[index] ?? 0)) / seconds);
    }
  });
}

export const idle: Scenario = {
  id: "idle",
  rows: [
    {
      id: MEMORY,
      title: "RssAnon of the init with 1 program (sum of its processes)",
      unit: "KiB",
      statistic: "median",
      bars: [bar("≤ 0.8 × supervisord", "at most", 0.8, "supervisord")],
    },
    {
      id: WAKES,
      title: "context switches a second with 100 idle programs (single inits: 1)",
      unit: "/s",
      statistic: "median",
      bars: [bar("≤ 1/s", "at most", 1)],
    },
  ],
  run,
};
