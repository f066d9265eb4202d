import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import {
  describeState,
  describeStatus,
  formatStopTime,
  formatUptime,
  localTime,
  takeSnapshot,
} from "./describe.ts";
import type { ProgramFacts } from "./snapshot.ts";
import type { ProgramState } from "./states.ts";
import { createSystem, step } from "./system.ts";

const FACTS: ProgramFacts = {
  startedAt: 1000,
  stoppedAt: 2000,
  exitStatus: 0,
  spawnError: "",
  said: "",
  lastSuccessAt: 0,
  lastResult: "",
  nextRunAt: 0,
};

test("uptime: hours not padded, days in words, never negative", () => {
  const cases: [number, string][] = [
    [0, "0:00:00"],
    [192.9, "0:03:12"],
    [36_000, "10:00:00"],
    [86_399, "23:59:59"],
    [86_405, "1 day, 0:00:05"],
    [5 * 86_400 + 7 * 3600 + 18 * 60 + 14, "5 days, 7:18:14"],
    [-5, "0:00:00"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatUptime(seconds), text);
});

test("stop time as strftime has it in the C locale, at both ends of the half day", () => {
  assert.equal(formatStopTime({ month: 10, day: 22, hours: 7, minutes: 26 }), "Nov 22 07:26 AM");
  assert.equal(formatStopTime({ month: 0, day: 1, hours: 0, minutes: 5 }), "Jan 01 12:05 AM");
  assert.equal(formatStopTime({ month: 11, day: 31, hours: 12, minutes: 0 }), "Dec 31 12:00 PM");
  assert.equal(formatStopTime({ month: 5, day: 9, hours: 23, minutes: 59 }), "Jun 09 11:59 PM");
});

test("the parts of a local time make the same moment again", () => {
  const { month, day, hours, minutes } = localTime(1_700_000_000);
  const back = new Date(2023, month, day, hours, minutes).getTime() / 1000;
  assert.equal(back, 1_700_000_000 - (1_700_000_000 % 60));
});

test("how a process ended", () => {
  assert.equal(describeStatus({ kind: "exited", code: 3 }), "exit status 3");
  assert.equal(describeStatus({ kind: "signalled", signal: 15, coreDumped: false }), "terminated by SIGTERM");
  assert.equal(
    describeStatus({ kind: "signalled", signal: 11, coreDumped: true }),
    "terminated by SIGSEGV (core dumped)",
  );
});

test("the description of every state", () => {
  const describe = (state: ProgramState, facts = FACTS): string => describeState("web", state, facts, 1192);
  assert.equal(
    describe({ name: "RUNNING", pid: 123, ...FRESH_RUN, startedAt: 0 }),
    "pid 123, uptime 0:03:12",
  );
  assert.equal(describe({ name: "FATAL", reason: "no such file", code: 127 }), "no such file");
  assert.equal(describe({ name: "FATAL", reason: "", code: 1 }), 'unknown error (try "tail web")');
  const backoff: ProgramState = { name: "BACKOFF", tries: 1, retryAt: 0, reason: "", code: 1 };
  assert.equal(describe(backoff, { ...FACTS, spawnError: "EAGAIN" }), "EAGAIN");
  assert.equal(describe({ name: "STOPPED" }), formatStopTime(localTime(2000)));
  assert.equal(describe({ name: "STOPPED" }, { ...FACTS, startedAt: 0 }), "Not started");
  assert.equal(describe({ name: "STOPPED" }, { ...FACTS, stoppedAt: 0 }), "Not started");
  assert.equal(
    describe({ name: "STARTING", stage: "main", pid: 1, ...FRESH_RUN, tries: 0, startedAt: 0, runningAt: 1 }),
    "",
  );
  assert.equal(describe({ name: "UNKNOWN", pid: 1, reason: "EPERM" }), "");
});

test("a snapshot: sorted by group and name, with pid, ready, done, pending", () => {
  const plan = fakePlan([
    fakeSpec("g:b", { startsecs: 0, groupPriority: 1, priority: 9 }),
    fakeSpec("g:a", { groupPriority: 2 }),
    fakeSpec("a", { priority: 1, startsecs: 0 }),
    fakeSpec("late"),
  ]);
  let system = createSystem(plan);
  const feed = (event: Parameters<typeof step>[1]): void => {
    system = step(system, event, 0)[0];
  };
  feed({ type: "boot" });
  feed({ type: "spawned", id: "a:a", pid: 11 });
  feed({ type: "spawned", id: "g:b", pid: 12 });
  feed({ type: "exited", pid: 11, status: { kind: "exited", code: 0 }, groupAlive: false });
  const snapshot = takeSnapshot(system, () => FACTS, 1060, 3);
  assert.deepEqual(
    snapshot.programs.map(({ id, pid, ready, done, pending }) => ({ id, pid, ready, done, pending })),
    [
      { id: "a:a", pid: 0, ready: false, done: true, pending: false },
      { id: "g:a", pid: 0, ready: false, done: false, pending: false },
      { id: "g:b", pid: 12, ready: true, done: false, pending: false },
      { id: "late:late", pid: 0, ready: false, done: false, pending: true },
    ],
  );
  assert.equal(snapshot.programs[2]?.description, "pid 12, uptime 0:01:00");
  const { now, phase, started, faults, startGate } = snapshot;
  assert.deepEqual(
    { now, phase, started, faults, startGate },
    {
      now: 1060,
      phase: "booting",
      started: false,
      faults: 3,
      startGate: "running",
    },
  );
});
