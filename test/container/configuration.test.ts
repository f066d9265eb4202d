/** Conformance H: where the configuration comes from and what it makes of it, seen from the programs. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, BINARY, delay, GENTLE, PATH } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

const shown = async (init: Init, name: string, what: string) =>
  JSON.parse((await init.event(name, `show:${what}`)).data);

/** Loads the same under supervisord 4.2, with the same arguments and environment for every program. */
const DIALECT = `
; full-line comments of both kinds
# are not read
[supervisord]
environment=GLOBAL="g,1",SHARED="global"

[program:multi]
command = ${actor("%(program_name)s_%(process_num)02d", "note:%(ENV_OUTSIDE)s-%%", "show:env", ...GENTLE)} ; a comment
process_name : %(program_name)s_%(process_num)02d
numprocs: 2
numprocs_start=5
environment = A="x,y",B='a b',C="100%%",
    D=plain, SHARED="own", NUM="%(process_num)d",
    GRP="%(group_name)s", FROM="%(ENV_OUTSIDE)s"
autostart : YES
startsecs = 0

[group:both]
programs=inner,second
priority = 5

[program:inner]
command=${actor("inner", "show:env", "show:argv", ...GENTLE)} "two words" 'single;#kept' back\\ slash a;b
AutoStart=on
startsecs=0 ; comment

[include]
files = conf.d/*.ini
   more/*.ini
`;

const INCLUDED = `[program:second]\ncommand=${actor("second", "note:%(here)s", "show:env", ...GENTLE)}\nstartsecs=0`;

describe("the dialect", { concurrency: 3 }, () => {
  conformance(
    93,
    "comments, both separators, continuation, expansions, numprocs, groups and includes",
    async (box) => {
      const init = await box.init({
        env: { PATH, OUTSIDE: "out side" },
        setup: `mkdir @DIR@/conf.d; cat > @DIR@/conf.d/z.ini <<'END'\n${INCLUDED}\nEND`,
        // A quoted "; #" is a comment to supervisord as well, so the plain variant of that line is used here.
        config: DIALECT.replace(" 'single;#kept'", " 'single;#kept'"),
      });
      for (const [name, number] of [
        ["multi_05", "5"],
        ["multi_06", "6"],
      ] as const) {
        await init.event(name, "out side-%");
        const env = await shown(init, name, "env");
        const wanted = {
          A: "x,y",
          B: "a b",
          C: "100%",
          D: "plain",
          SHARED: "own",
          NUM: number,
          GRP: "multi",
        };
        for (const [key, value] of Object.entries({ ...wanted, GLOBAL: "g,1", FROM: "out side" })) {
          assert.equal(env[key], value, `${key} of ${name}`);
        }
        assert.equal(env.SUPERVISOR_PROCESS_NAME, name);
        assert.equal(env.SUPERVISOR_GROUP_NAME, "multi");
        assert.equal(env.SUPERVISOR_ENABLED, "1");
      }
      const inner = await shown(init, "inner", "env");
      assert.equal(inner.SHARED, "global");
      assert.equal(inner.SUPERVISOR_GROUP_NAME, "both");
      const argv: string[] = await shown(init, "inner", "argv");
      assert.deepEqual(argv.slice(-4), ["two words", "single;#kept", "back slash", "a;b"]);
      await init.event("second", `${init.dir}/conf.d`);
      const names = (await init.rpc("getAllProcessInfo")) as { group: string; name: string }[];
      assert.deepEqual(
        names.map((each) => `${each.group}:${each.name}`),
        ["both:inner", "both:second", "multi:multi_05", "multi:multi_06"],
      );
    },
  );

  conformance(96, "an unknown %(ENV_X)s: file, line, section, key and variable, exit 2", async (box) => {
    const ending = await box.run({ config: program("web", "/bin/echo %(ENV_NO_SUCH_VARIABLE)s") });
    assert.equal(ending.code, 2);
    assert.match(ending.stderr, /tsinit\.ini:2: \[program:web\] command: .*ENV_NO_SUCH_VARIABLE/);
  });
});

