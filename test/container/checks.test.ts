/** Conformance E, F and I: readiness, liveness and the commands around a program, each with what follows for others. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { boxed, conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { actor, delay, FIXTURES, GENTLE } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

const DEBUG = "[supervisord]\nloglevel=debug";

/** Listens on the port after some seconds and answers what the file @DIR@/answer says: a status, or `hang`. */
const server = (port: number, seconds = 0, ...options: string[]): string =>
  [PYTHON, "-I", "-S", join(FIXTURES, "web.py"), `${port}`, `${seconds}`, "@DIR@/answer", ...options].join(
    " ",
  );

const after = (name: string): string =>
  program("after", actor("after", ...GENTLE), `depends_on=${name}`, "startsecs=0");

function answer(init: Init, what: string): void {
  writeFileSync(join(init.dir, "answer"), what);
}

/** The dependant was started after `name` was said to be ready, and by then only. */
async function assertOrder(init: Init, name: string): Promise<void> {
  const ready = await init.line(new RegExp(`ready: ${name}$`));
  const spawned = await init.line(/spawned: 'after'/);
  assert.ok(init.lines.indexOf(ready) < init.lines.indexOf(spawned), init.report());
}

async function verbose(init: Init, name: string): Promise<string> {
  await init.httpStatus("/livez", 200);
  const { body } = await init.http("/readyz?verbose");
  return (
    body.split("\n").find((line) => line.startsWith(`[+]${name} `) || line.startsWith(`[-]${name} `)) ?? body
  );
}

const ready = async (init: Init, name: string): Promise<number> => {
  const { body } = await init.http("/metrics");
  const sample = new RegExp(`^tsinit_program_ready\\{group="${name}",program="${name}"\\} (\\d)$`, "m").exec(
    body,
  );
  return Number(sample?.[1]);
};

const sleepers = (init: Init, seconds: number): number =>
  init.processes().filter((each) => each.command.includes(`sleep ${seconds}`)).length;

