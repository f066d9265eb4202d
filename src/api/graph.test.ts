import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl } from "../../test/fakes/control.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { Dependency, ProgramSpec } from "../core/spec.ts";
import { createGraph, type Graph } from "./graph.ts";

const needs = (...words: readonly string[]): Pick<ProgramSpec, "dependsOn"> => ({
  dependsOn: words.map((word): Dependency => {
    const [name = "", condition = "started"] = word.split("/");
    return { id: `${name}:${name}`, condition: condition as Dependency["condition"] };
  }),
});

function setUp(...programs: readonly ProgramSpec[]): { fake: FakeControl; clock: FakeClock } {
  const clock = new FakeClock();
  const fake = createFakeControl(programs, clock);
  fake.boot();
  return { fake, clock };
}

const graphOf = ({ control }: FakeControl): Graph => createGraph(control.snapshot(), control.timeline());

/** `name began up waited-for`, a line each. */
function lines({ programs }: Graph): string[] {
  return programs.map(({ name, began, up, waitedFor }) => {
    const wait = waitedFor === null ? "" : ` ${waitedFor.name}/${waitedFor.for}/${waitedFor.until ?? "-"}`;
    return `${name} ${began ?? "-"} ${up ?? "-"}${wait}`;
  });
}

const CHAIN = [
  fakeSpec("redis", { startsecs: 2 }),
  fakeSpec("cache"),
  fakeSpec("migrate", { type: "oneshot", ...needs("redis") }),
  fakeSpec("app", needs("migrate/done", "cache")),
];

test("what waited for what, and the chain that took longest", () => {
  const { fake, clock } = setUp(...CHAIN);
  clock.advance(5000);
  fake.end("migrate:migrate", 0);
  clock.advance(3000);
  const graph = graphOf(fake);
  assert.deepEqual(lines(graph), [
    "cache 0 1",
    "redis 0 2",
    "migrate 2 5 redis/started/2",
    "app 5 6 migrate/done/5",
  ]);
  assert.deepEqual(graph.criticalChain, ["app", "migrate", "redis"]);
  assert.equal(graph.upAt, 6);
  assert.equal(graph.now, 8);
  // Later restarts are another story.
  fake.end("redis:redis", 1);
  clock.advance(60_000);
  assert.deepEqual(lines(graphOf(fake)), lines(graph));
});

test("half-way: what everything waits for now", () => {
  const { fake, clock } = setUp(...CHAIN, fakeSpec("late", { priority: 1000 }));
  clock.advance(4000);
  const graph = graphOf(fake);
  assert.deepEqual(lines(graph), [
    "cache 0 1",
    "redis 0 2",
    "migrate 2 - redis/started/2",
    "app - - migrate/done/-",
    "late - - app/tier/-",
  ]);
  assert.deepEqual(graph.criticalChain, ["late", "app", "migrate", "redis"]);
  assert.equal(graph.upAt, null);
  assert.deepEqual(
    graph.programs.map(({ reason }) => reason),
    [null, null, null, "waiting for migrate to be done", "waits for an earlier tier"],
  );
});

test("a oneshot that is waited for to start, or to be done at the latest", () => {
  const { fake, clock } = setUp(
    fakeSpec("long", { type: "oneshot" }),
    fakeSpec("quick", { type: "oneshot" }),
    fakeSpec("early", { startsecs: 0, ...needs("long/started") }),
    fakeSpec("late", { startsecs: 0, ...needs("quick/ready") }),
  );
  clock.advance(500);
  fake.end("quick:quick", 0);
  clock.advance(2500);
  fake.end("long:long", 0);
  assert.deepEqual(lines(graphOf(fake)), [
    "long 0 3",
    "quick 0 0.5",
    "late 0.5 0.5 quick/ready/0.5",
    "early 1 1 long/started/1",
  ]);
});

test("what has failed keeps who needs it; later tiers go on", () => {
  const { fake, clock } = setUp(
    fakeSpec("db", { startretries: 0 }),
    fakeSpec("app", needs("db")),
    fakeSpec("late", { priority: 1000 }),
  );
  clock.advance(500);
  fake.end("db:db", 1);
  clock.advance(5000);
  const graph = graphOf(fake);
  assert.deepEqual(lines(graph), ["db 0 -", "late 0.5 1.5 db/tier/0.5", "app - - db/started/-"]);
  assert.deepEqual(graph.criticalChain, ["late", "db"]);
  const app = graph.programs.find(({ name }) => name === "app");
  assert.equal(app?.reason, "db failed: Exited too quickly (process log may have details)");
});

test("tries, ready checks, programs that nobody started, schedules", () => {
  const way = { kind: "tcp", host: "localhost", port: 1 } as const;
  const { fake, clock } = setUp(
    fakeSpec("db", { ready: { way, interval: 1, timeout: 1, deadline: 60 } }),
    fakeSpec("app", { startsecs: 0, ...needs("db/ready") }),
    fakeSpec("off", { autostart: false }),
    fakeSpec("job", {
      type: "oneshot",
      schedule: { expression: "* * * * *", timezone: null, overlap: "skip" },
    }),
  );
  clock.advance(500);
  fake.end("db:db", 1);
  clock.advance(3500);
  const pid = fake.control.snapshot().programs.find(({ id }) => id === "db:db")?.pid ?? 0;
  fake.submit({ type: "probed", id: "db:db", pid, check: "ready", ok: true, reason: "" });
  fake.submit({ type: "scheduled", id: "job:job" });
  clock.advance(1000);
  const graph = graphOf(fake);
  assert.deepEqual(
    lines(graph),
    ["db 0 4", "app 4 4 db/ready/4", "off - -", "job - -"].toSorted(byPlace(graph)),
  );
  const db = graph.programs.find(({ name }) => name === "db");
  assert.deepEqual([db?.tries, db?.upAs, db?.failed], [2, "ready", null]);
});

function byPlace({ programs }: Graph): (a: string, b: string) => number {
  const place = (line: string): number => programs.findIndex(({ name }) => line.startsWith(`${name} `));
  return (a, b) => place(a) - place(b);
}

test("what is stopped for its next run does not wait for anybody", () => {
  const schedule = { expression: "* * * * *", timezone: null, overlap: "kill" } as const;
  const { fake, clock } = setUp(fakeSpec("job", { type: "oneshot", schedule }));
  fake.submit({ type: "scheduled", id: "job:job" });
  clock.advance(2000);
  fake.submit({ type: "scheduled", id: "job:job" });
  assert.equal(graphOf(fake).programs[0]?.state, "STOPPING");
  assert.equal(graphOf(fake).programs[0]?.reason, null);
});

test("a reload: what is gone is forgotten", () => {
  const { fake } = setUp(...CHAIN);
  const { control } = fake;
  fake.nextRead = { ...control.lastRead(), programs: [], groups: [] };
  assert.notEqual(control.timeline().of("cache:cache"), null);
  control.reread();
  control.perform({ type: "update" });
  assert.equal(control.timeline().of("cache:cache"), null);
});
