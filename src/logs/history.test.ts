import assert from "node:assert/strict";
import { test } from "node:test";
import { History, Ring } from "./history.ts";

function write(ring: Ring, text: string): void {
  ring.write(Buffer.from(text), 0, text.length);
}

test("a ring keeps the last bytes and counts all", () => {
  for (const size of [1, 3, 700, 1024, 1500, 5000]) {
    const ring = new Ring(3000);
    let all = "";
    for (let index = 0; all.length < 20_000; index++) {
      const text = String(index).padEnd(size, "-");
      all += text;
      write(ring, text);
      assert.equal(ring.bytes().toString(), all.slice(-3000));
      assert.equal(ring.end, all.length);
    }
    assert.equal(ring.length, 3000);
  }
});

test("a ring of nothing keeps nothing, a new limit keeps the newest", () => {
  const none = new Ring(0);
  write(none, "abc");
  assert.deepEqual([none.bytes().length, none.end], [0, 3]);
  const ring = new Ring(10);
  write(ring, "0123456789abc");
  ring.setLimit(4);
  assert.deepEqual([ring.bytes().toString(), ring.end], ["9abc", 13]);
  ring.setLimit(6);
  write(ring, "de");
  assert.equal(ring.bytes().toString(), "9abcde");
  ring.clear();
  assert.deepEqual([ring.bytes().length, ring.end], [0, 15]);
});

function historyOf(...turns: [stream: "stdout" | "stderr", text: string | Buffer][]): History {
  const history = new History(1000);
  for (const [stream, text] of turns) {
    const bytes = Buffer.from(text);
    history.write(stream, bytes, 0, bytes.length);
  }
  return history;
}

test("last lines are those of both streams in the order they came", () => {
  const history = historyOf(
    ["stdout", "a\nb\n"],
    ["stderr", "oops\nTrace"],
    ["stdout", "c\nd"],
    ["stderr", "back\n"],
  );
  assert.equal(history.lastLines(100), "a\nb\noops\nc\nTraceback\nd");
  assert.equal(history.lastLines(12), "Traceback\nd");
  assert.equal(history.lastLines(3), "d");
});

test("a last line that is too long is shortened at its front, at a character", () => {
  assert.equal(historyOf(["stdout", "abcdefgh\n"]).lastLines(3), "fgh");
  assert.equal(historyOf(["stdout", "ab…cd\n"]).lastLines(4), "cd");
  assert.equal(historyOf().lastLines(10), "");
});

test("a character written in two turns comes out whole", () => {
  const dots = Buffer.from("…\n");
  const history = historyOf(["stdout", dots.subarray(0, 1)], ["stderr", "x\n"], ["stdout", dots.subarray(1)]);
  assert.equal(history.lastLines(100), "x\n…");
});

test("old turns are forgotten, their bytes are not", () => {
  const history = new History(10_000);
  for (let index = 0; index < 400; index++) {
    const line = Buffer.from(`${index}\n`);
    history.write(index % 2 === 0 ? "stdout" : "stderr", line, 0, line.length);
  }
  assert.equal(history.lastLines(16), "396\n397\n398\n399");
  assert.equal(history.lastLines(100_000).split("\n").length, 400);
});

test("after clear nothing is left, and offsets begin at 0 again", () => {
  const history = historyOf(["stdout", "a\n"], ["stderr", "b\n"]);
  history.clear();
  assert.equal(history.lastLines(100), "");
  assert.equal(history.stdout.end, 0);
});
