import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { systemClock } from "./clock.ts";
import { createTicks } from "./ticks.ts";

/** The fake wall clock starts at a full hour. */
function scene(wanted: readonly string[]) {
  const clock = new FakeClock();
  const start = clock.wall();
  const told: [string, number][] = [];
  const ticks = createTicks(clock, (name, when) => void told.push([name, when - start]));
  ticks.configure((name) => wanted.includes(name));
  return { clock, told, ticks };
}

test("each multiple of the period is told once, shorter periods first", () => {
  const { clock, told } = scene(["TICK_5", "TICK_60"]);
  clock.advance(4999);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [["TICK_5", 5]]);
  clock.advance(55_000);
  assert.equal(told.length, 13);
  assert.deepEqual(told.slice(-2), [
    ["TICK_5", 60],
    ["TICK_60", 60],
  ]);
});

test("an hour", () => {
  const { clock, told } = scene(["TICK_3600"]);
  clock.advance(3_599_999);
  assert.deepEqual(told, []);
  clock.advance(1);
  assert.deepEqual(told, [["TICK_3600", 3600]]);
});

test("a clock that is set: what was skipped is not made up for, and it is noticed within a minute", () => {
  const { clock, told } = scene(["TICK_3600"]);
  clock.jumpWall(2 * 3600 + 100);
  clock.advance(60_000);
  assert.deepEqual(told, [["TICK_3600", 7200]]);
  clock.jumpWall(-3600);
  clock.advance(60_000);
  assert.deepEqual(told[1], ["TICK_3600", 3600]);
});

test("no timer where nobody listens", () => {
  const { clock, told, ticks } = scene([]);
  const none = createTicks({ ...systemClock(), after: () => assert.fail("a timer") }, () => {});
  none.configure(() => false);
  ticks.configure((name) => name === "TICK_5");
  clock.advance(5000);
  ticks.configure(() => false);
  clock.advance(3_600_000);
  assert.equal(told.length, 1);
});
