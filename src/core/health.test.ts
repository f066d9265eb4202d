import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import { TOO_QUICK } from "./describe.ts";
import { evaluate } from "./health.ts";
import type { ProgramSnapshot, Snapshot } from "./snapshot.ts";
import type { ProgramSpec } from "./spec.ts";
import type { ProgramState } from "./states.ts";

const RUNNING: ProgramState = { name: "RUNNING", pid: 1, ...FRESH_RUN, startedAt: 0 };
const FATAL: ProgramState = { name: "FATAL", reason: "no such file", code: 127 };
const BACKOFF: ProgramState = { name: "BACKOFF", tries: 1, retryAt: 0, reason: TOO_QUICK, code: 1 };

function program(
  id: string,
  state: ProgramState,
  keys: Partial<ProgramSpec> = {},
  more: Partial<ProgramSnapshot> = {},
): ProgramSnapshot {
  const spec = fakeSpec(id, keys);
  return {
    id: spec.id,
    spec,
    state,
    pid: 0,
    startedAt: 0,
    stoppedAt: 0,
    exitStatus: 0,
    spawnError: "",
    said: "",
    description: "reason" in state ? state.reason : "",
    ready: state.name === "RUNNING",
    done: state.name === "EXITED" && state.expected,
    stoppedByHand: false,
    pending: false,
    blocked: null,
    stuck: false,
    lastSuccessAt: 0,
    lastResult: "",
    nextRunAt: 0,
    ...more,
  };
}

function snapshot(programs: ProgramSnapshot[], more: Partial<Snapshot> = {}): Snapshot {
  return { now: 0, phase: "running", started: true, programs, faults: 0, startGate: "running", ...more };
}

const NONE = { exclude: [] };

test("live: only a critical program that is FATAL fails", () => {
  assert.ok(
    evaluate(snapshot([program("a", FATAL), program("b", BACKOFF, { critical: true })]), "live", NONE).ok,
  );
  const { ok, checks } = evaluate(snapshot([program("a", FATAL, { critical: true })]), "live", NONE);
  assert.ok(!ok);
  assert.deepEqual(checks, [{ name: "a", ok: false, reason: "FATAL: no such file", excluded: false }]);
});

test("startup: over or not, whatever happened later", () => {
  assert.ok(!evaluate(snapshot([], { started: false, phase: "booting" }), "startup", NONE).ok);
  assert.ok(evaluate(snapshot([program("a", FATAL)], { phase: "stopping" }), "startup", NONE).ok);
});

test("ready: every autostart program RUNNING and ready, or done", () => {
  const done: ProgramState = {
    name: "EXITED",
    status: { kind: "exited", code: 0 },
    expected: true,
    restartAt: null,
    clearing: null,
  };
  const fine = [program("web", RUNNING), program("migrate", done)];
  assert.ok(evaluate(snapshot(fine), "ready", NONE).ok);
  assert.ok(!evaluate(snapshot(fine, { started: false }), "ready", NONE).ok);
  assert.ok(!evaluate(snapshot([...fine, program("x", RUNNING, {}, { ready: false })]), "ready", NONE).ok);
  const unexpected = program("migrate", { ...done, expected: false });
  assert.ok(!evaluate(snapshot([unexpected]), "ready", NONE).ok);
});

test("ready: what is wrong starts with the state's name", () => {
  const stopped = program("hand", { name: "STOPPED" }, {}, { stoppedByHand: true });
  const waiting = program("late", { name: "STOPPED" }, {}, { pending: true });
  const { checks } = evaluate(snapshot([program("worker", BACKOFF), stopped, waiting]), "ready", NONE);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok).map(({ name, reason }) => `${name}: ${reason}`),
    [
      `worker: BACKOFF: ${TOO_QUICK}`,
      "hand: STOPPED: stopped by an operator",
      "late: STOPPED: waits for an earlier tier",
    ],
  );
});

test("ready: a program that runs and is not ready shows what its check said last", () => {
  const running = { ...RUNNING, ready: false } as const;
  const states = [running, { ...running, readyReason: "http 503" }];
  const reasons = states.map((state) => {
    const { checks } = evaluate(snapshot([program("web", state, {}, { ready: false })]), "ready", NONE);
    return checks.find(({ name }) => name === "web")?.reason;
  });
  assert.deepEqual(reasons, ["RUNNING: not ready", "RUNNING: not ready: http 503"]);
});

test("ready: from the first moment of a shutdown it is not", () => {
  for (const phase of ["draining", "stopping", "sweeping", "ended"] as const) {
    const { ok, checks } = evaluate(snapshot([program("a", RUNNING)], { phase }), "ready", NONE);
    assert.ok(!ok, phase);
    assert.deepEqual(
      checks.filter((check) => !check.ok).map(({ name }) => name),
      ["shutdown"],
    );
  }
});

test("ready: autostart=false does not count", () => {
  const job = program("job", { name: "STOPPED" }, { autostart: false });
  const { ok, checks } = evaluate(snapshot([job]), "ready", NONE);
  assert.ok(ok);
  assert.equal(checks.at(-1)?.reason, "STOPPED (autostart=false, not counted)");
});

test("one program by name: its own state counts", () => {
  const picture = snapshot([
    program("g:a", FATAL),
    program("b", RUNNING),
    program("job", { name: "STOPPED" }, { autostart: false }),
  ]);
  const ask = (kind: "live" | "ready" | "startup", name: string): boolean =>
    evaluate(picture, kind, { exclude: [], program: name }).ok;
  assert.ok(!ask("live", "g:a"));
  assert.ok(ask("live", "b"));
  assert.ok(ask("ready", "b:b"));
  assert.ok(!ask("ready", "job"));
  assert.ok(ask("startup", "g:a"));
  assert.ok(!ask("ready", "nobody"));
  const stopping = { ...picture, phase: "stopping" } as const;
  assert.ok(!evaluate(stopping, "ready", { exclude: [], program: "b" }).ok);
});

test("exclude leaves checks out by namespec or id, and names what it did not find", () => {
  const picture = snapshot([program("a", BACKOFF), program("g:b", BACKOFF)]);
  const { ok, checks, unmatchedExcludes } = evaluate(picture, "ready", { exclude: ["a:a", "g:b", "typo"] });
  assert.ok(ok);
  assert.deepEqual(
    checks.filter(({ excluded }) => excluded).map(({ name }) => name),
    ["a", "g:b"],
  );
  assert.deepEqual(unmatchedExcludes, ["typo"]);
});

test("extra checks come first and count", () => {
  const extra = [{ name: "ping", ok: false, reason: "the loop is stuck" }];
  const { ok, checks } = evaluate(snapshot([]), "live", { exclude: [], extra });
  assert.ok(!ok);
  assert.deepEqual(checks, [{ name: "ping", ok: false, reason: "the loop is stuck", excluded: false }]);
});
