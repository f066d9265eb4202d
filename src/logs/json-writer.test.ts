import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GlobalSpec } from "../core/spec.ts";
import { presetOf } from "./json-presets.ts";
import { JsonWriter } from "./json-writer.ts";
import { LineSplitter } from "./lines.ts";
import { OutputQueue } from "./queue.ts";

type Keys = GlobalSpec["logKeys"];
type Value = Record<string, unknown>;

const PRESETS: readonly Keys[] = ["plain", "ecs", "gcp", "otel"];
const TIME = "2026-01-01T00:00:00.000Z";
const ORIGIN = { program: "web", group: "site", pid: 7, stream: "stderr" } as const;

function rig(keys: Keys, levelPrefix = false) {
  const queue = new OutputQueue();
  const owner = { queued: 0, lost: () => {} };
  const writer = new JsonWriter(queue, owner, {
    preset: presetOf(keys),
    origin: ORIGIN,
    severity: "error",
    levelPrefix,
    wall: () => Date.parse(TIME),
  });
  /** What was written since the last call. */
  const take = (): string => {
    const chunks: Buffer[] = [];
    for (let head = queue.head(); head !== null; head = queue.head()) {
      chunks.push(Buffer.from(head.bytes.buffer.subarray(head.start, head.end)));
      queue.consume(head.end - head.start);
    }
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  };
  const write = (text: string | Buffer): number =>
    writer.lines(Buffer.from(text), 0, Buffer.byteLength(text));
  return { writer, take, write };
}

/** Every way in which some reader ends a line but for the newline at its end. */
const LINE_ENDS = /[\r\n\v\f\u001c-\u001e\u0085\u2028\u2029]/;

function parseLines(text: string): Value[] {
  assert.ok(text.endsWith("\n"));
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => {
      assert.doesNotMatch(line, LINE_ENDS);
      assert.doesNotMatch(line, /[\u0000-\u0008\u000a-\u001f]/);
      assert.ok(
        line.isWellFormed() && !/\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])/.test(line.replaceAll("\\\\", "")),
      );
      return JSON.parse(line) as Value;
    });
}

/** tsinit's own fields, wherever the preset has them. */
function originOf(keys: Keys, value: Value): unknown[] {
  const field = (section: string): Value => value[section] as Value;
  switch (keys) {
    case "plain":
      return [value["program"], value["group"], value["pid"], value["stream"]];
    case "ecs": {
      const labels = field("labels");
      return [labels["program"], labels["group"], 7, labels["stream"]];
    }
    case "gcp": {
      const labels = field("logging.googleapis.com/labels");
      return [labels["program"], labels["group"], Number(labels["pid"]), labels["stream"]];
    }
    case "otel": {
      const resource = field("Resource");
      const attributes = field("Attributes");
      return [
        resource["service.name"],
        resource["service.namespace"],
        resource["process.pid"],
        attributes["log.iostream"],
      ];
    }
  }
}

/** Fields whose values may become others. */
const REWRITTEN = new Set(["time", "@timestamp", "ts", "level", "severity", "SeverityNumber"]);

/** What is in it, as JSON; strings without half surrogate pairs. */
function leavesOf(tree: unknown): string[] {
  if (typeof tree === "string") return [JSON.stringify(tree.toWellFormed())];
  if (typeof tree === "object" && tree !== null) return Object.values(tree).flatMap(leavesOf);
  return [JSON.stringify(tree)];
}

const OURS = ["web", "site", 7, "stderr"];

