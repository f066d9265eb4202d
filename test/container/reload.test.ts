/** A changed configuration on the built binary: by SIGHUP, and by the real supervisorctl. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { boxed, conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, type CommandResult, GENTLE } from "./scene.ts";

const SUPERVISORCTL = "/usr/bin/supervisorctl";

interface Keys {
  readonly [key: string]: string;
}

function program(name: string, keys: Keys = {}): string {
  const lines = Object.entries({ startsecs: "0", ...keys }).map(([key, value]) => `${key}=${value}`);
  return [`[program:${name}]`, `command=${actor(name, ...GENTLE)}`, ...lines, ""].join("\n");
}

/** The three members of group g, `b` with these keys, and a program of its own. */
function crew(b: Keys, more = "", members = "a,b,c"): string {
  const group = `[group:g]\nprograms=${members}\n`;
  return [group, program("a"), program("b", b), program("c"), program("web"), more].join("\n");
}

async function theirs(init: Init, ...words: readonly string[]): Promise<CommandResult> {
  assert.ok(existsSync(SUPERVISORCTL), `these tests need ${SUPERVISORCTL}`);
  return await init.run(SUPERVISORCTL, "-s", "unix:///run/tsinit.sock", ...words);
}

async function pids(init: Init): Promise<Record<string, number>> {
  const infos = (await init.rpc("getAllProcessInfo")) as { name: string; pid: number }[];
  return Object.fromEntries(infos.map(({ name, pid }) => [name, pid]));
}

async function start(init: Init): Promise<Record<string, number>> {
  for (const name of ["a", "b", "c", "web"]) await init.event(name, "start");
  return await pids(init);
}

