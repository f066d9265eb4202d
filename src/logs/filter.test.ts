import assert from "node:assert/strict";
import { test } from "node:test";
import { OutputFilter } from "./filter.ts";
import { BoundBytes } from "./tags.ts";

const BEGIN = "<!--XSUPERVISOR:BEGIN-->";
const END = "<!--XSUPERVISOR:END-->";

interface Seen {
  text: string;
  capturing: string;
  captured: string[];
}

function run(text: string, size: number, limit: number, stripAnsi: boolean, ended = true): Seen {
  const seen: Seen = { text: "", capturing: "", captured: [] };
  const output = {
    take: (source: Buffer, from: number, to: number) => {
      seen.text += source.toString("latin1", from, to);
    },
    capturing: (source: Buffer, from: number, to: number) => {
      seen.capturing += source.toString("latin1", from, to);
    },
    captured: (bytes: Buffer) => void seen.captured.push(bytes.toString("latin1")),
  };
  const filter = new OutputFilter(output, limit, stripAnsi);
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size) filter.feed(bytes, at, Math.min(bytes.length, at + size));
  if (ended) filter.end();
  return seen;
}

test("tags vanish and what is between is captured, however the reads fall", () => {
  const text = `before ${BEGIN}hello${END} after\n${BEGIN}${END}${BEGIN}two\n${END}`;
  for (let size = 1; size < text.length + 1; size++) {
    const seen = run(text, size, 1000, false);
    assert.deepEqual(seen, {
      text: "before  after\n",
      capturing: "hellotwo\n",
      captured: ["hello", "", "two\n"],
    });
  }
});

test("short output is there at once; only what may be a tag waits, and is released at the end", () => {
  assert.equal(run("hi", 10, 100, false, false).text, "hi");
  assert.equal(run("a <!--XS", 3, 100, false, false).text, "a ");
  assert.equal(run("a <!--XS", 3, 100, false, true).text, "a <!--XS");
  assert.equal(run("<<!--X <!--XSUPERVISOR:END-->", 2, 100, false).text, "<<!--X <!--XSUPERVISOR:END-->");
});

test("a capture without its end is lost when the process ends, and the next run's output is seen", () => {
  const seen = run(`x${BEGIN}lost`, 4, 100, false);
  assert.deepEqual(seen, { text: "x", capturing: "lost", captured: [] });
});

test("escape sequences go from text and captures alike", () => {
  const text = `\x1b[1mbold\x1b[0m${BEGIN}\x1b[31mred\x1b[0m${END}end`;
  for (const size of [1, 3, 1000]) {
    const seen = run(text, size, 100, true);
    assert.deepEqual(seen, { text: "boldend", capturing: "red", captured: ["red"] });
  }
});

test("without capturing a tag is text", () => {
  assert.equal(run(`${BEGIN}x${END}`, 5, 0, true).text, `${BEGIN}x${END}`);
});

test("the bound of a capture is supervisord's: new bytes push out as many of the oldest", () => {
  const bound = new BoundBytes(10);
  const put = (text: string) => bound.write(Buffer.from(text), 0, text.length);
  put("0123456789");
  put("abc");
  assert.equal(bound.take().toString(), "3456789abc");
  put("x");
  put("0123456789012345");
  assert.equal(bound.take().toString(), "0123456789012345", "one large piece is kept whole");
  for (let index = 0; index < 1000; index++) put("abcdef");
  assert.equal(bound.take().toString(), "abcdef");
  assert.equal(bound.take().length, 0);
});
