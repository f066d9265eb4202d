import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { turns } from "../../test/fakes/log-world.ts";
import { Flushes } from "./flushes.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly flushes: Flushes;
  left: number;
  isOver: boolean;
}

function begin(left: number, patience: number, limit: number | null): Scene {
  const clock = new FakeClock();
  const flushes = new Flushes({
    now: () => clock.now(),
    after: (millis, listener) => clock.after(millis, listener),
    isIdle: () => scene.left === 0,
  });
  const scene: Scene = { clock, flushes, left, isOver: false };
  void flushes.wait(patience, limit).then(() => {
    scene.isOver = true;
  });
  return scene;
}

async function pass(scene: Scene, millis: number): Promise<boolean> {
  scene.clock.advance(millis);
  await turns(1);
  return scene.isOver;
}

test("nothing to wait for: over at once", async () => {
  assert.equal(await pass(begin(0, 2000, null), 0), true);
});

test("a reader that takes nothing is waited for as long as patience lasts", async () => {
  const scene = begin(1, 2000, null);
  assert.equal(await pass(scene, 1999), false);
  assert.equal(await pass(scene, 1), true);
});

test("a slow reader is waited for as long as it takes something", async () => {
  const scene = begin(100, 2000, null);
  for (; scene.left > 1; scene.left--) {
    assert.equal(await pass(scene, 1500), false);
    scene.flushes.onProgress();
  }
  scene.left = 0;
  scene.flushes.onProgress();
  assert.equal(await pass(scene, 0), true);
});

test("a limit ends it though something still leaves", async () => {
  const scene = begin(100, 2000, 5000);
  for (let second = 1; second < 5; second++) {
    assert.equal(await pass(scene, 1000), false);
    scene.flushes.onProgress();
  }
  assert.equal(await pass(scene, 1000), true);
});
