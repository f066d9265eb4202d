import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { watchLines } from "./ready-log.ts";

/** Whether one of the whole lines has it, when they come in these pieces. */
function isFound(pattern: string, pieces: readonly Buffer[]): boolean {
  let found = false;
  let take: (bytes: Uint8Array) => void = () => {};
  watchLines({
    pattern,
    id: "a:a",
    mark: { stdout: 0, stderr: 0 },
    tell: () => {
      found = true;
    },
    logs: {
      history: () => Buffer.alloc(0),
      historyEnd: () => 0,
      follow(_id, stream, listener) {
        if (stream === "stdout") take = listener;
        return () => {};
      },
    },
  });
  for (const piece of pieces) take(piece);
  return found;
}

test("a line is found however it comes, and in a line alone", () => {
  const line = fc.oneof(
    fc.string({ unit: fc.constantFrom("r", "e", "a", "d", "y", " ", "é", "\r"), maxLength: 12 }),
    fc.constantFrom("ready now", "ready no", "ready", " now", "it is ready now!"),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 8 }),
      fc.array(fc.nat(80), { maxLength: 6 }),
      fc.constantFrom("ready now", "ready.*now$", "^(ready|now)$", "ready\\.?"),
      (lines, cuts, pattern) => {
        const text = Buffer.from(lines.join("\n"));
        const at = [0, ...cuts.filter((cut) => cut < text.length), text.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => text.subarray(at[i], end));
        const whole = lines.slice(0, -1).map((each) => each.replace(/\r$/, ""));
        const search = new RegExp(pattern);
        assert.equal(
          isFound(pattern, pieces),
          whole.some((each) => search.test(each)),
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test("a flood without what every match has in it costs next to nothing", () => {
  const flood = Buffer.from(`${"x".repeat(84)}\n`.repeat(12_000));
  const began = performance.now();
  assert.equal(
    isFound(
      "celery@.* ready\\.",
      Array.from({ length: 50 }, () => flood),
    ),
    false,
  );
  // The search itself would take 3.5 s.
  assert.ok(performance.now() - began < 1500);
});
