import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import { takeSnapshot } from "../core/describe.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { createSystem, step } from "../core/system.ts";
import { createJournal } from "./journal.ts";
import { createReport } from "./report.ts";

const CALM: Snapshot = {
  now: 0,
  phase: "running",
  started: true,
  programs: [],
  faults: 0,
  startGate: "running",
};

function start(watchdog: number | null = null) {
  const clock = new FakeClock();
  const sent: string[] = [];
  const said: string[] = [];
  const world = { errno: null as string | null, snapshot: { ...CALM, started: false } };
  const report = createReport({
    clock,
    address: "@manager",
    watchdog,
    snapshot: () => world.snapshot,
    say: (_level, text) => said.push(text),
    kernel: {
      sendDatagram(address, bytes) {
        assert.equal(address, "@manager");
        if (world.errno === null) sent.push(Buffer.from(bytes).toString());
        return world.errno;
      },
    },
  });
  /** Something happened. */
  const move = async () => {
    report.onEntry({ type: "started" });
    await new Promise((done) => setImmediate(done));
  };
  return { clock, sent, said, world, report, move };
}

test("ready when the start is over, though a program has given up", async () => {
  const { sent, world, move } = start();
  const system = createSystem(fakePlan([fakeSpec("a", { startretries: 0 })], { exitWhenDone: false }));
  const [starting] = step(system, { type: "boot" }, 0);
  const [failed] = step(starting, { type: "spawn-failed", id: "a:a", reason: "no", code: 1 }, 0);
  const facts = createJournal(new FakeClock(), () => {}).facts;
  world.snapshot = takeSnapshot(failed, facts, 0, 0);
  assert.equal(world.snapshot.programs[0]?.state.name, "FATAL");
  await move();
  assert.ok(sent.includes("READY=1"), sent.join());
});

test("ready once, when it is so for the first time", async () => {
  const { sent, world, move } = start();
  await move();
  assert.deepEqual(sent, ["STATUS=0 of 0 programs are running"]);
  world.snapshot = CALM;
  await move();
  await move();
  assert.deepEqual(sent.slice(1), ["READY=1"]);
});

test("around a reload it is not ready, unless it never was", async () => {
  const { sent, world, move, report, clock } = start();
  report.aroundReload(() => sent.push("first"));
  world.snapshot = CALM;
  await move();
  clock.advance(2);
  report.aroundReload(() => sent.push("second"));
  assert.deepEqual(
    sent.filter((text) => !text.startsWith("STATUS")),
    ["first", "READY=1", "RELOADING=1\nMONOTONIC_USEC=2000", "second", "READY=1"],
  );
});

test("stopping is said once, and nothing becomes ready after it", async () => {
  const { sent, world, move, report } = start();
  report.onEntry({ type: "draining", seconds: 1 });
  report.onEntry({ type: "stopping", cause: "TERM", code: 0 });
  world.snapshot = CALM;
  await move();
  assert.deepEqual(
    sent.filter((text) => !text.startsWith("STATUS")),
    ["STOPPING=1"],
  );
});

test("a manager that is behind is waited for, in order and within bounds; one that is gone is said once", () => {
  const { sent, said, world, report, clock } = start(20);
  world.errno = "EAGAIN";
  clock.advance(1000);
  report.onEntry({ type: "stopping", cause: "TERM", code: 0 });
  assert.deepEqual(sent, ["WATCHDOG=1"]);
  world.errno = null;
  clock.advance(100);
  assert.deepEqual(sent.slice(1, 3).sort(), ["STOPPING=1", "WATCHDOG=1"]);
  world.errno = "ECONNREFUSED";
  clock.advance(1000);
  assert.deepEqual(said, ["NOTIFY_SOCKET=@manager: ECONNREFUSED"]);
});

test("a sign of life at half of the time that is allowed", () => {
  const { sent, clock } = start(1000);
  clock.advance(1400);
  assert.deepEqual(sent, ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
});