describe("readiness", { concurrency: 3 }, () => {
  conformance(
    55,
    "ready_http: a slow start holds dependants back; health says why; status stays RUNNING",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "web",
            server(8081, 1.5),
            "ready_http=http://localhost:8081/health",
            "ready_interval=0.2",
            "startsecs=0",
          ),
          after("web"),
        ].join("\n"),
      });
      await init.state("web", "RUNNING");
      await init.until("the first answer", async () => /connection refused/.test(await verbose(init, "web")));
      assert.equal(await verbose(init, "web"), "[-]web failed: RUNNING: not ready: http: connection refused");
      assert.match(await verbose(init, "after"), /waiting for web to be ready/);
      assert.equal(await ready(init, "web"), 0);
      assert.match((await init.ctl("status", "web")).stdout, /RUNNING +pid \d+, uptime/);
      await assertOrder(init, "web");
      await init.httpStatus("/readyz", 200);
      assert.equal(await ready(init, "web"), 1);
      assert.equal(init.own().filter((line) => /ready: web/.test(line)).length, 1);
    },
  );

  conformance(
    103,
    "ready_http: three failures in a row take it back, one success gives it again",
    async (box) => {
      const init = await box.init({
        config: [
          DEBUG,
          program(
            "web",
            server(8081),
            "ready_http=:8081/",
            "ready_interval=0.2",
            "ready_timeout=0.5",
            "startsecs=0",
          ),
          after("web"),
        ].join("\n"),
      });
      await init.httpStatus("/readyz", 200);
      const from = init.lines.length;
      answer(init, "503");
      const lost = await init.line(/not ready: web: http 503/, { after: from });
      const failures = init.lines
        .slice(from, init.lines.indexOf(lost))
        .filter(({ text }) => /ready check of web failed/.test(text));
      assert.equal(failures.length, 3, init.report());
      assert.equal(await verbose(init, "web"), "[-]web failed: RUNNING: not ready: http 503");
      assert.equal(await ready(init, "web"), 0);
      // A dependant that runs is left alone.
      assert.equal(init.events("after", "TERM").length, 0);
      for (const good of ["302", "204"]) {
        answer(init, good);
        await init.httpStatus("/readyz", 200);
        answer(init, "404");
        await init.httpStatus("/readyz", 503);
      }
      const hung = init.lines.length;
      answer(init, "200");
      await init.httpStatus("/readyz", 200);
      answer(init, "hang");
      await init.line(/not ready: web: no answer within 0.5 s/, { after: hung });
    },
  );

  boxed("ready_http over https takes any certificate", async (box) => {
    const init = await box.init({
      config: [
        program(
          "web",
          server(8443, 0, "tls"),
          "ready_http=https://localhost:8443/",
          "ready_interval=0.2",
          "startsecs=0",
        ),
        after("web"),
      ].join("\n"),
    });
    await assertOrder(init, "web");
  });

  conformance(
    55,
    "ready_tcp: a port that accepts; a deadline that passes is a failed start with its reason",
    async (box) => {
      const init = await box.init({
        config: [
          "[tsinit]\nexit_when_done=false",
          program("up", server(8082, 0.5), "ready_tcp=8082", "ready_interval=0.1", "startsecs=0"),
          program(
            "down",
            actor("down", ...GENTLE),
            "ready_tcp=127.0.0.1:8083",
            "ready_deadline=1",
            "startretries=0",
          ),
          program("after", actor("after", ...GENTLE), "depends_on=up:ready"),
          program("never", actor("never", ...GENTLE), "depends_on=down"),
        ].join("\n"),
      });
      await assertOrder(init, "up");
      const info = await init.state("down", "FATAL");
      assert.equal(info["spawnerr"], "not ready within 1 s (ready_deadline): tcp: connection refused");
      await init.event("down", "TERM");
      assert.match((await init.ctl("status", "never")).stdout, /never .*down failed: not ready within 1 s/);
      assert.equal(init.events("never").length, 0);
    },
  );

  conformance(
    103,
    "ready_exec: as the program would run; one that hangs is killed with its group and reaped",
    async (box) => {
      const check = `sh -c "echo $NAME $(id -u) $(pwd) $MAINPID >>@DIR@/asked; test -e @DIR@/good || { echo it is; echo not yet >&2; exit 3; }"`;
      const hangs = `sh -c "sleep 7654 & sleep 7654"`;
      const init = await box.init({
        setup: "chmod 777 @DIR@",
        config: [
          program(
            "web",
            actor("web", ...GENTLE),
            `ready_exec=${check}`,
            "ready_interval=0.2",
            'environment=NAME="some"',
            "user=65534",
            "directory=/tmp",
            "startsecs=0",
          ),
          program(
            "stuck",
            actor("stuck", ...GENTLE),
            `ready_exec=${hangs}`,
            "ready_interval=0.3",
            "ready_timeout=0.3",
            "startsecs=0",
          ),
          after("web"),
        ].join("\n"),
      });
      await init.until("an answer", async () => /exit status 3/.test(await verbose(init, "web")));
      // The output is for the log, not for whoever asks from outside.
      assert.equal(await verbose(init, "web"), "[-]web failed: RUNNING: not ready: exec: exit status 3");
      await init.until("a second answer", async () =>
        /no answer within 0.3 s/.test(await verbose(init, "stuck")),
      );
      writeFileSync(join(init.dir, "good"), "");
      await assertOrder(init, "web");
      const pid = init.events("web", "start")[0]?.pid ?? (await init.state("web", "RUNNING"))["pid"];
      assert.match(readFileSync(join(init.dir, "asked"), "utf8"), new RegExp(`^some 65534 /tmp ${pid}\n`));
      for (let i = 0; i < 20; i++) {
        // A look may fall between the kill and the reaping: what counts is that none of it stays.
        await init.until("one check at a time", () => sleepers(init, 7654) <= 3);
        await init.until(
          "no more than one zombie",
          () => init.processes().filter(({ state }) => state === "Z").length <= 1,
        );
        assert.equal(
          await verbose(init, "stuck"),
          "[-]stuck failed: RUNNING: not ready: no answer within 0.3 s",
        );
        await delay(30);
      }
      await init.ctl("stop", "stuck");
      await init.until("all of the check to be gone", () => sleepers(init, 7654) === 0);
    },
  );

  conformance(
    55,
    "ready_log: a line of either stream, the first one too, and of this run only",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "out",
            actor("out", "out:now READY 1", ...GENTLE),
            "ready_log=^now READY \\d$",
            "startsecs=0",
          ),
          program(
            "err",
            actor("err", "sleep:0.5", "raw:part", "err:up and running", ...GENTLE),
            "ready_log=running",
            "startsecs=0",
          ),
          program(
            "twice",
            actor("twice", "turn:@DIR@/turns=out:I am up+sleep:0.5+exit:1|on:TERM=exit:0+hold"),
            "ready_log=I am up",
            "startsecs=0",
          ),
          program("after", actor("after", ...GENTLE), "depends_on=out:ready, err:ready", "startsecs=0"),
        ].join("\n"),
      });
      await init.line(/ready: out$/);
      await assertOrder(init, "err");
      await init.line(/exited: twice/);
      await init.state("twice", "RUNNING");
      assert.equal(await verbose(init, "twice"), "[-]twice failed: RUNNING: not ready");
    },
  );

  boxed(
    "ready_log: a pattern that would search for ever is refused, and long lines do not matter",
    async (box) => {
      const bad = await box.run({ config: program("a", "/bin/true", "ready_log=^(?!x)y") });
      assert.equal(bad.code, 2);
      assert.match(bad.stderr, /ready_log: '\^\(\?!x\)y' may take without end to search for/);
      const init = await box.init({
        config: program(
          "a",
          actor("a", "spew:20,200000", `out:${"a".repeat(60)}`, "out:done", ...GENTLE),
          "ready_log=^(a+)+$|^done$",
          "startsecs=0",
        ),
      });
      await init.line(/ready: a$/);
      await init.httpStatus("/livez", 200);
    },
  );

  conformance(
    55,
    "ready_fd: a newline on the descriptor, at each start, and for nobody else",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "s6",
            `bash -c "ls -l /proc/$$/fd >&2; sleep 0.5; printf x >&7; sleep 0.3; echo >&7; echo again >&7; exec 7>&-; sleep 0.5; exit 1"`,
            "ready_fd=7",
            "startsecs=0",
          ),
          program(
            "closes",
            `bash -c "exec 5>&-; sleep 100"`,
            "ready_fd=5",
            "ready_deadline=1",
            "startretries=0",
            "startsecs=0",
          ),
          program("other", actor("other", "show:fds", ...GENTLE), "startsecs=0"),
          after("s6"),
        ].join("\n"),
      });
      await assertOrder(init, "s6");
      assert.deepEqual(JSON.parse((await init.event("other", "show:fds")).data), [0, 1, 2]);
      await init.until("closes' reason", async () => /closed without a newline/.test(init.own().join("\n")));
      assert.equal(
        (await init.state("closes", "FATAL"))["spawnerr"],
        "not ready within 1 s (ready_deadline): descriptor 5 was closed without a newline",
      );
      const again = init.lines.findIndex(({ text }) =>
        /exited: s6 \(exit status 1; not expected\)/.test(text),
      );
      await init.line(/exited: s6 \(exit status 1; not expected\)/);
      await init.line(/ready: s6$/, { after: Math.max(0, again) + 1 });
      const fds = init.lines.filter(({ text }) => /^s6 .* -> pipe:/.test(text)).length;
      assert.ok(fds >= 3, init.report());
    },
  );

  boxed("a reload that changes, adds or removes a check applies it to the program that runs", async (box) => {
    const config = (...keys: string[]): string =>
      [
        "[tsinit]\nexit_when_done=false",
        program("web", server(8081), "startsecs=0", ...keys),
        after("web:ready"),
      ].join("\n");
    const init = await box.init({
      config: config("ready_tcp=8099", "ready_interval=0.2", "ready_deadline=600"),
    });
    await init.until("it to be asked", async () => /connection refused/.test(await verbose(init, "web")));
    const pid = (await init.state("web", "RUNNING"))["pid"];
    init.writeConfig(config("ready_tcp=8081", "ready_interval=0.2"));
    init.signal("SIGHUP");
    await assertOrder(init, "web");
    const from = init.lines.length;
    init.writeConfig(config("ready_http=:8081/", "ready_interval=0.1"));
    init.signal("SIGHUP");
    await init.line(/reloaded: changed web/, { after: from });
    answer(init, "500");
    await init.line(/not ready: web: http 500/, { after: from });
    init.writeConfig(config());
    init.signal("SIGHUP");
    await init.httpStatus("/readyz", 200);
    assert.equal((await init.state("web", "RUNNING"))["pid"], pid);
  });
});

