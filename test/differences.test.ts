/**
 * The list of differences from supervisord and the differential suite belong together: neither says something that the other
 * does not. What the comparisons see is asserted where they run, test/compat/differential/.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allReferences, fullReference, observedOf } from "./compat/differential/differences.ts";
import type { Step } from "./compat/differential/scenario.ts";
import { SCENARIOS } from "./compat/differential/scenarios/all.ts";

const comparisons = SCENARIOS.flatMap(({ steps }) => steps.filter(({ compares }) => compares !== null));

/** The differences that a step names. */
function named({ compares }: Step): string[] {
  const differs = compares?.differs;
  if (differs === undefined) return [];
  return (typeof differs === "string" ? [differs] : Object.keys(differs)).map(fullReference);
}

test("a comparison names only differences that are listed", () => {
  for (const reference of comparisons.flatMap(named)) assert.doesNotThrow(() => observedOf(reference));
});

test("every listed difference is shown by a comparison", () => {
  const shown = new Set(comparisons.flatMap(named));
  assert.deepEqual(
    allReferences().filter((reference) => !shown.has(reference)),
    [],
  );
});

test("the suite is as large as it says: configs, comparisons, the uses of the wild", () => {
  const configs = new Set(SCENARIOS.map(({ config }) => config));
  assert.ok(configs.size >= 40, `${configs.size} configs`);
  assert.ok(comparisons.length >= 150, `${comparisons.length} comparisons`);
  const archetypes = SCENARIOS.flatMap(({ archetype }) => (archetype === undefined ? [] : [archetype]));
  assert.deepEqual(
    archetypes.sort((a, b) => a - b),
    Array.from({ length: 22 }, (_, at) => at + 1),
  );
});
