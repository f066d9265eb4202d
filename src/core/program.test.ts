import assert from "node:assert/strict";
import { test } from "node:test";
import { exitOf, kills, OK, path, RUNNING, SPEC, STARTING, STOPPING } from "../../test/fakes/program.ts";
import { deadline, step } from "./program.ts";
import type { ProgramState } from "./states.ts";
import type { ProgramEvent } from "./transition.ts";

const STATES: readonly ProgramState[] = [
  { name: "STOPPED" },
  { ...STARTING, pid: null },
  STARTING,
  RUNNING,
  { name: "BACKOFF", tries: 1, retryAt: 1000, reason: "x", code: 1 },
  STOPPING,
  { ...STOPPING, leader: null, status: OK },
  { name: "EXITED", status: OK, expected: true, restartAt: null, clearing: null },
  { name: "FATAL", reason: "x", code: 1 },
  { name: "UNKNOWN", pid: 7, reason: "EPERM" },
];

test("an exit of another pid leaves every state as it is", () => {
  for (const state of STATES) {
    const [next, effects] = step(SPEC, state, exitOf(OK, { pid: 8 }), 500);
    assert.equal(next, state);
    assert.deepEqual(effects, []);
  }
});

test("time before the deadline, or without one, does nothing; at it, something", () => {
  for (const state of STATES) {
    const due = deadline(state);
    const [early, none] = step(SPEC, state, { type: "time", mayStart: true }, due === null ? 1e9 : due - 1);
    assert.equal(early, state);
    assert.deepEqual(none, []);
    if (due !== null)
      assert.notEqual(step(SPEC, state, { type: "time", mayStart: true }, due)[0], state, state.name);
  }
});

test("time that comes an hour late does what was due once", () => {
  const [up, effects] = step(SPEC, STARTING, { type: "time", mayStart: true }, 3_600_000);
  assert.equal(up.name, "RUNNING");
  assert.deepEqual(path(effects), ["RUNNING"]);
  const [stopping, killed] = step(SPEC, STOPPING, { type: "time", mayStart: true }, 3_600_000);
  assert.deepEqual(kills(killed), ["7 9"]);
  assert.equal(deadline(stopping), 3_604_000);
});

test("stop and start without a process to act on", () => {
  for (const state of STATES) {
    const [stopped, none] = step(SPEC, state, { type: "stop" }, 0);
    if (state.name === "BACKOFF") assert.equal(stopped.name, "STOPPED");
    else if (state !== STARTING && state !== RUNNING) assert.deepEqual([stopped, none], [state, []]);
    const [started, effects] = step(SPEC, state, { type: "start", restart: null }, 0);
    const canStart = ["STOPPED", "EXITED", "FATAL"].includes(state.name);
    assert.equal(
      effects.some(({ type }) => type === "spawn"),
      canStart,
      state.name,
    );
    if (canStart) assert.ok(started.name === "STARTING" && started.tries === 0);
    else assert.equal(started, state);
  }
});

test("group-gone and kill-failed mean something only where a stop or a process is under way", () => {
  const leaderless: ProgramState = { ...STOPPING, leader: null, status: OK };
  assert.equal(step(SPEC, leaderless, { type: "group-gone", pid: 7 }, 0)[0].name, "STOPPED");
  assert.equal(step(SPEC, STOPPING, { type: "group-gone", pid: 7 }, 0)[0], STOPPING);
  assert.equal(step(SPEC, leaderless, { type: "group-gone", pid: 6 }, 0)[0], leaderless);
  const failed: ProgramEvent = { type: "kill-failed", reason: "EPERM" };
  assert.equal(step(SPEC, RUNNING, failed, 0)[0].name, "UNKNOWN");
  assert.equal(step(SPEC, leaderless, failed, 0)[0].name, "STOPPED");
  assert.deepEqual(step(SPEC, { name: "STOPPED" }, failed, 0), [{ name: "STOPPED" }, []]);
});

test("an answer about an earlier process or group is none about the present one", () => {
  const clearing: ProgramState = {
    name: "EXITED",
    status: OK,
    expected: true,
    restartAt: 5000,
    clearing: { group: 7, restartAt: 100 },
  };
  assert.equal(step(SPEC, clearing, { type: "group-gone", pid: 6 }, 0)[0], clearing);
  assert.equal(deadline(step(SPEC, clearing, { type: "group-gone", pid: 7 }, 0)[0]), 100);
  const asking: ProgramState = { ...STOPPING, signalsSent: 0 };
  const failed = (pid: number): ProgramEvent => ({
    type: "stop-command-failed",
    pid,
    reason: "exit status 1",
  });
  assert.deepEqual(step(SPEC, asking, failed(6), 0), [asking, []]);
  assert.deepEqual(kills(step(SPEC, asking, failed(7), 0)[1]), ["7 15"]);
});
