/** From the execution of an init to the first line of its first program. */
import { emptySea } from "../empty-sea.ts";
import { ringer, withInit } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { bar } from "../sheet.ts";
import { everyone, type System, tsinitMain } from "../systems.ts";

const ROW = "boot";
const DEADLINE_MS = 15_000;

/** An empty program has no first program: it is timed from its execution to its end. */
function emptySystem(path: string): System {
  return {
    name: "empty SEA",
    kind: "single",
    path,
    stopSignal: "SIGKILL",
    helpers: [],
    prepare: (setup) => {
      const [program] = setup.programs;
      const after = program !== undefined && "script" in program ? program.script : "";
      return ["/bin/sh", "-c", `${path}\n${after}`];
    },
  };
}

async function run(context: Context): Promise<void> {
  const systems = [...everyone, tsinitMain, emptySystem(emptySea())];
  await interleave(context, [ROW], context.quick ? 5 : 12, systems, (system) =>
    withInit(system, { programs: (bell) => [ringer("p0", bell)] }, async (running) => {
      const ring = await running.bell.wait("p0", 0, DEADLINE_MS);
      context.sheet.add(ROW, system.name, ring.at - running.startedAt);
    }),
  );
}

export const boot: Scenario = {
  id: "boot",
  rows: [
    {
      id: ROW,
      title: "boot to first exec (empty SEA: exec to end)",
      unit: "ms",
      statistic: "median",
      bars: [
        bar("≤ 1/20 supervisord", "at most", 1 / 20, "supervisord"),
        bar("≤ 1.5 × empty SEA", "at most", 1.5, "empty SEA"),
      ],
    },
  ],
  run,
};
