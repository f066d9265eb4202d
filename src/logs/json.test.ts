import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonKeys, renderJson } from "./json.ts";

const RECORD = {
  time: "2026-11-22T07:49:48.562Z",
  level: "info",
  program: "web",
  group: "site",
  pid: 12,
  stream: "stdout",
} as const;
const KEYS = jsonKeys("plain");

function parsed(text: string): unknown {
  const line = renderJson(KEYS, RECORD, text, null);
  assert.equal(line.indexOf("\n"), line.length - 1, "one line");
  return JSON.parse(line);
}

test("a line becomes the message", () => {
  assert.deepEqual(parsed('say "hi"\t\u0000\r'), { ...RECORD, message: 'say "hi"\t\u0000\r' });
  assert.deepEqual(parsed(""), { ...RECORD, message: "" });
});

test("a JSON object is merged to the letter; its time and level win", () => {
  const line = renderJson(KEYS, RECORD, ' {"level": "warning", "id": 12345678901234567890} \r', null);
  const head = '{"time":"2026-11-22T07:49:48.562Z","program":"web","group":"site","pid":12,"stream":"stdout"';
  assert.equal(line, `${head},"level": "warning", "id": 12345678901234567890}\n`);
  assert.deepEqual(parsed("{}"), RECORD);
  assert.deepEqual(parsed("{ }"), RECORD);
});

test("who wrote the line is ours to say: a field of that name is renamed", () => {
  assert.deepEqual(parsed('{"pid":99,"message":"m"}'), { ...RECORD, pid_: 99, message: "m" });
});

test("what only looks like an object stays text", () => {
  for (const text of ["{oops", '{"a":1} trailing', "[1]", "null", '"text"'])
    assert.deepEqual(parsed(text), { ...RECORD, message: text });
});

test("pieces of a line say that they are", () => {
  const piece = renderJson(KEYS, RECORD, '{"a":1}', { continued: true, partial: true });
  assert.deepEqual(JSON.parse(piece), { ...RECORD, message: '{"a":1}', continued: true, partial: true });
});
