/** Thousands of orphans that end at the same moment: how many zombies are left a moment later. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { children } from "../proc.ts";
import { type Running, withInit } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { makeFifo } from "../scratch.ts";
import { bar, type Row } from "../sheet.ts";
import { gateOf, stormProgram } from "../storm.ts";
import { everyone } from "../systems.ts";
import { sleep, until } from "../wait.ts";
import { runStatuses, statusRow } from "./statuses.ts";

const DEADLINE_MS = 60_000;
/** Longer than this nobody waits for a slow reaper. */
const CAP_MS = 3_000;

type Storm = {
  readonly count: number;
  readonly afterMs: number;
  readonly left: string;
  readonly time: string;
};
const storms: readonly Storm[] = [
  { count: 2_000, afterMs: 100, left: "orphans-2000", time: "orphans-2000-time" },
  { count: 5_000, afterMs: 250, left: "orphans-5000", time: "orphans-5000-time" },
];

/** True once nobody reads the fifo any more, which is when the last orphan has ended. */
function hasNoReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return false;
  } catch {
    return true;
  }
}

async function letGo(running: Running, storm: Storm, context: Context): Promise<void> {
  const gate = gateOf(running.bell.path);
  const handle = await open(gate, "w");
  try {
    await running.bell.wait("forked", 0, DEADLINE_MS);
    await until("adoption of all orphans", DEADLINE_MS, () => children(running.pid).length > storm.count, 10);
    const released = performance.now();
    writeSync(handle.fd, "\n".repeat(storm.count));
    await until("end of all orphans", DEADLINE_MS, () => hasNoReader(gate), 1);
    const ended = performance.now();
    // The program and, for some systems, a helper remain.
    const isClean = (): boolean => children(running.pid).length <= 1;
    const cap = new Promise<number>((resolve) => setTimeout(() => resolve(CAP_MS), CAP_MS).unref());
    const gone = Promise.race([until("a clean table", CAP_MS * 2, isClean, 2, released), cap]).catch(
      () => CAP_MS,
    );
    await sleep(storm.afterMs - (performance.now() - ended));
    context.sheet.add(storm.left, running.system.name, Math.max(0, children(running.pid).length - 1));
    context.sheet.add(storm.time, running.system.name, await gone);
  } finally {
    await handle.close();
  }
}

async function run(context: Context): Promise<void> {
  for (const storm of storms) {
    await interleave(context, [storm.left, storm.time], context.quick ? 1 : 4, everyone, (system) =>
      withInit(
        system,
        {
          programs: (bell) => {
            makeFifo(gateOf(bell));
            return [stormProgram(bell, storm.count)];
          },
        },
        (running) => letGo(running, storm, context),
      ),
    );
  }
}

function rowsOf(storm: Storm): Row[] {
  const count = storm.count.toLocaleString("en");
  return [
    {
      id: storm.left,
      title: `${count} orphans end at once: zombies ${storm.afterMs} ms after the last`,
      unit: "",
      statistic: "max",
      bars: [bar("none left", "at most", 0)],
    },
    {
      id: storm.time,
      title: `the same: release to a clean table (capped at ${CAP_MS} ms)`,
      unit: "ms",
      statistic: "median",
      bars: [],
    },
  ];
}

export const orphans: Scenario = {
  id: "orphans",
  rows: [...storms.flatMap(rowsOf), statusRow],
  run: async (context) => {
    await run(context);
    await runStatuses(context);
  },
};
