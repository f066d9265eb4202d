/** The page and the picture of a run: made of its numbers, the same from JSON as from memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { marksOf, positionOf, renderPlot } from "./plot.ts";
import { replaceRun } from "./report.ts";
import { bar, type Row, Sheet } from "./sheet.ts";
import { parseJson, renderJson, renderTable } from "./table.ts";

const BOOT: Row = {
  id: "boot",
  title: "boot",
  unit: "ms",
  statistic: "median",
  bars: [bar("≤ 1/20 peer", "at most", 1 / 20, "peer"), bar("< 60 ms", "less than", 60)],
};
const LOGS: Row = { ...BOOT, id: "logs", unit: "MB/s", bars: [bar("≥ 1.0 × peer", "at least", 1, "peer")] };
const LEFT: Row = { ...BOOT, id: "left", unit: "", bars: [bar("none left", "at most", 0)] };
const NEVER: Row = { ...BOOT, id: "never", bars: [bar("≤ 1 × gone", "at most", 1, "gone")] };

const sheet = new Sheet();
for (const [row, own, peer] of [
  ["boot", 30, 1_200],
  ["logs", 400, 800],
  ["left", 0, 700],
] as const) {
  sheet.add(row, "tsinit", own);
  sheet.add(row, "peer", peer);
}
sheet.add("never", "tsinit", 1);
sheet.fail("never", "gone", "absent");
sheet.leaveOut("logs", "runit", "no relay");
sheet.leaveOut("logs", "s6", "no relay");
sheet.leaveOut("logs", "pm2", "no bound");
const results = [BOOT, LOGS, LEFT, NEVER].map((row) => sheet.result(row));
const FACTS = { date: "2026-11-26", quick: true, cpus: 2, load: 0.25, versions: { s6: "2.11" } };

test("room to a bar is above 1 where it is met, whatever its sense; none where none is allowed is the most", () => {
  assert.deepEqual(
    marksOf(results).map(({ row, room }) => [row, room]),
    [
      ["boot", 2],
      ["boot", 2],
      ["logs", 0.5],
      ["left", Number.POSITIVE_INFINITY],
      ["never", null],
    ],
  );
});

test("the scale is logarithmic, and its ends hold what lies beyond", () => {
  const step = positionOf(2) - positionOf(1);
  assert.ok(Math.abs(positionOf(100) - positionOf(50) - step) < 1e-6);
  assert.equal(positionOf(Number.POSITIVE_INFINITY), positionOf(100));
  assert.equal(positionOf(0.001), positionOf(0.4));
});

test("a value of one digit has its unit, a ratio has none; who is left out is named with the reason", () => {
  const table = renderTable(results);
  assert.match(table, /\| 0\.025; 30\.0 ms \| ≤ 1\/20 peer; < 60 ms \| met; met \|/);
  assert.match(table, /^- `logs` without runit, s6: no relay; pm2: no bound\.$/m);
});

test("JSON and back is the same run", () => {
  const { facts, results: again } = parseJson(renderJson(results, FACTS));
  assert.deepEqual(facts, FACTS);
  assert.deepEqual(again, results);
  assert.equal(renderPlot(again, "run"), renderPlot(results, "run"));
});

test("the page's run is replaced, what stands round it stays; a page without a place is refused", () => {
  const page = "before\n<!-- run: begin -->\nold\n<!-- run: end -->\nafter\n";
  const once = replaceRun(page, results, FACTS);
  assert.match(once, /^before\n<!-- run: begin -->\n[^]*\| boot \|[^]*<!-- run: end -->\nafter\n$/);
  assert.doesNotMatch(once, /old/);
  assert.equal(replaceRun(once, results, FACTS), once);
  assert.throws(() => replaceRun("nothing", results, FACTS), /has no <!-- run: begin -->/);
});

test("text in the picture is escaped", () => {
  assert.match(renderPlot(results, "a < b & c"), /a &lt; b &amp; c/);
});
