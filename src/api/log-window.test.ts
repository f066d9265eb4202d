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
  assert.equal(readLog(WINDOW, 0, 5), "");
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

test("a character that was cut does not break the text", () => {
  assert.equal(readLog({ bytes: Buffer.from("aé").subarray(0, 2), end: 2 }, 0, 0), "a\ufffd");
});
