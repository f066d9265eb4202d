/** What a program leaves behind when its leader has ended (conformance 36, 37): daemons, pools, strays of any kind. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { type Box, boxed, conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, delay, GENTLE, type ProgramEvent } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

const KEEPER = program("keeper", actor("keeper", ...GENTLE), "priority=1");

function isAlive(init: Init, pid: number): boolean {
  return init.processes().some((each) => each.pid === pid && each.state !== "Z");
}

/** The n-th event of that name, from 1. */
async function nth(init: Init, name: string, event: string, count: number): Promise<ProgramEvent> {
  await init.event(name, event, { count });
  const found = init.events(name, event)[count - 1];
  assert.ok(found);
  return found;
}

/** A leader that puts a daemon into the background, in a session of its own, and is done. */
const daemonize = (name: string, ...daemon: string[]): string =>
  actor(name, `session:${[...daemon, "hold"].join("~")}`, "sleep:0.2", "exit:0");

const TERM_NOTED = "on:TERM=sleep:0.3+note:end+exit:0";

async function started(box: Box, config: string[], ...options: object[]): Promise<Init> {
  return box.init({ config: config.join("\n"), ...Object.assign({}, ...options) });
}

describe("a stop ends all of a program", { concurrency: 3 }, () => {
  conformance(
    37,
    "who left the group with setsid is asked once the leader is gone, then killed",
    async (box) => {
      const init = await started(box, [
        KEEPER,
        program(
          "a",
          actor(
            "a",
            `session:${TERM_NOTED}~hold`,
            "session:on:TERM=~on:HUP=~hold",
            "on:TERM=sleep:0.5+note:end+exit:0",
            "hold",
          ),
          "stopwaitsecs=2",
        ),
      ]);
      await init.event("a.child", "start", { count: 2 });
      const strays = init.events("a.child", "start").map(({ pid }) => pid);
      await init.line(/success: a entered RUNNING/);
      assert.equal(await init.rpc("stopProcess", "a"), true);
      for (const pid of strays) assert.equal(isAlive(init, pid), false, `${pid} outlived the stop`);
      const leaderEnd = init.events("a", "end")[0]?.at ?? Number.NaN;
      const heard = init.events("a.child", "TERM");
      assert.equal(heard.length, 2);
      for (const { at } of heard) assert.ok(at >= leaderEnd, "signalled before its leader was done");
      assert.equal(init.events("a.child", "end").length, 1, "the polite one had no time");
      await init.line(/killing 'a' \(\d+\) with SIGKILL after 2 seconds/);
      assert.equal(init.events("keeper").length, 1);
    },
  );

  boxed("workers of a pool are not signalled while their leader stops gracefully", async (box) => {
    const init = await started(box, [
      KEEPER,
      program(
        "pool",
        actor(
          "pool",
          "child:on:TERM=note:early+exit:0~sleep:2~hold",
          "child:on:all=~sleep:2~hold",
          "on:TERM=sleep:0.7+note:end+exit:0",
          "hold",
        ),
        "stopwaitsecs=2",
      ),
    ]);
    await init.event("pool.child", "start", { count: 2 });
    await init.line(/success: pool entered RUNNING/);
    assert.equal(await init.rpc("stopProcess", "pool"), true);
    const end = init.events("pool", "end")[0]?.at ?? Number.NaN;
    for (const { at, event } of init.events("pool.child"))
      if (event !== "start") assert.ok(at >= end, `${event} before the leader was done`);
  });

  boxed("an emptied environment and a session of its own hide nobody", async (box) => {
    const init = await started(box, [
      KEEPER,
      program(
        "a",
        `/bin/sh -c 'env -i /usr/bin/setsid /bin/sleep 1234 & exec /bin/sleep 1000'`,
        "startsecs=0",
      ),
    ]);
    const away = await init.until("the sleep", () =>
      init.processes().find(({ command }) => command === "/bin/sleep 1234"),
    );
    assert.equal(await init.rpc("stopProcess", "a"), true);
    assert.equal(isAlive(init, away.pid), false);
  });

  boxed("another user's daemon is found without CAP_SYS_PTRACE", async (box) => {
    const init = await started(
      box,
      [
        KEEPER,
        program(
          "a",
          actor("a", `session:${TERM_NOTED}~hold`, "on:TERM=exit:0", "hold"),
          "user=nobody",
          "autorestart=true",
          "startsecs=0",
        ),
      ],
      { wrapper: ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"] },
    );
    const away = await nth(init, "a.child", "start", 1);
    await init.run("kill", "-9", String((await nth(init, "a", "start", 1)).pid));
    await nth(init, "a", "start", 2);
    assert.equal(isAlive(init, away.pid), false, "the next run began beside it");
    await nth(init, "a.child", "start", 2);
    assert.equal(await init.rpc("stopProcess", "a"), true);
    assert.equal(init.events("a.child", "end").length, 1);
    assert.doesNotMatch(init.stderr.text(), /fault/);
  });

  boxed("two programs that leave daemons are not mistaken for each other", async (box) => {
    const both = ["a", "b"].map((name) =>
      program(name, actor(name, `session:${TERM_NOTED}~hold`, ...GENTLE), "startsecs=0"),
    );
    const init = await started(box, [KEEPER, ...both]);
    const a = await nth(init, "a.child", "start", 1);
    const b = await nth(init, "b.child", "start", 1);
    assert.equal(await init.rpc("stopProcess", "a"), true);
    assert.equal(isAlive(init, a.pid), false);
    assert.equal(isAlive(init, b.pid), true);
    assert.equal(init.events("b").length, 1);
  });
});

describe("nothing starts beside what is left", { concurrency: 3 }, () => {
  boxed("a crashed leader's strays are gone before the next start", async (box) => {
    const init = await started(box, [
      program(
        "a",
        actor(
          "a",
          "turn:@DIR@/turn=session:on:all=~hold|note:second",
          "sleep:0.5",
          "turn:@DIR@/crash=kill:SEGV|hold",
        ),
        "autorestart=true",
        "startsecs=0",
      ),
    ]);
    const away = await nth(init, "a.child", "start", 1);
    await nth(init, "a", "second", 1);
    assert.equal(isAlive(init, away.pid), false);
    await delay(100);
  });

  boxed("a failed start leaves nobody who holds the port", async (box) => {
    const init = await started(box, [
      program(
        "a",
        actor(
          "a",
          "turn:@DIR@/turn=session:on:all=~hold|note:second",
          "sleep:0.2",
          "turn:@DIR@/crash=exit:1|hold",
        ),
      ),
    ]);
    const away = await nth(init, "a.child", "start", 1);
    await nth(init, "a", "second", 1);
    assert.equal(isAlive(init, away.pid), false);
    await init.line(/exited: a \(exit status 1; not expected\)/);
  });

  boxed("a double fork: EXITED leaves the daemon alone; start ends it first, then starts", async (box) => {
    const init = await started(box, [
      KEEPER,
      program("a", daemonize("a", TERM_NOTED), "startsecs=0", "autorestart=false"),
    ]);
    const first = await nth(init, "a.child", "start", 1);
    await init.state("a", "EXITED");
    await delay(500);
    assert.equal(isAlive(init, first.pid), true, "supervisord lets it be");
    assert.equal(init.events("a.child", "TERM").length, 0);
    const answer = await init.ctl("start", "a");
    assert.equal(answer.stdout, "a: started\n", answer.stderr);
    const second = await nth(init, "a", "start", 2);
    const end = await nth(init, "a.child", "end", 1);
    assert.ok(end.at <= second.at, "the second began beside the first");
    await nth(init, "a.child", "start", 2);
    await init.line(/stopping what is left of a/);
    const restarted = await init.ctl("restart", "a");
    assert.match(restarted.stdout, /a: started/);
    const third = await nth(init, "a", "start", 3);
    const gone = await nth(init, "a.child", "end", 2);
    assert.ok(gone.at <= third.at);
    await nth(init, "a.child", "start", 3);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    assert.equal(init.events("a.child", "end").length, 3);
  });

  boxed("at the end a daemon is stopped in its program's turn, with its program's signal", async (box) => {
    const init = await started(box, [
      program("db", actor("db", "on:TERM=note:end+exit:0", "hold"), "priority=1"),
      program(
        "a",
        daemonize("a", "on:TERM=note:wrong", "on:INT=sleep:0.5+note:end+exit:0"),
        "startsecs=0",
        "stopsignal=INT",
        "priority=2",
      ),
    ]);
    await nth(init, "a.child", "start", 1);
    await init.state("a", "EXITED");
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    const daemon = init.events("a.child", "end")[0]?.at ?? Number.NaN;
    const db = init.events("db", "TERM")[0]?.at ?? Number.NaN;
    assert.ok(db >= daemon, init.report());
    assert.equal(init.events("a.child", "wrong").length, 0);
  });

  boxed("a daemon that ended by itself is in nobody's way", async (box) => {
    const init = await started(box, [
      KEEPER,
      program("a", daemonize("a", "sleep:0.5", "exit:0"), "startsecs=0", "autorestart=false"),
    ]);
    const first = await nth(init, "a.child", "start", 1);
    await init.until("it to end", () => !isAlive(init, first.pid));
    assert.equal((await init.ctl("start", "a")).stdout, "a: started\n");
    assert.doesNotMatch(init.stderr.text(), /what is left/);
  });

  boxed("a removed program takes its daemon along", async (box) => {
    const init = await started(box, [
      KEEPER,
      program("a", daemonize("a", TERM_NOTED), "startsecs=0", "autorestart=false"),
    ]);
    const away = await nth(init, "a.child", "start", 1);
    await init.state("a", "EXITED");
    init.writeConfig(KEEPER);
    init.signal("SIGHUP");
    await nth(init, "a.child", "end", 1);
    await init.until("it to be gone", () => !isAlive(init, away.pid));
    assert.equal(init.events("keeper").length, 1);
  });
});
