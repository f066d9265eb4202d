/**
 * npm run bench: tsinit beside the inits that this machine has. Only ratios within one run mean anything.
 *   --only ID    a scenario or a row; may be given several times
 *   --quick      fewer repetitions
 *   --json FILE  where the samples go (dist/bench.json)
 *   --strict     exit 1 if a bar is missed; otherwise only if tsinit could not be measured
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { boot } from "./rows/boot.ts";
import { fleet } from "./rows/fleet.ts";
import { idle } from "./rows/idle.ts";
import { logs } from "./rows/logs.ts";
import { orphans } from "./rows/orphans.ts";
import { probes } from "./rows/probes.ts";
import { restart } from "./rows/restart.ts";
import { guard, type Scenario } from "./scenario.ts";
import { cleanUp } from "./scratch.ts";
import { type Result, Sheet } from "./sheet.ts";
import { renderJson, renderTable } from "./table.ts";

const scenarios: readonly Scenario[] = [boot, restart, orphans, idle, logs, fleet, probes];

function choose(only: readonly string[]): readonly Scenario[] {
  const known = scenarios.flatMap(({ id, rows }) => [id, ...rows.map((row) => row.id)]);
  const unknown = only.filter((id) => !known.includes(id));
  if (unknown.length > 0)
    throw new Error(`no row ${unknown.join(", ")}; there are ${[...new Set(known)].join(", ")}`);
  if (only.length === 0) return scenarios;
  return scenarios.filter(({ id, rows }) => only.includes(id) || rows.some((row) => only.includes(row.id)));
}

async function measure(chosen: readonly Scenario[], quick: boolean): Promise<Result[]> {
  const sheet = new Sheet();
  const began = performance.now();
  for (const scenario of chosen) {
    const say = (text: string): void => {
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      process.stderr.write(`[${seconds.padStart(3)} s] ${scenario.id}: ${text}\n`);
    };
    say("begins");
    const context = { sheet, quick, say };
    const rows = scenario.rows.map((row) => row.id);
    await guard(context, rows, "tsinit", () => scenario.run(context));
  }
  return chosen.flatMap(({ rows }) => rows.map((row) => sheet.result(row)));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      json: { type: "string", default: new URL("../../dist/bench.json", import.meta.url).pathname },
      strict: { type: "boolean", default: false },
    },
  });
  const results = await measure(choose(values.only), values.quick);
  const facts = { kernel: release(), node: process.version, cpus: cpus().length, quick: values.quick };
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, renderJson(results, facts));
  process.stdout.write(renderTable(results));
  const unmeasured = results.some(({ values: systems }) => systems.get("tsinit")?.failure !== null);
  const missed = results.some(({ verdicts }) => verdicts.some(({ met }) => met === false));
  return unmeasured || (values.strict && missed) ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    cleanUp();
    process.exit(130);
  });
}
process.on("exit", cleanUp);
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 2;
}
