import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import type { Effect } from "./effect.ts";
import { adjust, type Demand, deadline, isExpected, type ProgramEvent, step } from "./program.ts";
import { NO_RESTARTS } from "./restart.ts";
import type { ProgramSpec, ReadyCheck } from "./spec.ts";
import type { ExitStatus, ProgramState } from "./states.ts";

const SPEC = fakeSpec("web", { stopwaitsecs: 4 });
const OK: ExitStatus = { kind: "exited", code: 0 };
const SEGV: ExitStatus = { kind: "signalled", signal: 11, coreDumped: false };
const STARTING: ProgramState = {
  name: "STARTING",
  stage: "main",
  pid: 7,
  ...FRESH_RUN,
  tries: 2,
  startedAt: 0,
  runningAt: 1000,
};
const RUNNING: ProgramState = { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 };
const STOPPING: ProgramState = {
  name: "STOPPING",
  pid: 7,
  leader: 7,
  begunAt: 0,
  signalsSent: 1,
  nextAt: 4000,
  status: null,
  failure: null,
};

function exitOf(
  status: ExitStatus,
  more: Partial<Extract<ProgramEvent, { type: "exited" }>> = {},
): ProgramEvent {
  return {
    type: "exited",
    pid: 7,
    status,
    groupAlive: false,
    next: { at: 0, history: NO_RESTARTS },
    mayStart: true,
    ...more,
  };
}

/** Names of the states gone through. */
function path(effects: readonly (Effect | Demand)[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "journal" && effect.entry.type === "state" ? [effect.entry.to.name] : [],
  );
}

function kills(effects: readonly (Effect | Demand)[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "kill" ? [`${effect.group ? "-" : ""}${effect.pid} ${effect.signal}`] : [],
  );
}

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

test("stop: signals in order, then SIGKILL, repeated, to the group as asked", () => {
  const spec: ProgramSpec = { ...SPEC, stopsignals: [2, 15], stopasgroup: true, killasgroup: false };
  let [state, effects] = step(spec, RUNNING, { type: "stop" }, 0);
  const sent = kills(effects);
  for (let turn = 0; turn < 3; turn++) {
    [state, effects] = step(spec, state, { type: "time", mayStart: true }, deadline(state) ?? Number.NaN);
    sent.push(...kills(effects));
  }
  assert.deepEqual(sent, ["-7 2", "-7 15", "7 9", "7 9"]);
  assert.equal(deadline(state), 16_000);
});

test("stopwaitsecs=0 does not repeat SIGKILL without end", () => {
  const spec = { ...SPEC, stopwaitsecs: 0 };
  const [stopping] = step(spec, RUNNING, { type: "stop" }, 100);
  assert.equal(deadline(stopping), 100);
  const [killed, effects] = step(spec, stopping, { type: "time", mayStart: true }, 100);
  assert.deepEqual(kills(effects), ["7 9"]);
  assert.equal(deadline(killed), 1100);
});

test("kill: SIGKILL to the group from every state with a process, nothing else after it", () => {
  for (const state of [STARTING, RUNNING, STOPPING, { ...STOPPING, leader: null }]) {
    const [next, effects] = step(SPEC, state, { type: "kill" }, 100);
    assert.equal(next.name, "STOPPING");
    if ("leader" in state && state.leader === null)
      assert.deepEqual(effects, [{ type: "kill-rest", id: SPEC.id, signal: 9, except: null }]);
    else assert.deepEqual(kills(effects), ["-7 9"]);
    const [, later] = step(SPEC, next, { type: "time", mayStart: true }, 1e6);
    assert.ok(kills(later).every((kill) => kill.endsWith(" 9")));
  }
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
  assert.equal(step(SPEC, leaderless, { type: "group-gone" }, 0)[0].name, "STOPPED");
  assert.equal(step(SPEC, STOPPING, { type: "group-gone" }, 0)[0], STOPPING);
  const failed: ProgramEvent = { type: "kill-failed", reason: "EPERM" };
  assert.equal(step(SPEC, RUNNING, failed, 0)[0].name, "UNKNOWN");
  assert.equal(step(SPEC, leaderless, failed, 0)[0].name, "STOPPED");
  assert.deepEqual(step(SPEC, { name: "STOPPED" }, failed, 0), [{ name: "STOPPED" }, []]);
});

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
