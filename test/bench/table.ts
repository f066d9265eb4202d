/** The results as a Markdown table, as JSON, and back from JSON. */
import type { Bar, Result, Row, Value, Verdict } from "./sheet.ts";

/** Three digits that mean something; whole above a hundred. */
export function renderNumber(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(value < 1 ? 2 : 3);
}

function withUnit(value: number, unit: string): string {
  return unit === "" ? renderNumber(value) : `${renderNumber(value)} ${unit}`;
}

/** What is compared: a bare ratio, or for a bar that names no other system the value itself. */
export function renderRatio(verdict: Verdict, bar: Bar | undefined, unit: string): string {
  if (verdict.ratio === null) return "–";
  return bar?.against == null ? withUnit(verdict.ratio, unit) : renderNumber(verdict.ratio);
}

function cell(value: Value | undefined, unit: string): string {
  if (value === undefined) return "–";
  if (value.samples.length === 0) return value.failure === "absent" ? "absent" : "failed";
  const text = withUnit(value.value, unit);
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
    verdicts.map((verdict, index) => renderRatio(verdict, row.bars[index], row.unit)).join("; "),
    verdicts.map(({ bar }) => bar).join("; "),
    verdicts.map(verdictWord).join("; "),
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Who is not in a row, by reason: `runit, s6: no log relay`. */
function renderLeftOut(leftOut: ReadonlyMap<string, string>): string {
  const byReason = Map.groupBy(leftOut, ([, reason]) => reason);
  return [...byReason]
    .map(([reason, systems]) => `${systems.map(([system]) => system).join(", ")}: ${reason}`)
    .join("; ");
}

/** One line a row: medians (or what the row says), tsinit divided by the bar's other side, the bar, the verdict. */
export function renderTable(results: readonly Result[]): string {
  const lines = [
    "| what | tsinit | peers | ratio | bar | |",
    "|---|---|---|---|---|---|",
    ...results.map(renderRow),
  ];
  const notes: string[] = [];
  for (const { row, values, leftOut } of results) {
    if (leftOut.size > 0) notes.push(`- \`${row.id}\` without ${renderLeftOut(leftOut)}.`);
    for (const [system, { failure }] of values) {
      if (failure !== null && failure !== "absent")
        notes.push(`- \`${row.id}\`, ${system} failed: ${failure}`);
    }
  }
  if (notes.length > 0) lines.push("", ...notes);
  return `${lines.join("\n")}\n`;
}

/** What a run is told by besides its numbers: the machine and the versions. */
export type Facts = Readonly<Record<string, unknown>>;

/** The same with every sample, for comparing ratios over time. */
export function renderJson(results: readonly Result[], facts: Facts): string {
  const rows = results.map(({ row, values, leftOut, verdicts }) => ({
    ...row,
    values: Object.fromEntries(values),
    leftOut: Object.fromEntries(leftOut),
    verdicts,
  }));
  return `${JSON.stringify({ ...facts, rows }, null, 1)}\n`;
}

/** The inverse of `renderJson`. JSON has no NaN: what was not measured comes as null. */
export function parseJson(text: string): { facts: Facts; results: Result[] } {
  const { rows, ...facts } = JSON.parse(text) as {
    rows: (Row & {
      values: Record<string, Value & { value: number | null }>;
      leftOut: Record<string, string>;
      verdicts: Verdict[];
    })[];
  };
  const results = rows.map(({ values, leftOut, verdicts, ...row }) => ({
    row,
    values: new Map(
      Object.entries(values).map(([system, one]) => [system, { ...one, value: one.value ?? Number.NaN }]),
    ),
    leftOut: new Map(Object.entries(leftOut)),
    verdicts,
  }));
  return { facts, results };
}
