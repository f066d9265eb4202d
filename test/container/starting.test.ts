/** Conformance D and E: start order, failed starts, restart policy. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { describe } from "node:test";
import { jumpClock } from "./clock.ts";
import { conformance } from "./harness.ts";
import { readText } from "./processes.ts";
import { actor, delay, GENTLE } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

describe("start order", { concurrency: 3 }, () => {
  conformance(49, "a tier is spawned only when the one before is RUNNING", async (box) => {
    const init = await box.init({
      config: [
        program("a", actor("a", ...GENTLE), "priority=10", "startsecs=1"),
        program("a2", actor("a2", ...GENTLE), "priority=10", "startsecs=2"),
        program("b", actor("b", ...GENTLE), "priority=20", "startsecs=1"),
        program("c", actor("c", ...GENTLE), "priority=30", "startsecs=0"),
      ].join("\n"),
    });
    const c = await init.event("c", "start");
    const [a2, b] = [await init.event("a2", "start"), await init.event("b", "start")];
    assert.ok(b.at - a2.at > 1800, `b came ${b.at - a2.at} ms after a2, which needs 2 s`);
    assert.ok(c.at - b.at > 900, `c came ${c.at - b.at} ms after b, which needs 1 s`);
  });

  conformance(50, "equal priority starts in parallel", async (box) => {
    const names = ["a", "b", "c", "d", "e"];
    const init = await box.init({
      config: names.map((name) => program(name, actor(name, ...GENTLE), "startsecs=5")).join("\n"),
      args: [],
    });
    for (const name of names) await init.line(new RegExp(`spawned: '${name}'`));
    const spawned = init.stderr.lines.filter((line) => /spawned: /.test(line.text)).map((line) => line.at);
    assert.equal(spawned.length, names.length);
    assert.ok(
      Math.max(...spawned) - Math.min(...spawned) < 300,
      `spread over ${Math.max(...spawned) - Math.min(...spawned)} ms`,
    );
    assert.doesNotMatch(init.stderr.text(), /entered RUNNING/);
  });

  conformance(
    51,
    "startsecs=0: a program that ends at once with 0 is EXITED and the next tier starts",
    async (box) => {
      const init = await box.init({
        config: [
          program("once", "/bin/true", "startsecs=0", "priority=1", "autorestart=unexpected"),
          program("next", actor("next", ...GENTLE), "priority=2"),
        ].join("\n"),
      });
      await init.event("next", "start");
      await init.line(/exited: once \(exit status 0; expected\)/);
      await init.state("once", "EXITED");
      assert.doesNotMatch(init.stderr.text(), /BACKOFF|gave up/);
      await init.httpStatus("/readyz", 200);
    },
  );

  conformance(52, "ending before startsecs is a failed start, even with 0", async (box) => {
    const init = await box.init({
      config: [
        program("quick", "/bin/true", "startsecs=2", "startretries=1"),
        program("b", "/bin/sleep 1000"),
      ].join("\n"),
    });
    await init.line(/exited: quick \(exit status 0; not expected\)/);
    await init.state("quick", "BACKOFF");
    await init.line(/gave up: quick entered FATAL state, too many start retries too quickly/);
    await init.state("quick", "FATAL");
    assert.equal(init.own().filter((line) => /spawned: 'quick'/.test(line)).length, 2);
  });

  conformance(53, "autostart=false: listed as STOPPED, not started, not unhealthy", async (box) => {
    const init = await box.init({
      config: [
        program("off", actor("off", ...GENTLE), "autostart=false"),
        program("on", "/bin/sleep 1000"),
      ].join("\n"),
    });
    await init.line(/success: on entered RUNNING/);
    await init.httpStatus("/readyz", 200);
    const status = await init.ctl("status");
    assert.match(status.stdout, /^off +STOPPED +Not started/m);
    assert.match(status.stdout, /^on +RUNNING +pid \d+, uptime 0:00:0\d/m);
    assert.equal(init.events("off").length, 0);
    const started = await init.ctl("start", "off");
    assert.equal(started.code, 0);
    assert.equal(init.events("off", "start").length, 1);
  });
});

describe("starts that fail", { concurrency: 3 }, () => {
  const scripts = [
    "printf '#!/nonexistent/interpreter\\n' > @DIR@/badinterp; chmod 755 @DIR@/badinterp",
    "printf '#!/bin/sh\\n' > @DIR@/noexec; chmod 644 @DIR@/noexec",
  ].join("\n");

  conformance(
    58,
    "not found, not executable, bad interpreter: FATAL with the reason, the others unaffected",
    async (box) => {
      const init = await box.init({
        setup: scripts,
        config: [
          program("nosuch", "/nonexistent/program", "startretries=0"),
          program("nopath", "no-such-program-anywhere", "startretries=0"),
          program("noexec", "@DIR@/noexec", "startretries=0"),
          program("badinterp", "@DIR@/badinterp", "startretries=0"),
          program("good", actor("good", ...GENTLE)),
        ].join("\n"),
      });
      for (const name of ["nosuch", "nopath", "noexec", "badinterp"]) await init.state(name, "FATAL");
      await init.state("good", "RUNNING");
      const text = init.stderr.text();
      assert.match(text, /spawnerr: can't find command '\/nonexistent\/program'/);
      assert.match(text, /spawnerr: can't find command 'no-such-program-anywhere'/);
      assert.match(text, /spawnerr: command at '.*\/noexec' is not executable/);
      assert.match(text, /badinterp.*(ENOENT|No such file)|(ENOENT|No such file).*badinterp/);
      assert.equal(init.processes().length, 2);
    },
  );

  for (const [command, code] of [
    ["/nonexistent/program", 127],
    ["@DIR@/badinterp", 126],
    ["@DIR@/noexec", 126],
  ] as const) {
    conformance(58, `critical and ${command}: exit ${code}`, async (box) => {
      const init = await box.init({
        setup: scripts,
        config: program("web", command, "critical=true", "startretries=0"),
      });
      assert.equal((await init.exit()).code, code, init.report());
    });
    conformance(58, `tsinit -- ${command}: exit ${code}`, async (box) => {
      const init = await box.init({ setup: scripts, args: ["--", command] });
      const ending = await init.exit();
      assert.equal(ending.code, code, init.report());
      assert.notEqual(ending.stderr, "");
    });
  }

  conformance(
    59,
    "no process to be had: BACKOFF with the reason, and back when there is one again",
    async (box) => {
      const uid = 424_200 + (process.pid % 1000);
      const init = await box.init({
        user: { uid, gid: uid },
        config: [
          "[tsinit]\ncontrol=/dev/shm/tsinit-@DIR@.sock".replace("@DIR@", String(uid)),
          program(
            "a",
            actor("a", "on:USR1=exit:1", ...GENTLE),
            "startretries=100",
            "autorestart=true",
            "startsecs=1",
          ),
        ].join("\n"),
      });
      const { pid } = await init.event("a", "start");
      await init.line(/success: a entered RUNNING/);
      const limit = (processes: number) =>
        execFileSync("setpriv", [
          ...[`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"],
          ...["prlimit", "--pid", String(init.pid), `--nproc=${processes}:`],
        ]);
      limit(1);
      process.kill(init.outer(pid), "SIGUSR1");
      await init.line(/spawnerr: .*(Too many processes|EAGAIN)/i);
      assert.equal((await init.http("/livez")).status, 200);
      assert.equal((await init.http("/readyz")).status, 503);
      limit(1000);
      await init.event("a", "start", { count: 2 });
      await init.httpStatus("/readyz", 200);
    },
  );

  conformance(
    59,
    "no descriptors left: BACKOFF with the reason, and back when there are again",
    async (box) => {
      const init = await box.init({
        config: program(
          "a",
          actor("a", "on:USR1=exit:1", ...GENTLE),
          "startretries=100",
          "autorestart=true",
          "startsecs=1",
        ),
      });
      const { pid } = await init.event("a", "start");
      await init.httpStatus("/readyz", 200);
      const highest = Math.max(...readdirSync(`/proc/${init.pid}/fd`).map(Number));
      execFileSync("prlimit", ["--pid", String(init.pid), `--nofile=3:${highest + 1000}`]);
      process.kill(init.outer(pid), "SIGUSR1");
      await init.line(/spawnerr: .*(too many open files|EMFILE)/i);
      execFileSync("prlimit", ["--pid", String(init.pid), `--nofile=${highest + 1000}:${highest + 1000}`]);
      await init.event("a", "start", { count: 2 });
      await init.httpStatus("/readyz", 200);
    },
  );

  for (const [what, key] of [
    ["a directory that is not there", "directory=/nonexistent/directory"],
    ["a user that is not there", "user=nosuchuser"],
  ] as const) {
    conformance(60, `${what}: an error that names it, and the program does not run`, async (box) => {
      const init = await box.init({
        config: [program("a", actor("a", ...GENTLE), key, "startretries=0", "critical=true")].join("\n"),
      });
      const ending = await init.exit();
      assert.notEqual(ending.code, 0);
      assert.match(ending.stderr, new RegExp(key.split("=")[0] ?? ""));
      assert.ok(ending.stderr.includes(key.split("=")[1] ?? ""), ending.stderr);
      assert.equal(init.events("a").length, 0);
    });
  }

  conformance(
    60,
    "user= without the right to change: an error, and it never runs as somebody else",
    async (box) => {
      const user = { uid: 4711, gid: 4711 };
      const init = await box.init({
        user,
        config: program("other", actor("other", ...GENTLE), "user=nobody"),
      });
      assert.equal((await init.exit()).code, 2);
      await init.line(/\[program:other\] user: .*nobody/);
      assert.equal(init.events("other").length, 0);
      const same = await box.init({
        user,
        config: program("same", actor("same", "show:ids", ...GENTLE), "user=4711"),
      });
      assert.deepEqual(JSON.parse((await same.event("same", "show:ids")).data).uid, [4711, 4711, 4711]);
    },
  );

  conformance(60, "user= as root: ids, groups and HOME are the user's", async (box) => {
    const init = await box.init({
      config: [
        program("a", actor("a", "show:ids", "show:env", ...GENTLE), "user=nobody"),
        program("b", actor("b", "show:ids", ...GENTLE), "user=12345"),
      ].join("\n"),
    });
    const a = JSON.parse((await init.event("a", "show:ids")).data);
    assert.deepEqual(a.uid, [65534, 65534, 65534]);
    assert.deepEqual(a.gid, [65534, 65534, 65534]);
    assert.ok(!a.groups.includes(0), "root's groups were kept");
    const env = JSON.parse((await init.event("a", "show:env")).data);
    assert.equal(env.USER, "nobody");
    assert.equal(env.LOGNAME, "nobody");
    assert.equal(env.HOME, "/nonexistent");
    assert.deepEqual(JSON.parse((await init.event("b", "show:ids")).data).uid, [12345, 12345, 12345]);
  });
});

describe("restart policy", { concurrency: 3 }, () => {
  /** Ends three times this way, then stays. */
  const thrice = (name: string, step: string) =>
    actor(name, `turn:@DIR@/${name}.turn=${step}|${step}|${step}|hold`);

  conformance(61, "autorestart=unexpected: 0 stays down, 1 and signals are restarted", async (box) => {
    const keys = ["autorestart=unexpected", "exitcodes=0", "startsecs=0"];
    const init = await box.init({
      config: [
        program("zero", thrice("zero", "exit:0"), ...keys),
        program("one", thrice("one", "exit:1"), ...keys),
        program("killed", thrice("killed", "kill:KILL"), ...keys),
      ].join("\n"),
    });
    await init.event("one", "start", { count: 4 });
    await init.event("killed", "start", { count: 4 });
    await init.state("zero", "EXITED");
    assert.equal(init.events("zero", "start").length, 1);
    await init.line(/exited: zero \(exit status 0; expected\)/);
    await init.line(/exited: one \(exit status 1; not expected\)/);
    await init.line(/exited: killed \(terminated by SIGKILL; not expected\)/);
  });

  conformance(62, "autorestart=false never, autorestart=true always", async (box) => {
    const init = await box.init({
      config: [
        program("never", thrice("never", "exit:1"), "autorestart=false", "startsecs=0"),
        program("always", thrice("always", "exit:0"), "autorestart=true", "startsecs=0"),
      ].join("\n"),
    });
    await init.event("always", "start", { count: 4 });
    await init.state("never", "EXITED");
    assert.equal(init.events("never", "start").length, 1);
  });

  conformance(
    63,
    "startretries=3: four spawns, one, two and three seconds apart, then FATAL",
    async (box) => {
      const init = await box.init({
        config: [
          program("bad", actor("bad", "exit:1"), "startretries=3"),
          program("b", "/bin/sleep 1000"),
        ].join("\n"),
      });
      await init.line(/gave up: bad entered FATAL/);
      const starts = init.events("bad", "start").map((each) => each.at);
      assert.equal(starts.length, 4);
      for (const [index, seconds] of [1, 2, 3].entries()) {
        const gap = ((starts[index + 1] ?? 0) - (starts[index] ?? 0)) / 1000;
        assert.ok(gap > seconds - 0.1 && gap < seconds + 1.5, `gap ${index + 1} is ${gap.toFixed(2)} s`);
      }
      await init.state("bad", "FATAL");
    },
  );

  conformance(67, "stopped by hand stays stopped, whatever the policy", async (box) => {
    const init = await box.init({
      config: [
        program("a", actor("a", ...GENTLE), "autorestart=true", "startsecs=0"),
        program("b", "/bin/sleep 1000"),
      ].join("\n"),
    });
    await init.line(/success: a entered RUNNING/);
    assert.equal(await init.rpc("stopProcess", "a"), true);
    await delay(1500);
    await init.state("a", "STOPPED");
    assert.equal(init.events("a", "start").length, 1);
    assert.equal((await init.http("/livez")).status, 200);
    assert.equal((await init.ctl("status")).code, 3);
  });

  conformance(69, "the clock jumps an hour back and an hour forward: deadlines do not move", async (box) => {
    const init = await box.init({
      config: [
        program("starting", actor("starting", "on:TERM=", "hold"), "startsecs=3", "stopwaitsecs=3"),
        program("retrying", actor("retrying", "exit:1"), "startretries=2"),
      ].join("\n"),
    });
    const started = await init.event("starting", "start");
    await init.event("retrying", "start");
    const clock = jumpClock(init.pid, -3600);
    assert.ok(readText(`/proc/${init.pid}/maps`)?.includes("[vdso]"));
    await init.event("retrying", "start", { count: 2 });
    clock.set(+3600);
    const running = await init.line(/success: starting entered RUNNING/);
    const third = await init.event("retrying", "start", { count: 3 });
    const now = Number(process.hrtime.bigint()) / 1e6 - (performance.now() - running.at);
    assert.ok(now - started.at > 2800 && now - started.at < 5500, `RUNNING after ${now - started.at} ms`);
    const [first, second] = init.events("retrying", "start");
    assert.ok((second?.at ?? 0) - (first?.at ?? 0) < 2500);
    assert.ok(third.at - (second?.at ?? 0) > 1900 && third.at - (second?.at ?? 0) < 3500);
    init.signal("SIGTERM");
    const heard = await init.event("starting", "TERM");
    clock.set(-3600);
    const ending = await init.exit();
    assert.equal(ending.code, 0);
    const waited = Number(process.hrtime.bigint()) / 1e6 - heard.at;
    assert.ok(waited > 2800 && waited < 6000, `killed after ${waited} ms`);
  });
});
