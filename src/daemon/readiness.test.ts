import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import type { SystemEvent } from "../core/event.ts";
import type { LiveCheck, ProgramSpec, ReadyCheck } from "../core/spec.ts";
import type { ProgramState } from "../core/states.ts";
import type { Verdict } from "./probes.ts";
import { no, YES } from "./probes.ts";
import { createReadiness } from "./readiness.ts";

const READY: ReadyCheck = { way: { kind: "tcp", host: "x", port: 1 }, interval: 1, timeout: 2, deadline: 60 };
const LIVE: LiveCheck = {
  probe: { kind: "http", url: "http://x/" },
  interval: 10,
  timeout: 3,
  delay: 5,
  failures: 3,
};
const MARK = { stdout: 0, stderr: 0 };

const starting = (pid: number, stage: "pre" | "main" = "main"): ProgramState => ({
  name: "STARTING",
  stage,
  runningAt: 0,
  ...FRESH_RUN,
  pid,
});
const running = (pid: number): ProgramState => ({ name: "RUNNING", ...FRESH_RUN, pid });

function rig(...specs: ProgramSpec[]) {
  const clock = new FakeClock();
  const programs = new Map(specs.map((spec) => [spec.id, { spec, state: starting(7) }]));
  const events: string[] = [];
  const asked: string[] = [];
  const said: string[] = [];
  const followers = new Set<(bytes: Uint8Array) => void>();
  let aborts = 0;
  let verdict: Verdict | null = YES;
  let output = "";
  const readiness = createReadiness({
    clock,
    logs: {
      history: (_id, stream) => Buffer.from(stream === "stdout" ? output : ""),
      historyEnd: (_id, stream) => (stream === "stdout" ? output.length : 0),
      follow(_id, _stream, listener) {
        followers.add(listener);
        return () => void followers.delete(listener);
      },
    },
    programAt: (id) => programs.get(id) ?? null,
    programs: () => [...programs.keys()],
    ask: (probe) => (done) => {
      asked.push(`${clock.now() / 1000} ${probe.kind}`);
      if (verdict !== null) done(verdict);
      return () => void aborts++;
    },
    submit(event: SystemEvent) {
      if (event.type === "probed")
        events.push(`${event.check} ${event.pid} ${event.ok} ${event.reason}`.trim());
    },
    say: (_level, text) => void said.push(text),
  });
  return {
    clock,
    readiness,
    events,
    asked,
    said,
    followers,
    aborts: () => aborts,
    answer(next: Verdict | null) {
      verdict = next;
    },
    print(text: string) {
      output += text;
    },
    set(id: string, state: ProgramState, spec?: ProgramSpec) {
      programs.set(id, { spec: spec ?? programs.get(id)?.spec ?? fakeSpec(id), state });
    },
  };
}

test("ready from the spawn on and for ever, live from RUNNING and its delay on; nothing once it is neither", () => {
  const world = rig(fakeSpec("a", { ready: READY, live: LIVE }));
  const { clock, readiness } = world;
  readiness.onSpawned("a:a", 7, MARK);
  clock.advance(3000);
  assert.ok(
    world.asked.length === 3 && world.asked.every((line) => line.endsWith("tcp")),
    world.asked.join(),
  );
  assert.deepEqual(world.events, ["ready 7 true", "ready 7 true", "ready 7 true"]);
  world.set("a:a", running(7));
  readiness.onState("a:a", "RUNNING");
  clock.advance(5000);
  assert.ok(!world.asked.some((line) => line.endsWith("http")));
  clock.advance(20_000);
  assert.equal(world.asked.filter((line) => line.endsWith("http")).length, 2);
  world.answer(null);
  clock.advance(1000);
  world.set("a:a", { name: "STOPPED" });
  readiness.onState("a:a", "STOPPING");
  assert.ok(world.aborts() > 0);
  const count = world.asked.length;
  clock.advance(60_000);
  assert.equal(world.asked.length, count);
});

test("what comes after another process was named as its own is about that one", () => {
  const world = rig(fakeSpec("a", { ready: READY }));
  world.readiness.onSpawned("a:a", 7, MARK);
  world.set("a:a", running(99));
  world.clock.advance(1000);
  assert.deepEqual(world.events, ["ready 99 true"]);
});

