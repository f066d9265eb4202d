/**
 * npm run soak -- [MINUTES]: the endurance test of the built tsinit (conformance 112). Ten minutes when not given.
 *   --seed N     a run's seed is printed; with it the same things are done again (what meets what is up to the machine)
 *   --json FILE  where the samples go (dist/soak.json)
 * Exit code 1 if an invariant is broken, 2 if the soak itself could not go on.
 */
import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";
import { renderSamples, renderVerdicts } from "./verdicts.ts";

/** Of load. */
const LAP_SECONDS = 40;
/** V8 begins half a minute after its last collection, when nothing happens, and needs two or three rounds. */
const COLLECT_SECONDS = 45;
/** What the end of a lap and the way to calm take besides. */
const OTHER_SECONDS = 15;
const WARM_LAPS = 2;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: String(randomInt(2 ** 31)) },
      json: { type: "string", default: new URL("../../dist/soak.json", import.meta.url).pathname },
    },
  });
  const minutes = Number(positionals[0] ?? "10");
  const seed = Number(values.seed);
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error("npm run soak -- [MINUTES] [--seed N]");
  const laps = Math.max(
    2,
    Math.round(
      (minutes * 60 - WARM_LAPS * (LAP_SECONDS + OTHER_SECONDS)) /
        (LAP_SECONDS + COLLECT_SECONDS + OTHER_SECONDS),
    ),
  );
  process.stdout.write(`seed ${seed}, ${laps} laps after those that warm up\n`);
  const began = performance.now();
  const say = (text: string): void => {
    process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s] ${text}\n`);
  };
  const { samples, verdicts, turns } = await soak({
    seed,
    lapSeconds: LAP_SECONDS,
    warmLaps: WARM_LAPS,
    laps,
    collectSeconds: COLLECT_SECONDS,
    say,
  });
  writeFileSync(values.json, `${JSON.stringify({ seed, samples, verdicts, turns: [...turns] }, null, 1)}\n`);
  process.stdout.write(`\n${renderSamples(samples)}\n\n${renderVerdicts(verdicts)}\n`);
  return verdicts.every(({ isKept }) => isKept) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`soak: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
