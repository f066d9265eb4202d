import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { Snapshot } from "../core/snapshot.ts";
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
  assert.ok(sent.includes("STOPPING=1"));
  assert.ok(sent.length < 40, `${sent.length}`);
  world.errno = "ECONNREFUSED";
  clock.advance(1000);
  assert.deepEqual(said, ["NOTIFY_SOCKET=@manager: ECONNREFUSED"]);
});

test("a sign of life at half of the time that is allowed", () => {
  const { sent, clock } = start(1000);
  clock.advance(1400);
  assert.deepEqual(sent, ["WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
});
