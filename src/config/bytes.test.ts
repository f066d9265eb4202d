import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBytes, encodeBytes } from "./bytes.ts";

test("bytes that are not UTF-8 survive the way there and back", () => {
  const samples = [
    [],
    [0x61],
    [0xff],
    [0xc3, 0xa9],
    [0xc3],
    [0xed, 0xb2, 0x80],
    [0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f],
  ];
  for (let a = 0; a < 256; a++) samples.push([a], [0xe0, a, 0x80], [0xf4, a, 0x80, 0x80], [0x62, a, 0x63]);
  for (const bytes of samples) {
    const text = decodeBytes(Uint8Array.from(bytes));
    assert.deepEqual([...encodeBytes(text)], bytes, JSON.stringify(text));
  }
});

test("what is UTF-8 is decoded as such, around what is not", () => {
  assert.equal(decodeBytes(Uint8Array.from([0xc3, 0xa9, 0xff, 0xf0, 0x9f, 0x98, 0x80])), "é\udcff😀");
  assert.equal(decodeBytes(Uint8Array.from([0xef, 0xbb, 0xbf, 0x61])), "\ufeffa");
  assert.equal(decodeBytes(Uint8Array.from([0xc0, 0x80])), "\udcc0\udc80", "overlong forms are no UTF-8");
});
