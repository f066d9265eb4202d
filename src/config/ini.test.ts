import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIni } from "./ini.ts";

function values(text: string): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const [name, section] of parseIni(text).sections) {
    out[name] = Object.fromEntries([...section.entries].map(([key, entry]) => [key, entry.value]));
  }
  return out;
}

test("names and values that npm ini would change arrive unchanged", () => {
  const text = [
    "[program:web.api]",
    'command=sh -c "a;b" curl http://h/#frag a\\;b',
    "x[]=1",
    "x[]=2",
    "flag=true",
    '"quoted" = "in quotes"',
    "constructor=c",
    "10=ten",
    "2=two",
    "sep=a\u2028b",
    "[program:web]",
    "y=z",
  ].join("\n");
  assert.deepEqual(values(text), {
    "program:web.api": {
      command: 'sh -c "a;b" curl http://h/#frag a\\;b',
      "x[]": "2",
      flag: "true",
      '"quoted"': '"in quotes"',
      constructor: "c",
      "10": "ten",
      "2": "two",
      sep: "a\u2028b",
    },
    "program:web": { y: "z" },
  });
  assert.equal(
    parseIni("[__proto__]\n__proto__=1\n").sections.get("__proto__")?.entries.get("__proto__")?.value,
    "1",
  );
});

test("a byte order mark is dropped, CRLF and a missing last newline are fine", () => {
  assert.deepEqual(values("\ufeff[a]\r\nk=v\r\n  w"), { a: { k: "v\nw" } });
});

test("every mistake is found, with its line", () => {
  assert.deepEqual(parseIni("x=1\ny\n[a]\nnope\n=v\nk=1\n").problems, [
    { kind: "no-section", line: 1, text: "x=1" },
    { kind: "no-delimiter", line: 4, text: "nope" },
    { kind: "empty-key", line: 5, text: "=v" },
  ]);
});

test("what a comment cut off is kept beside the value", () => {
  const section = parseIni('[a]\nc=sh -c "x ; y" ; z\n  more # w\nd=plain\n').sections.get("a");
  assert.equal(section?.entries.get("c")?.value, 'sh -c "x\nmore');
  assert.deepEqual(section?.entries.get("c")?.uncut, ['sh -c "x ; y" ; z', "more # w"]);
  assert.equal(section?.entries.get("d")?.uncut, null);
});

test("long lines and values take linear time", () => {
  const blanks = " ".repeat(200_000);
  const started = process.hrtime.bigint();
  parseIni(
    `[a]\nk=${blanks}x${blanks}\n${";".repeat(200_000)}\nk2=v${"\n".repeat(200_000)}  ` +
      `w\nz=${" ;#".repeat(50_000)}`,
  );
  assert(process.hrtime.bigint() - started < 2_000_000_000n, "two seconds for a megabyte");
});
