/** Conformance C: process groups, stopping, and the end of everything that lives in the container. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import { actor, delay, GENTLE, monotonic } from "./scene.ts";

describe("groups", { concurrency: 3 }, () => {
  conformance(34, "each program leads its own process group", async (box) => {
    const init = await box.init({
      config: ["a", "b"].map((name) => `[program:${name}]\ncommand=${actor(name, ...GENTLE)}`).join("\n"),
    });
    for (const name of ["a", "b"]) {
      const event = await init.event(name, "start");
      assert.equal(event.group, event.pid);
      assert.notEqual(event.group, 1);
      assert.notEqual(event.session, event.pid, "a session of its own breaks programs that call setpgid");
    }
  });

  conformance(35, "stopasgroup ends a shell and the sleep it waits for", async (box) => {
    const init = await box.init({
      config: "[program:a]\ncommand=/bin/sh -c 'sleep 1000; true'\nstopasgroup=true\nstartsecs=0",
    });
    await init.until("the sleep", () => init.processes().some((each) => each.name === "sleep"));
    const began = monotonic();
    assert.equal(await init.rpc("stopProcess", "a"), true);
    await init.until("both to be gone", () => init.processes().length === 1, 1500);
    assert.ok(monotonic() - began < 1500);
  });

  conformance(
    36,
    "a group member that ignores TERM is killed before the program counts as stopped",
    async (box) => {
      const init = await box.init({
        config: [
          `[program:a]\ncommand=${actor("a", "child:on:TERM=~hold", ...GENTLE)}`,
          "stopasgroup=true\nkillasgroup=true\nstopwaitsecs=1",
        ].join("\n"),
      });
      const { pid } = await init.event("a.child", "start");
      await init.line(/success: a entered RUNNING/);
      const began = monotonic();
      const stopped = init.rpc("stopProcess", "a").then((value) => {
        assert.equal(value, true);
        assert.ok(!init.processes().some((each) => each.pid === pid), "stopped, and a member still lives");
        return monotonic() - began;
      });
      await init.event("a.child", "TERM");
      await init.until(
        "the leader to be gone",
        () => init.processes().filter((p) => p.command.includes("actor")).length === 1,
      );
      const took = await stopped;
      assert.ok(took >= 900 && took < 15_000, `it took ${took} ms`);
      await init.line(/killing .*a.* with SIGKILL/);
    },
  );

  conformance(37, "a process that left its group with setsid is found and ended at shutdown", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "session:on:TERM=note:bye+exit:0~hold", ...GENTLE)}`,
    });
    const away = await init.event("a.child", "start");
    assert.notEqual(away.group, (await init.event("a", "start")).pid);
    await init.line(/success: a entered RUNNING/);
    init.signal("SIGTERM");
    assert.equal((await init.exit(10_000)).code, 0);
    assert.equal(init.events("a.child", "TERM").length, 1, "it was not asked to end");
  });

  conformance(
    38,
    "a program that ignores TERM is killed after stopwaitsecs; the log says whom and after what",
    async (box) => {
      const init = await box.init({
        config: `[program:deaf]\ncommand=${actor("deaf", "on:TERM=", "hold")}\nstopwaitsecs=2`,
      });
      const { pid } = await init.event("deaf", "start");
      await init.line(/success: deaf entered RUNNING/);
      init.signal("SIGTERM");
      const heard = await init.event("deaf", "TERM");
      await init.until("it to be killed", () => !init.processes().some((each) => each.pid === pid));
      const waited = monotonic() - heard.at;
      assert.ok(waited > 1800 && waited < 4500, `killed after ${waited} ms`);
      assert.equal((await init.exit()).code, 0);
      const line = init.own().find((each) => /SIGKILL/.test(each)) ?? "";
      assert.match(line, /killing 'deaf'/);
      assert.ok(line.includes(String(pid)), `no pid in: ${line}`);
      assert.match(line, /\b2\b/, "no seconds in the line");
    },
  );

  conformance(
    39,
    "a program that ends during its stop is not killed later, whoever has its pid then",
    async (box) => {
      const init = await box.init({
        config: [
          `[program:a]\ncommand=${actor("a", "on:TERM=sleep:0.5+exit:0", "hold")}\nstopwaitsecs=2\nkillasgroup=true`,
          `[program:keeper]\ncommand=${actor("keeper", ...GENTLE)}`,
        ].join("\n"),
      });
      const { pid } = await init.event("a", "start");
      await init.line(/success: a entered RUNNING/);
      assert.equal(await init.rpc("stopProcess", "a"), true);
      const heir = await init.until("the pid to be used again", async () => {
        await init.run(
          "sh",
          "-c",
          `exec 2>/dev/null; echo ${pid - 1} > /proc/sys/kernel/ns_last_pid; setsid sleep 1000 >/dev/null & exit 0`,
        );
        return init.processes().find((each) => each.pid === pid && each.name === "sleep");
      });
      await delay(2500);
      assert.ok(
        init.processes().some((each) => each.pid === heir.pid && each.name === "sleep"),
        "the heir was killed",
      );
      assert.doesNotMatch(init.stderr.text(), /SIGKILL/);
    },
  );
});

describe("stopping", { concurrency: 3 }, () => {
  conformance(
    40,
    "several stop signals come in order, each stopwaitsecs after the one before",
    async (box) => {
      const init = await box.init({
        config: `[program:a]\ncommand=${actor("a", "on:HUP=", "on:INT=", "on:TERM=", "hold")}\nstopsignal=INT,HUP,TERM\nstopwaitsecs=1\nstartsecs=0`,
      });
      const { pid } = await init.event("a", "start");
      await init.line(/success: a entered RUNNING/);
      assert.equal(await init.rpc("stopProcess", "a"), true);
      assert.equal(
        init.processes().some((each) => each.pid === pid),
        false,
      );
      const heard = init.events("a").filter(({ event }) => event !== "start");
      assert.deepEqual(
        heard.map(({ event }) => event),
        ["INT", "HUP", "TERM"],
      );
      for (const [i, { at }] of heard.entries()) {
        const gap = at - (heard[i - 1]?.at ?? at - 1000);
        assert.ok(gap > 900 && gap < 1900, `${gap} ms`);
      }
      await init.line(/killing 'a' \(\d+\) with SIGKILL after 3 seconds/);
    },
  );

  conformance(42, "an orphan that holds the stdout pipe delays nothing", async (box) => {
    const init = await box.init({
      config: [
        `[program:a]\ncommand=${actor("a", "session:on:TERM=exit:0~sleep:1~out:late~hold", "sleep:0.2", "note:end", "exit:0")}`,
        `startsecs=0\nautorestart=false\n[program:b]\ncommand=/bin/sleep 1000`,
      ].join("\n"),
    });
    const end = await init.event("a", "end");
    await init.line(/exited: a \(exit status 0; expected\)/);
    assert.ok(monotonic() - end.at < 8000);
    assert.equal((await init.state("a", "EXITED"))["exitstatus"], 0);
    init.signal("SIGTERM");
    const began = performance.now();
    assert.equal((await init.exit()).code, 0);
    assert.ok(performance.now() - began < 8000);
  });

  conformance(
    43,
    "stopping twice, starting twice and restarting while stopping make one process at most",
    async (box) => {
      const init = await box.init({
        config: `[program:a]\ncommand=${actor("a", "on:TERM=sleep:3+exit:0", "hold")}\nautorestart=true\nstartsecs=0`,
      });
      await init.line(/success: a entered RUNNING/);
      const stops = await Promise.all([init.ctl("stop", "a"), init.ctl("stop", "a")]);
      for (const stop of stops) assert.equal(stop.code, 0, stop.stdout + stop.stderr);
      await init.state("a", "STOPPED");
      assert.equal(init.events("a", "TERM").length, 1);

      const starts = await Promise.all([init.ctl("start", "a"), init.ctl("start", "a")]);
      for (const start of starts) assert.equal(start.code, 0, start.stdout + start.stderr);
      await init.event("a", "start", { count: 2 });
      assert.equal(init.events("a", "start").length, 2);

      const stopping = init.rpc("stopProcess", "a");
      await init.event("a", "TERM", { count: 2 });
      const restart = await init.ctl("restart", "a");
      assert.equal(await stopping, true);
      if (restart.code !== 0 || !/started/.test(restart.stdout)) await init.ctl("start", "a");
      await init.event("a", "start", { count: 3 });
      await init.state("a", "RUNNING");
      assert.equal(init.events("a", "TERM").length, 2, "the second stop must join the first");
      assert.equal(init.events("a", "start").length, 3);
      assert.equal(init.processes().filter((each) => each.command.includes("actor.py")).length, 1);
    },
  );

  conformance(
    44,
    "stop order: highest priority first, the next only when that is fully stopped",
    async (box) => {
      const tier = (name: string, priority: number) =>
        `[program:${name}]\ncommand=${actor(name, "on:TERM=sleep:0.4+note:end+exit:0", "hold")}\npriority=${priority}\nstartsecs=0`;
      const init = await box.init({
        config: [tier("redis", 100), tier("worker", 200), tier("web", 300), tier("web2", 300)].join("\n"),
      });
      for (const name of ["redis", "worker", "web", "web2"]) await init.event(name, "start");
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      const at = (name: string, event: string) => init.events(name, event)[0]?.at ?? Number.NaN;
      const order = init
        .events()
        .filter((each) => each.event !== "start")
        .sort((a, b) => a.at - b.at);
      assert.deepEqual(
        order
          .slice(0, 4)
          .map((each) => each.name)
          .sort(),
        ["web", "web", "web2", "web2"],
        init.report(),
      );
      assert.ok(at("worker", "TERM") >= Math.max(at("web", "end"), at("web2", "end")), init.report());
      assert.ok(at("redis", "TERM") >= at("worker", "end"), init.report());
    },
  );

  conformance(45, "members of a tier stop at the same time", async (box) => {
    const names = ["a", "b", "c", "d"];
    const init = await box.init({
      config: names
        .map((name) => `[program:${name}]\ncommand=${actor(name, "on:TERM=sleep:3+exit:0", "hold")}`)
        .join("\n"),
    });
    await init.line(/success: d entered RUNNING/);
    init.signal("SIGTERM");
    const began = performance.now();
    assert.equal((await init.exit()).code, 0);
    const took = performance.now() - began;
    assert.ok(took < 9000, `four programs of three seconds each took ${took} ms`);
  });

  conformance(46, "the shutdown budget: at its end everything left is killed and named", async (box) => {
    const deaf = (name: string, priority: number) =>
      `[program:${name}]\ncommand=${actor(name, "on:TERM=", "hold")}\npriority=${priority}\nstopwaitsecs=60\nstartsecs=0`;
    const init = await box.init({
      config: ["[tsinit]\nshutdown_timeout=2", deaf("one", 1), deaf("two", 2), deaf("three", 3)].join("\n"),
    });
    await init.event("three", "start");
    await init.line(/success: three entered RUNNING/);
    init.signal("SIGTERM");
    const heard = await init.event("three", "TERM");
    const ending = await init.exit();
    const took = monotonic() - heard.at;
    assert.ok(took > 1700 && took < 15_000, `it took ${took} ms`);
    assert.equal(ending.code, 0);
    const named = init
      .own()
      .filter((line) => /\bone\b/.test(line) && /\btwo\b/.test(line) && /\bthree\b/.test(line));
    assert.ok(named.length > 0, `nobody says who was killed\n${init.report()}`);
  });

  conformance(47, "what belongs to no program gets TERM, a moment, then KILL", async (box) => {
    // Without the environment of their program nothing says whose they are.
    const init = await box.init({
      config: `[program:a]\ncommand=/usr/bin/env -i ${actor(
        "a",
        "session:on:TERM=sleep:0.3+note:bye+exit:0~hold",
        "session:on:TERM=~on:HUP=~hold",
        ...GENTLE,
      )}`,
    });
    await init.event("a.child", "start", { count: 2 });
    await init.line(/success: a entered RUNNING/);
    init.signal("SIGTERM");
    const ending = await init.exit(20_000);
    assert.equal(ending.code, 0);
    assert.equal(init.events("a.child", "TERM").length, 2);
    assert.equal(init.events("a.child", "bye").length, 1, "the polite one had no time to end");
  });

  conformance(48, "PID 1 is the last to go and no output is cut off", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: `[program:a]\ncommand=${actor("a", "on:TERM=spew:4000,100+out:last words+exit:0", "spew:200,100", "hold")}`,
    });
    await init.line(/success: a entered RUNNING/);
    init.signal("SIGTERM");
    await init.event("a", "TERM");
    await delay(700);
    init.releaseStdout();
    const ending = await init.exit();
    assert.equal(ending.code, 0);
    const lines = ending.stdout.trimEnd().split("\n");
    assert.equal(lines.at(-1)?.endsWith("| last words"), true, `last line: ${lines.at(-1)}`);
    assert.equal(lines.length, 4201);
  });
});
