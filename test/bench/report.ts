/**
 * docs/performance.md shows one run: this rewrites the part between its two markers, and docs/performance.svg, from that
 * run's own numbers. `node test/bench/report.ts [FILE]`; FILE is dist/bench.json when not given.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { renderPlot } from "./plot.ts";
import type { Result } from "./sheet.ts";
import { type Facts, parseJson, renderTable } from "./table.ts";

const at = (path: string): string => new URL(`../../${path}`, import.meta.url).pathname;
const BEGIN = "<!-- run: begin -->";
const END = "<!-- run: end -->";

/** In one line what the numbers must be read with. */
export function renderFacts(facts: Facts): string {
  const versions = Object.entries((facts["versions"] ?? {}) as Record<string, string>);
  return [
    `${facts["date"]}`,
    `\`npm run bench${facts["quick"] === true ? " -- --quick" : ""}\``,
    `${facts["cpus"]} × ${facts["cpu"]}`,
    `${facts["system"]}, Linux ${facts["kernel"]}`,
    `load before the run ${Number(facts["load"]).toFixed(1)}`,
    `Node ${facts["node"]}`,
    ...versions.map(([name, version]) => `${name} ${version}`),
  ].join(" · ");
}

/** The page's text with the run in it; throws where the page has no place for it. */
export function replaceRun(page: string, results: readonly Result[], facts: Facts): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  const picture = "![Times better than each bar](performance.svg)";
  const run = [BEGIN, renderFacts(facts), "", picture, "", renderTable(results)].join("\n");
  return page.slice(0, begin) + run + page.slice(end);
}

/** Writes both files from a bench.json. */
export function writeDocs(json: string): void {
  const { facts, results } = parseJson(readFileSync(json, "utf8"));
  const page = at("docs/performance.md");
  writeFileSync(page, replaceRun(readFileSync(page, "utf8"), results, facts));
  const subtitle = `${facts["date"]} · ${facts["cpus"]} × ${facts["cpu"]} · tsinit's ratio and its bar on the right, log scale`;
  writeFileSync(at("docs/performance.svg"), renderPlot(results, subtitle));
}

if (import.meta.main) writeDocs(process.argv[2] ?? at("dist/bench.json"));