describe("sources", { concurrency: 3 }, () => {
  conformance(97, "environment variables alone do what a file does", async (box) => {
    const init = await box.init({
      env: {
        PATH,
        TSINIT_PROGRAM_WEB: actor("web", "show:env", ...GENTLE),
        TSINIT_PROGRAM_WEB__PRIORITY: "300",
        TSINIT_PROGRAM_WEB__ENVIRONMENT: 'A="1",B="two words"',
        TSINIT_PROGRAM_MY_WORKER: actor("worker", "show:env", ...GENTLE),
        TSINIT_PROGRAM_MY_WORKER__PRIORITY: "200",
        TSINIT_PROGRAM_MY_WORKER__STARTSECS: "0",
        TSINIT_GROUP_APP__PROGRAMS: "web",
        TSINIT_LISTEN: ":9555",
        TSINIT_PORT: "tcp://10.0.0.1:80",
        TSINIT_SERVICE_HOST: "10.0.0.1",
      },
    });
    const [web, worker] = [await shown(init, "web", "env"), await shown(init, "worker", "env")];
    assert.equal(web.A, "1");
    assert.equal(web.B, "two words");
    assert.equal(web.SUPERVISOR_GROUP_NAME, "app");
    assert.equal(worker.SUPERVISOR_PROCESS_NAME, "my_worker");
    await init.line(/spawned: 'web'/);
    const spawned = init.own().filter((line) => line.includes("spawned: "));
    assert.match(spawned.join("\n"), /'my_worker'[^]*'web'/);
    assert.equal((await init.http("/livez", { port: 9555 })).status, 200);
    assert.doesNotMatch(init.stderr.text(), /TSINIT_PORT|TSINIT_SERVICE_HOST/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    const [webEnd, workerEnd] = [init.events("web", "TERM")[0], init.events("worker", "TERM")[0]];
    assert.ok((webEnd?.at ?? 0) < (workerEnd?.at ?? 0), "not stopped in reverse order");
  });

  conformance(97, "variables win over the file; errors name the variable", async (box) => {
    const init = await box.init({
      env: { PATH, TSINIT_PROGRAM_WEB__ENVIRONMENT: 'A="variable"', TSINIT_PROGARM_X: "typo" },
      config: program("web", actor("web", "show:env", ...GENTLE), 'environment=A="file"'),
    });
    assert.equal((await shown(init, "web", "env")).A, "variable");
    await init.line(/WARN.*TSINIT_PROGARM_X.*TSINIT_PROGRAM/);
    const bad = await box.run({
      env: { PATH, TSINIT_PROGRAM_WEB: "/bin/true", TSINIT_PROGRAM_WEB__STARTSECS: "soon" },
    });
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /TSINIT_PROGRAM_WEB__STARTSECS/);
  });

  conformance(98, "the environment passes to programs as it is, but for TSINIT_*", async (box) => {
    const given = { PATH, PLAIN: "1", EMPTY: "", QUOTES: `a "b" 'c' $d`, NEWLINE: "one\ntwo", UMLAUT: "ä€" };
    const init = await box.init({
      env: { ...given, TSINIT_LOG_FORMAT: "text", HOME: "/home/x" },
      config: program("a", actor("a", "show:env", ...GENTLE)),
    });
    const env: Record<string, string> = await shown(init, "a", "env");
    for (const [name, value] of Object.entries({ ...given, HOME: "/home/x" })) {
      assert.equal(Buffer.from(env[name] ?? "(none)", "latin1").toString("utf8"), value, name);
    }
    assert.deepEqual(
      Object.keys(env).filter((name) => name.startsWith("TSINIT")),
      [],
    );
    const extra = Object.keys(env).filter(
      (name) => !(name in given) && !/^(HOME|SUPERVISOR_\w+|LC_CTYPE)$/.test(name),
    );
    assert.deepEqual(extra, []);
  });

  conformance(99, "read-only root, unknown uid, nothing writable: starts, logs, answers", async (box) => {
    const init = await box.init({
      user: { uid: 1_000_650_000, gid: 0 },
      setup:
        "mount -t tmpfs -o ro tmpfs /run; mount -t tmpfs -o ro tmpfs /dev/shm; mount -o remount,bind,ro /",
      config: program("a", `/bin/sh -c 'echo up as $(/usr/bin/id -u); exec sleep 1000'`),
    });
    await init.line(/a +\| up as 1000650000/);
    await init.httpStatus("/readyz", 200);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });
});

