import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Arena } from "./arena.ts";
import { Flood } from "./flood.ts";

const MB = 1024 * 1024;

function scene() {
  const clock = new FakeClock();
  let loads = 0;
  const arena = new Arena(() => {
    loads++;
    return new Promise(() => {});
  });
  return { clock, flood: new Flood(clock, arena), loads: () => loads };
}

test("much within a second is a flood, and is over after a second with little", () => {
  const { clock, flood, loads } = scene();
  for (let index = 0; index < 15; index++) flood.note(MB);
  assert.equal(flood.isOn, false);
  flood.note(MB);
  assert.deepEqual([flood.isOn, loads()], [true, 1]);
  for (let second = 0; second < 3; second++) {
    flood.note(20 * MB);
    clock.advance(1000);
  }
  assert.equal(flood.isOn, true);
  flood.note(15 * MB);
  clock.advance(1000);
  assert.equal(flood.isOn, false);
  clock.advance(10_000);
  flood.note(16 * MB);
  assert.equal(flood.isOn, true);
});

test("the same bytes over hours are none", () => {
  const { clock, flood, loads } = scene();
  for (let index = 0; index < 100; index++) {
    flood.note(10 * MB);
    clock.advance(1001);
  }
  assert.deepEqual([flood.isOn, loads()], [false, 0]);
});