describe("liveness", { concurrency: 3 }, () => {
  conformance(
    104,
    "restarts once per failure, not in BACKOFF, never what was stopped by hand",
    async (box) => {
      const init = await box.init({
        config: [
          DEBUG,
          "[tsinit]\nexit_when_done=false",
          program(
            "web",
            server(8081),
            "live_http=:8081/",
            "live_interval=0.2",
            "live_delay=0.5",
            "live_failures=3",
            "startsecs=0",
          ),
        ].join("\n"),
      });
      const first = (await init.state("web", "RUNNING"))["pid"];
      // Others' check of the file's answer begins only when it listens.
      await init.until(
        "the port",
        async () => (await init.run("sh", "-c", "grep -c :1F91 /proc/net/tcp")).code === 0,
      );
      answer(init, "503");
      await init.line(/stopping web: its live check failed 3 times: http 503/);
      rmSync(join(init.dir, "answer"));
      await init.until("another process", async () => {
        const { pid, statename } = await init.state("web", "RUNNING");
        return statename === "RUNNING" && pid !== first;
      });
      await delay(1500);
      assert.equal(init.own().filter((line) => /spawned: 'web'/.test(line)).length, 2, init.report());
      const { body } = await init.http("/metrics");
      assert.match(body, /^tsinit_program_restarts_total\{group="web",program="web",reason="liveness"\} 1$/m);
      await init.ctl("stop", "web");
      const from = init.lines.length;
      await delay(1000);
      assert.equal(init.lines.slice(from).filter(({ text }) => /check of web|spawned/.test(text)).length, 0);
      assert.match((await init.ctl("status", "web")).stdout, /STOPPED/);
    },
  );

  conformance(
    104,
    "live_exec that hangs: a failure at its timeout; killed when the program is stopped",
    async (box) => {
      const init = await box.init({
        config: [
          "[tsinit]\nexit_when_done=false",
          program(
            "web",
            actor("web", ...GENTLE),
            'live_exec=sh -c "sleep 5432 & sleep 5432"',
            "live_interval=0.1",
            "live_timeout=0.4",
            "live_failures=2",
            "startsecs=0",
          ),
          program(
            "calm",
            actor("calm", ...GENTLE),
            "live_exec=sleep 6543",
            "live_interval=0.1",
            "live_timeout=600",
            "startsecs=0",
          ),
          program(
            "port",
            actor("port", ...GENTLE),
            "live_tcp=8077",
            "live_interval=0.1",
            "live_failures=1",
            "live_delay=0.3",
            "startsecs=0",
          ),
        ].join("\n"),
      });
      await init.line(/stopping web: its live check failed 2 times: no answer within 0.4 s/);
      await init.event("web", "TERM");
      await init.line(/stopping port: its live check failed 1 time: tcp: connection refused/);
      await init.until("calm's check", () => sleepers(init, 6543) === 1);
      await init.ctl("stop", "calm", "web", "port");
      await init.until("the checks to be gone", () => sleepers(init, 6543) + sleepers(init, 5432) === 0);
      assert.equal(init.events("calm", "TERM").length, 1);
    },
  );

  conformance(
    57,
    "a dependency that is restarted takes those along that say so, and no others",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "db",
            server(8081),
            "ready_tcp=8081",
            "ready_interval=0.1",
            "live_http=:8081/",
            "live_interval=0.2",
            "live_failures=1",
            "startsecs=0",
          ),
          program("hard", actor("hard", ...GENTLE), "depends_on=db", "restart_with=db", "startsecs=0"),
          program("soft", actor("soft", ...GENTLE), "depends_on=db", "startsecs=0"),
        ].join("\n"),
      });
      await init.state("hard", "RUNNING");
      await init.state("soft", "RUNNING");
      const from = init.lines.length;
      answer(init, "500");
      await init.line(/stopping db/, { after: from });
      rmSync(join(init.dir, "answer"));
      await init.event("hard", "TERM");
      const back = await init.line(/ready: db$/, { after: from });
      const again = await init.line(/spawned: 'hard'/, { after: from });
      // 68: it comes back after what it depends on.
      assert.ok(init.lines.indexOf(back) < init.lines.indexOf(again), init.report());
      assert.equal(init.events("soft", "TERM").length, 0);
    },
  );

  conformance(
    68,
    "an operator's restart of a dependency: dependants come back once it is ready again",
    async (box) => {
      const init = await box.init({
        config: [
          program("db", server(8081, 0.7), "ready_tcp=8081", "ready_interval=0.1", "startsecs=0"),
          program("hard", actor("hard", ...GENTLE), "depends_on=db", "restart_with=db", "startsecs=0"),
        ].join("\n"),
      });
      await init.line(/spawned: 'hard'/);
      const from = init.lines.length;
      assert.equal((await init.ctl("restart", "db")).code, 0);
      await init.event("hard", "TERM");
      const back = await init.line(/ready: db$/, { after: from });
      const again = await init.line(/spawned: 'hard'/, { after: from });
      assert.ok(init.lines.indexOf(back) < init.lines.indexOf(again), init.report());
    },
  );
});

