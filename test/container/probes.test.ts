/** Conformance I: probes, metrics and the control socket. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, delay, GENTLE } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

describe("probes", { concurrency: 3 }, () => {
  conformance(
    102,
    "live from the start; started and ready when all tiers are up; not ready once stopping",
    async (box) => {
      const init = await box.init({
        config: [
          program("first", actor("first", ...GENTLE), "priority=1", "startsecs=1"),
          program("second", actor("second", "on:TERM=sleep:2+exit:0", "hold"), "priority=2", "startsecs=1"),
          program("once", "/bin/true", "priority=1", "startsecs=0"),
        ].join("\n"),
      });
      await init.httpStatus("/livez", 200);
      for (const path of ["/readyz", "/startupz"]) assert.equal((await init.http(path)).status, 503, path);
      assert.equal((await init.http("/healthz")).status, 200);
      await init.httpStatus("/startupz", 200);
      await init.httpStatus("/readyz", 200);
      assert.equal((await init.http("/readyz/second")).status, 200);
      assert.equal((await init.http("/livez/second")).status, 200);
      const verbose = await init.http("/readyz?verbose");
      for (const name of ["first", "second", "once"])
        assert.match(verbose.body, new RegExp(`^\\[\\+\\]${name} ok`, "m"));
      const json = await init.http("/readyz", { headers: { Accept: "application/json" } });
      assert.match(json.headers["content-type"] ?? "", /application\/json/);
      assert.equal(typeof JSON.parse(json.body), "object");

      init.signal("SIGTERM");
      await init.event("second", "TERM");
      assert.equal((await init.http("/readyz")).status, 503);
      assert.equal((await init.http("/livez")).status, 200);
      assert.equal((await init.http("/metrics")).status, 200);
      assert.equal((await init.exit()).code, 0);
    },
  );

  conformance(
    102,
    "not ready while a program restarts; liveness does not depend on programs; exclude leaves one out",
    async (box) => {
      const init = await box.init({
        config: [
          program("a", actor("a", ...GENTLE), "startsecs=0"),
          program("bad", actor("bad", "exit:1"), "startretries=0"),
        ].join("\n"),
      });
      await init.state("bad", "FATAL");
      assert.equal((await init.http("/readyz")).status, 503);
      assert.equal((await init.http("/livez")).status, 200);
      assert.equal((await init.http("/readyz?exclude=bad")).status, 200);
      assert.equal((await init.http("/readyz/a")).status, 200);
      assert.equal((await init.http("/readyz/bad")).status, 503);
      assert.equal((await init.http("/readyz/nosuch")).status, 404);
      assert.equal((await init.run("/proc/1/exe", "health", "live")).code, 0);
      const unready = await init.run("/proc/1/exe", "health", "ready");
      assert.equal(unready.code, 1);
      assert.match(unready.stdout + unready.stderr, /bad/);
    },
  );

  conformance(102, "drain_seconds: unready first, programs stopped later", async (box) => {
    const init = await box.init({
      config: `[tsinit]\ndrain_seconds=2\n${program("a", actor("a", ...GENTLE), "startsecs=0")}`,
    });
    await init.httpStatus("/readyz", 200);
    await init.event("a", "start");
    const began = Number(process.hrtime.bigint()) / 1e6;
    init.signal("SIGTERM");
    await init.httpStatus("/readyz", 503, 1000);
    assert.equal(init.events("a", "TERM").length, 0);
    const term = await init.event("a", "TERM");
    assert.ok(term.at - began > 1800, `stopped after ${term.at - began} ms`);
    assert.equal((await init.exit()).code, 0);
  });
});

/** Every counter sample of a scrape. */
async function counters(init: Init): Promise<Map<string, number>> {
  const { body } = await init.http("/metrics");
  const types = new Map(
    [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]),
  );
  const samples = new Map<string, number>();
  for (const line of body.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
    if (match?.[1] !== undefined && types.get(match[1]) === "counter") {
      samples.set(match[1] + (match[2] ?? ""), Number(match[3]));
    }
  }
  return samples;
}

