/** Conformance 111: hundreds of programs cost hardly more time than the slowest of them, and little memory each. */
import assert from "node:assert/strict";
import type { Box } from "./harness.ts";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { statusField } from "./processes.ts";
import { PATH } from "./scene.ts";

const MANY = 200;
/** What the slowest takes to be RUNNING, and to stop. */
const SLOWEST_SECONDS = 1;
/** Two seconds are the bar on a quiet machine; this one may be busy. */
const EXTRA_SECONDS = 6;

const config = (count: number): string =>
  Array.from({ length: count }, (_, index) =>
    [
      `[program:p${index}]`,
      // One shell among sleeps takes its time to end.
      index === 0
        ? `command=/bin/sh -c 'trap "sleep ${SLOWEST_SECONDS}; exit 0" TERM; echo up; while :; do sleep 0.1; done'`
        : "command=/bin/sh -c 'echo up; exec sleep 1000'",
      `startsecs=${SLOWEST_SECONDS}`,
    ].join("\n"),
  ).join("\n");

async function begin(box: Box, count: number): Promise<{ init: Init; seconds: number }> {
  const init = await box.init({ config: config(count), env: { PATH } });
  const began = performance.now();
  await init.httpStatus("/readyz", 200, 60_000);
  return { init, seconds: (performance.now() - began) / 1000 };
}

/** The least of some samples, a second or more after the start: garbage comes and goes. */
async function privateKb(init: Init): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  let samples = 0;
  await init.until(
    "samples of memory",
    async () => {
      // What scrapes and probes cost once is no cost of programs.
      await init.http("/livez");
      least = Math.min(least, Number(statusField(init.pid, "RssAnon")?.split(" ")[0]));
      return ++samples >= 10;
    },
    60_000,
    200,
  );
  return least;
}

conformance(111, `${MANY} programs start, run and stop in the time of the slowest; memory`, async (box) => {
  const one = await begin(box, 1);
  const base = await privateKb(one.init);
  const many = await begin(box, MANY);
  assert.ok(many.seconds < SLOWEST_SECONDS + EXTRA_SECONDS, `${many.seconds.toFixed(1)} s until all run`);
  assert.equal(many.init.stdout.lines.filter(({ text }) => /^p\d+ +\| up$/.test(text)).length, MANY);
  const each = ((await privateKb(many.init)) - base) / (MANY - 1);
  assert.ok(each < 50, `${each.toFixed(1)} KB of private memory for each program`);
  const began = performance.now();
  many.init.signal("SIGTERM");
  const ending = await many.init.exit(60_000);
  const seconds = (performance.now() - began) / 1000;
  assert.equal(ending.code, 0);
  assert.ok(seconds < SLOWEST_SECONDS + EXTRA_SECONDS, `${seconds.toFixed(1)} s until all have stopped`);
  const stopped = new Set(ending.stderr.match(/(?<=stopped: )p\d+/g));
  assert.equal(stopped.size, MANY);
});
