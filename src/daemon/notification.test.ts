import assert from "node:assert/strict";
import { test } from "node:test";
import { type Notification, parseNotification } from "./notification.ts";

const NOTHING: Notification = { states: [], status: null, mainPid: null, watchdog: null, extend: null };
const parse = (text: string) => parseNotification(Buffer.from(text));

test("each field is understood, alone and with others", () => {
  const cases: [text: string, expected: Partial<Notification>][] = [
    ["READY=1", { states: ["ready"] }],
    ["READY=1\n", { states: ["ready"] }],
    ["READY=1\0", { states: ["ready"] }],
    ["STOPPING=1\nREADY=1\nRELOADING=1", { states: ["reloading", "ready", "stopping"] }],
    ["RELOADING=1\nMONOTONIC_USEC=5", { states: ["reloading"] }],
    ["STATUS=half = done\nMAINPID=42", { status: "half = done", mainPid: 42 }],
    ["STATUS=", { status: "" }],
    ["WATCHDOG=1", { watchdog: "alive" }],
    ["WATCHDOG=trigger", { watchdog: "trigger" }],
    ["EXTEND_TIMEOUT_USEC=1500000", { extend: 1500 }],
    ["STATUS=first\nSTATUS=second", { status: "first" }],
    ["X_MINE=1\nERRNO=2\nFDSTORE=1\nBARRIER=1", {}],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parse(text), { ...NOTHING, ...expected }, text);
});

test("what makes no sense is passed over", () => {
  for (const text of [
    "READY=2",
    "READY=",
    "ready=1",
    " READY=1",
    "MAINPID=0",
    "MAINPID=-1",
    "MAINPID=1e3",
    "MAINPID=99999999999999999999",
    "WATCHDOG=0",
    "EXTEND_TIMEOUT_USEC=soon",
  ])
    assert.deepEqual(parse(text), NOTHING, text);
});

test("what is no list of assignments is none", () => {
  for (const text of ["", "\n\n", "READY", "=1", "READY=1\0STOPPING=1", "\0"])
    assert.equal(parse(text), null);
  assert.deepEqual(parseNotification(Buffer.from([0xff, 0x3d, 0xfe])), NOTHING);
});

test("a status is one printable line of bounded length", () => {
  assert.equal(
    parse("STATUS=a\u001b[2Jb\tc\r\u009b\u202e")?.status,
    "a\\u001b[2Jb\\u0009c\\u000d\\u009b\\u202e",
  );
  assert.equal(parse(`STATUS=${"x".repeat(4000)}`)?.status, `${"x".repeat(200)}…`);
  assert.equal(parseNotification(Buffer.from("STATUS=\xff", "latin1"))?.status, "\ufffd");
  // Cut in the middle of a pair of surrogates.
  assert.equal(parse(`STATUS=${"x".repeat(199)}😀`)?.status, `${"x".repeat(199)}\ufffd…`);
});
