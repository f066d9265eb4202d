import assert from "node:assert/strict";
import { test } from "node:test";
import { CounterWatch, parseMetrics, sumOf } from "./counters.ts";

const scrape = (starts: string, up: number): string =>
  `# HELP s Starts.\n# TYPE s counter\n${starts}\n# HELP up Up.\n# TYPE up gauge\nup{p="a b"} ${up}\n`;

test("counters may rise, stay and be away, and must not come back lower; gauges may do as they like", () => {
  const watch = new CounterWatch();
  watch.check(parseMetrics(scrape('s{p="a"} 3\ns{p="b"} 1', 9)));
  watch.check(parseMetrics(scrape('s{p="b"} 1', 0)));
  watch.check(parseMetrics(scrape('s{p="a"} 3\ns{p="b"} 2', 4)));
  assert.deepEqual(watch.complaints, []);
  watch.check(parseMetrics(scrape('s{p="a"} 2', 4)));
  assert.deepEqual(watch.complaints, ['s{p="a"} went from 3 to 2']);
});

test("a family's series are summed, and no other family's with a longer name", () => {
  assert.equal(sumOf(parseMetrics(scrape('s{p="a"} 3\ns{p="b"} 4\ns_more 100', 0)), "s"), 7);
});
