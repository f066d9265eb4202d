import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { requiredText } from "./required-text.ts";

test("the longest text outside of classes and what may be missing, or one of each alternative", () => {
  for (const [pattern, texts] of [
    ["ready to serve", ["ready to serve"]],
    ["celery@.* ready\\.", ["celery@"]],
    ["^Listening on .*:\\d+$", ["Listening on "]],
    ["\\[INFO\\] up", ["[INFO] up"]],
    ["started?", ["starte"]],
    ["started{2,}x", ["starte"]],
    ["ab+cdef", ["cdef"]],
    ["colou?r of (blue|red) things", [" things"]],
    ["(server|worker) (started|ready)", ["server", "worker"]],
    ["(?:up|worker) (started|ready)", ["started", "ready"]],
    ["(?<who>server|worker)? is (it|what)", [" is "]],
    ["(ready){1,2}", null],
    ["ready|started", ["ready", "started"]],
    ["ready|s.*t", null],
    ["[a|b]cdef", ["cdef"]],
    ["[\\]x]cdef", ["cdef"]],
    ["(a(bcd|efg)+h)x", ["bcd", "efg"]],
    ["\\x41BCDEF", null],
    ["grün und blau", ["n und blau"]],
    ["(?i:ready)", null],
    ["ready)", null],
    ["", null],
  ] as const)
    assert.deepEqual(requiredText(pattern), texts, pattern);
});

test("whatever matches has it", () => {
  const letter = fc.constantFrom(
    "a",
    "b",
    "abc",
    "c a",
    " ",
    "\\.",
    "\\d",
    "\\w",
    ".",
    "[ab]",
    "[^a]",
    "\\[",
    "é",
  );
  const quantifier = fc.constantFrom("", "", "", "?", "*", "+", "{2}", "{0,2}", "+?", "{,2}");
  const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
    piece: fc.oneof(
      { depthSize: "small" },
      fc.tuple(letter, quantifier).map(([text, how]) => text + how),
      fc.tuple(tie("pattern"), quantifier).map(([text, how]) => `(${text})${how}`),
    ),
    pattern: fc
      .array(fc.oneof({ weight: 9, arbitrary: tie("piece") }, { weight: 1, arbitrary: fc.constant("|") }), {
        maxLength: 8,
      })
      .map((pieces) => pieces.join("")),
  }));
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "c", " ", ".", "1", "[", "é", "{"),
    maxLength: 30,
  });
  fc.assert(
    fc.property(pattern, fc.array(text, { maxLength: 20 }), (source, texts) => {
      const search = new RegExp(source);
      const required = requiredText(source);
      for (const one of texts)
        if (required !== null && search.test(one))
          assert.ok(
            required.some((text) => one.includes(text)),
            `${source} in ${one}`,
          );
    }),
    { numRuns: 2000 },
  );
});
