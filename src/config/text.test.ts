import assert from "node:assert/strict";
import { test } from "node:test";
import { compareText, indentOf, nearest, quote, splitBlanks, strip } from "./text.ts";

test("blanks are Python's", () => {
  assert.equal(strip("\x1c \x85 a\ufeff \x1f"), "a\ufeff");
  assert.equal(indentOf("\t \xa0x"), 3);
  assert.deepEqual(splitBlanks("  a\n\tb\x1cc "), ["a", "b", "c"]);
});

test("quote is repr", () => {
  assert.equal(quote("it's"), `"it's"`);
  assert.equal(quote(`it's "x"`), `'it\\'s "x"'`);
  assert.equal(quote("a\nb\x01\\é😀\u2028\udc80"), "'a\\nb\\x01\\\\é😀\\u2028\\udc80'");
});

test("strings are ordered by code point", () => {
  assert.deepEqual(["b", "a", "ab", "\uffff", "😀", ""].sort(compareText), [
    "",
    "a",
    "ab",
    "b",
    "\uffff",
    "😀",
  ]);
});

test("the nearest key is found when it is near, and only then", () => {
  const keys = ["startsecs", "stopsignal", "priority", "autostart", "user"];
  assert.equal(nearest("startsec", keys), "startsecs");
  assert.equal(nearest("piority", keys), "priority");
  assert.equal(nearest("autosatrt", keys), "autostart");
  assert.equal(nearest("dependent_startup", keys), null);
  assert.equal(nearest("x", keys), null);
  assert.equal(nearest("a".repeat(100_000), keys), null);
});
