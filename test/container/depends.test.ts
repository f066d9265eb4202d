/** Dependencies on the built binary: conditions, what is said while one is waited for or has failed, restarts, the stop order, the graph. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { describe } from "node:test";
import { boxed, conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, BINARY, GENTLE } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys, ""].join("\n");

/** Runs until it is stopped. */
const server = (name: string, ...keys: string[]): string => program(name, actor(name, ...GENTLE), ...keys);

/** Takes so long, and ends so. */
const task = (name: string, seconds: number, code: number, ...keys: string[]): string =>
  program(name, actor(name, `sleep:${seconds}`, "note:end", `exit:${code}`), "type=oneshot", ...keys);

/** The programs in the order in which tsinit started processes for them: what they note themselves is later by chance. */
function spawned(init: Init): string[] {
  return init.own().flatMap((line) => /spawned: '(.*)' with pid/.exec(line)?.[1] ?? []);
}

/** The programs in the order in which they were stopped. */
function stopped(init: Init): string[] {
  return init.own().flatMap((line) => /stopped: (\S+) \(/.exec(line)?.[1] ?? []);
}

/** Waits for the second of two of tsinit's own lines; the first was written before it, whenever they are read here. */
async function inOrder(init: Init, first: RegExp, second: RegExp): Promise<void> {
  await init.line(second);
  const own = init.own();
  const [before, after] = [first, second].map((pattern) => own.findIndex((line) => pattern.test(line)));
  assert.ok(before !== undefined && after !== undefined && before >= 0 && before < after, init.report());
}

async function description(init: Init, name: string): Promise<string> {
  const info = await init.rpc("getProcessInfo", name);
  return String((info as Record<string, unknown>)["description"]);
}

/** Waits until `status` says so of the program. */
function describes(init: Init, name: string, words: string): Promise<boolean> {
  return init.until(`${name} to be "${words}"`, async () => (await description(init, name)) === words);
}

describe("conditions", { concurrency: 4 }, () => {
  conformance(
    49,
    "what depends on another starts when that one is RUNNING, whatever their priorities",
    async (box) => {
      const init = await box.init({
        config: [
          server("db", "startsecs=2", "priority=30"),
          server("app", "depends_on=db", "priority=10"),
          server("cache", "startsecs=0", "priority=20"),
          server("web", "depends_on=cache:started"),
        ].join(""),
      });
      await init.event("app", "start");
      await inOrder(init, /success: db entered RUNNING state/, /spawned: 'app'/);
      await inOrder(init, /app does not start yet: waiting for db to start/, /success: db entered RUNNING/);
      await init.event("web", "start");
      await init.httpStatus("/readyz", 200);
    },
  );

  conformance(54, "a oneshot that is done lets the next one start", async (box) => {
    const init = await box.init({
      config: `${task("migrate", 1.5, 0, "startsecs=0")}${server("app", "depends_on=migrate")}`,
    });
    await describes(init, "app", "waiting for migrate to be done");
    assert.match((await init.ctl("status", "app")).stdout, /^app +STOPPED +waiting for migrate to be done$/m);
    assert.match(
      (await init.httpStatus("/readyz?verbose", 503)).body,
      /^\[-\]app failed: STOPPED: waiting for migrate to be done$/m,
    );
    const started = await init.event("app", "start");
    const [end] = init.events("migrate", "end");
    assert.ok(end !== undefined && end.at < started.at);
    await init.httpStatus("/readyz", 200);
    assert.match((await init.http("/readyz?verbose")).body, /^\[\+\]migrate ok$/m);
    assert.equal(init.events("migrate", "start").length, 1);
  });

  conformance(
    54,
    "a oneshot that fails: the next one never starts, and says why wherever one looks",
    async (box) => {
      const init = await box.init({
        config: [
          task("migrate", 0.2, 1, "startretries=1"),
          server("app", "depends_on=migrate"),
          server("web", "depends_on=app"),
          server("log", "startsecs=0"),
        ].join(""),
      });
      const words = "migrate failed: exit status 1";
      await describes(init, "app", words);
      await describes(init, "web", words);
      await init.line(/WARN.* app does not start: migrate failed: exit status 1/);
      const status = await init.ctl("status");
      assert.match(status.stdout, /^app +STOPPED +migrate failed: exit status 1$/m);
      assert.match(status.stdout, /^migrate +FATAL +exit status 1$/m);
      assert.equal(status.code, 3);
      const ready = (await init.httpStatus("/readyz?verbose", 503)).body;
      assert.match(ready, /^\[-\]app failed: STOPPED: migrate failed: exit status 1$/m);
      assert.match(ready, /^\[\+\]startup ok$/m);
      assert.equal(init.events("migrate", "start").length, 2);
      assert.equal(init.events("app").length + init.events("web").length, 0);
      assert.equal((await init.state("log", "RUNNING"))["statename"], "RUNNING");
    },
  );

  boxed("no path of the system in what everybody may read", async (box) => {
    const init = await box.init({
      config: `${program("db", "/no/such/secret", "startretries=0")}${server("app", "depends_on=db")}${server("web", "startsecs=0")}`,
    });
    await describes(init, "app", "db failed: can't find command '/no/such/secret'");
    const { body } = await init.http("/readyz?verbose");
    assert.match(body, /^\[-\]app failed: STOPPED: db failed$/m);
    assert.doesNotMatch(body, /secret/);
  });

  conformance(
    78,
    "a critical oneshot that fails ends the container with its code, nothing after it was started",
    async (box) => {
      const ending = await box.run({
        config: [
          task("migrate", 0.2, 4, "critical=true", "startretries=0"),
          server("app", "depends_on=migrate"),
          server("log", "startsecs=0"),
        ].join(""),
      });
      assert.equal(ending.code, 4);
      assert.match(
        ending.stderr,
        /exit 4: critical program migrate went FATAL: exit status 4, never restarted\n$/,
      );
      assert.doesNotMatch(ending.stderr, /spawned: 'app'/);
    },
  );

  conformance(78, "so does a critical program that waits for it", async (box) => {
    const ending = await box.run({
      config: `${task("migrate", 0.2, 4, "startretries=0")}${server("app", "depends_on=migrate", "critical=true")}`,
    });
    assert.equal(ending.code, 4);
    assert.match(
      ending.stderr,
      /exit 4: critical program app cannot start: migrate failed: exit status 4\n$/,
    );
  });

  boxed("with nothing else left a failed one ends the container, and the reason names it", async (box) => {
    const ending = await box.run({
      config: `${task("migrate", 0.2, 4, "startretries=0")}${server("app", "depends_on=migrate")}`,
    });
    assert.equal(ending.code, 1);
    assert.match(ending.stderr, /exit 1: everything is done, but migrate is FATAL: exit status 4\n$/);
  });
});

describe("refused configurations", { concurrency: 4 }, () => {
  const refused: readonly (readonly [title: string, config: string, words: RegExp])[] = [
    [
      "a circle, with its path",
      `${server("a", "depends_on=b")}${server("b", "depends_on=c")}${server("c", "depends_on=a")}`,
      /:3: \[program:a\] depends_on: a circle: a -> b -> c -> a; each would wait for the next/,
    ],
    [
      "itself",
      server("a", "depends_on=a"),
      /:3: \[program:a\] depends_on: a -> a: a program cannot wait for itself/,
    ],
    [
      "a name that nobody has",
      `${server("redis")}${server("app", "depends_on=radis")}`,
      /:5: \[program:app\] depends_on: there is no program 'radis'; maybe redis/,
    ],
    [
      "a condition that there is not",
      `${server("redis")}${server("app", "depends_on=redis:up")}`,
      /:5: \[program:app\] depends_on: 'up' is no condition for redis; expected started, ready or done/,
    ],
  ];
  for (const [title, config, words] of refused)
    conformance(56, title, async (box) => {
      const init = await box.init({ config });
      const ending = await init.exit();
      assert.equal(ending.code, 2);
      assert.match(ending.stderr, words);
      assert.doesNotMatch(ending.stderr, /spawned/);
      assert.equal(init.events().length, 0);
    });

  conformance(56, "a reload with a circle changes nothing", async (box) => {
    const init = await box.init({ config: `${server("a", "startsecs=0")}${server("b", "startsecs=0")}` });
    const [a, b] = [await init.event("a", "start"), await init.event("b", "start")];
    init.writeConfig(
      `${server("a", "startsecs=0", "depends_on=b")}${server("b", "startsecs=0", "depends_on=a")}`,
    );
    init.signal("SIGHUP");
    await init.line(/a circle: a -> b -> a/);
    await init.line(/the configuration was not changed/);
    assert.equal((await init.state("a", "RUNNING"))["pid"], a.pid);
    assert.equal((await init.state("b", "RUNNING"))["pid"], b.pid);
  });
});

describe("later", { concurrency: 4 }, () => {
  const redis = program(
    "redis",
    actor("redis", "on:TERM=exit:0", "on:USR1=exit:1", "hold"),
    "startsecs=0",
    "priority=1",
  );

  conformance(57, "a dependency that dies later: who depends on it runs on", async (box) => {
    const init = await box.init({ config: `${redis}${server("app", "depends_on=redis", "startsecs=0")}` });
    const { pid } = await init.event("app", "start");
    await init.rpc("signalProcess", "redis", "USR1");
    await init.event("redis", "start", { count: 2 });
    assert.equal((await init.state("app", "RUNNING"))["pid"], pid);
    assert.equal(init.events("app", "TERM").length, 0);
  });

  conformance(57, "restart_with: who depends on it is restarted with it", async (box) => {
    const init = await box.init({
      config: [
        redis,
        server("app", "depends_on=redis", "restart_with=redis", "startsecs=0", "priority=2"),
        server("web", "depends_on=app", "restart_with=app", "startsecs=0", "priority=3"),
        server("other", "startsecs=0"),
      ].join(""),
    });
    for (const name of ["redis", "app", "web", "other"]) await init.event(name, "start");
    await init.line(/spawned: 'web'/);
    const after = init.lines.length;
    await init.rpc("signalProcess", "redis", "USR1");
    await init.event("web", "start", { count: 2 });
    await init.line(/spawned: 'web'/, { after });
    for (const name of ["app", "web"]) assert.equal(init.events(name, "TERM").length, 1);
    assert.deepEqual(stopped(init), ["web", "app"], "they go down in order");
    assert.deepEqual(spawned(init).slice(-3), ["redis", "app", "web"], "they come back in order");
    assert.equal(init.events("other", "start").length, 1);
    const { body } = await init.httpStatus("/metrics", 200);
    for (const name of ["app", "web"])
      assert.match(
        body,
        new RegExp(`restarts_total\\{group="${name}",program="${name}",reason="dependency"\\} 1`),
      );
    assert.match(body, /restarts_total\{group="redis",program="redis",reason="exit"\} 1/);
    assert.doesNotMatch(body, /program="other",reason="(?:dependency|liveness|schedule|watchdog|runtime)"/);
  });

  conformance(68, "restart by an operator takes along who asked for it, in order", async (box) => {
    const init = await box.init({
      config: [
        redis,
        server("app", "depends_on=redis", "restart_with=redis", "startsecs=0"),
        server("web", "depends_on=app", "restart_with=app", "startsecs=0"),
        server("other", "depends_on=redis", "startsecs=0"),
      ].join(""),
    });
    for (const name of ["app", "web", "other"]) await init.event(name, "start");
    const answer = await init.ctl("restart", "redis");
    assert.equal(answer.stdout, "redis: stopped\nredis: started\n");
    await init.event("web", "start", { count: 2 });
    assert.deepEqual(spawned(init).slice(-3), ["redis", "app", "web"]);
    for (const name of ["app", "web"]) assert.equal(init.events(name, "TERM").length, 1);
    assert.equal(init.events("other", "start").length, 1);
    await init.httpStatus("/readyz", 200);
  });

  conformance(68, "a restart of tsinit's own: who goes with it goes down first", async (box) => {
    const config = (value: string): string =>
      [
        program("redis", actor("redis", ...GENTLE), "startsecs=0", `environment=A="${value}"`),
        server("app", "depends_on=redis", "restart_with=redis", "startsecs=0"),
        server("web", "depends_on=app", "restart_with=app", "startsecs=0"),
        server("other", "depends_on=redis", "startsecs=0"),
        program("db", actor("db", ...GENTLE), "startsecs=0", "runtime_max_secs=4"),
        server("report", "depends_on=db", "restart_with=db", "startsecs=0"),
      ].join("");
    const init = await box.init({ config: config("1") });
    for (const name of ["web", "other", "report"]) await init.line(new RegExp(`spawned: '${name}'`));
    const after = init.lines.length;
    init.writeConfig(config("2"));
    init.signal("SIGHUP");
    for (const name of ["web", "report"]) await init.line(new RegExp(`spawned: '${name}'`), { after });
    const of = (names: readonly string[], all: readonly string[]): string[] =>
      all.filter((name) => names.includes(name));
    const cache = ["redis", "app", "web", "other"];
    assert.deepEqual(of(cache, stopped(init)), ["web", "app", "redis"]);
    assert.deepEqual(of(cache, spawned(init)).slice(-3), ["redis", "app", "web"]);
    assert.deepEqual(of(["db", "report"], stopped(init)).slice(0, 2), ["report", "db"]);
    assert.equal(init.events("other", "start").length, 1);
  });

  boxed("the stop order is the reverse, whatever the priorities say", async (box) => {
    const slow = (name: string, ...keys: string[]): string =>
      program(name, actor(name, "on:TERM=sleep:0.3+note:gone+exit:0", "hold"), "startsecs=0", ...keys);
    const init = await box.init({
      config: `${slow("redis", "priority=50")}${slow("app", "depends_on=redis", "priority=10")}${slow("web", "depends_on=app")}`,
    });
    await init.event("web", "start");
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    const at = (name: string, event: string): number => init.events(name, event)[0]?.at ?? Number.NaN;
    assert.ok(at("web", "gone") < at("app", "TERM"));
    assert.ok(at("app", "gone") < at("redis", "TERM"));
  });
});

describe("by hand", { concurrency: 4 }, () => {
  const off = "autostart=false";
  const idle = server("idle", "startsecs=0");

  boxed("start of one starts what it needs, and is answered when it runs", async (box) => {
    const init = await box.init({
      config: [
        idle,
        server("redis", off),
        task("migrate", 0.3, 0, off, "depends_on=redis", "startsecs=0"),
        server("app", off, "depends_on=migrate"),
      ].join(""),
    });
    const answer = await init.ctl("start", "app");
    assert.equal(answer.stdout, "app: started\n");
    assert.equal(answer.code, 0);
    for (const name of ["redis", "migrate", "app"]) assert.equal(init.events(name, "start").length, 1);
    await init.state("app", "RUNNING");
    // What is done is not done again.
    await init.ctl("restart", "app");
    assert.equal(init.events("migrate", "start").length, 1);
  });

  boxed(
    "what it needs fails: abnormal termination for supervisor's clients, the reason for ours",
    async (box) => {
      const init = await box.init({
        config: `${idle}${task("migrate", 0.1, 3, off, "startretries=0")}${server("app", off, "depends_on=migrate")}`,
      });
      assert.equal(
        await init.rpc("startProcess", "app"),
        "fault 40 ABNORMAL_TERMINATION: app: migrate failed: exit status 3",
      );
      const ours = await init.ctl("start", "app");
      assert.equal(ours.stdout, "app: ERROR (not started: migrate failed: exit status 3)\n");
      assert.equal(ours.code, 7);
      const theirs = await init.run(
        "/usr/bin/supervisorctl",
        "-s",
        "unix:///run/tsinit.sock",
        "start",
        "app",
      );
      assert.equal(theirs.stdout, "app: ERROR (abnormal termination)\n");
      assert.equal(theirs.code, 7);
      assert.equal(init.events("migrate", "start").length, 3);
      const all = await init.ctl("start", "all");
      assert.equal(
        all.stdout,
        "app: ERROR (not started: migrate failed: exit status 3)\nmigrate: ERROR (spawn error)\n",
      );
    },
  );

  boxed(
    "what it needs is stopped by hand meanwhile: answered at once; it starts when that one comes back",
    async (box) => {
      const init = await box.init({
        config: `${idle}${server("redis", off, "startsecs=60")}${server("app", off, "depends_on=redis", "startsecs=0")}`,
      });
      const answer = init.ctl("start", "app");
      await init.event("redis", "start");
      await describes(init, "app", "waiting for redis to start");
      await init.ctl("stop", "redis");
      assert.equal((await answer).stdout, "app: ERROR (not started: waiting for redis to start)\n");
      init.writeConfig(
        `${idle}${server("redis", off, "startsecs=0")}${server("app", off, "depends_on=redis", "startsecs=0")}`,
      );
      await init.ctl("update");
      await init.ctl("start", "redis");
      await init.event("app", "start");
    },
  );

  boxed("a stop takes back a start that waits", async (box) => {
    const init = await box.init({
      config: `${idle}${server("redis", off, "startsecs=60")}${server("app", off, "depends_on=redis")}`,
    });
    const answer = init.ctl("start", "app");
    await describes(init, "app", "waiting for redis to start");
    assert.equal((await init.ctl("stop", "app")).stdout, "app: stopped\n");
    assert.equal((await answer).stdout, "app: ERROR (abnormal termination)\n");
    assert.equal(await description(init, "app"), "Not started");
  });

  boxed("stop all, restart all: who depends on another is stopped first", async (box) => {
    // It goes when it is told to once more, and so long nobody that it needs may be stopped.
    const held = actor("app", "on:TERM=", "on:USR1=note:gone+exit:0", "hold");
    const init = await box.init({
      config: [
        server("redis", "startsecs=0"),
        task("migrate", 0, 0, "depends_on=redis", "startsecs=0"),
        program("app", held, "depends_on=migrate", "startsecs=0", "stopwaitsecs=60"),
        server("other", "startsecs=0"),
      ].join(""),
    });
    for (const name of ["app", "other"]) {
      await init.event(name, "start");
      await init.line(new RegExp(`spawned: '${name}'`));
    }
    const after = init.lines.length;
    const asked = init.ctl("restart", "all");
    await init.event("app", "TERM");
    await init.state("other", "STOPPED");
    await init.state("redis", "RUNNING");
    assert.deepEqual(init.events("redis", "TERM"), [], init.report());
    await init.rpc("signalProcess", "app", "USR1");
    const answer = await asked;
    assert.equal(answer.code, 0, answer.stdout);
    assert.match(answer.stdout, /^app: stopped\nother: stopped\nredis: stopped\n/);
    const at = (name: string, event: string): number => init.events(name, event)[0]?.at ?? Number.NaN;
    assert.ok(at("app", "gone") < at("redis", "TERM"), init.report());
    for (const name of ["app", "other"]) await init.line(new RegExp(`spawned: '${name}'`), { after });
    assert.deepEqual(
      spawned(init)
        .slice(-4)
        .filter((name) => name !== "other"),
      ["redis", "migrate", "app"],
    );
  });

  boxed("restart of everything: who depends on another is stopped first", async (box) => {
    const redis = program("redis", actor("redis", ...GENTLE), "startsecs=0");
    const app = program(
      "app",
      actor("app", "on:TERM=sleep:0.3+note:gone+exit:0", "hold"),
      "depends_on=redis",
    );
    const init = await box.init({ config: `${redis}${app}startsecs=0\n` });
    await init.event("app", "start");
    await init.rpc("restart");
    await init.event("app", "start", { count: 2 });
    const at = (name: string, event: string): number => init.events(name, event)[0]?.at ?? Number.NaN;
    assert.ok(at("app", "gone") < at("redis", "TERM"), init.report());
  });

  boxed("layers that depend on all of the layer before start at once", async (box) => {
    const layers = 25;
    const config = Array.from({ length: layers }, (_, layer) =>
      ["a", "b", "c"].map((name) =>
        program(
          `${name}${layer}`,
          "/bin/sleep 1000",
          "startsecs=0",
          layer === 0 ? "" : `depends_on=a${layer - 1}, b${layer - 1}, c${layer - 1}`,
        ),
      ),
    ).flat();
    const init = await box.init({ config: config.join("") });
    await init.httpStatus("/readyz", 200);
    assert.equal(spawned(init).length, 3 * layers);
  });

  boxed("start all: in order", async (box) => {
    const init = await box.init({
      config: `${idle}${server("app", off, "depends_on=redis", "priority=1", "startsecs=0")}${server("redis", off)}`,
    });
    const { stdout } = await init.ctl("start", "all");
    assert.deepEqual(stdout.split("\n").sort(), ["", "app: started", "redis: started"]);
    for (const name of ["app", "redis"]) await init.event(name, "start");
    await inOrder(init, /success: redis entered RUNNING state/, /spawned: 'app'/);
  });
});

describe("graph", { concurrency: 3 }, () => {
  const config = [
    server("redis", "priority=1"),
    task("migrate", 1.2, 0, "depends_on=redis", "startsecs=0"),
    server("app", "depends_on=migrate"),
    server("cache", "startsecs=0"),
  ].join("");

  boxed("a system that is up: who waited for whom, and the critical chain", async (box) => {
    const init = await box.init({ config });
    await init.httpStatus("/startupz", 200);
    const { stdout, code } = await init.ctl("graph");
    assert.equal(code, 0);
    assert.match(stdout, /^tsinit started \d+\.\d{3}s ago; its start sequence took \d\.\d{3}s\.$/m);
    assert.match(stdout, /^redis +@0\.\d{3}s +\+[1-9]\.\d{3}s {2}running$/m);
    assert.match(
      stdout,
      /^migrate +@[1-9]\.\d{3}s +\+[1-9]\.\d{3}s {2}done +waited [1-9]\.\d{3}s for redis$/m,
    );
    assert.match(
      stdout,
      /^app +@[2-9]\.\d{3}s +\+[1-9]\.\d{3}s {2}running +waited [2-9]\.\d{3}s for migrate$/m,
    );
    assert.match(
      stdout,
      /\napp @[2-9]\S+ \+[1-9]\S+\n└─migrate @[1-9]\S+ \+[1-9]\S+\n {2}└─redis @0\S+ \+[1-9]\S+\n$/,
    );
    for (const line of stdout.split("\n")) assert.ok(line.length <= 80, line);
  });

  boxed(
    "a system that is stuck half-way: what it waits for now; nobody may read it but the owner",
    async (box) => {
      const init = await box.init({
        config: `${server("redis", "startsecs=600")}${server("app", "depends_on=redis")}${server("web", "priority=1000")}`,
      });
      await describes(init, "web", "waits for an earlier tier");
      const { stdout } = await init.ctl("graph");
      assert.match(stdout, /; its start sequence is not over\.$/m);
      assert.match(stdout, /^app +- +- {2}STOPPED +waits \S+ for redis$/m);
      assert.match(
        stdout,
        /\nWaiting now:\nweb \S+, waits for an earlier tier\n└─app \S+, waiting for redis to start\n {2}└─redis @\S+ \+\S+ STARTING\n$/,
      );
      assert.equal((await init.http("/api/v1/graph")).status, 404);
    },
  );

  boxed("the name supervisorctl has no such command; help under the other name has it", async (box) => {
    const init = await box.init({ config: server("web", "startsecs=0") });
    await init.event("web", "start");
    assert.match((await init.ctl("help")).stdout, /\bgraph\b/);
    assert.equal(
      (await init.ctl("help", "graph")).stdout,
      "graph\t\t\tShow the start order with timings: what waited for what\n",
    );
    const client = `${init.dir}/supervisorctl`;
    symlinkSync(BINARY, client);
    const help = await init.run(client, "-s", "unix:///run/tsinit.sock", "help");
    assert.match(help.stdout, /\bstatus\b/);
    assert.doesNotMatch(help.stdout, /graph/);
    const tried = await init.run(client, "-s", "unix:///run/tsinit.sock", "graph");
    assert.equal(tried.stdout, "*** Unknown syntax: graph\n");
  });
});
