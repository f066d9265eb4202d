import assert from "node:assert/strict";
import { test } from "node:test";
import { kills, RUNNING, SPEC, STARTING, STOPPING } from "../../test/fakes/program.ts";
import { deadline, step } from "./program.ts";
import type { ProgramSpec } from "./spec.ts";

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

test("a stop goes by the keys that it began with, whatever the spec has become", () => {
  const spec: ProgramSpec = { ...SPEC, stopsignals: [2, 15], stopasgroup: true, killasgroup: true };
  const other: ProgramSpec = { ...SPEC, stopsignals: [3], stopwaitsecs: 60, killasgroup: false };
  let [state, effects] = step(spec, RUNNING, { type: "stop" }, 0);
  const sent = kills(effects);
  for (let turn = 0; turn < 3; turn++) {
    [state, effects] = step(other, state, { type: "time", mayStart: true }, deadline(state) ?? Number.NaN);
    sent.push(...kills(effects));
  }
  assert.deepEqual(sent, ["-7 2", "-7 15", "-7 9", "-7 9"]);
  assert.equal(deadline(state), 16_000);
});

test("the stop_command comes with the spec of the process that is stopped", () => {
  const hook = { command: "quit", argv: ["quit"] };
  const spec: ProgramSpec = { ...SPEC, stopCommand: hook, stopwaitsecs: 2 };
  const [state, effects] = step(spec, RUNNING, { type: "stop" }, 0);
  assert.deepEqual(effects.slice(1), [{ type: "stop-command", id: SPEC.id, pid: 7, spec, hook }]);
  assert.equal(deadline(state), 2000);
});
