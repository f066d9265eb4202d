import assert from "node:assert/strict";
import { test } from "node:test";
import {
  FLOOR_KIB,
  judgeSamples,
  noneOf,
  renderSamples,
  renderVerdicts,
  type Sample,
  windows,
} from "./verdicts.ts";

const SAMPLE: Sample = {
  at: 10,
  rssAnonKiB: 200_000,
  fds: 30,
  threads: 4,
  zombies: 0,
  switches: 0.2,
  crashes: 3,
  orphans: 9,
  lines: 1_000,
};
const series = (...changes: readonly Partial<Sample>[]): Sample[] =>
  changes.map((change, index) => ({ ...SAMPLE, at: index * 10, ...change }));
const broken = (samples: readonly Sample[]): string[] =>
  judgeSamples(samples, FLOOR_KIB).flatMap(({ text, isKept }) => (isKept ? [] : [text]));

test("nothing is wrong with samples that stay, shrink, or swing for a moment", () => {
  assert.deepEqual(broken(series({}, {}, {})), []);
  assert.deepEqual(broken(series({}, { rssAnonKiB: 400_000 }, {}, { rssAnonKiB: 190_000 })), []);
  const small = { rssAnonKiB: 8_000 };
  assert.deepEqual(broken(series(small, small, { rssAnonKiB: 8_000 + FLOOR_KIB })), []);
});

test("growth by more than 5 %, and by more than the floor, is a leak", () => {
  assert.deepEqual(broken(series({}, {}, { rssAnonKiB: 209_900 })), []);
  assert.match(broken(series({}, {}, { rssAnonKiB: 210_100 })).join(), /RssAnon/);
  const small = { rssAnonKiB: 8_000 };
  assert.match(broken(series(small, small, { rssAnonKiB: 8_001 + FLOOR_KIB })).join(), /RssAnon/);
});

test("what is not collected at one time and at another is no growth; that the lowest rise is", () => {
  const swings = (...sizes: readonly number[]) => series(...sizes.map((rssAnonKiB) => ({ rssAnonKiB })));
  assert.deepEqual(
    broken(swings(60_000, 90_000, 65_000, 150_000, 66_000, 61_000, 140_000, 95_000, 63_000)),
    [],
  );
  assert.match(
    broken(swings(60_000, 190_000, 95_000, 70_000, 72_000, 81_000, 80_000, 75_000, 99_000)).join(),
    /RssAnon/,
  );
});

test("one descriptor, thread, zombie or wake-up more is found", () => {
  assert.match(broken(series({}, {}, { fds: 31 })).join(), /descriptors/);
  assert.match(broken(series({}, { threads: 5 }, {})).join(), /threads/);
  assert.match(broken(series({}, { zombies: 1 }, {})).join(), /zombie/);
  assert.match(broken(series({}, {}, { switches: 1.1 })).join(), /timer/);
});

test("windows are thirds, and never empty", () => {
  assert.deepEqual(windows([1]), [[1], [1]]);
  assert.deepEqual(windows([1, 2, 3, 4, 5, 6, 7]), [
    [1, 2],
    [6, 7],
  ]);
});

test("the table has start, middle and end; the verdicts a line each with what is wrong", () => {
  const lines = renderSamples(series({}, {}, {}, { fds: 77 })).split("\n");
  assert.deepEqual(
    lines.slice(2).map((line) => line.split(" | ")[0]),
    ["| start, 0 s", "| middle, 10 s", "| end, 30 s"],
  );
  const wrong = noneOf("nothing fell", ["a", "b", "c", "d", "e", "f"]);
  assert.equal(renderVerdicts([wrong]), "BROKEN nothing fell: a; b; c; d; e … 6 in all");
  assert.equal(renderVerdicts([noneOf("nothing fell", [])]), "kept   nothing fell: none");
});
