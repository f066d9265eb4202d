import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import type { SystemEvent } from "./event.ts";
import { createSystem, nextDeadline, programAt, type System, step } from "./system.ts";

/** Spawns answered at once, as the loop does. Gives the last system and how many steps it took. */
function feed(system: System, event: SystemEvent, now: number): [System, number] {
  const [next, effects] = step(system, event, now);
  let state = next;
  let steps = 1;
  for (const effect of effects) {
    if (effect.type !== "spawn") continue;
    const pid = 100 + (system.index.get(effect.id) ?? 0);
    const [after, more] = feed(state, { type: "spawned", id: effect.id, pid }, now);
    state = after;
    steps += more;
  }
  return [state, steps];
}

test("a plan that names a program twice is refused, at creation and at reload", () => {
  const twice = { ...fakePlan([]), programs: [fakeSpec("a"), fakeSpec("a")] };
  assert.throws(() => createSystem(twice), /not unique: a:a/);
  const system = createSystem(fakePlan([fakeSpec("a")]));
  assert.throws(() => step(system, { type: "reload", plan: twice }, 0), /not unique: a:a/);
  assert.deepEqual([...system.index.keys()], ["a:a"]);
});

test("a step leaves the system before as it was", () => {
  const before = createSystem(fakePlan([fakeSpec("a"), fakeSpec("b", { priority: 1 })]));
  const picture = structuredClone({
    programs: before.programs.map(({ state }) => state),
    phase: before.phase,
  });
  const [after] = feed(before, { type: "boot" }, 0);
  assert.notEqual(after, before);
  assert.deepEqual({ programs: before.programs.map(({ state }) => state), phase: before.phase }, picture);
});

test("what concerns nobody gives the very same system and no effects", () => {
  const [system] = feed(createSystem(fakePlan([fakeSpec("a")])), { type: "boot" }, 0);
  const orphan: SystemEvent = {
    type: "exited",
    pid: 4242,
    status: { kind: "exited", code: 0 },
    groupAlive: false,
  };
  const events: SystemEvent[] = [
    orphan,
    { type: "time" },
    { type: "boot" },
    { type: "alone" },
    { type: "start", ids: ["nobody:nobody"], gated: false },
    { type: "stop", ids: ["nobody:nobody"] },
    { type: "group-gone", id: "a:a", pid: 4242 },
    { type: "remove-group", group: "a" },
    { type: "forward", signal: 10 },
  ];
  for (const event of events) {
    const [next, effects] = step(system, event, 10);
    assert.equal(next, system, event.type);
    assert.deepEqual(effects, [], event.type);
  }
});

test("the next deadline is the earliest of all, and none when nothing is due", () => {
  const idle = createSystem(fakePlan([fakeSpec("a", { startsecs: 5 }), fakeSpec("b", { startsecs: 2 })]));
  assert.equal(nextDeadline(idle), null);
  const [system] = feed(idle, { type: "boot" }, 1000);
  assert.equal(nextDeadline(system), 3000);
});

test("programAt finds by id and nothing by another", () => {
  const system = createSystem(fakePlan([fakeSpec("g:a"), fakeSpec("b")]));
  assert.equal(programAt(system, "g:a")?.spec.name, "a");
  assert.equal(programAt(system, "a"), undefined);
});

test("a stop that comes between a spawn and its answer is kept", () => {
  const [starting] = step(createSystem(fakePlan([fakeSpec("a")])), { type: "boot" }, 0);
  const [asked] = step(starting, { type: "stop", ids: ["a:a"] }, 0);
  const [stopping, effects] = step(asked, { type: "spawned", id: "a:a", pid: 9 }, 0);
  assert.equal(programAt(stopping, "a:a")?.state.name, "STOPPING");
  assert.ok(effects.some((effect) => effect.type === "kill" && effect.pid === 9));
});

test("everything is killed between a spawn and its answer", () => {
  const [starting] = step(createSystem(fakePlan([fakeSpec("a")])), { type: "boot" }, 0);
  const [hurrying] = step(starting, { type: "shutdown", cause: "SIGTERM", hurry: true }, 0);
  const [, effects] = step(hurrying, { type: "spawned", id: "a:a", pid: 9 }, 0);
  const kill = effects.find(({ type }) => type === "kill");
  assert.deepEqual(kill, { type: "kill", id: "a:a", pid: 9, signal: 9, group: true });
});

test("the boot of 1,000 programs and 5,000 orphans stay cheap", () => {
  const specs = Array.from({ length: 1000 }, (_, i) => fakeSpec(`p${i}`, { priority: i % 10, startsecs: 0 }));
  const start = process.hrtime.bigint();
  let [system, steps] = feed(createSystem(fakePlan(specs)), { type: "boot" }, 0);
  assert.equal(steps, 1001);
  assert.ok(system.started);
  for (let pid = 50_000; pid < 55_000; pid++) {
    const orphan = { type: "exited", pid, status: { kind: "exited", code: 0 }, groupAlive: false } as const;
    [system] = step(system, orphan, 1);
  }
  const millis = Number(process.hrtime.bigint() - start) / 1e6;
  // Far above what it takes, far below what a quadratic step would.
  assert.ok(millis < 2000, `${millis} ms`);
});

test("who depends on several that depend on several is looked at once, not once for every way that leads there", () => {
  const depth = 100;
  const specs = Array.from({ length: depth }, (_, layer) =>
    ["a", "b", "c"].map((name) =>
      fakeSpec(`${name}${layer}`, {
        startsecs: 0,
        dependsOn:
          layer === 0
            ? []
            : ["a", "b", "c"].map((other) => ({
                id: `${other}${layer - 1}:${other}${layer - 1}`,
                condition: "started" as const,
              })),
      }),
    ),
  ).flat();
  const start = process.hrtime.bigint();
  const [system] = feed(createSystem(fakePlan(specs)), { type: "boot" }, 0);
  assert.ok(system.started);
  assert.ok(system.programs.every(({ state }) => state.name === "RUNNING"));
  const millis = Number(process.hrtime.bigint() - start) / 1e6;
  // Without memory it would be 3 to the power of 99 looks.
  assert.ok(millis < 5000, `${millis} ms`);
});