describe("update by the real supervisorctl", { concurrency: 3 }, () => {
  conformance(100, "an unchanged member of a changed group keeps its pid", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    init.writeConfig(crew({ environment: 'A="1"' }));
    assert.equal((await theirs(init, "reread")).stdout, "g: changed\n");
    const updated = await theirs(init, "update");
    assert.equal(updated.stdout, "g: stopped\ng: updated process group\n", init.report());
    assert.equal(updated.code, 0);
    const after = await pids(init);
    assert.deepEqual({ ...after, b: 0 }, { ...before, b: 0 }, init.report());
    assert.notEqual(after["b"], before["b"]);
    assert.equal((await theirs(init, "update")).stdout, "", "there is nothing more to do");
    assert.equal(init.events("a", "TERM").length, 0);
  });

  boxed("update adds groups in the order of their priorities", async (box) => {
    const init = await box.init({ config: program("a") });
    const fresh = ["late", "soon", "first"].map((name, at) =>
      program(name, { priority: String(30 - at * 10) }),
    );
    await init.event("a", "start");
    init.writeConfig(program("a") + fresh.join(""));
    const added = ["first", "soon", "late"].map((name) => `${name}: added process group\n`);
    assert.equal((await theirs(init, "update")).stdout, added.join(""), init.report());
  });

  boxed("update of a chain that is gone begins with its end", async (box) => {
    const chain = [program("redis"), program("worker", { depends_on: "redis" })];
    const init = await box.init({ config: [program("web"), ...chain].join("") });
    for (const name of ["web", "worker"]) await init.event(name, "start");
    init.writeConfig(program("web"));
    const lines = ["worker", "redis"].flatMap((name) => [
      `${name}: stopped`,
      `${name}: removed process group`,
    ]);
    assert.equal((await theirs(init, "update")).stdout, `${lines.join("\n")}\n`, init.report());
  });

  boxed("update of one group, of a new and of a gone one, and of all", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    const fresh = `${program("fresh")}[group:h]\nprograms=fresh\n`;
    init.writeConfig(crew({ stopwaitsecs: "4" }, fresh, "a,b").replaceAll("[program:web]", "[program:site]"));
    assert.equal((await theirs(init, "update", "g")).stdout, "g: stopped\ng: updated process group\n");
    await init.event("c", "TERM");
    assert.partialDeepStrictEqual(await pids(init), { a: before["a"], b: before["b"], web: before["web"] });
    const all = await theirs(init, "update", "all");
    const lines = ["web: stopped", "web: removed process group"];
    for (const group of ["c", "h", "site"]) lines.push(`${group}: added process group`);
    assert.equal(all.stdout, `${lines.join("\n")}\n`, init.report());
    const after = await pids(init);
    assert.deepEqual(Object.keys(after).sort(), ["a", "b", "c", "fresh", "site"]);
    assert.equal(after["a"], before["a"]);
    assert.equal((await theirs(init, "update", "nosuch")).stdout, "ERROR: no such group: nosuch\n");
  });

  boxed("who was stopped by hand stays so; a stop that no update follows is a stop", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    assert.equal((await theirs(init, "stop", "g:a")).stdout, "g:a: stopped\n");
    init.writeConfig(crew({ priority: "5" }).replace("a on:TERM=exit:0 hold", "a on:TERM=exit:0 hold hold"));
    await theirs(init, "update");
    await init.state("g:a", "STOPPED");
    assert.equal((await pids(init))["b"], before["b"]);
    init.writeConfig(crew({ priority: "7" }));
    assert.deepEqual(await init.rpc("reloadConfig"), [[[], ["g"], []]]);
    const stopped = (await init.rpc("stopProcessGroup", "g")) as { name: string }[];
    assert.deepEqual(
      stopped.map(({ name }) => name),
      ["b", "c"],
    );
    await init.event("b", "TERM");
    await init.event("c", "TERM");
    await init.state("g:c", "STOPPED");
  });

  boxed("two updates at once, and one whose client is killed: nothing is left half done", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    init.writeConfig(crew({ environment: 'A="1"' }));
    await Promise.all([theirs(init, "update"), theirs(init, "update")]);
    await init.state("g:b", "RUNNING");
    for (const name of ["g:a", "g:c"]) await init.state(name, "RUNNING");
    assert.deepEqual(await init.rpc("reloadConfig"), [[[], [], []]], init.report());
    assert.equal((await pids(init))["web"], before["web"]);

    const slow = crew({ environment: 'A="2"' }).replace("b on:TERM=exit:0", "b on:TERM=note:deaf");
    init.writeConfig(`${slow}`);
    await theirs(init, "update");
    await init.event("b", "start", { count: 3 });
    const kept = await pids(init);
    init.writeConfig(crew({ stopwaitsecs: "3", environment: 'A="3"' }));
    await init.run("sh", "-c", `timeout -s KILL 4 ${SUPERVISORCTL} -s unix:///run/tsinit.sock update`);
    assert.deepEqual((await pids(init))["a"], kept["a"], "still held while b is being stopped");
    for (const name of ["g:a", "g:b", "g:c"]) await init.state(name, "STOPPED");
    await theirs(init, "update");
    for (const name of ["g:a", "g:b", "g:c"]) await init.state(name, "STOPPED");
    await theirs(init, "start", "g:*");
    for (const name of ["g:a", "g:b", "g:c"]) await init.state(name, "RUNNING");
  });

  boxed("a broken file is refused by every way, and nothing ends", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    const bad = Array.from({ length: 30 }, (_, i) => `[program:bad${i}]\ncommand=x\nstartsecs=x\n`).join("");
    init.writeConfig(crew({}, bad));
    const reread = await theirs(init, "reread");
    assert.match(reread.stdout, /^ERROR: CANT_REREAD: .*tsinit\.ini:\d+: \[program:bad0\] startsecs: /);
    assert.match(reread.stdout, /… and 10 more\n$/);
    assert.equal(reread.code, 1);
    assert.match((await theirs(init, "update")).stdout, /CANT_REREAD/);
    assert.equal((await theirs(init, "reload")).stdout, "Restarted supervisord\n");
    const seen = init.lines.length;
    init.signal("SIGHUP");
    await init.line(/the configuration was not changed/, { after: seen });
    const said = init.lines.slice(seen).filter(({ text }) => text.includes("| ERRO "));
    assert.equal(said.length, 22, init.report());
    assert.match(said[20]?.text ?? "", /… and 10 more/);
    assert.deepEqual(await pids(init), before);
    assert.match((await init.http("/metrics")).body, /tsinit_config_last_reload_successful 0/);
  });

  boxed("reload restarts everything, with what is written now", async (box) => {
    const init = await box.init({ config: crew({}) });
    const before = await start(init);
    init.writeConfig(crew({}, program("fresh")));
    assert.equal((await theirs(init, "reload")).stdout, "Restarted supervisord\n");
    await init.event("fresh", "start");
    for (const name of ["a", "b", "c", "web"]) await init.event(name, "start", { count: 2 });
    const after = await pids(init);
    for (const name of ["a", "b", "c", "web"]) assert.notEqual(after[name], before[name]);
  });
});

