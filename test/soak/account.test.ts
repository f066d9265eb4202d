/** The accountant notices what it is there for: a gap, a swap, a changed byte, a wrong name; and joins what was cut. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { Account, shortfalls } from "./account.ts";

const numbered = (run: number, sequence: number, payload: Buffer | string): Buffer => {
  const bytes = Buffer.from(payload);
  const sum = crc32(bytes).toString(16).padStart(8, "0");
  return Buffer.concat([Buffer.from(`#${run}:${sequence}:${sum}:`), bytes]);
};
const text = (name: string, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${name.padEnd(8)} | `), body, Buffer.from("\n")]);

function counted(...chunks: readonly Buffer[]): Account {
  const account = new Account();
  for (const chunk of chunks) account.push(chunk);
  return account;
}

test("whole lines in order, in chunks of any size, text and binary and JSON", () => {
  const binary = numbered(1, 1, Buffer.from([0, 0xff, 0xfe, 13, 0x7c]));
  const json = `{"program":"json","message":${JSON.stringify(numbered(3, 0, 'é " {').toString())}}\n`;
  const all = Buffer.concat([
    text("web", numbered(1, 0, "a | b")),
    text("web", binary),
    Buffer.from(json),
    text("web", numbered(2, 0, "")),
  ]);
  const bytewise = Array.from(all, (byte) => Buffer.from([byte]));
  for (const account of [counted(all), counted(...bytewise)]) {
    assert.deepEqual(account.complaints, []);
    assert.equal(account.lines, 4);
    assert.equal(account.count("web", 1), 2);
  }
});

test("a gap, a swap, a changed byte and half a line under another name are complaints", () => {
  const line = (sequence: number) => text("web", numbered(1, sequence, `payload ${sequence}`));
  assert.match(counted(line(0), line(2)).complaints[0] ?? "", /2 instead of 1/);
  assert.equal(counted(line(1), line(0)).wrong, 2);
  const changed = line(0);
  changed[changed.length - 3] = 0x21;
  assert.match(counted(changed, line(1)).complaints[0] ?? "", /not what was written/);
  assert.match(
    counted(line(0), text("db", numbered(1, 1, "x"))).complaints[0] ?? "",
    /^db, run 1: 1 instead of 0/,
  );
});

test("cut lines are put together, with others between their pieces", () => {
  const body = numbered(1, 0, "héllo".repeat(10));
  const cut = 25;
  const mark = Buffer.from("…");
  const account = counted(
    text("web", Buffer.concat([body.subarray(0, cut), mark])),
    text("db", numbered(1, 0, "between")),
    text("web", Buffer.concat([mark, body.subarray(cut)])),
  );
  assert.deepEqual(account.complaints, []);
  assert.equal(account.lines, 2);
});

test("a line whose newline came late is a whole line, at the latest when the next one comes", () => {
  const late = Buffer.concat([numbered(1, 0, "x"), Buffer.from("…")]);
  const account = counted(text("web", late), text("web", numbered(1, 1, "y")));
  assert.deepEqual(account.complaints, []);
  assert.equal(account.count("web", 1), 2);
});

test("who died in the middle of a line owes nothing; who noted more lines than came does", () => {
  const begun = Buffer.concat([numbered(1, 1, "xyz").subarray(0, 14), Buffer.from("…")]);
  const account = counted(
    text("web", numbered(1, 0, "x")),
    text("web", begun),
    text("db", numbered(1, 0, "uvw").subarray(0, 15)),
    text("web", numbered(2, 0, "y")),
  );
  assert.deepEqual(account.complaints, []);
  assert.deepEqual(shortfalls("web 2 1\nweb 1 1\n", [account]), []);
  assert.deepEqual(shortfalls("web 2 3\n", [account]), ["web, run 2: 1 of 3 lines"]);
});
