import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { type PartialLine, PartialLines } from "./partial.ts";

class Holder implements PartialLine {
  heldSince: number | null = null;
  flushes = 0;

  flushPartial(): void {
    this.heldSince = null;
    this.flushes++;
  }
}

test("each line is flushed when it has waited its time, and no timer is left behind", () => {
  const clock = new FakeClock();
  let armed = 0;
  const counting = {
    now: () => clock.now(),
    after: (millis: number, listener: () => void) => {
      armed++;
      return clock.after(millis, listener);
    },
  };
  const lines = new PartialLines(counting, () => 1000);
  const [a, b, gone, busy] = [new Holder(), new Holder(), new Holder(), new Holder()];
  const hold = (holder: Holder): void => {
    holder.heldSince = clock.now();
    lines.add(holder);
  };
  hold(a);
  hold(busy);
  clock.advance(400);
  hold(b);
  hold(gone);
  gone.heldSince = null;
  lines.remove(gone);
  clock.advance(500);
  hold(busy);
  clock.advance(99);
  assert.deepEqual([a.flushes, b.flushes], [0, 0]);
  clock.advance(1);
  assert.deepEqual([a.flushes, b.flushes], [1, 0]);
  clock.advance(400);
  assert.deepEqual([b.flushes, busy.flushes], [1, 0]);
  clock.advance(500);
  assert.equal(busy.flushes, 1);
  const before = armed;
  clock.advance(10_000);
  assert.equal(armed, before);
  assert.deepEqual([a.flushes, b.flushes, gone.flushes, busy.flushes], [1, 1, 0, 1]);
});
