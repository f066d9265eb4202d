/** Conformance A: the duties of PID 1, reaping above all, and the clean start that programs get. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { contextSwitches, readLink, readText, statusField } from "./processes.ts";
import { actor, delay, FIXTURES, GENTLE, monotonic, PATH } from "./scene.ts";

const zombies = (init: Init) => init.processes().filter((each) => each.state === "Z");

/** The value of one sample of /metrics, 0 when it is not there. */
async function metric(init: Init, sample: string): Promise<number> {
  const { body } = await init.http("/metrics");
  const line = body
    .split("\n")
    .find((each) => each.startsWith(`${sample} `) || each.startsWith(`${sample}{`));
  return line === undefined ? 0 : Number(line.split(" ").at(-1));
}

/** Counts of tsinit_program_exits_total of one program by its status label. */
async function exitCounts(init: Init, program: string): Promise<Map<string, number>> {
  const { body } = await init.http("/metrics");
  const counts = new Map<string, number>();
  for (const line of body.split("\n")) {
    if (!line.startsWith("tsinit_program_exits_total{") || !line.includes(`program="${program}"`)) continue;
    counts.set(/status="([^"]*)"/.exec(line)?.[1] ?? "", Number(line.split(" ").at(-1)));
  }
  return counts;
}

describe("reaping", { concurrency: 2 }, () => {
  conformance(1, "an orphan is reaped", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "orphan:sleep:0.4", ...GENTLE)}`,
    });
    const orphan = await init.event("a.child", "start");
    await init.until("the orphan to become ours", () =>
      init.processes().some((p) => p.pid === orphan.pid && p.parent === 1),
    );
    await init.until(
      "the orphan to be gone",
      () => !init.processes().some((p) => p.pid === orphan.pid),
      1600,
    );
    await init.until(
      "it to be counted",
      async () => (await metric(init, "tsinit_reaped_orphans_total")) === 1,
      3000,
    );
  });

  conformance(2, "100 orphans ending over two seconds leave no zombie behind", async (box) => {
    const steps = Array.from(
      { length: 100 },
      (_, index) => `orphan:sleep:${(0.8 + index * 0.012).toFixed(3)}`,
    );
    const init = await box.init({ config: `[program:a]\ncommand=${actor("a", ...steps, ...GENTLE)}` });
    await init.event("a.child", "start", { count: 100 });
    const since = new Map<number, number>();
    await init.until("all orphans to be gone", () => {
      const now = performance.now();
      const dead = new Set(zombies(init).map((each) => each.pid));
      for (const pid of dead) {
        if (!since.has(pid)) since.set(pid, now);
        assert.ok(now - (since.get(pid) ?? now) < 1000, `process ${pid} is a zombie for a second`);
      }
      for (const pid of since.keys()) if (!dead.has(pid)) since.delete(pid);
      return init.processes().length === 2;
    });
    assert.equal(await metric(init, "tsinit_reaped_orphans_total"), 100);
  });

  conformance(7, "not PID 1: becomes a subreaper, says so once, reaps its own orphans", async (box) => {
    const init = await box.init({
      pid1: false,
      config: `[program:a]\ncommand=${actor("a", "orphan:sleep:0.5", ...GENTLE)}`,
    });
    const orphan = await init.event("a.child", "start");
    const own = init.processes().find((each) => each.command.includes("dist/tsinit") && each.name !== "sh");
    assert.ok(own !== undefined && own.pid !== 1, init.report());
    await init.until("the orphan to become ours", () =>
      init.processes().some((each) => each.pid === orphan.pid && each.parent === own.pid),
    );
    await init.until(
      "the orphan to be gone",
      () => !init.processes().some((p) => p.pid === orphan.pid),
      2000,
    );
    await init.line(/subreaper/i);
    assert.equal(init.own().filter((line) => /subreaper/i.test(line)).length, 1, init.report());
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(8, "not PID 1 and no subreaper to be had: one warning, all else as ever", async (box) => {
    const SYS_PRCTL = process.arch === "arm64" ? 167 : 157;
    const init = await box.init({
      pid1: false,
      wrapper: [PYTHON, "-I", "-S", join(FIXTURES, "deny.py"), `${SYS_PRCTL}=36`, "1"],
      config: `[program:a]\ncommand=${actor("a", ...GENTLE)}`,
    });
    await init.event("a", "start");
    await init.line(/spawned: 'a'/);
    const warnings = init.own().filter((line) => /WARN.*(subreaper|orphan|reap)/i.test(line));
    assert.equal(warnings.length, 1, init.report());
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(9, "a stray SIGCHLD changes nothing", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "on:all=", "hold")}\nstartsecs=0`,
    });
    await init.line(/success: a entered RUNNING/);
    const before = init.lines.length;
    for (let count = 0; count < 20; count++) init.signal("SIGCHLD");
    assert.equal((await init.http("/livez")).status, 200);
    await delay(300);
    assert.deepEqual(init.lines.slice(before), []);
    assert.equal(init.events("a").length, 1, "the program heard of it");
  });

  conformance(10, "a stopped program has not ended, and CONT resumes it", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "on:USR1=", ...GENTLE)}\nstartsecs=0`,
    });
    const { pid } = await init.event("a", "start");
    await init.line(/success: a entered RUNNING/);
    const outer = init.outer(pid);
    process.kill(outer, "SIGSTOP");
    await init.until(
      "it to be stopped",
      () => init.processes().find((each) => each.pid === pid)?.state === "T",
    );
    await delay(500);
    assert.equal((await init.state("a", "RUNNING"))["pid"], pid);
    process.kill(outer, "SIGUSR1");
    assert.equal(init.events("a", "USR1").length, 0);
    process.kill(outer, "SIGCONT");
    await init.event("a", "USR1");
    assert.equal(init.events("a", "start").length, 1);
    assert.doesNotMatch(init.stderr.text(), /exited: a|stopped: a/);
  });

  conformance(
    11,
    "children of an exec'ed shell that outlive it are reaped, not killed before the end",
    async (box) => {
      const init = await box.init({ config: `[program:a]\ncommand=${actor("a", ...GENTLE)}` });
      await init.event("a", "start");
      const long = init.fill(actor("long", "on:TERM=exit:0", "hold"));
      const done = await init.run("sh", "-c", `exec >/dev/null 2>&1; ${long} & sleep 0.4 & exit 3`);
      assert.equal(done.code, 3);
      const { pid } = await init.event("long", "start");
      await init.until(
        "the short one to be reaped",
        () => !init.processes().some((p) => p.name === "sleep"),
        2000,
      );
      assert.equal(init.processes().find((each) => each.pid === pid)?.parent, 1);
      assert.equal(init.events("long", "TERM").length, 0);
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      assert.equal(init.events("long", "TERM").length, 1, "what was left over must be asked to end");
    },
  );

  conformance(12, "what a timed-out exec probe leaves behind is reaped", async (box) => {
    const init = await box.init({ config: `[program:a]\ncommand=${actor("a", ...GENTLE)}` });
    await init.event("a", "start");
    const probe = init.run(
      "sh",
      "-c",
      `exec >/dev/null 2>&1; sh -c '${init.fill(actor("grandchild", "sleep:1"))}; :' & wait`,
    );
    const { pid } = await init.event("grandchild", "start");
    const shell = init.processes().find((each) => each.command.startsWith("sh -c exec"));
    assert.ok(shell !== undefined, init.report());
    process.kill(init.outer(shell.pid), "SIGKILL");
    await probe;
    await init.until("all of it to be gone", () => init.processes().length === 2, 4000);
    assert.ok(!init.processes().some((each) => each.pid === pid));
  });
});

describe("reaping under load", () => {
  conformance(
    3,
    "5,000 orphans that end at once are all reaped, and the loop turns meanwhile",
    async (box) => {
      const burst = `${join(FIXTURES, "orphan-burst.sh")} 5000 @DIR@/fifo`;
      const init = await box.init({ config: `[program:a]\ncommand=${burst}\nforward_signals=USR1` });
      await init.line(/a +\| ready/, { timeout: 60_000 });
      await init.httpStatus("/livez", 200);
      await init.until("5,000 orphans of ours", () => init.processes().length > 5000, 20_000, 200);
      init.signal("SIGUSR1");
      const began = monotonic();
      let slowest = 0;
      let reaped = 0;
      while (reaped < 5000) {
        slowest = Math.max(slowest, (await init.http("/livez")).ms);
        reaped = await metric(init, "tsinit_reaped_orphans_total");
        assert.ok(monotonic() - began < 30_000, `${reaped} reaped after 30 s\n${init.report()}`);
        await delay(10);
      }
      assert.equal(zombies(init).length, 0);
      assert.ok(slowest < 5000, `/livez took ${slowest} ms meanwhile`);
    },
  );

  const RUNS = 400;
  conformance(4, `${4 * RUNS} runs beside orphans: every exit status is the true one`, async (box) => {
    // Run n ends with code n % 150, every tenth by SIGKILL; each leaves an orphan that ends about the same time.
    const script = [
      "#!/bin/sh",
      'n=$(($(cat "$1.n") + 1))',
      'echo "$n" > "$1.n"',
      `[ "$n" -le ${RUNS} ] || exec sleep 1000`,
      "(sleep 0.01 &)",
      '[ "$((n % 10))" != 0 ] || kill -9 $$',
      'exit "$((n % 150))"',
    ].join("\n");
    const names = ["w", "x", "y", "z"];
    const init = await box.init({
      setup: `cat > @DIR@/run.sh <<'END'\n${script}\nEND\nchmod 755 @DIR@/run.sh\n${names.map((n) => `echo 0 > @DIR@/${n}.n`).join("\n")}`,
      config: names
        .map(
          (n) =>
            `[program:${n}]\ncommand=@DIR@/run.sh @DIR@/${n}\nautorestart=true\nstartsecs=0\nrestart_delay=0`,
        )
        .join("\n"),
    });
    await init.until(
      "all runs",
      () => init.processes().filter((each) => each.command === "sleep 1000").length === names.length,
      90_000,
      200,
    );
    const expected = new Map<string, number>();
    for (let n = 1; n <= RUNS; n++) {
      const status = n % 10 === 0 ? "SIGKILL" : String(n % 150);
      expected.set(status, (expected.get(status) ?? 0) + 1);
    }
    const sorted = (map: Map<string, number>) => [...map].sort((a, b) => a[0].localeCompare(b[0]));
    for (const name of names) assert.deepEqual(sorted(await exitCounts(init, name)), sorted(expected), name);
    assert.equal(zombies(init).length, 0);
  });

  conformance(5, "50 programs that end at once: every end is seen, with its code", async (box) => {
    const programs = Array.from({ length: 50 }, (_, n) => {
      const code = n % 2 === 0 ? 0 : n;
      return `[program:p${n}]\ncommand=/bin/sh -c "exit ${code}"\nstartsecs=0\nautorestart=false\nexitcodes=0`;
    });
    const late = "[program:early]\ncommand=/bin/true\nstartsecs=5\nstartretries=0";
    const init = await box.init({ config: [...programs, late].join("\n") });
    const ending = await init.exit();
    for (let n = 0; n < 50; n++) {
      const words = n % 2 === 0 ? "exit status 0; expected" : `exit status ${n}; not expected`;
      assert.ok(init.stderr.text().includes(`exited: p${n} (${words})`), `p${n}\n${init.report()}`);
    }
    assert.match(ending.stderr, /gave up: early entered FATAL/);
    assert.equal(ending.code, 1, "one FATAL program that is not critical, all else done");
  });

  const CHURN = 1000;
  conformance(6, `process ids used again over ${CHURN} restarts: no signal goes astray`, async (box) => {
    // Each run sets the id counter back, so that the next runs and the bystanders share a few ids.
    const script = [
      "#!/bin/sh",
      'n=$(($(cat "$1.n") + 1))',
      'echo "$n" > "$1.n"',
      `[ "$n" -le ${CHURN} ] || exec sleep 1000`,
      "echo 40 > /proc/sys/kernel/ns_last_pid",
      "(sleep 0.002 &)",
      'exit "$((n % 3))"',
    ].join("\n");
    const init = await box.init({
      setup: `cat > @DIR@/run.sh <<'END'\n${script}\nEND\nchmod 755 @DIR@/run.sh; echo 0 > @DIR@/a.n`,
      config: [
        "[program:a]\ncommand=@DIR@/run.sh @DIR@/a\nautorestart=true\nstartsecs=0\nrestart_delay=0",
        `[program:b]\ncommand=${actor("b", "on:TERM=ns-last-pid:40+exit:0", "hold")}\nstartsecs=0`,
      ].join("\n"),
    });
    await init.event("b", "start");
    const bystander = `exec >/dev/null 2>&1; ${init.fill(actor("bystander", "on:all=", "hold"))} & exit 0`;
    for (let count = 0; count < 3; count++) await init.run("sh", "-c", bystander);
    await init.event("bystander", "start", { count: 3 });
    for (let round = 0; round < 30; round++) {
      assert.equal(await init.rpc("stopProcess", "b"), true);
      assert.equal(await init.rpc("startProcess", "b"), true);
      await init.event("b", "start", { count: round + 2 });
    }
    await init.until(
      "all runs",
      () => init.processes().some((each) => each.command === "sleep 1000"),
      90_000,
      100,
    );
    const highest = Math.max(...init.events().map((each) => each.pid));
    assert.ok(highest < 1000, `process ids went up to ${highest}: none was used again`);
    assert.equal(init.events("bystander").length, 3, "a bystander got a signal");
    assert.equal(init.processes().filter((each) => each.command.includes("bystander")).length, 3);
    assert.equal(init.events("b", "TERM").length, 30);
  });
});

describe("a clean start", { concurrency: 3 }, () => {
  conformance(13, "survives its own stdout closing", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "on:USR1=out:more", "out:first", ...GENTLE)}\nforward_signals=USR1`,
    });
    await init.line(/a +\| first/);
    init.stdout.destroy();
    for (let count = 1; count <= 3; count++) {
      init.signal("SIGUSR1");
      await init.event("a", "USR1", { count });
      assert.equal((await init.http("/livez")).status, 200);
    }
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    assert.equal(init.events("a", "TERM").length, 1);
  });

  conformance(14, "keeps no directory busy; programs start where they should", async (box) => {
    const init = await box.init({
      cwd: "@DIR@",
      config: [
        `[program:a]\ncommand=${actor("a", "show:cwd", ...GENTLE)}`,
        `[program:b]\ncommand=${actor("b", "show:cwd", ...GENTLE)}\ndirectory=/usr`,
      ].join("\n"),
    });
    assert.equal(JSON.parse((await init.event("a", "show:cwd")).data), init.dir);
    assert.equal(JSON.parse((await init.event("b", "show:cwd")).data), "/usr");
    assert.equal(readLink(`/proc/${init.pid}/cwd`), "/");
  });

  conformance(15, "no descriptor leaks into programs", async (box) => {
    const init = await box.init({
      redirect: "7</etc/passwd 9</etc/hostname",
      config: `[program:a]\ncommand=${actor("a", "show:fds", ...GENTLE)}\n[program:b]\ncommand=${actor("b", "show:fds", ...GENTLE)}`,
    });
    for (const name of ["a", "b"]) {
      assert.deepEqual(JSON.parse((await init.event(name, "show:fds")).data), [0, 1, 2], name);
    }
  });

  conformance(
    16,
    "programs get default dispositions, an empty mask and the container's file limit",
    async (box) => {
      const init = await box.init({
        setup: "ulimit -S -n 512\ntrap '' PIPE HUP USR2",
        config: `[program:a]\ncommand=/bin/sh -c "${actor("a", "show:limits")}; exec sleep 1000"\n[program:b]\ncommand=/bin/sleep 1000`,
      });
      assert.equal(JSON.parse((await init.event("a", "show:limits")).data)[0], 512);
      const { pid } = (await init.state("b", "RUNNING")) as { pid: number };
      const outer = init.outer(pid);
      for (const field of ["SigBlk", "SigIgn"])
        assert.equal(statusField(outer, field), "0000000000000000", field);
      const stdin = readLink(`/proc/${outer}/fd/0`);
      assert.equal(stdin, "/dev/null");
      for (const fd of [1, 2]) assert.match(readLink(`/proc/${outer}/fd/${fd}`) ?? "", /^pipe:/);
      assert.notEqual(readText(`/proc/${outer}/environ`), null);
    },
  );
});

describe("idle", () => {
  conformance(17, "20 idle programs cost no wake-ups", async (box) => {
    const programs = Array.from({ length: 20 }, (_, n) => `[program:p${n}]\ncommand=/bin/sleep 1000`);
    const init = await box.init({ config: programs.join("\n"), env: { PATH } });
    await init.line(/success: p19 entered RUNNING/);
    await init.httpStatus("/readyz", 200);
    await delay(6000); // keep-alive of the probe's connection and the garbage of start-up
    const before = contextSwitches(init.pid);
    await delay(5000);
    const switches = contextSwitches(init.pid) - before;
    assert.ok(switches <= 5, `${switches} context switches in 5 s`);
    assert.ok(readFileSync(`/proc/${init.pid}/comm`, "utf8").trim().length > 0);
  });
});