describe("SIGHUP", { concurrency: 3 }, () => {
  async function hup(init: Init): Promise<void> {
    const after = init.lines.length;
    init.signal("SIGHUP");
    await init.line(/INFO reloaded: /, { after });
  }

  boxed("log settings and policies reach a program that runs", async (box) => {
    const loop = 'sh -c "while :; do read x < @DIR@/fifo && echo out $x && echo err $x >&2; done"';
    const config = (keys: string): string =>
      `[program:web]\ncommand=${loop.replaceAll('"', "'")}\nstartsecs=0\n${keys}\n[program:x]\ncommand=sleep 1000\n`;
    const init = await box.init({ config: config(""), setup: "mkfifo @DIR@/fifo" });
    await init.line(/success: web entered RUNNING/);
    const write = async (text: string): Promise<void> => {
      await init.run("sh", "-c", `echo ${text} > @DIR@/fifo`);
    };
    await write("one");
    await init.line(/^web +\| out one/);
    const before = await pids(init);
    init.writeConfig(config("log_prefix=<%(program_name)s> \nstdout_logfile=/dev/stderr\nautorestart=false"));
    await hup(init);
    await write("two");
    const line = await init.line(/<web> ?out two/);
    assert.equal(line.stream, "stderr", "stdout_logfile=/dev/stderr is in force");
    assert.deepEqual(await pids(init), before);
  });

  boxed(
    "numprocs up and down, [supervisord] environment, a file that appears under an include",
    async (box) => {
      const config = (count: number, environment = ""): string =>
        [
          "[supervisord]",
          `environment=${environment}`,
          "[include]",
          "files=@DIR@/conf.d/*.conf",
          "[program:web]",
          `command=${actor("web", ...GENTLE)}`,
          "startsecs=0",
          "process_name=%(program_name)s_%(process_num)s",
          `numprocs=${count}`,
          "",
        ].join("\n");
      const init = await box.init({ config: config(2) });
      await init.event("web", "start", { count: 2 });
      const first = await pids(init);
      init.writeConfig(config(3));
      await hup(init);
      await init.event("web", "start", { count: 3 });
      const second = await pids(init);
      assert.partialDeepStrictEqual(second, first);
      init.writeConfig(config(1));
      await hup(init);
      await init.event("web", "TERM", { count: 2 });
      await init.until("two to be gone", async () => Object.keys(await pids(init)).length === 1);
      assert.equal((await pids(init))["web_0"], first["web_0"]);
      const folder = join(init.dir, "conf.d");
      mkdirSync(folder);
      chmodSync(folder, 0o755);
      writeFileSync(join(folder, "new.conf"), init.fill(program("fresh")));
      await hup(init);
      await init.event("fresh", "start");
      assert.equal((await pids(init))["web_0"], first["web_0"]);
      init.writeConfig(config(1, 'A="1"'));
      await hup(init);
      await init.event("web", "start", { count: 4 });
      await init.event("fresh", "start", { count: 2 });
      rmSync(join(folder, "new.conf"));
      await hup(init);
      await init.event("fresh", "TERM", { count: 2 });
    },
  );

  boxed("a chain that changes goes down from its end, each by what it was started with", async (box) => {
    // It ends when it is told to: until then it is at its last task.
    const busy = (name: string): string => actor(name, "on:TERM=", "on:USR1=exit:0", "hold");
    const config = (value: string, stopsignal: string): string =>
      [
        `[program:redis]\ncommand=${actor("redis", "on:TERM=exit:0", "on:INT=exit:0", "hold")}`,
        `startsecs=0\nstopsignal=${stopsignal}\nenvironment=A="${value}"`,
        `[program:worker]\ncommand=${busy("worker")}\ndepends_on=redis`,
        `startsecs=0\nstopwaitsecs=100\nenvironment=A="${value}"`,
        program("guest", { depends_on: "redis" }),
        program("other", { environment: `A="${value}"` }),
      ].join("\n");
    const init = await box.init({ config: config("1", "TERM") });
    for (const name of ["worker", "guest", "other"]) await init.event(name, "start");
    const before = await pids(init);
    init.writeConfig(config("2", "INT"));
    await hup(init);
    await init.event("worker", "TERM");
    await init.event("other", "start", { count: 2 });
    await hup(init);
    const redis = await init.state("redis", "RUNNING");
    assert.equal(redis["pid"], before["redis"]);
    assert.match(String(redis["description"]), /^pid \d+, uptime /);
    assert.equal(init.events("redis", "TERM").length, 0);
    await init.rpc("signalProcess", "worker", "USR1");
    await init.event("redis", "TERM");
    await init.event("worker", "start", { count: 2 });
    assert.equal(init.events("redis", "INT").length, 0);
    await init.event("redis", "start", { count: 2 });
    assert.equal((await pids(init))["guest"], before["guest"]);
  });

  boxed("what only a new start applies is said once for each reload; programs go on", async (box) => {
    const init = await box.init({ config: `[tsinit]\nlisten=127.0.0.1:9180\n${program("web")}` });
    await init.event("web", "start");
    const before = await pids(init);
    init.writeConfig(
      `[tsinit]\nlisten=127.0.0.1:9999\nshutdown_timeout=7\n[inet_http_server]\nport=127.0.0.1:9001\n${program("web")}`,
    );
    await theirs(init, "reread");
    await init.line(/INFO changed settings that HUP or reload will apply: shutdown_timeout$/);
    await hup(init);
    const fixed = init.own().filter((line) => line.includes("only a new start of tsinit applies it"));
    assert.deepEqual(
      fixed,
      Array.from(
        { length: 2 },
        () => "WARN changed, but only a new start of tsinit applies it: [tsinit] listen, [inet_http_server]",
      ),
    );
    assert.equal((await init.http("/livez")).status, 200);
    assert.deepEqual(await pids(init), before);
  });
});