/** Bytes that mean something to JSON, to lines or to UTF-8, among any others. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      "\n",
      "\r\n",
      "\0",
      '"',
      "\\",
      "{",
      "}",
      '{"a":1}',
      "\x1b[31m",
      "é",
      "💀",
      "\u2028",
      "\u0085",
      "\ud800",
    )
    .map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
);
const bytes = fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.concat(pieces));

for (const keys of PRESETS) {
  test(`${keys}: any bytes, read in any chunks, make lines that parse; the text comes back`, () => {
    const message = presetOf(keys).message;
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 200 }), (all, size) => {
        const { writer, take } = rig(keys);
        const splitter = new LineSplitter(writer, 1 << 20);
        for (let at = 0; at < all.length; at += size) splitter.feed(all, at, Math.min(all.length, at + size));
        splitter.end();
        if (all.length === 0) return;
        const values = parseLines(take());
        const lines = all.toString("utf8").replace(/\n$/, "").split("\n");
        assert.equal(values.length, lines.length);
        for (const [index, value] of values.entries()) {
          assert.deepEqual(originOf(keys, value), OURS);
          const line = lines[index] ?? "";
          if (!/^\s*\{/.test(line)) assert.equal(value[message], line);
        }
      }),
      { numRuns: 500 },
    );
  });

  test(`${keys}: any object is merged: our fields are right and none of its values is lost`, () => {
    const names = fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }),
      fc.constantFrom(
        "time",
        "@timestamp",
        "ts",
        "level",
        "severity",
        "log",
        "msg",
        "message",
        "event",
        "pid",
        "program",
      ),
      fc.constantFrom(
        "labels",
        "logging.googleapis.com/labels",
        "Resource",
        "Attributes",
        "Body",
        "__proto__",
        "process.pid",
      ),
      fc.constantFrom(
        "pid_",
        "SeverityNumber",
        "timestampSeconds",
        "service",
        "trace_id",
        "TraceId",
        "constructor",
        "stream",
      ),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.string({ unit: "binary" }),
        fc.constantFrom(null, true, "warn", TIME, 1795333788.5, 30, "\u2028", "\ud800", "\\ud800"),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc
          .array(fc.tuple(names, tie("tree")), { maxLength: 4 })
          .map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const object = fc
      .array(fc.tuple(names, tree), { maxLength: 8 })
      .map((entries) => Object.fromEntries(entries) as Value);
    const blank = fc.constantFrom("", " ", "\t", "\r");
    const { write, take } = rig(keys);
    fc.assert(
      fc.property(object, blank, (value, blanks) => {
        const line =
          blanks + JSON.stringify(value, null, blanks === "" ? 0 : 1).replaceAll("\n", blanks) + blanks;
        write(`${line}\n`);
        const [merged, ...more] = parseLines(take());
        assert.ok(merged);
        assert.equal(more.length, 0);
        assert.deepEqual(originOf(keys, merged), OURS);
        // Times and levels may be written another way; every other value is somewhere, as often as it was.
        const left = leavesOf(merged);
        const others = Object.entries(value).filter(([key]) => !REWRITTEN.has(key));
        for (const leaf of leavesOf(Object.fromEntries(others))) {
          const at = left.indexOf(leaf);
          assert.ok(at >= 0, `${leaf} of ${line} is lost in ${JSON.stringify(merged)}`);
          left.splice(at, 1);
        }
      }),
      { numRuns: 1000 },
    );
  });
}

test("<N> at the beginning of a line is its level, and taken off; pieces have that of the first", () => {
  const { writer, write, take } = rig("gcp", true);
  assert.equal(write('<4>careful\n<8>none\nno <3>here\n<0>\n<3>{"a":1}\n<3>{"severity":"INFO"}\n<\n<3\n'), 8);
  const seen = parseLines(take()).map((value) => [value["severity"], value["message"] ?? "-"]);
  assert.deepEqual(seen, [
    ["WARNING", "careful"],
    ["ERROR", "<8>none"],
    ["ERROR", "no <3>here"],
    ["EMERGENCY", ""],
    ["ERROR", "-"],
    ["INFO", "-"],
    ["ERROR", "<"],
    ["ERROR", "<3"],
  ]);
  const splitter = new LineSplitter(writer, 16);
  const long = Buffer.from(`<7>${"x".repeat(30)}\n${"y".repeat(20)}\n`);
  for (let at = 0; at < long.length; at++) splitter.feed(long, at, at + 1);
  const pieces = parseLines(take()).map((value) => [value["severity"], value["message"]]);
  assert.deepEqual(pieces, [
    ["DEBUG", "x".repeat(13)],
    ["DEBUG", "x".repeat(16)],
    ["DEBUG", "x"],
    ["ERROR", "y".repeat(16)],
    ["ERROR", "y".repeat(4)],
  ]);
});

test("unless it is asked for, <N> is text", () => {
  const { write, take } = rig("plain");
  write("<4>careful\n");
  assert.deepEqual(parseLines(take())[0], { time: TIME, level: "error", ...ORIGIN, message: "<4>careful" });
});

test("64 KB of empty lines: all there, one after the other", () => {
  const { write, take } = rig("otel");
  assert.equal(write("\n".repeat(65_536)), 65_536);
  const lines = take().split("\n");
  assert.equal(lines.length, 65_537);
  assert.equal(new Set(lines).size, 2);
});
