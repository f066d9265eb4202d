import assert from "node:assert/strict";
import { test } from "node:test";
import { RUNNING, SPEC, STOPPING } from "../../test/fakes/program.ts";
import { step } from "./program.ts";
import { adjust } from "./program-checks.ts";
import type { ReadyCheck } from "./spec.ts";
import type { ProgramState } from "./states.ts";
import type { ProgramEvent } from "./transition.ts";

test("a reload: no check holds nobody back, a first one finds it ready, another has its own time", () => {
  const check: ReadyCheck = {
    way: { kind: "tcp", host: "localhost", port: 80 },
    interval: 1,
    timeout: 2,
    deadline: 60,
  };
  const none = SPEC;
  const some = { ...SPEC, ready: check };
  const other = { ...SPEC, ready: { ...check, deadline: 5 } };
  const waits: ProgramState = {
    ...RUNNING,
    ready: false,
    readyBy: 60_000,
    readyFailures: 2,
    readyReason: "tcp: connection refused",
  };
  assert.deepEqual(adjust(some, none, waits, 100), {
    ...RUNNING,
    ready: true,
    readyBy: null,
    readyFailures: 0,
    readyReason: "",
  });
  assert.equal(adjust(none, some, RUNNING, 100), RUNNING);
  assert.equal(adjust(some, { ...some }, waits, 100), waits);
  const again = adjust(some, other, waits, 100);
  assert.ok(again.name === "RUNNING" && !again.ready && again.readyBy === 5100 && again.readyReason === "");
  // Once it was ready there is no deadline any more.
  assert.equal(adjust(some, other, { ...waits, readyBy: null }, 100).name, "RUNNING");
  assert.equal(adjust(some, none, STOPPING, 100), STOPPING);
});

test("what its ready check says last is the reason of a start that failed for it", () => {
  const check: ReadyCheck = { way: { kind: "notify" }, interval: 1, timeout: 2, deadline: 60 };
  const waits: ProgramState = { ...RUNNING, ready: false, readyBy: 60_000 };
  const spec = { ...SPEC, ready: check };
  const event: ProgramEvent = { type: "probed", pid: 7, check: "ready", ok: false, reason: "no" };
  const [asked] = step(spec, waits, event, 100);
  assert.ok(asked.name === "RUNNING" && asked.readyReason === "no");
  const [late] = step(spec, asked, { type: "time", mayStart: true }, 60_000);
  assert.ok(late.name === "STOPPING");
  assert.equal(late.failure?.reason, "not ready within 60 s (ready_deadline): no");
  const [ready] = step(spec, asked, { ...event, ok: true, reason: "" }, 200);
  assert.ok(ready.name === "RUNNING" && ready.ready && ready.readyReason === "");
});
