/**
 * The endurance test in short (conformance 112): the laps, the load and the invariants of `npm run soak`, for seconds instead of
 * minutes. Memory is told apart from a leak only by the long one: here it must not grow by more than what waits to be collected.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { soak } from "../soak/soak.ts";
import { renderSamples, renderVerdicts } from "../soak/verdicts.ts";

test("conformance 112: crashes, floods, reloads, probes and calls at random leave nothing behind", {
  timeout: 240_000,
}, async (context) => {
  const seed = randomInt(2 ** 31);
  context.diagnostic(`seed ${seed}`);
  const { samples, verdicts } = await soak({
    seed,
    lapSeconds: 1.5,
    warmLaps: 1,
    laps: 2,
    collectSeconds: 0,
    say: (text) => context.diagnostic(text),
  });
  const broken = verdicts.filter(({ isKept }) => !isKept);
  assert.deepEqual(
    broken.map(({ text }) => text),
    [],
    `seed ${seed}\n${renderSamples(samples)}\n${renderVerdicts(verdicts)}`,
  );
});
