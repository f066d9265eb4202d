import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "./random.ts";
import { brokenConfig, busyConfig, calmConfig, KEEPERS, WRITERS } from "./scenery.ts";

const sections = (text: string): string[] =>
  [...text.matchAll(/^\[\w[\w-]*:(\w+)\]$/gm)].map((match) => match[1] ?? "");

test("a seed decides: the same one the same configurations, another one others", () => {
  const series = (seed: number): string[] => {
    const random = createRandom(seed).fork("reload 1");
    return Array.from({ length: 5 }, () => busyConfig(1, random));
  };
  assert.deepEqual(series(7), series(7));
  assert.notDeepEqual(series(7), series(8));
  assert.equal(new Set(series(7)).size, 5);
});

test("the programs that must keep their pids are the same text in calm and in every busy configuration", () => {
  const keepers = calmConfig().slice(calmConfig().indexOf("[program:keeper0]"));
  const random = createRandom(3);
  for (let turn = 0; turn < 20; turn += 1) {
    const busy = busyConfig(3, random);
    assert.ok(busy.includes(keepers));
    const names = sections(busy);
    for (const name of [...KEEPERS, ...WRITERS]) assert.ok(names.includes(name), name);
    assert.equal(new Set(names).size, names.length, "no section twice");
  }
});

test("a broken configuration is more than a busy one", () => {
  const text = brokenConfig(3, createRandom(3));
  assert.ok(/\[program:bad|log_formt/.test(text));
});
