import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl } from "../../test/fakes/control.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { Condition } from "../core/spec.ts";
import { stopInOrder } from "./stop-order.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const on = (...names: string[]) => ({
  startsecs: 0,
  dependsOn: names.map((name) => ({ id: `${name}:${name}`, condition: "started" as Condition })),
});

/** Boots, with all of them up and nobody who ends at a signal by itself. */
function setUp(...programs: ReturnType<typeof fakeSpec>[]): FakeControl {
  const fake = createFakeControl(programs, new FakeClock());
  for (const { id } of programs) fake.stubborn.add(id);
  fake.boot();
  return fake;
}

const stopping = (fake: FakeControl): string[] =>
  fake.control
    .snapshot()
    .programs.filter(({ state }) => state.name === "STOPPING")
    .map(({ spec }) => spec.name);

test("who depends on another is stopped first; what nothing connects at the same time", async () => {
  const fake = setUp(
    fakeSpec("db", { startsecs: 0 }),
    fakeSpec("migrate", {
      ...on("db"),
      type: "oneshot",
      dependsOn: [{ id: "db:db", condition: "started" }],
    }),
    fakeSpec("worker", { startsecs: 0, dependsOn: [{ id: "migrate:migrate", condition: "done" }] }),
    fakeSpec("other", { startsecs: 0 }),
  );
  fake.end("migrate:migrate", 0);
  const up = fake.control.snapshot().programs.filter(({ state }) => state.name === "RUNNING");
  assert.deepEqual(up.map(({ spec }) => spec.name).sort(), ["db", "other", "worker"]);
  const answer = stopInOrder(fake.control, up, true);
  await turn();
  assert.deepEqual(stopping(fake).sort(), ["other", "worker"]);
  fake.end("worker:worker", 0);
  await turn();
  assert.deepEqual(stopping(fake), ["other"], "one wave after the other");
  fake.end("other:other", 0);
  await turn();
  assert.deepEqual(stopping(fake), ["db"]);
  fake.end("db:db", 0);
  const settled = await answer;
  assert.deepEqual(settled.map(({ spec, fault }) => [spec.name, fault]).sort(), [
    ["db", null],
    ["other", null],
    ["worker", null],
  ]);
});

test("without waiting it is answered at once, and goes on in order", async () => {
  const fake = setUp(fakeSpec("db", { startsecs: 0 }), fakeSpec("web", on("db")));
  const settled = await stopInOrder(fake.control, fake.control.snapshot().programs, false);
  assert.deepEqual(
    settled.map(({ fault }) => fault),
    [null, null],
  );
  await turn();
  assert.deepEqual(stopping(fake), ["web"]);
  fake.end("web:web", 0);
  await turn();
  assert.deepEqual(stopping(fake), ["db"]);
});