describe("metrics", { concurrency: 2 }, () => {
  conformance(
    105,
    "promtool finds nothing wrong, counters never go down, labels come from the config",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "a",
            actor("a", "out:line", "sleep:0.1", "exit:1"),
            "startsecs=0",
            "autorestart=true",
            "startretries=1000",
          ),
          program("b", actor("b", ...GENTLE)),
          program("bad", "/nonexistent/program", "startretries=0"),
        ].join("\n"),
      });
      await init.state("b", "RUNNING");
      let before = await counters(init);
      assert.ok(before.size > 5);
      for (let round = 0; round < 8; round++) {
        await delay(250);
        if (round === 3) await init.rpc("stopProcess", "b");
        if (round === 4) await init.rpc("startProcess", "b");
        if (round === 5) init.signal("SIGHUP");
        const after = await counters(init);
        for (const [name, value] of before) {
          const now = after.get(name);
          assert.ok(now !== undefined && now >= value, `${name} went from ${value} to ${now}`);
        }
        before = after;
      }
      assert.ok(
        (before.get('tsinit_program_restarts_total{group="a",program="a",reason="exit"}') ?? 0) > 3,
        [...before.keys()].join("\n"),
      );
      const { body, headers } = await init.http("/metrics");
      assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
      const verdict = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
      if (verdict.error !== undefined)
        throw new Error("this test needs promtool of the Prometheus distribution");
      assert.equal(verdict.status, 0, verdict.stdout + verdict.stderr);
      assert.equal(verdict.stdout + verdict.stderr, "");
      const labels = new Set([...body.matchAll(/program="([^"]*)"/g)].map((match) => match[1]));
      assert.deepEqual([...labels].sort(), ["a", "b", "bad"]);
      for (const name of [
        "tsinit_build_info",
        "tsinit_program_up",
        "tsinit_program_ready",
        "tsinit_program_starts_total",
      ]) {
        assert.match(body, new RegExp(`^${name}\\{`, "m"), name);
      }
      for (const name of ["tsinit_reaped_orphans_total", "tsinit_faults_total", "tsinit_shutting_down"]) {
        assert.match(body, new RegExp(`^${name} 0$`, "m"), name);
      }
    },
  );

  conformance(105, "a scrape of 100 programs is quick", async (box) => {
    const programs = Array.from({ length: 100 }, (_, n) =>
      program(`p${n}`, "/bin/sleep 1000", "startsecs=0"),
    );
    const init = await box.init({ config: programs.join("\n") });
    await init.httpStatus("/readyz", 200, 30_000);
    await init.http("/metrics");
    const times: number[] = [];
    for (let count = 0; count < 11; count++) {
      times.push((await init.http("/metrics")).ms);
      await delay(30);
    }
    const median = times.sort((a, b) => a - b)[5] ?? Number.NaN;
    assert.ok(median < 40, `median of ${times.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  });
});

describe("the control socket", { concurrency: 2 }, () => {
  conformance(108, "mode 0700, other users refused, exit codes of ctl", async (box) => {
    const init = await box.init({
      config: [
        program("up", actor("up", ...GENTLE), "startsecs=0"),
        program("off", "/bin/sleep 1000", "autostart=false"),
      ].join("\n"),
    });
    await init.state("up", "RUNNING");
    const mode = await init.run("stat", "-c", "%a %u", "/run/tsinit.sock");
    assert.equal(mode.stdout.trim(), "700 0");
    assert.match(await init.connectAs(4711, "/run/tsinit.sock"), /^EACCES/);
    assert.equal((await init.ctl("status", "up")).code, 0);
    const all = await init.ctl("status");
    assert.equal(all.code, 3);
    assert.match(all.stdout, /^off +STOPPED/m);
    assert.equal((await init.ctl("status", "nosuch")).code, 4);
    assert.equal((await init.ctl("start", "nosuch")).code, 1);
    assert.equal((await init.ctl("stop", "off")).code, 0);
    assert.equal((await init.ctl("signal", "NOPE", "up")).code, 1);
    assert.equal((await init.ctl("pid")).stdout.trim(), "1");
    assert.equal((await init.ctl("no-such-command")).code, 1);
    const shutdown = await init.ctl("shutdown");
    assert.equal(shutdown.stdout, "Shut down\n");
    assert.equal((await init.exit()).code, 0);
  });
});
