/** sd_notify in both directions, and sockets handed over: what programs say of themselves, and tsinit of itself. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { boxed, conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { actor, delay, FIXTURES, GENTLE, PATH } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, "startsecs=0", ...keys].join("\n");
const notifying = (name: string, command: string, ...keys: string[]): string =>
  program(name, command, "ready_notify=true", ...keys);
const config = (...sections: string[]): string => ["[supervisord]", "loglevel=debug", ...sections].join("\n");

const MANAGER = [PYTHON, "-I", "-S", join(FIXTURES, "manager.py")];

const readyz = async (init: Init, name: string): Promise<number> =>
  (await init.http(`/readyz/${name}`)).status;

/** What a program was given as its environment; the actor notes it with `show:env`. */
async function environmentOf(init: Init, name: string, count = 1): Promise<Record<string, string>> {
  return JSON.parse((await init.event(name, "show:env", { count })).data) as Record<string, string>;
}

const sockets = (init: Init): string[] =>
  readdirSync(`/proc/${init.first}/root/run`).filter((name) => name.startsWith("tsinit-notify"));

describe("what programs say", { concurrency: 3 }, () => {
  boxed("ready when it says so, what it says is shown, and it may take it back", async (box) => {
    const init = await box.init({
      config: config(
        notifying(
          "web",
          actor(
            "web",
            "on:USR1=notify:READY=1;STATUS=serving",
            "on:USR2=notify:RELOADING=1;MONOTONIC_USEC=1;STATUS=reading",
            "on:HUP=notify:STOPPING=1",
            "on:TERM=exit:0",
            "notify:STATUS=half\u001b[2J done",
            "barrier",
            "hold",
          ),
        ),
        program("after", actor("after", "show:env", ...GENTLE), "depends_on=web:ready"),
      ),
    });
    await init.event("web", "barrier");
    await init.line(/info.*web says: half\\u001b\[2J done|web says: half\\u001b\[2J done/);
    const before = await init.http("/readyz?verbose");
    assert.equal(before.status, 503);
    assert.match(before.body, /^\[-\]web failed: RUNNING: not ready: half\\u001b\[2J done$/m);
    assert.equal(init.events("after", "start").length, 0, "what depends on it waits");

    await init.rpc("signalProcess", "web", "USR1");
    await init.httpStatus("/readyz/web", 200);
    const environment = await environmentOf(init, "after");
    assert.equal(environment["NOTIFY_SOCKET"], undefined, "not for the others");

    await init.rpc("signalProcess", "web", "USR2");
    await init.httpStatus("/readyz/web", 503);
    await init.line(/not ready: web: it sent RELOADING=1/);
    await init.rpc("signalProcess", "web", "USR1");
    await init.httpStatus("/readyz/web", 200);
    await init.rpc("signalProcess", "web", "HUP");
    await init.line(/not ready: web: it sent STOPPING=1/);
    assert.equal(await readyz(init, "web"), 503);
    assert.equal(sockets(init).length, 1);

    await init.rpc("stopProcess", "web");
    assert.deepEqual(sockets(init), [], "the socket goes with its program");
  });

  boxed("programs of any user, children and whoever left the group are heard", async (box) => {
    const init = await box.init({
      config: config(
        notifying("nobody", actor("nobody", "notify:READY=1", ...GENTLE), "user=nobody"),
        notifying("dropped", actor("dropped", "uid:65534", "notify:READY=1", ...GENTLE)),
        notifying(
          "shell",
          `/bin/sh -c "${PYTHON} -c 'import os,socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\\"READY=1\\", os.environ[\\"NOTIFY_SOCKET\\"])'; exec sleep 1000"`,
        ),
        notifying("child", actor("child", "child:sleep:0.2~notify:READY=1~hold", ...GENTLE)),
        notifying("orphan", actor("orphan", "orphan:sleep:0.2~notify:READY=1~hold", ...GENTLE)),
        notifying("session", actor("session", "session:sleep:0.2~notify:READY=1~hold", ...GENTLE)),
      ),
    });
    for (const name of ["nobody", "dropped", "shell", "child", "orphan", "session"])
      await init.httpStatus(`/readyz/${name}`, 200);
  });

  boxed("strangers, other programs and other users are not heard", async (box) => {
    const init = await box.init({
      config: config(
        notifying("web", actor("web", "show:env", "on:USR1=notify:READY=1", ...GENTLE), "user=nobody"),
        notifying("own", actor("own", "child:uid:65534~notify:READY=1~barrier~hold", ...GENTLE)),
        program("neighbour", actor("neighbour", "on:all=note:x", "sleep:1000")),
      ),
    });
    const { NOTIFY_SOCKET: path = "" } = await environmentOf(init, "web");
    const send = (...before: string[]) =>
      init.run(PYTHON, "-I", "-S", join(FIXTURES, "actor.py"), "@DIR@/events", "stranger", ...before);
    // Alive until it was looked at: root, and of the program's own user.
    await send(`send:${path}=READY=1`, "sleep:0.3");
    await send("uid:65534", `send:${path}=READY=1`, `send:${path}=MAINPID=1`, "sleep:0.3");
    await init.line(/web: ignored a notification from pid \d+ of uid 0/);
    // Another user, gone before anybody can look.
    await send("uid:1234", `send:${path}=READY=1;WATCHDOG=trigger`);
    await init.event("own.child", "barrier");
    await init.line(/own: ignored a notification from pid \d+ of uid 65534/);
    for (const name of ["web", "own"]) assert.equal(await readyz(init, name), 503, name);
    await init.rpc("signalProcess", "web", "USR1");
    await init.httpStatus("/readyz/web", 200);
    assert.equal(init.lines.filter((line) => /web: ignored/.test(line.text)).length, 1, "said once");
  });

  boxed("no sign of life in time: restarted, and counted so; the trigger does it at once", async (box) => {
    const beats = Array.from({ length: 6 }, () => ["notify:WATCHDOG=1", "sleep:0.3"]).flat();
    const init = await box.init({
      config: config(
        program(
          "stuck",
          actor("stuck", "show:env", "on:TERM=exit:0", ...beats, "note:silent", "hold"),
          "watchdog_secs=1",
        ),
        program(
          "honest",
          actor("honest", "turn:@DIR@/n=notify:WATCHDOG=trigger|sleep:0", ...GENTLE),
          "watchdog_secs=60",
        ),
      ),
    });
    const { pid } = await init.event("stuck", "start");
    const environment = await environmentOf(init, "stuck");
    assert.equal(environment["WATCHDOG_USEC"], "1000000");
    assert.equal(environment["WATCHDOG_PID"], undefined);
    const silent = await init.event("stuck", "silent");
    await init.line(/stopping stuck: no WATCHDOG=1 for 1 s/);
    const again = await init.event("stuck", "start", { count: 2 });
    assert.notEqual(again.pid, pid);
    assert.ok(again.at - silent.at > 500, "its last beat still counted");
    await init.line(/stopping honest: it sent WATCHDOG=trigger/);
    await init.event("honest", "start", { count: 2 });
    const { body } = await init.http("/metrics");
    for (const name of ["stuck", "honest"])
      assert.match(
        body,
        new RegExp(
          `^tsinit_program_restarts_total\\{group="${name}",program="${name}",reason="watchdog"\\} 1$`,
          "m",
        ),
      );
  });

  boxed(
    "MAINPID: a daemon that leaves its parent is the program; it is stopped, and restarted when it dies",
    async (box) => {
      const init = await box.init({
        config: config(
          notifying(
            "daemon",
            // The parent ends once its child has spoken for itself.
            actor(
              "daemon",
              "session:on:TERM=exit:0~notify:MAINPID=@self;READY=1~hold",
              "sleep:0.5",
              "exit:0",
            ),
          ),
        ),
      });
      await init.httpStatus("/readyz/daemon", 200);
      const first = await init.event("daemon.child", "start");
      const running = await init.state("daemon", "RUNNING");
      assert.equal(running["pid"], first.pid);
      await init.line(/daemon: its main process is now \d+, no longer \d+/);
      await delay(700);
      assert.equal(
        (await init.state("daemon", "RUNNING"))["pid"],
        first.pid,
        "the parent's end is not the program's",
      );

      process.kill(init.outer(first.pid), "SIGKILL");
      await init.line(/exited: daemon \(terminated by SIGKILL; not expected\)/);
      const second = await init.event("daemon.child", "start", { count: 2 });
      await init.until(
        "the second to be the program",
        async () => (await init.state("daemon", "RUNNING"))["pid"] === second.pid,
      );
      await init.httpStatus("/readyz/daemon", 200);

      assert.equal(await init.rpc("stopProcess", "daemon"), true);
      await init.event("daemon.child", "start", { count: 2 });
      assert.ok(!init.processes().some((each) => each.pid === second.pid), "it got the signal");
    },
  );

  boxed(
    "MAINPID: the new process ends under a parent that lives, or is no process of the program",
    async (box) => {
      const init = await box.init({
        config: config(
          notifying(
            "web",
            actor(
              "web",
              "child:notify:MAINPID=@self;READY=1~sleep:0.6~exit:7",
              "notify:MAINPID=1;X=1",
              ...GENTLE,
            ),
          ),
          program("other", actor("other", ...GENTLE)),
        ),
      });
      await init.httpStatus("/readyz/web", 200);
      const child = await init.event("web.child", "start");
      assert.equal((await init.state("web", "RUNNING"))["pid"], child.pid);
      await init.line(/exited: web \(exit status 1; not expected\)/);
      await init.event("web", "start", { count: 2 });
    },
  );

  boxed("more time, asked for while it stops", async (box) => {
    const init = await box.init({
      config: config(
        notifying(
          "slow",
          actor(
            "slow",
            "on:TERM=notify:EXTEND_TIMEOUT_USEC=10000000+sleep:2+note:done+exit:0",
            "notify:READY=1",
            "hold",
          ),
          "stopwaitsecs=1",
        ),
      ),
    });
    await init.httpStatus("/readyz/slow", 200);
    await init.rpc("stopProcess", "slow");
    assert.equal(init.events("slow", "done").length, 1, "it was not killed");
  });

  boxed("floods and nonsense leave everybody else alone", async (box) => {
    const init = await box.init({
      config: config(
        notifying(
          "loud",
          actor(
            "loud",
            "notify:READY",
            "notify:\u0000",
            `notify:STATUS=${"x".repeat(3000)}`,
            `notify:${"y".repeat(9000)}`,
            "flood:30000,STATUS=loud;WATCHDOG=1",
            "notify:READY=1",
            ...GENTLE,
          ).replace("\u0000", "=1"),
          "watchdog_secs=30",
        ),
        notifying("quiet", actor("quiet", "on:USR1=notify:READY=1", ...GENTLE)),
      ),
    });
    await init.event("quiet", "start");
    await init.rpc("signalProcess", "quiet", "USR1");
    await init.httpStatus("/readyz/quiet", 200);
    const answers = await Promise.all(Array.from({ length: 20 }, () => init.http("/livez")));
    assert.ok(answers.every((answer) => answer.status === 200));
    await init.httpStatus("/readyz/loud", 200);
    const says = init.lines.filter((line) => /loud says/.test(line.text));
    assert.ok(says.length < 40, `${says.length} lines of a flood`);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed(
    "nothing of a program's run speaks for the next one; descriptors sent along are closed",
    async (box) => {
      const init = await box.init({
        config: config(
          notifying(
            "web",
            actor(
              "web",
              "show:env",
              "turn:@DIR@/n=barrier+barrier+sleep:0.2+exit:1|on:USR1=notify:READY=1",
              ...GENTLE,
            ),
          ),
        ),
      });
      const first = await environmentOf(init, "web");
      const second = await environmentOf(init, "web", 2);
      assert.notEqual(first["NOTIFY_SOCKET"], second["NOTIFY_SOCKET"]);
      assert.equal(init.events("web", "barrier").length, 2);
      const open = readdirSync(`/proc/${init.pid}/fd`).length;
      await init.rpc("stopProcess", "web");
      await init.rpc("startProcess", "web");
      await environmentOf(init, "web", 3);
      assert.equal(readdirSync(`/proc/${init.pid}/fd`).length, open, "nothing is left open");
    },
  );

  boxed("the first such program comes with a reload", async (box) => {
    const init = await box.init({ config: config(program("plain", actor("plain", ...GENTLE))) });
    await init.state("plain", "RUNNING");
    init.writeConfig(
      config(
        program("plain", actor("plain", ...GENTLE)),
        notifying("late", actor("late", "notify:READY=1", ...GENTLE)),
      ),
    );
    init.signal("SIGHUP");
    await init.httpStatus("/readyz/late", 200);
    assert.equal(init.events("plain", "start").length, 1);
  });

  boxed("nothing can be written: an abstract name does it", async (box) => {
    const init = await box.init({
      config: config(notifying("web", actor("web", "show:env", "notify:READY=1", ...GENTLE))),
      setup: [
        "mount -o remount,ro /run",
        "mount -t tmpfs -o ro tmpfs /dev/shm",
        "mount --bind /tmp /tmp",
        "mount --bind @DIR@ @DIR@",
        "mount -o remount,bind,ro /tmp /tmp",
      ].join("\n"),
    });
    await init.httpStatus("/readyz/web", 200);
    assert.match((await environmentOf(init, "web"))["NOTIFY_SOCKET"] ?? "", /^@/);
  });
});

describe("what tsinit says", { concurrency: 3 }, () => {
  const said = (init: Init): string[] => {
    const file = join(init.dir, "said");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  };

  for (const address of ["/run/manager.sock", "@manager"])
    conformance(109, `READY, STATUS, RELOADING and STOPPING go to NOTIFY_SOCKET=${address}`, async (box) => {
      const init = await box.init({
        setup: `(${MANAGER.join(" ")} listen ${address} @DIR@/said >@DIR@/up 2>&1 </dev/null &); while ! grep -q listening @DIR@/up; do sleep 0.02; done`,
        env: { PATH, NOTIFY_SOCKET: address, WATCHDOG_USEC: "400000" },
        config: config(
          program("a", actor("a", "show:env", ...GENTLE)),
          notifying("b", actor("b", "show:env", "on:USR1=notify:READY=1", ...GENTLE)),
        ),
      });
      await init.until("how many run", () =>
        said(init).find((line) => line === "STATUS=2 of 2 programs are running"),
      );
      await init.until("signs of life", () => said(init).filter((line) => line === "WATCHDOG=1").length >= 3);
      assert.ok(!said(init).includes("READY=1"), "b is not ready");
      const a = await environmentOf(init, "a");
      const b = await environmentOf(init, "b");
      assert.deepEqual(
        [a["NOTIFY_SOCKET"], a["WATCHDOG_USEC"], b["WATCHDOG_USEC"]],
        [undefined, undefined, undefined],
      );
      assert.notEqual(b["NOTIFY_SOCKET"], address);
      await init.rpc("signalProcess", "b", "USR1");
      await init.until("READY=1", () => said(init).includes("READY=1"));
      init.signal("SIGHUP");
      await init.until("RELOADING=1", () =>
        said(init).some((line) => /^RELOADING=1\|MONOTONIC_USEC=\d+$/.test(line)),
      );
      await init.until("READY=1 again", () => said(init).filter((line) => line === "READY=1").length === 2);
      await init.rpc("stopProcess", "a");
      await init.until("one less", () => said(init).includes("STATUS=1 of 2 programs are running"));
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
      assert.equal(said(init).filter((line) => line === "STOPPING=1").length, 1);
    });

  conformance(109, "nobody listens there: one warning, and everything works", async (box) => {
    const init = await box.init({
      env: { PATH, NOTIFY_SOCKET: "/run/nobody.sock" },
      config: config(program("a", actor("a", ...GENTLE))),
    });
    await init.httpStatus("/readyz", 200);
    await init.rpc("stopProcess", "a");
    await init.rpc("startProcess", "a");
    init.signal("SIGTERM");
    const { code, stderr } = await init.exit();
    assert.equal(code, 0);
    assert.equal(stderr.match(/NOTIFY_SOCKET=\/run\/nobody.sock: ENOENT/g)?.length, 1);
  });
});

describe("sockets handed over", { concurrency: 3 }, () => {
  const given = [...MANAGER, "sockets", "web,admin"];

  for (const [how, env] of [
    ["", {}],
    [
      " when variables steer Node",
      { UV_THREADPOOL_SIZE: "2", NODE_OPTIONS: "--no-warnings", LD_BIND_NOW: "1" },
    ],
  ] as const)
    conformance(110, `LISTEN_FDS go to the command with its own pid${how}`, async (box) => {
      const init = await box.init({
        wrapper: given,
        env: { PATH, ...env },
        args: [
          "--",
          ...actor("main", "show:env", "show:fds", "show:status", "show:argv", ...GENTLE).split(" "),
        ],
      });
      const { pid, data } = await init.event("main", "show:env");
      const environment = JSON.parse(data) as Record<string, string>;
      assert.deepEqual(
        ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"].map((name) => environment[name]),
        [`${pid}`, "2", "web:admin"],
      );
      for (const [name, value] of Object.entries(env)) assert.equal(environment[name], value, name);
      assert.ok(!Object.keys(environment).some((name) => name.startsWith("TSINIT_")));
      const fds = JSON.parse((await init.event("main", "show:fds")).data) as number[];
      assert.deepEqual(fds, [0, 1, 2, 3, 4]);
      const status = JSON.parse((await init.event("main", "show:status")).data) as Record<string, string>;
      // Python itself ignores PIPE and XFSZ.
      assert.equal(BigInt(`0x${status["SigIgn"]}`) & ~0x1001000n, 0n);
      assert.equal(BigInt(`0x${status["SigBlk"]}`), 0n);
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
    });

  conformance(
    110,
    "other programs see neither the sockets nor the variables; a restarted main has them again",
    async (box) => {
      const init = await box.init({
        wrapper: given,
        config: [
          "[tsinit]",
          "exit_when_done=false",
          program("side", actor("side", "show:env", "show:fds", ...GENTLE)),
        ].join("\n"),
        args: ["--", ...actor("main", "show:env", "show:fds", ...GENTLE).split(" ")],
      });
      const side = await environmentOf(init, "side");
      assert.ok(!Object.keys(side).some((name) => name.startsWith("LISTEN_")), JSON.stringify(side));
      assert.equal((await init.event("side", "show:fds")).data, "[0, 1, 2]");
      const first = await environmentOf(init, "main");
      const { pid } = await init.event("main", "show:env");
      assert.equal(first["LISTEN_PID"], `${pid}`);
      assert.equal((await init.event("main", "show:fds")).data, "[0, 1, 2, 3, 4]");
    },
  );

  conformance(
    110,
    "meant for another process they are not ours: left as they are, and closed",
    async (box) => {
      const init = await box.init({
        redirect: "3</dev/null",
        env: { PATH, LISTEN_PID: "4711", LISTEN_FDS: "1" },
        args: ["--", ...actor("main", "show:env", "show:fds", ...GENTLE).split(" ")],
      });
      const environment = await environmentOf(init, "main");
      assert.deepEqual([environment["LISTEN_PID"], environment["LISTEN_FDS"]], ["4711", "1"]);
      assert.equal((await init.event("main", "show:fds")).data, "[0, 1, 2]");
    },
  );

  conformance(110, "a command that cannot be run ends as it does without them", async (box) => {
    const init = await box.init({
      wrapper: given,
      setup: "printf '#!/no/such/interpreter\\n' >@DIR@/bad; chmod 755 @DIR@/bad",
      args: ["--", "@DIR@/bad"],
    });
    const { code, stderr } = await init.exit();
    assert.equal(code, 127);
    assert.match(stderr, /couldn't exec .*bad: ENOENT/);
  });
});
