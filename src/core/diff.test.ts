import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import { diffGroups, diffPrograms, diffSpecs } from "./diff.ts";
import type { ProgramSpec, ReadyCheck, ReadyWay } from "./spec.ts";

test("groups: added, changed, removed, each in the order of its plan; an equal one is none of them", () => {
  const before = fakePlan([
    fakeSpec("same"),
    fakeSpec("y"),
    fakeSpec("x"),
    fakeSpec("gone"),
    fakeSpec("b-gone"),
  ]);
  const after = fakePlan([
    fakeSpec("same"),
    fakeSpec("y", { environment: { A: "1" } }),
    fakeSpec("x", { priority: 3 }),
    fakeSpec("new"),
    fakeSpec("a-new"),
  ]);
  assert.deepEqual(diffGroups(before, after), {
    added: ["new", "a-new"],
    changed: ["y", "x"],
    removed: ["gone", "b-gone"],
  });
});

test("a group has changed when its list of programs or its own priority has", () => {
  const before = fakePlan([fakeSpec("g:a"), fakeSpec("g:b")]);
  assert.deepEqual(diffGroups(before, fakePlan([fakeSpec("g:a")])).changed, ["g"]);
  assert.deepEqual(diffGroups(before, fakePlan([fakeSpec("g:b"), fakeSpec("g:a")])).changed, ["g"]);
  const group = { name: "g", priority: 1, programs: ["g:a", "g:b"] };
  assert.deepEqual(diffGroups(before, { ...before, groups: [group] }).changed, ["g"]);
});

test("equal content in other objects, and keys in another order, are the same", () => {
  const one = fakeSpec("a", { environment: { A: "1", B: "2" }, forwardSignals: new Map([[1, 2]]) });
  const two = fakeSpec("a", { environment: { B: "2", A: "1" }, forwardSignals: new Map([[1, 2]]) });
  assert.equal(diffSpecs(one, two), "same");
  assert.equal(diffSpecs(one, { ...two, forwardSignals: new Map([[1, 3]]) }), "live");
  assert.equal(diffSpecs(one, { ...two, environment: { A: "1" } }), "restart");
});

test("what a process was made from needs a restart, what tsinit does with it does not", () => {
  const spec = fakeSpec("a");
  const live: Partial<ProgramSpec>[] = [
    { priority: 1 },
    { groupPriority: 1 },
    { autorestart: "always" },
    { startsecs: 9 },
    { startretries: 9 },
    { exitcodes: [0, 1] },
    { stopsignals: [2, 15] },
    { stopwaitsecs: 1 },
    { stopasgroup: true },
    { killasgroup: true },
    { critical: true },
    { autostart: false },
    { logPrefix: "x" },
    { stdout: { ...spec.stdout, target: "discard" } },
    { ready: ready({ kind: "tcp", host: "localhost", port: 80 }) },
    { ready: ready({ kind: "log", pattern: "up" }) },
  ];
  for (const keys of live) assert.equal(diffSpecs(spec, { ...spec, ...keys }), "live", JSON.stringify(keys));
  const restart: Partial<ProgramSpec>[] = [
    { argv: ["/bin/other"] },
    { directory: "/tmp" },
    { umask: 0o22 },
    { redirectStderr: true },
    // The process has been given neither.
    { ready: ready({ kind: "fd", fd: 3 }) },
    { ready: ready({ kind: "notify" }) },
    { user: { uid: 1, gid: 1, groups: [1], name: null, home: null } },
  ];
  for (const keys of restart)
    assert.equal(diffSpecs(spec, { ...spec, priority: 1, ...keys }), "restart", JSON.stringify(keys));
});

test("the time of a check may change under the process that has its descriptor", () => {
  const spec = fakeSpec("web", { ready: ready({ kind: "fd", fd: 3 }) });
  const later = { ...spec, ready: { ...ready({ kind: "fd", fd: 3 }), deadline: 5 } };
  assert.equal(diffSpecs(spec, later), "live");
  assert.equal(diffSpecs(spec, { ...spec, ready: ready({ kind: "fd", fd: 4 }) }), "restart");
  assert.equal(diffSpecs(spec, { ...spec, ready: null }), "restart");
});

function ready(way: ReadyWay): ReadyCheck {
  return { way, interval: 1, timeout: 2, deadline: 60 };
}

test("programs: what a reload does to each", () => {
  const before = fakePlan([fakeSpec("same"), fakeSpec("live"), fakeSpec("again"), fakeSpec("gone")]);
  const after = fakePlan([
    fakeSpec("same"),
    fakeSpec("live", { critical: true }),
    fakeSpec("again", { command: "/x" }),
    fakeSpec("new"),
  ]);
  assert.deepEqual(diffPrograms(before, after), {
    added: ["new:new"],
    restarted: ["again:again"],
    adjusted: ["live:live"],
    removed: ["gone:gone"],
  });
});

test("groups that are gone: first those that depend on another, the rest as they were", () => {
  const on = (id: string) => ({ dependsOn: [{ id, condition: "started" as const }] });
  const before = fakePlan([
    fakeSpec("aside"),
    fakeSpec("redis"),
    fakeSpec("app", on("redis:redis")),
    fakeSpec("web", on("app:app")),
    fakeSpec("zoo"),
  ]);
  assert.deepEqual(diffGroups(before, fakePlan([])).removed, ["web", "app", "aside", "redis", "zoo"]);
});
