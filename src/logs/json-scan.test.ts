import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEEPEST, LONGEST_NUMBER, ObjectScan, parseKey, tidyObject } from "./json-scan.ts";

const scan = new ObjectScan();

/** Name and value of each member, as written; null: no object. */
function read(text: string): [string, string][] | null {
  if (!scan.read(text)) return null;
  return Array.from({ length: scan.count }, (_, index) => [parseKey(scan.rawKey(index)), scan.value(index)]);
}

/** Whether JSON.parse finds an object. */
function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

test("members are found as they are written, repeated ones too", () => {
  assert.deepEqual(read(' {"a" : 1.50 ,"b":{"c":[1,{"d":"}"}]}, "a":"\\"," , "\\u0062":null} \t'), [
    ["a", "1.50"],
    ["b", '{"c":[1,{"d":"}"}]}'],
    ["a", '"\\","'],
    ["b", "null"],
  ]);
  assert.deepEqual(read("{}"), []);
  assert.deepEqual(read('{"__proto__":{"x":1},"":0}'), [
    ["__proto__", '{"x":1}'],
    ["", "0"],
  ]);
});

test("what is no object, or no JSON", () => {
  const texts = [
    "",
    "{",
    "}",
    "[{}]",
    '"{}"',
    "null",
    "{} {}",
    '{"a":1} trailing',
    '{"a":1,}',
    "{,}",
    "{a:1}",
    "{'a':1}",
  ];
  const values = [
    "01",
    "+1",
    "1.",
    ".5",
    "1e",
    "0x1",
    "NaN",
    "Infinity",
    "-",
    "tru",
    "truefalse",
    '"a',
    '"\\x"',
    '"\\u12g4"',
  ];
  const strings = [
    '"tab\there"',
    '"nul\u0000"',
    '"unit\u001f"',
    '"\\',
    '"\\u00',
    "[1,]",
    "[",
    "[1 2]",
    '{"b"}',
    "\u00a01",
  ];
  for (const text of [...texts, ...[...values, ...strings].map((value) => `{"a":${value}}`)]) {
    assert.equal(isObject(text), false, text);
    assert.equal(read(text), null, text);
  }
});

test("it agrees with JSON.parse about any text", () => {
  const token = fc.constantFrom(
    ...'{}[]:,"\\ \t\r\n-+.0123456789eEutrfalsn\u0000\u001f\u007f\u00e9\u2028\ud800',
    '"a"',
    "null",
    "\\u00e9",
  );
  const soup = fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join(""));
  const damaged = fc
    .tuple(fc.json(), fc.nat(), token)
    .map(
      ([json, at, instead]) =>
        json.slice(0, at % (json.length + 1)) + instead + json.slice((at % (json.length + 1)) + 1),
    );
  const text = fc.oneof(
    soup,
    soup.map((inside) => `{${inside}}`),
    fc.json(),
    damaged,
    damaged.map((value) => `{"a":${value}}`),
  );
  fc.assert(
    fc.property(text, (value) => {
      assert.equal(read(value) !== null, isObject(value), JSON.stringify(value));
    }),
    { numRuns: 20_000 },
  );
});

test("its members are those of JSON.parse", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (object) => {
      const members = read(JSON.stringify(object));
      assert.ok(members);
      assert.deepEqual(
        members.map(([key, value]) => [key, JSON.parse(value)]),
        Object.entries(JSON.parse(JSON.stringify(object))),
      );
    }),
  );
});

test("nesting and numbers that other readers choke on make it no object", () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
  assert.ok(read(nested(DEEPEST)));
  assert.equal(read(nested(DEEPEST + 1)), null);
  assert.equal(read(`{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`), null);
  assert.ok(read(`{"a":${"9".repeat(LONGEST_NUMBER)}}`));
  assert.equal(read(`{"a":${"9".repeat(LONGEST_NUMBER + 1)}}`), null);
});

test("CR between tokens becomes a blank, half a surrogate pair U+FFFD; nothing else changes, nor any length", () => {
  assert.equal(tidyObject('{"a":1,\r"b":2}\r'), '{"a":1, "b":2} ');
  const halves = '{"\\ud83d\\ude00":"\\ud800x\\uDC00\\ud800\\ud83d\\ude00","b":"\\\\ud800 \\u00e9 \\""}';
  const tidy = '{"\\ud83d\\ude00":"\\ufffdx\\ufffd\\ufffd\\ud83d\\ude00","b":"\\\\ud800 \\u00e9 \\""}';
  assert.equal(tidyObject(halves), tidy);
  const half = fc.oneof(
    fc.string({ minLength: 1, maxLength: 1 }),
    fc.constantFrom("\ud800", "\udfff", "\\", "\ud83d\ude00"),
  );
  fc.assert(
    fc.property(fc.json({ stringUnit: half }), (json) => {
      const tidied = tidyObject(json);
      assert.equal(tidied.length, json.length);
      if (/\\u[dD][89a-fA-F]/.test(json)) {
        JSON.parse(tidied, (key, value: unknown) => {
          for (const text of [key, value]) assert.ok(typeof text !== "string" || text.isWellFormed());
          return value;
        });
      } else assert.deepEqual(JSON.parse(tidied), JSON.parse(json));
    }),
  );
});
