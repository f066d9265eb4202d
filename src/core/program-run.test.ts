import assert from "node:assert/strict";
import { test } from "node:test";
import { exitOf, OK, path, RUNNING, SEGV, SPEC, STARTING } from "../../test/fakes/program.ts";
import { step } from "./program.ts";
import { isExpected } from "./program-run.ts";
import type { ProgramSpec } from "./spec.ts";
import type { ExitStatus } from "./states.ts";

test("spawned counts startsecs from the moment there is a process", () => {
  const [next] = step(SPEC, { ...STARTING, pid: null }, { type: "spawned", pid: 9 }, 700);
  assert.deepEqual(next, { ...STARTING, pid: 9, startedAt: 700, runningAt: 1700 });
});

test("an exit at or after startsecs that time has not told of yet is RUNNING, then EXITED", () => {
  const [next, effects] = step({ ...SPEC, autorestart: "never" }, STARTING, exitOf(OK), 1000);
  assert.equal(next.name, "EXITED");
  assert.deepEqual(path(effects), ["RUNNING", "EXITED"]);
});

test("an exit before startsecs is a failed start with any code; the last one is FATAL", () => {
  const [backoff] = step(SPEC, STARTING, exitOf(OK), 999);
  assert.ok(backoff.name === "BACKOFF");
  assert.deepEqual([backoff.tries, backoff.retryAt, backoff.code], [3, 3999, 0]);
  const [fatal, effects] = step({ ...SPEC, startretries: 2 }, STARTING, exitOf(SEGV), 999);
  assert.ok(fatal.name === "FATAL");
  assert.equal(fatal.code, 139);
  assert.deepEqual(path(effects), ["BACKOFF", "FATAL"]);
});

test("autorestart: which ends are started again", () => {
  const cases: [ProgramSpec["autorestart"], ExitStatus, boolean][] = [
    ["never", SEGV, false],
    ["always", OK, true],
    ["unexpected", OK, false],
    ["unexpected", { kind: "exited", code: 1 }, true],
    ["unexpected", SEGV, true],
  ];
  for (const [autorestart, status, isRestarted] of cases) {
    const [next, effects] = step({ ...SPEC, autorestart }, RUNNING, exitOf(status), 5000);
    assert.equal(next.name, isRestarted ? "STARTING" : "EXITED");
    assert.equal(
      effects.some(({ type }) => type === "spawn"),
      isRestarted,
    );
  }
  const [held, effects] = step({ ...SPEC, autorestart: "always" }, RUNNING, exitOf(OK, { next: null }), 5000);
  assert.ok(held.name === "EXITED" && held.restartAt === null);
  assert.deepEqual(path(effects), ["EXITED"]);
});

test("a signal is never an expected end, not even with its number in exitcodes", () => {
  assert.ok(!isExpected({ ...SPEC, exitcodes: [0, 11, 139] }, SEGV));
  assert.ok(isExpected({ ...SPEC, exitcodes: [2] }, { kind: "exited", code: 2 }));
});

test("a oneshot that ends well early is done; with autorestart=always it runs again", () => {
  const oneshot: ProgramSpec = { ...SPEC, type: "oneshot" };
  const [done, effects] = step(oneshot, STARTING, exitOf(OK), 10);
  assert.ok(done.name === "EXITED" && done.expected);
  assert.deepEqual(path(effects), ["EXITED"]);
  assert.equal(step({ ...oneshot, autorestart: "always" }, STARTING, exitOf(OK), 10)[0].name, "STARTING");
  assert.equal(step(oneshot, STARTING, exitOf(SEGV), 10)[0].name, "BACKOFF");
});
