import assert from "node:assert/strict";
import { test } from "node:test";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import type { Effect } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import { createSystem } from "../core/system.ts";
import type { Clock } from "./clock.ts";
import { createLoop } from "./loop.ts";

function manualClock(): Clock & { time: number; armed: number | null; wake: () => void } {
  const clock = {
    time: 0,
    armed: null as number | null,
    wake: () => {},
    now: () => clock.time,
    wall: () => 0,
    monotonicMicros: () => 0n,
    wakeAt: (at: number | null) => {
      clock.armed = at;
    },
    onWake: (listener: () => void) => {
      clock.wake = listener;
    },
    after: () => () => {},
  };
  return clock;
}

function loopWith(perform: (effect: Effect) => SystemEvent | null, faults: unknown[] = []) {
  const clock = manualClock();
  const system = createSystem(fakePlan([fakeSpec("web")]));
  return { clock, loop: createLoop({ clock, system, perform, onFault: (error) => faults.push(error) }) };
}

test("the answer to an effect comes before anything from outside", () => {
  const seen: string[] = [];
  const { loop } = loopWith((effect) => {
    if (effect.type === "journal" && effect.entry.type === "state") seen.push(effect.entry.to.name);
    if (effect.type === "journal" && effect.entry.type === "spawned") seen.push("spawned");
    if (effect.type !== "spawn") return null;
    loop.submit({ type: "stop", ids: ["web:web"] });
    return { type: "spawned", id: "web:web", pid: 7 };
  });
  loop.submit({ type: "boot" });
  assert.deepEqual(seen, ["STARTING", "spawned", "STOPPING"]);
});

test("one wake-up is armed for the earliest deadline, and a due one fires before the loop rests", () => {
  const { clock, loop } = loopWith((effect) =>
    effect.type === "spawn" ? { type: "spawned", id: effect.id, pid: 7 } : null,
  );
  loop.submit({ type: "boot" });
  assert.equal(clock.armed, 1000, "RUNNING after startsecs");
  clock.time = 1000;
  clock.wake();
  assert.equal(loop.system().programs[0]?.state.name, "RUNNING");
  assert.equal(clock.armed, null, "an idle system has nothing to wake for");
});

test("a fault drops its event, and the next one is handled", () => {
  const faults: unknown[] = [];
  let broken = true;
  const { loop } = loopWith((effect) => {
    if (effect.type === "spawn" && broken) {
      broken = false;
      throw new Error("broken");
    }
    return null;
  }, faults);
  loop.submit({ type: "boot" });
  assert.equal(faults.length, 1);
  loop.submit({ type: "exited", pid: 99, status: { kind: "exited", code: 0 }, groupAlive: false });
  assert.equal(faults.length, 1);
});
