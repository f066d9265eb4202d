import assert from "node:assert/strict";
import { test } from "node:test";
import { bar, type Row, Sheet } from "./sheet.ts";
import { renderTable } from "./table.ts";

const row: Row = {
  id: "boot",
  title: "boot",
  unit: "ms",
  statistic: "median",
  bars: [bar("≤ 1/20 peer", "at most", 1 / 20, "peer"), bar("< 60 ms", "less than", 60)],
};

function filled(own: readonly number[], peer: readonly number[]): Sheet {
  const sheet = new Sheet();
  for (const sample of own) sheet.add("boot", "tsinit", sample);
  for (const sample of peer) sheet.add("boot", "peer", sample);
  return sheet;
}

test("a bar compares medians of the same run, and its edge counts as met", () => {
  const { verdicts } = filled([40, 50, 900], [900, 1_000, 1_100]).result(row);
  assert.deepEqual(
    verdicts.map(({ ratio, met }) => ({ ratio, met })),
    [
      { ratio: 0.05, met: true },
      { ratio: 50, met: true },
    ],
  );
});

test("a bar is missed on the wrong side of either sense", () => {
  const slow: Row = { ...row, bars: [...row.bars, bar("≥ 1.0 × peer", "at least", 1, "peer")] };
  const { verdicts } = filled([60], [1_000]).result(slow);
  assert.deepEqual(
    verdicts.map(({ met }) => met),
    [false, false, false],
  );
});

test("p99 and max look at the bad end of the samples", () => {
  const samples = Array.from({ length: 200 }, (_, index) => index);
  const sheet = filled(samples, []);
  assert.equal(sheet.result({ ...row, statistic: "p99" }).values.get("tsinit")?.value, 198);
  assert.equal(sheet.result({ ...row, statistic: "max" }).values.get("tsinit")?.value, 199);
});

test("what could not be measured is named, and never counts as met", () => {
  const sheet = filled([10], []);
  sheet.fail("boot", "peer", "absent");
  sheet.fail("boot", "other", "no end within 5 ms");
  const result = sheet.result(row);
  assert.deepEqual(
    result.verdicts.map(({ met }) => met),
    [null, true],
  );
  const table = renderTable([result]);
  assert.match(
    table,
    /\| boot \| 10\.0 ms \| peer absent, other failed \| –; 10\.0 ms \| .* \| not measured; met \|/,
  );
  assert.match(table, /^- `boot`, other failed: no end within 5 ms$/m);
});
