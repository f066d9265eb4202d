import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { poll } from "./poll.ts";
import { no, type Verdict, YES } from "./probes.ts";

/** What happened, in seconds. */
function rig(answer: (done: (verdict: Verdict) => void, n: number) => void) {
  const clock = new FakeClock();
  const log: string[] = [];
  const note = (text: string) => log.push(`${clock.now() / 1000} ${text}`);
  let asked = 0;
  const stop = poll({
    clock,
    first: 250,
    interval: 1000,
    timeout: 2000,
    ask(done) {
      note("ask");
      answer(done, ++asked);
      return () => note("abort");
    },
    onVerdict: (verdict) => note(verdict.ok ? "yes" : `no ${verdict.reason}`),
  });
  return { clock, log, stop };
}

test("asks an interval after the last question began", () => {
  const { clock, log } = rig((done) => done(YES));
  clock.advance(2500);
  assert.deepEqual(log, ["0.25 ask", "0.25 yes", "1.25 ask", "1.25 yes", "2.25 ask", "2.25 yes"]);
});

test("one at a time: an answer that took longer than the interval is followed at once", () => {
  const world: { clock?: FakeClock } = {};
  const { clock, log } = rig((done, n) => void world.clock?.after(n === 1 ? 1500 : 0, () => done(no("x"))));
  world.clock = clock;
  clock.advance(2000);
  assert.deepEqual(log, ["0.25 ask", "1.75 no x", "1.75 ask", "1.75 no x"]);
});

test("given up at its timeout; a late answer is nothing", () => {
  let late: (verdict: Verdict) => void = () => {};
  const { clock, log } = rig((done, n) => {
    if (n === 1) late = done;
  });
  clock.advance(2250);
  late(YES);
  assert.deepEqual(log, ["0.25 ask", "2.25 abort", "2.25 no no answer within 2 s", "2.25 ask"]);
});

test("stopped: nothing is asked any more, what is under way is given up and says nothing", () => {
  let done: (verdict: Verdict) => void = () => {};
  const { clock, log, stop } = rig((answer) => {
    done = answer;
  });
  clock.advance(300);
  stop();
  done(YES);
  clock.advance(10_000);
  assert.deepEqual(log, ["0.25 ask", "0.3 abort"]);
});