describe("reload and check", { concurrency: 3 }, () => {
  const same = program("same", actor("same", ...GENTLE));

  conformance(
    100,
    "HUP: added starts, removed stops, changed restarts, unchanged keeps its pid",
    async (box) => {
      const init = await box.init({
        config: [
          same,
          program("gone", actor("gone", ...GENTLE)),
          program("other", actor("other", ...GENTLE)),
        ].join("\n"),
      });
      const { pid } = await init.event("same", "start");
      await init.line(/success: other entered RUNNING/);
      init.writeConfig(
        [
          same,
          program("fresh", actor("fresh", ...GENTLE)),
          program("other", actor("other", "note:v2", ...GENTLE)),
        ].join("\n"),
      );
      init.signal("SIGHUP");
      await init.event("fresh", "start");
      await init.event("other", "v2");
      await init.event("gone", "TERM");
      await init.state("fresh", "RUNNING");
      assert.equal((await init.state("same", "RUNNING"))["pid"], pid);
      assert.match(String(await init.rpc("getProcessInfo", "gone")), /^fault 10 BAD_NAME/);
      assert.equal(init.events("other", "TERM").length, 1);

      const asked = init.lines.length;
      init.writeConfig("[program:broken\ncommand");
      init.signal("SIGHUP");
      await init.line(/tsinit\.ini/, { after: asked });
      await delay(300);
      assert.equal((await init.state("same", "RUNNING"))["pid"], pid);
      await init.state("fresh", "RUNNING");
      const { body } = await init.http("/metrics");
      assert.match(body, /^tsinit_config_last_reload_successful 0$/m);
    },
  );

  conformance(100, "the same by ctl: reread tells, update does", async (box) => {
    const init = await box.init({ config: [same, program("gone", actor("gone", ...GENTLE))].join("\n") });
    await init.line(/success: same entered RUNNING/);
    init.writeConfig([same, program("fresh", actor("fresh", ...GENTLE))].join("\n"));
    const reread = await init.ctl("reread");
    assert.equal(reread.stdout, "fresh: available\ngone: disappeared\n");
    assert.equal(init.events("fresh").length, 0, "reread must not start anything");
    const update = await init.ctl("update");
    assert.equal(update.stdout, "gone: stopped\ngone: removed process group\nfresh: added process group\n");
    await init.event("fresh", "start");
    init.writeConfig("[program:x]\n");
    const broken = await init.ctl("reread");
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /^ERROR: CANT_REREAD: /);
    assert.equal(init.events("same", "start").length, 1);
  });

  conformance(101, "check: 0 with the plan, 2 with every error", async (box) => {
    const good = await box.init({
      args: ["check", "-c", "@DIR@/c.ini"],
      setup: `cat > @DIR@/c.ini <<'END'\n${program("web", "/bin/sleep 1000", "priority=7")}\n${program("worker", "/bin/sleep 5")}\nEND`,
    });
    const ending = await good.exit();
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /web/);
    assert.match(ending.stdout, /worker/);
    assert.match(ending.stdout, /\/bin\/sleep 1000/);

    const json = await box.run({
      args: ["check", "--format", "json"],
      env: { PATH, TSINIT_PROGRAM_WEB: "/bin/sleep 1000", TSINIT_PROGRAM_WEB__PRIORITY: "7" },
    });
    assert.equal(json.code, 0, json.stderr);
    assert.match(JSON.stringify(JSON.parse(json.stdout)), /"web"/);

    const bad = await box.run({
      binary: BINARY,
      args: ["check"],
      env: {
        PATH,
        TSINIT_PROGRAM_A__STARTSECS: "soon",
        TSINIT_PROGRAM_A: "/bin/true",
        TSINIT_PROGRAM_A__UMASK: "9",
      },
    });
    assert.equal(bad.code, 2);
    const said = bad.stdout + bad.stderr;
    assert.match(said, /TSINIT_PROGRAM_A__STARTSECS/);
    assert.match(said, /TSINIT_PROGRAM_A__UMASK/);
  });

  conformance(106, "a port that the user asked for is taken: exit 2, nothing was started", async (box) => {
    const twice = "[inet_http_server]\nport=127.0.0.1:7001\n[inet_http_server:again]\nport=127.0.0.1:7001\n";
    const init = await box.init({ config: `${twice}${program("a", actor("a", ...GENTLE))}` });
    const ending = await init.exit();
    assert.equal(ending.code, 2, ending.stderr);
    assert.match(
      ending.stderr,
      /\[inet_http_server:again\] port: 127\.0\.0\.1:7001: another program is listening/,
    );
    assert.equal(init.events().length, 0);
  });

  conformance(58, "a start by hand of what is not there is refused and changes nothing", async (box) => {
    const missing = program(
      "missing",
      "/nonexistent/program",
      "autostart=false",
      "critical=true",
      "startretries=0",
    );
    const init = await box.init({ config: [program("a", actor("a", ...GENTLE)), missing].join("\n") });
    await init.state("a", "RUNNING");
    const started = await init.ctl("start", "missing");
    assert.equal(started.stdout, "missing: ERROR (no such file)\n");
    assert.equal(started.code, 1);
    await init.state("missing", "STOPPED");
    await init.state("a", "RUNNING");
  });
});
