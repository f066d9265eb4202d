/**
 * npm run bench: tsinit beside the inits that this machine has. Only ratios within one run mean anything.
 *   --only ID    a scenario or a row; may be given several times
 *   --quick      fewer repetitions
 *   --json FILE  where the samples go (dist/bench.json)
 *   --write-docs the table and the picture of docs/performance.md as well, from this run of every row
 *   --strict     exit 1 if a bar is missed; otherwise only if tsinit could not be measured
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { collectFacts } from "./facts.ts";
import { installPm2 } from "./pm2.ts";
import { writeDocs } from "./report.ts";
import { boot } from "./rows/boot.ts";
import { fleet } from "./rows/fleet.ts";
import { idle } from "./rows/idle.ts";
import { logs } from "./rows/logs.ts";
import { orphans } from "./rows/orphans.ts";
import { probes } from "./rows/probes.ts";
import { restart } from "./rows/restart.ts";
import { scrapes } from "./rows/scrapes.ts";
import { guard, type Scenario } from "./scenario.ts";
import { cleanUp } from "./scratch.ts";
import { type Result, Sheet } from "./sheet.ts";
import { renderJson, renderTable } from "./table.ts";

const scenarios: readonly Scenario[] = [boot, restart, orphans, idle, logs, fleet, probes, scrapes];

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

/** A peer that cannot be had is absent, and the bench goes on. */
function prepare(): void {
  try {
    installPm2();
  } catch (error) {
    process.stderr.write(`pm2 cannot be installed: ${error instanceof Error ? error.message : error}\n`);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: [] },
      quick: { type: "boolean", default: false },
      json: { type: "string", default: new URL("../../dist/bench.json", import.meta.url).pathname },
      "write-docs": { type: "boolean", default: false },
      strict: { type: "boolean", default: false },
    },
  });
  const chosen = choose(values.only);
  if (values["write-docs"] && chosen.length < scenarios.length)
    throw new Error("--write-docs needs a run of every row");
  prepare();
  const facts = collectFacts(values.quick);
  const results = await measure(chosen, values.quick);
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, renderJson(results, facts));
  process.stdout.write(renderTable(results));
  if (values["write-docs"]) writeDocs(values.json);
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
