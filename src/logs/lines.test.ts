import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../test/fakes/random.ts";
import { bytesOf, characterEnd, countLines, LineSplitter, type LineWriter, prefixLines } from "./lines.ts";

function randomText(next: (below: number) => number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = next(9) === 0 ? 10 : next(256);
  return bytes;
}

/** Prefixes whole text through targets of the given size. */
function prefixed(source: Buffer, prefix: string, targetSize: number): { text: string; lines: number } {
  const cursor = { read: 0, write: 0, lines: 0, inside: false };
  const target = bytesOf(Buffer.alloc(targetSize));
  let text = "";
  while (cursor.read < source.length) {
    cursor.write = 0;
    prefixLines(bytesOf(source), source.length, target, Buffer.from(prefix), cursor);
    text += target.buffer.toString("latin1", 0, cursor.write);
  }
  return { text, lines: cursor.lines };
}

test("prefixLines puts the prefix before each line, whatever the room it gets", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const source = Buffer.concat([randomText(next, next(400)), Buffer.from("\n")]);
    const prefix = "prefix | ".slice(0, next(9));
    const lines = source.toString("latin1").split("\n").slice(0, -1);
    const wanted = lines.map((line) => `${prefix}${line}\n`).join("");
    const got = prefixed(source, prefix, prefix.length + 1 + next(500));
    assert.equal(got.text, wanted, `seed ${seed}`);
    assert.equal(got.lines, lines.length, `seed ${seed}`);
    assert.equal(countLines(source, 0, source.length), lines.length);
  }
});

test("characterEnd keeps UTF-8 characters whole and leaves other bytes alone", () => {
  const text = Buffer.from("aé…😀");
  const ends = Array.from({ length: text.length + 1 }, (_, to) => characterEnd(text, 0, to));
  assert.deepEqual(ends, [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
  assert.equal(characterEnd(Buffer.from([0x80, 0x80, 0x80, 0x80]), 0, 4), 4);
  assert.equal(characterEnd(Buffer.from([0x41, 0xff]), 0, 2), 2);
});

/** Writes pieces as `<more` before and `more>` after. */
class Recorder implements LineWriter {
  readonly written: string[] = [];

  lines(source: Buffer, from: number, to: number): void {
    const text = source.toString("latin1", from, to);
    assert.equal(text.at(-1), "\n");
    this.written.push(...text.slice(0, -1).split("\n"));
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    this.written.push(`${continues ? "<" : ""}${source.toString("latin1", from, to)}${goesOn ? ">" : ""}`);
  }
}

function split(limit: number, ...chunks: (string | Buffer)[]): Recorder {
  const recorder = new Recorder();
  const splitter = new LineSplitter(recorder, limit);
  for (const chunk of chunks) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    splitter.feed(bytes, 0, bytes.length);
  }
  splitter.end();
  return recorder;
}

test("lines come out the same however they are cut into chunks", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const source = randomText(next, 1 + next(600));
    const limit = 16 + next(100);
    const chunks: Buffer[] = [];
    for (let at = 0; at < source.length; ) {
      const length = 1 + next(next(4) === 0 ? 300 : 5);
      chunks.push(source.subarray(at, at + length));
      at += length;
    }
    const joined = split(limit, ...chunks)
      .written.join("\n")
      .replaceAll(">\n<", "");
    const text = source.toString("latin1");
    const wanted = text.endsWith("\n") ? text.slice(0, -1) : text;
    assert.equal(joined, wanted, `seed ${seed}`);
  }
});

test("bytes around a range are no part of it", () => {
  const recorder = new Recorder();
  const splitter = new LineSplitter(recorder, 100);
  splitter.feed(Buffer.from("old\nab\ncd\nold"), 4, 9);
  assert.deepEqual(recorder.written, ["ab"]);
  splitter.end();
  assert.deepEqual(recorder.written, ["ab", "cd"]);
});

test("a line of the limit stays whole, a longer one is cut there", () => {
  const line = "x".repeat(20);
  assert.deepEqual(split(20, `${line}\n`).written, [line]);
  assert.deepEqual(split(20, line, "\n").written, [line]);
  assert.deepEqual(split(20, `a\n${line}y\nb\n`).written, ["a", `${line}>`, "<y", "b"]);
  assert.deepEqual(split(20, `${line}${line}`, "\n").written, [`${line}>`, `<${line}`]);
});

test("a cut never goes through a character", () => {
  const { written } = split(16, `${"x".repeat(15)}…end\n`);
  assert.deepEqual(written, [`${"x".repeat(15)}>`, `<${Buffer.from("…end").toString("latin1")}`]);
});

test("10 MB without a newline are cut at the limit and never held", () => {
  let longest = 0;
  let total = 0;
  let marks = 0;
  const splitter = new LineSplitter(
    {
      lines: () => assert.fail("no line ends here"),
      piece: (_source, from, to, continues, goesOn) => {
        longest = Math.max(longest, to - from);
        total += to - from;
        marks += Number(continues) + Number(goesOn);
      },
    },
    65_536,
  );
  const chunk = Buffer.alloc(65_536, "x");
  for (let index = 0; index < 160; index++) splitter.feed(chunk, 0, chunk.length);
  splitter.end();
  assert.equal(total, 10 * 1024 * 1024);
  assert.equal(longest, 65_536);
  assert.equal(marks, 2 * 159);
});

test("a line that waited too long is written as going on, its rest as continuing", () => {
  const recorder = new Recorder();
  const splitter = new LineSplitter(recorder, 100);
  const feed = (text: string | Buffer) => splitter.feed(Buffer.from(text), 0, Buffer.from(text).length);
  feed("one\nPassword: ");
  assert.equal(splitter.holding, true);
  splitter.flushPartial();
  assert.equal(splitter.holding, false);
  feed("secret");
  feed("\nnext\n");
  assert.deepEqual(recorder.written, ["one", "Password: >", "<secret", "next"]);
  feed("again");
  splitter.flushPartial();
  feed("\n");
  assert.deepEqual(recorder.written.slice(4), ["again>", "<"]);
  feed(Buffer.from("…").subarray(0, 2));
  splitter.flushPartial();
  assert.equal(splitter.holding, true, "half a character waits for the rest of itself");
  feed(Buffer.from("…").subarray(2));
  feed("\n");
  assert.deepEqual(recorder.written.slice(6), [Buffer.from("…").toString("latin1")]);
});

test("a smaller limit cuts what is already held", () => {
  const recorder = new Recorder();
  const splitter = new LineSplitter(recorder, 100);
  splitter.feed(Buffer.alloc(50, "x"), 0, 50);
  splitter.setLimit(20);
  splitter.end();
  assert.deepEqual(recorder.written, [`${"x".repeat(50)}>`, "<"]);
});
