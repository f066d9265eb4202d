import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "./clock.ts";

test("alarms and the wake-up run in the order of time, each seeing its own moment", () => {
  const clock = new FakeClock();
  const seen: string[] = [];
  clock.onWake(() => seen.push(`wake ${clock.now()}`));
  clock.at(30, () => seen.push(`c ${clock.now()}`));
  clock.after(10, () => {
    seen.push(`a ${clock.now()}`);
    clock.after(5, () => seen.push(`b ${clock.now()}`));
  });
  const cancel = clock.after(12, () => seen.push("cancelled"));
  cancel();
  clock.wakeAt(20);
  clock.advance(25);
  assert.deepEqual(seen, ["a 10", "b 15", "wake 20"]);
  assert.equal(clock.armedFor(), null);
  clock.advance(25);
  assert.deepEqual(seen.slice(3), ["c 30"]);
  assert.equal(clock.now(), 50);
});

test("a time that has passed fires on the next turn", () => {
  const clock = new FakeClock();
  clock.advance(100);
  let woken = 0;
  clock.onWake(() => woken++);
  clock.wakeAt(50);
  assert.equal(woken, 0);
  clock.advance(0);
  assert.equal(woken, 1);
  assert.equal(clock.now(), 100);
});

test("the wall clock jumps alone", () => {
  const clock = new FakeClock();
  const before = clock.wall();
  clock.advance(1500);
  clock.jumpWall(-3600);
  assert.equal(clock.wall(), before + 1.5 - 3600);
  assert.equal(clock.now(), 1500);
});