describe("hooks", { concurrency: 3 }, () => {
  conformance(
    78,
    "start_command_pre: before each start, in the program's clothes; its failure is a failed start",
    async (box) => {
      const init = await box.init({
        config: [
          "[tsinit]\nexit_when_done=false",
          program(
            "web",
            actor("web", "sleep:0.3", "exit:1"),
            `start_command_pre=${actor("pre", "show:env", "out:prepared", "child:sleep:1~note:left", "exit:0")}`,
            'environment=A="1"',
            "startsecs=0",
            "startretries=5",
          ),
          program(
            "bad",
            actor("bad", ...GENTLE),
            'start_command_pre=sh -c "echo no database >&2; exit 4"',
            "startretries=1",
          ),
          program("none", actor("none", ...GENTLE), "start_command_pre=/no/such/hook", "startretries=0"),
          program("after", actor("after", ...GENTLE), "depends_on=bad:started"),
        ].join("\n"),
      });
      await init.event("pre", "show:env", { count: 2 });
      const pre = await init.event("pre", "show:env");
      assert.equal(JSON.parse(pre.data)["A"], "1");
      assert.equal(JSON.parse(pre.data)["SUPERVISOR_PROCESS_NAME"], "web");
      await init.line(/^web +\| prepared/);
      assert.equal((await init.state("bad", "FATAL"))["spawnerr"], "start_command_pre failed: exit status 4");
      assert.equal(
        (await init.state("none", "FATAL"))["spawnerr"],
        "start_command_pre: can't find command '/no/such/hook'",
      );
      await init.line(/^bad +\| no database/);
      assert.equal(init.events("bad").length + init.events("none").length + init.events("after").length, 0);
      assert.match(
        (await init.ctl("status", "after")).stdout,
        /bad failed: start_command_pre failed: exit status 4/,
      );
      await delay(1200);
      assert.equal(init.events("pre.child", "left").length, 0, "what a hook leaves behind is killed");
    },
  );

  conformance(
    78,
    "start_command_pre of a critical program that fails ends the container with its code",
    async (box) => {
      const ending = await box.run({
        config: [
          program(
            "web",
            actor("web", ...GENTLE),
            'start_command_pre=sh -c "exit 9"',
            "startretries=0",
            "critical=true",
          ),
          program("other", actor("other", ...GENTLE), "priority=1"),
        ].join("\n"),
      });
      assert.equal(ending.code, 9);
      assert.match(ending.stderr, /exit 9: .*start_command_pre failed: exit status 9/);
    },
  );

  boxed(
    "start_command_pre that hangs: STARTING until it is stopped, and then the program never runs",
    async (box) => {
      const init = await box.init({
        config: [
          "[tsinit]\nexit_when_done=false",
          program("web", actor("web", ...GENTLE), "start_command_pre=sleep 7531", "startsecs=0"),
          after("web"),
        ].join("\n"),
      });
      await init.state("web", "STARTING");
      await init.until("the hook", () => sleepers(init, 7531) === 1);
      assert.match((await init.ctl("stop", "web")).stdout, /web: stopped/);
      assert.equal(sleepers(init, 7531), 0);
      assert.equal(init.events("web").length + init.events("after").length, 0);
      const started = init.ctl("start", "web");
      await init.until("the hook again", () => sleepers(init, 7531) === 1);
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      await started;
    },
  );

  conformance(
    41,
    "stop_command with the program's environment and $MAINPID; then the signal at its timeout",
    async (box) => {
      const quits = ["on:USR1=note:asked+exit:0", "on:TERM=exit:0", "hold"];
      const init = await box.init({
        config: [
          "[tsinit]\nexit_when_done=false",
          program(
            "good",
            actor("good", ...quits),
            'stop_command=sh -c "echo asking $A; kill -USR1 $MAINPID"',
            'environment=A="nicely"',
            "startsecs=0",
          ),
          program("fails", actor("fails", ...quits), 'stop_command=sh -c "exit 5"', "startsecs=0"),
          program("absent", actor("absent", ...quits), "stop_command=/no/such/stop", "startsecs=0"),
          program("idle", actor("idle", ...quits), "stop_command=/bin/true", "stopwaitsecs=1", "startsecs=0"),
          program(
            "hangs",
            actor("hangs", ...quits),
            'stop_command=sh -c "sleep 8642 & sleep 8642"',
            "stopwaitsecs=1",
            "startsecs=0",
          ),
          program(
            "early",
            actor("early", ...quits),
            'stop_command=sh -c "kill -USR1 $MAINPID; sleep 9753"',
            "stopwaitsecs=60",
            "startsecs=0",
          ),
          program("user", actor("user", ...GENTLE), "depends_on=good, hangs", "startsecs=0"),
        ].join("\n"),
      });
      const names = ["good", "fails", "absent", "idle", "hangs", "early", "user"];
      for (const name of names) await init.state(name, "RUNNING");
      const began = performance.now();
      const stopped = await Promise.all(names.map((name) => init.ctl("stop", name)));
      for (const [index, { stdout }] of stopped.entries())
        assert.match(stdout, new RegExp(`${names[index]}: stopped`));
      assert.ok(performance.now() - began < 10_000);
      await init.line(/^good +\| asking nicely/);
      for (const name of ["good", "early"]) {
        assert.equal(init.events(name, "asked").length, 1);
        assert.equal(init.events(name, "TERM").length, 0, name);
      }
      for (const name of ["fails", "absent", "idle", "hangs"])
        assert.equal(init.events(name, "TERM").length, 1, name);
      await init.line(/stop_command of fails failed: exit status 5/);
      await init.line(/stop_command of absent failed: can't find command/);
      await init.line(/killing the stop_command of hangs, which has not ended in time/);
      await init.until("no stop_command to be left", () => sleepers(init, 8642) + sleepers(init, 9753) === 0);
    },
  );

  boxed("a reload that brings another stop_command stops the old process by the old one", async (box) => {
    const config = (round: number, signal: string): string =>
      program(
        "web",
        actor("web", "on:USR1=note:old+exit:0", "on:USR2=note:new+exit:0", "hold"),
        `stop_command=sh -c "echo $ROUND; kill -${signal} $MAINPID"`,
        `environment=ROUND="round-${round}"`,
        "stopwaitsecs=60",
        "startsecs=0",
      );
    const init = await box.init({ config: config(1, "USR1") });
    await init.event("web", "start");
    init.writeConfig(config(2, "USR2"));
    init.signal("SIGHUP");
    await init.event("web", "start", { count: 2 });
    await init.line(/^web +\| round-1/);
    assert.deepEqual([init.events("web", "old").length, init.events("web", "new").length], [1, 0]);
    assert.equal((await init.ctl("stop", "web")).stdout, "web: stopped\n");
    await init.line(/^web +\| round-2/);
    assert.deepEqual([init.events("web", "old").length, init.events("web", "new").length], [1, 1]);
  });

  conformance(
    41,
    "stop_command in a shutdown: in reverse order, and its programs' ends are counted as stops",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "db",
            actor("db", "on:USR1=exit:0", "hold"),
            'stop_command=sh -c "kill -USR1 $MAINPID"',
            "startsecs=0",
          ),
          program(
            "web",
            actor("web", "on:USR2=sleep:0.5+note:gone+exit:0", "hold"),
            'stop_command=sh -c "kill -USR2 $MAINPID"',
            "depends_on=db",
            "startsecs=0",
          ),
        ].join("\n"),
      });
      await init.state("web", "RUNNING");
      for (const name of ["db", "web"]) await init.event(name, "start");
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      const gone = init.events("web", "gone")[0]?.at ?? Number.NaN;
      const asked = init.events("db", "USR1")[0]?.at ?? Number.NaN;
      assert.ok(gone < asked, init.report());
    },
  );

  conformance(65, "a program that is never well is given up at its restart_limit", async (box) => {
    const { code, stderr } = await box.run({
      config: program(
        "web",
        actor("web", ...GENTLE),
        "startsecs=0",
        "live_exec=false",
        "live_interval=0.2",
        "live_failures=1",
        "restart_limit=2/1m",
        "critical=true",
      ),
    });
    assert.equal(code, 1);
    assert.equal(stderr.match(/spawned: 'web'/g)?.length, 3, stderr);
    assert.match(stderr, /gave up: restarted 2 times within 60 s \(restart_limit\)/);
  });

  boxed(
    "runtime_max_secs: a oneshot that takes too long has failed, and who needs it says so",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "migrate",
            actor("migrate", ...GENTLE),
            "type=oneshot",
            "autorestart=false",
            "runtime_max_secs=1",
          ),
          after("migrate"),
          program("keep", actor("keep", ...GENTLE)),
        ].join("\n"),
      });
      await init.line(/after does not start: migrate failed: it has run for 1 s \(runtime_max_secs\)/);
      assert.equal(init.events("after", "start").length, 0);
    },
  );

  boxed("environment_file: its lines are the program's environment and its hooks'", async (box) => {
    const init = await box.init({
      setup: "printf 'FROM_FILE=one two\\nA=file\\n' >@DIR@/web.env",
      config: program(
        "web",
        actor("web", "show:env", ...GENTLE),
        `start_command_pre=${actor("pre", "show:env", "exit:0")}`,
        "environment_file=@DIR@/web.env",
        'environment=A="key"',
      ),
    });
    for (const name of ["pre", "web"]) {
      const shown = JSON.parse((await init.event(name, "show:env")).data);
      assert.deepEqual([shown["FROM_FILE"], shown["A"]], ["one two", "key"]);
    }
  });
});
