/** Crash loops (conformance 64 to 66): they wait longer and longer, are given up, cost next to nothing and fill no log. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { boxed, conformance } from "./harness.ts";
import { readText } from "./processes.ts";
import { actor, delay } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

/** Seconds of CPU that a process used itself; a tick is 10 ms. */
function cpuSeconds(pid: number): number {
  const stat = readText(`/proc/${pid}/stat`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

describe("crash loops", { concurrency: 2 }, () => {
  conformance(64, "the delay grows, is capped, and starts anew after a stable run", async (box) => {
    const init = await box.init({
      config: program(
        "a",
        actor("a", "turn:@DIR@/turn=exit:1|exit:1|exit:1|exit:1|sleep:2.6+exit:1|exit:1|hold"),
        "autorestart=true",
        "startsecs=0",
        "restart_delay=0.5",
        "restart_delay_max=2",
        "restart_jitter=0",
      ),
    });
    await init.event("a", "start", { count: 7, timeout: 30_000 });
    const starts = init.events("a", "start").map(({ at }) => at / 1000);
    const waits = starts.slice(1).map((at, i) => at - (starts[i] ?? Number.NaN));
    const expected = [0.5, 1, 2, 2, 2.6 + 0.5, 1];
    for (const [i, wait] of waits.entries()) {
      const least = expected[i] ?? Number.NaN;
      assert.ok(wait > least - 0.05 && wait < least + 0.9, `${waits.map((each) => each.toFixed(2))}`);
    }
  });

  conformance(65, "more restarts after RUNNING than restart_limit allows are FATAL", async (box) => {
    const init = await box.init({
      config: [
        program("a", actor("a", "exit:1"), "autorestart=true", "startsecs=0", "restart_limit=3/1m"),
        program("keeper", "/bin/sleep 1000"),
      ].join("\n"),
    });
    await init.line(/gave up: a entered FATAL state/);
    assert.equal(init.events("a", "start").length, 4);
    const status = await init.ctl("status", "a");
    assert.match(status.stdout, /FATAL +restarted 3 times within 60 s \(restart_limit\)/);
  });

  conformance(66, "twenty crash loops: next to no CPU, and lines are counted, not repeated", async (box) => {
    const names = Array.from({ length: 20 }, (_, i) => `loop${i}`);
    const init = await box.init({
      config: names.map((name) => program(name, "/bin/false", "autorestart=true", "startsecs=0")).join("\n"),
    });
    await init.line(/exited: loop19 /);
    await delay(5000);
    const before = cpuSeconds(init.pid);
    const lines = init.own().length;
    const began = performance.now();
    await delay(8000);
    const share = (cpuSeconds(init.pid) - before) / ((performance.now() - began) / 1000);
    const more = init.own().length - lines;
    // 20 processes a second are made. The bar is 2 % of a quiet machine; this one may be busy.
    assert.ok(share < 0.06, `${(share * 100).toFixed(1)} % CPU`);
    assert.ok(more <= 60, `${more} more lines in 8 s`);
    assert.match(init.stderr.text(), /spawned: 'loop0' with pid \d+$/m);
    assert.match(init.stderr.text(), /exited: loop0 \(exit status 1; not expected\)$/m);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    await init.line(/exited: loop0 \(exit status 1; not expected\) \(\d+ times more, within \d+ s\)/);
  });

  boxed("what was counted is told within a minute, while it goes on", async (box) => {
    const init = await box.init({
      config: program("loop", "/bin/false", "autorestart=true", "startsecs=0"),
    });
    await init.line(/exited: loop .* \(\d+ times more, within 60 s\)/, { timeout: 75_000 });
  });
});