test("a no of our own making is not told", () => {
  const world = rig(fakeSpec("a", { ready: READY }));
  world.readiness.onSpawned("a:a", 7, MARK);
  world.answer({ ok: false, reason: "tcp: EMFILE", isOurs: true });
  world.clock.advance(1000);
  assert.deepEqual([world.events, world.said], [[], ["ready check of a failed: tcp: EMFILE"]]);
  world.answer(no("tcp: connection refused"));
  world.clock.advance(1000);
  assert.deepEqual(world.events, ["ready 7 false tcp: connection refused"]);
});

test("two hundred programs do not ask at once", () => {
  const specs = Array.from({ length: 200 }, (_, n) => fakeSpec(`p:web-${n}`, { ready: READY, live: LIVE }));
  const world = rig(...specs);
  for (const { id } of specs) world.readiness.onSpawned(id, 7, MARK);
  let most = 0;
  for (let i = 0; i < 100; i++) {
    const before = world.asked.length;
    world.clock.advance(10);
    most = Math.max(most, world.asked.length - before);
  }
  assert.equal(world.asked.length, 200);
  assert.ok(most <= 25, `${most} within 10 ms`);
});

test("another check replaces the one that runs, the same goes on", () => {
  const spec = fakeSpec("a", { ready: READY });
  const world = rig(spec);
  world.answer(null);
  world.readiness.onSpawned("a:a", 7, MARK);
  world.clock.advance(1000);
  world.set("a:a", running(7), { ...spec, priority: 1, ready: { ...READY, deadline: 5 } });
  world.readiness.onPlan();
  assert.equal(world.aborts(), 0);
  world.set("a:a", running(7), { ...spec, ready: { ...READY, interval: 3 } });
  world.readiness.onPlan();
  assert.equal(world.aborts(), 1);
  world.set("a:a", running(7), { ...spec, ready: null });
  world.readiness.onPlan();
  const count = world.asked.length;
  world.clock.advance(60_000);
  assert.equal(world.asked.length, count);
});

test("a first check of a program that runs begins with the reload; what does not run, or only prepares, is not asked", () => {
  const world = rig(
    fakeSpec("a", { live: LIVE }),
    fakeSpec("b", { ready: READY }),
    fakeSpec("c", { ready: READY }),
  );
  world.set("a:a", running(7));
  world.set("b:b", { name: "STOPPED" });
  world.set("c:c", starting(8, "pre"));
  world.readiness.onPlan();
  world.clock.advance(30_000);
  assert.ok(world.asked.length > 0 && world.asked.every((line) => line.endsWith("http")));
});

test("a shutdown ends all of them, for good", () => {
  const world = rig(fakeSpec("a", { ready: READY }));
  world.readiness.onSpawned("a:a", 7, MARK);
  world.readiness.stop();
  world.readiness.onPlan();
  world.readiness.onSpawned("a:a", 8, MARK);
  world.clock.advance(60_000);
  assert.deepEqual(world.asked, []);
});

test("ready_log: lines from the run's beginning on, cut ones too, until one has it", () => {
  const log = (pattern: string) => fakeSpec("a", { ready: { ...READY, way: { kind: "log", pattern } } });
  const world = rig(log("up$"));
  world.print("the run before: up\n");
  const mark = { stdout: 19, stderr: 0 };
  world.print("going u");
  world.readiness.onSpawned("a:a", 7, mark);
  assert.deepEqual([world.events.length, world.followers.size], [0, 2]);
  const [stdout] = world.followers;
  stdout?.(Buffer.from("p\nnot this"));
  assert.deepEqual([world.events, world.followers.size], [["ready 7 true"], 0]);

  const other = rig(log("^x+$"));
  other.readiness.onSpawned("a:a", 7, MARK);
  const [first, second] = other.followers;
  second?.(Buffer.from("x"));
  first?.(Buffer.from(`y\n${"y".repeat(200_000)}`));
  first?.(Buffer.from("x\n"));
  assert.equal(other.events.length, 0, "the rest of a long line is no line");
  for (let i = 0; i < 10; i++) first?.(Buffer.from("x".repeat(1000)));
  first?.(Buffer.from("\r\n"));
  assert.deepEqual(other.events, ["ready 7 true"]);
  other.readiness.onState("a:a", "STOPPING");
});

test("ready_log: a pattern that was meant to take for ever does not", () => {
  const world = rig(fakeSpec("a", { ready: { ...READY, way: { kind: "log", pattern: "^(a+)+$" } } }));
  world.readiness.onSpawned("a:a", 7, MARK);
  const [stdout] = world.followers;
  const began = performance.now();
  stdout?.(Buffer.from(`${"a".repeat(60)}!\n`.repeat(1000)));
  assert.ok(performance.now() - began < 10_000);
  assert.deepEqual(world.events, []);
});
