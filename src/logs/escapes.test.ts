import assert from "node:assert/strict";
import { test } from "node:test";
import { EscapeStripper } from "./escapes.ts";

/** What is left when the text comes in reads of so many bytes. */
function strip(text: string, size: number): string {
  const stripper = new EscapeStripper();
  const out: Buffer[] = [];
  const take = (source: Buffer, from: number, to: number): void => {
    out.push(Buffer.from(source.subarray(from, to)));
  };
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size)
    stripper.feed(bytes, at, Math.min(bytes.length, at + size), take);
  stripper.end(take);
  return Buffer.concat(out).toString("latin1");
}

const CASES: [text: string, left: string, what: string][] = [
  ["plain \xff\x00 text\n", "plain \xff\x00 text\n", "no escape"],
  ["\x1b[31mred\x1b[0m\n", "red\n", "colours"],
  ["a\x1b[2J\x1b[1;1Hb\x1b[?25lc\x1b[38;5;208md", "abcd", "cursor, screen, modes"],
  ["\x1b[3~hello", "hello", "a final byte that supervisord does not know"],
  ["\x1b[0 qshape", "shape", "intermediate bytes"],
  ["\x1b]0;title\x07x\x1bMy\x1b(Bz", "\x1b]0;title\x07x\x1bMy\x1b(Bz", "other escapes stay"],
  ["\x1b[31\nnext", "\x1b[31\nnext", "what a newline cuts is no sequence"],
  ["\x1b\x1b[1mx\x1b[\x1b[1my", "\x1bx\x1b[y", "an escape inside begins anew"],
  ["end\x1b", "end\x1b", "a lone escape at the end"],
  ["end\x1b[3", "end", "an unfinished sequence at the end"],
  [`\x1b[${"1;".repeat(40)}mx`, `\x1b[${"1;".repeat(40)}mx`, "far too long for a sequence"],
];

for (const [text, left, what] of CASES) {
  test(`strip_ansi: ${what}, however the reads fall`, () => {
    for (const size of [1, 2, 3, 5, 7, 1000]) assert.equal(strip(text, size), left, `reads of ${size}`);
  });
}

test("without an escape the range itself is passed on, uncopied", () => {
  const stripper = new EscapeStripper();
  const bytes = Buffer.from("one two");
  stripper.feed(bytes, 4, 7, (source, from, to) => {
    assert.equal(source, bytes);
    assert.deepEqual([from, to], [4, 7]);
  });
});
