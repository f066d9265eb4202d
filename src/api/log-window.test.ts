import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "./faults.ts";
import { readLog, tailLog } from "./log-window.ts";

/** 20 bytes were ever written, the last 10 are kept. */
const WINDOW = { bytes: Buffer.from("abcdefghij"), end: 20 };

test("readLog: the last bytes, a range, or up to the end", () => {
  assert.equal(readLog(WINDOW, -3, 0), "hij");
  assert.equal(readLog(WINDOW, -100, 0), "abcdefghij");
  assert.equal(readLog(WINDOW, 0, 0), "abcdefghij");
  assert.equal(readLog(WINDOW, 12, 3), "cde");
  assert.equal(readLog(WINDOW, 5, 7), "ab");
  assert.equal(readLog(WINDOW, 0, 5), "abcde");
  assert.equal(readLog(WINDOW, 5, 5), "");
  assert.equal(readLog(WINDOW, 18, 100), "ij");
  assert.equal(readLog(WINDOW, 25, 0), "");
  assert.throws(() => readLog(WINDOW, -3, 1), RpcError);
  assert.throws(() => readLog(WINDOW, 3, -1), RpcError);
});

test("tailLog: what is asked for, or the end and that something was skipped", () => {
  assert.deepEqual(tailLog(WINDOW, 0, 5), ["fghij", 20, true]);
  assert.deepEqual(tailLog(WINDOW, 15, 5), ["fghij", 20, false]);
  assert.deepEqual(tailLog(WINDOW, 20, 5), ["", 20, false]);
  assert.deepEqual(tailLog(WINDOW, 15, 0), ["", 20, true]);
  assert.deepEqual(tailLog(WINDOW, 0, 100), ["abcdefghij", 20, false]);
});

/** A program that writes, and a memory that keeps the last `limit` bytes of it. */
function growing(limit: number): {
  window: () => { bytes: Buffer; end: number };
  write: (text: string) => void;
} {
  let all = "";
  return {
    window: () => ({ bytes: Buffer.from(all.slice(-limit)), end: all.length }),
    write(text) {
      all += text;
    },
  };
}

test("a client that polls the tail by the offset it was given misses nothing and sees nothing twice", () => {
  const log = growing(50);
  let [offset, seen, wrote] = [0, "", ""];
  for (let n = 0; n < 40; n++) {
    const line = `line ${n}\n`;
    log.write(line);
    wrote += line;
    if (n % 3 === 1) continue;
    const [text, end, overflow] = tailLog(log.window(), offset, 30) as [string, number, boolean];
    assert.equal(overflow, false);
    seen += text.slice(Math.max(0, text.length - (end - offset)));
    offset = end;
  }
  assert.equal(seen, wrote);
});

test("a client that reads on from an offset does as well", () => {
  const log = growing(50);
  let [offset, seen, wrote] = [0, "", ""];
  for (let n = 0; n < 40; n++) {
    const line = `line ${n}\n`;
    log.write(line);
    wrote += line;
    const text = readLog(log.window(), offset, 0);
    seen += text;
    offset += text.length;
  }
  assert.equal(seen, wrote);
});

test("a client that reads from the beginning in pieces comes to an end", () => {
  const log = growing(50);
  log.write("0123456789".repeat(20));
  const pieces: string[] = [];
  for (let offset = 0; pieces.at(-1) !== ""; offset += 20) pieces.push(readLog(log.window(), offset, 20));
  assert.deepEqual(pieces, ["01234567890123456789", ""]);
});

test("a client that lost its place, by a clear or a restart, finds it again at once", () => {
  const log = growing(50);
  log.write("after\n");
  assert.deepEqual(tailLog(log.window(), 4711, 100), ["", 6, false]);
  log.write("more\n");
  assert.deepEqual(tailLog(log.window(), 6, 5), ["more\n", 11, false]);
});

test("a character that was cut does not break the text", () => {
  assert.equal(readLog({ bytes: Buffer.from("aé").subarray(0, 2), end: 2 }, 0, 0), "a\ufffd");
});
