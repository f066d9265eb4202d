/** The results as a Markdown table and as JSON. */
import type { Result, Value, Verdict } from "./sheet.ts";

function number(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(value < 1 ? 2 : 3);
}

function cell(value: Value | undefined, unit: string): string {
  if (value === undefined) return "–";
  if (value.samples.length === 0) return value.failure === "absent" ? "absent" : "failed";
  const text = unit === "" ? number(value.value) : `${number(value.value)} ${unit}`;
  return value.failure === null ? text : `${text} (then failed)`;
}

function verdictWord(verdict: Verdict): string {
  if (verdict.met === null) return "not measured";
  return verdict.met ? "met" : "**missed**";
}

function renderRow({ row, values, verdicts }: Result): string {
  const peers = [...values].filter(([system]) => system !== "tsinit");
  const cells = [
    row.title,
    cell(values.get("tsinit"), row.unit),
    peers.map(([system, value]) => `${system} ${cell(value, row.unit)}`).join(", "),
    verdicts.map(({ ratio }) => (ratio === null ? "–" : number(ratio))).join("; "),
    verdicts.map(({ bar }) => bar).join("; "),
    verdicts.map(verdictWord).join("; "),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** One line a row: medians (or what the row says), tsinit divided by the bar's other side, the bar, the verdict. */
export function renderTable(results: readonly Result[]): string {
  const lines = [
    "| what | tsinit | peers | ratio | bar | |",
    "|---|---|---|---|---|---|",
    ...results.map(renderRow),
  ];
  for (const { row, values } of results) {
    for (const [system, { failure }] of values) {
      if (failure !== null && failure !== "absent") lines.push("", `${row.id}, ${system}: ${failure}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The same with every sample, for comparing ratios over time. */
export function renderJson(results: readonly Result[], facts: Record<string, unknown>): string {
  const rows = results.map(({ row, values, verdicts }) => ({
    ...row,
    values: Object.fromEntries(values),
    verdicts,
  }));
  return `${JSON.stringify({ ...facts, rows }, null, 1)}\n`;
}
