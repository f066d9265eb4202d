/** Conformance F: the exit code of the container, and that it is told why. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import { PYTHON } from "./probe.ts";
import { actor, delay, FIXTURES, GENTLE, PATH, ROOT } from "./scene.ts";

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

describe("critical programs", { concurrency: 3 }, () => {
  conformance(
    70,
    "FATAL ends the container in order, with the program's code, and the last line says so",
    async (box) => {
      const init = await box.init({
        config: [
          program("db", actor("db", "on:TERM=sleep:0.3+note:end+exit:0", "hold"), "priority=1"),
          program("web", actor("web", "on:TERM=sleep:0.3+note:end+exit:0", "hold"), "priority=2"),
          program(
            "worker",
            actor("worker", "err:cannot reach it", "exit:3"),
            "priority=2",
            "critical=true",
            "startretries=1",
          ),
        ].join("\n"),
      });
      const ending = await init.exit();
      assert.equal(ending.code, 3);
      assert.equal(init.events("worker", "start").length, 2);
      const [web, db] = [init.events("web", "end")[0], init.events("db", "TERM")[0]];
      assert.ok(web !== undefined && db !== undefined && db.at >= web.at, "not stopped in order");
      assert.match(lastLine(ending.stderr), /^tsinit +\| .*exit 3.*worker.*(exit status 3|code 3)/);
    },
  );

  conformance(70, "where the program's own code is 0 the container's is 1", async (box) => {
    const ending = await box.run({
      config: program("worker", actor("worker", "exit:0"), "critical=true", "startretries=0", "startsecs=5"),
    });
    assert.equal(ending.code, 1);
    assert.match(lastLine(ending.stderr), /exit 1.*worker/);
  });

  conformance(
    70,
    "the termination log gets the reason and the last output, and is never created",
    async (box) => {
      const config = (path: string) =>
        [
          `[tsinit]\ntermination_log=${path}`,
          program(
            "worker",
            actor("worker", "err:no such database", "exit:3"),
            "critical=true",
            "startretries=0",
          ),
        ].join("\n");
      const there = await box.init({
        config: config("@DIR@/termination-log"),
        setup: ": > @DIR@/termination-log",
      });
      assert.equal((await there.exit()).code, 3);
      const text = readFileSync(join(there.dir, "termination-log"));
      assert.ok(text.length > 0 && text.length <= 4096, `${text.length} bytes`);
      assert.match(text.toString(), /worker/);
      assert.match(text.toString(), /no such database/);
      const absent = await box.init({ config: config("@DIR@/termination-log") });
      assert.equal((await absent.exit()).code, 3);
      assert.equal(existsSync(join(absent.dir, "termination-log")), false);
    },
  );

  for (const [signal, code] of [
    ["KILL", 137],
    ["SEGV", 139],
    ["TERM", 143],
  ] as const) {
    conformance(71, `killed by SIG${signal}: ${code}`, async (box) => {
      const ending = await box.run({
        config: program("worker", actor("worker", `kill:${signal}`), "critical=true", "startretries=0"),
      });
      assert.equal(ending.code, code);
      assert.match(lastLine(ending.stderr), new RegExp(`exit ${code}.*worker.*SIG${signal}`));
    });
  }

  conformance(
    71,
    "killed by the kernel for its memory: 137, and the last line names program and signal",
    async (box) => {
      const group = memoryGroup(64 * 1024 * 1024);
      try {
        const eater = `${PYTHON} -I -S -c "x = [bytes(1000000) + bytes([1]) * 4000000 for _ in range(1000)]"`;
        const init = await box.init({
          setup: `cat > @DIR@/eat.sh <<'END'\n#!/bin/sh\necho $$ > ${group}/cgroup.procs\nexec ${eater}\nEND\nchmod 755 @DIR@/eat.sh`,
          config: program("eater", "@DIR@/eat.sh", "critical=true", "startretries=0", "startsecs=30"),
        });
        const ending = await init.exit();
        assert.equal(ending.code, 137);
        assert.match(lastLine(ending.stderr), /exit 137.*eater.*SIGKILL/);
      } finally {
        await removeGroup(group);
      }
    },
  );

  conformance(
    72,
    "a FATAL program that is not critical: the rest runs on, and it shows everywhere",
    async (box) => {
      const init = await box.init({
        config: [
          program("bad", actor("bad", "exit:4"), "startretries=0"),
          program("good", actor("good", ...GENTLE)),
        ].join("\n"),
      });
      await init.line(/gave up: bad entered FATAL/);
      await init.state("good", "RUNNING");
      assert.equal((await init.http("/livez")).status, 200);
      const ready = await init.http("/readyz?verbose");
      assert.equal(ready.status, 503);
      assert.match(ready.body, /^\[-\]bad failed: FATAL/m);
      assert.match(ready.body, /^\[\+\]good ok/m);
      const { body } = await init.http("/metrics");
      assert.match(body, /^tsinit_program_state\{group="bad",program="bad",state="FATAL"\} 1$/m);
      await delay(500);
      assert.equal(init.events("good").length, 1);
    },
  );

  conformance(
    79,
    "the code of the first FATAL survives a slow shutdown and all that happens in it",
    async (box) => {
      const init = await box.init({
        config: [
          program(
            "slow",
            actor("slow", "on:TERM=sleep:1.5+exit:9", "hold"),
            "critical=true",
            "priority=1",
            "exitcodes=0",
          ),
          program("bad", actor("bad", "exit:3"), "critical=true", "startretries=0", "priority=2"),
          program("other", actor("other", "on:TERM=exit:5", "hold"), "critical=true", "priority=2"),
        ].join("\n"),
      });
      await init.event("slow", "TERM");
      init.signal("SIGTERM");
      init.signal("SIGQUIT");
      const ending = await init.exit();
      assert.equal(ending.code, 3);
      assert.match(lastLine(ending.stderr), /exit 3.*bad/);
    },
  );
});

/** A fresh memory control group, version 1 or 2. */
function memoryGroup(bytes: number): string {
  const name = `tsinit-test-${process.pid}`;
  const path = existsSync("/sys/fs/cgroup/memory")
    ? `/sys/fs/cgroup/memory/${name}`
    : `/sys/fs/cgroup/${name}`;
  if (!existsSync("/sys/fs/cgroup/memory")) writeFileSync("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  mkdirSync(path);
  const limit = existsSync(join(path, "memory.max")) ? "memory.max" : "memory.limit_in_bytes";
  writeFileSync(join(path, limit), String(bytes));
  return path;
}

/** The kernel empties a group a moment after its last process is gone. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return rmdirSync(path);
    } catch {
      await delay(20);
    }
  }
  rmdirSync(path);
}

describe("other endings", { concurrency: 3 }, () => {
  conformance(73, "everything done as expected: ends with 0 at once", async (box) => {
    const init = await box.init({
      config: ["a", "b"]
        .map((name) => program(name, actor(name, "sleep:0.5", "note:end", "exit:0"), "startsecs=0"))
        .join("\n"),
    });
    const end = await init.event("b", "end");
    const ending = await init.exit();
    assert.equal(ending.code, 0);
    const took = Number(process.hrtime.bigint()) / 1e6 - end.at;
    assert.ok(took < 8000, `it took ${took} ms`);
  });

  conformance(73, "exit_when_done=false stays", async (box) => {
    const init = await box.init({
      config: `[tsinit]\nexit_when_done=false\n${program("a", "/bin/true", "startsecs=0")}`,
    });
    await init.line(/exited: a \(exit status 0; expected\)/);
    await delay(800);
    assert.equal((await init.http("/livez")).status, 200);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(75, "SIGTERM gives 0 though a program answers it with 143", async (box) => {
    const init = await box.init({
      config: [program("a", actor("a", "on:TERM=exit:143", "hold")), program("b", "/bin/sleep 1000")].join(
        "\n",
      ),
    });
    await init.line(/success: b entered RUNNING/);
    await init.event("a", "start");
    init.signal("SIGTERM");
    const ending = await init.exit();
    assert.equal(ending.code, 0);
    assert.match(lastLine(ending.stderr), /exit 0/);
  });

  conformance(
    75,
    "with one command alone the code is the command's: 143 by TERM, or what it says",
    async (box) => {
      const killed = await box.init({ args: ["--", "sleep", "1000"] });
      await killed.until("the sleep", () => killed.processes().some((each) => each.name === "sleep"));
      killed.signal("SIGTERM");
      assert.equal((await killed.exit()).code, 143);
      const init = await box.init({ args: ["--", ...actor("main", "on:TERM=exit:7", "hold").split(" ")] });
      await init.event("main", "start");
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 7);
    },
  );

  conformance(
    75,
    "main beside a config: its end ends the container with its code, TERM gives 0",
    async (box) => {
      const config = program("web", actor("web", ...GENTLE));
      const ended = await box.init({ config, args: ["--", "sh", "-c", "sleep 1; echo out; exit 6"] });
      await ended.event("web", "start");
      const ending = await ended.exit();
      assert.equal(ending.code, 6);
      assert.match(ending.stdout, /^main +\| out$/m);
      assert.equal(ended.events("web", "TERM").length, 1);
      const stopped = await box.init({
        config,
        args: ["--", ...actor("main", "on:TERM=exit:9", "hold").split(" ")],
      });
      await stopped.event("main", "start");
      await stopped.line(/success: web entered RUNNING/);
      stopped.signal("SIGTERM");
      assert.equal((await stopped.exit()).code, 0);
    },
  );

  conformance(
    76,
    "the shutdown deadline kills: the code stays 0 and the log names the victims",
    async (box) => {
      const init = await box.init({
        config: `[tsinit]\nshutdown_timeout=1\n${program("deaf", actor("deaf", "on:TERM=", "hold"), "stopwaitsecs=60")}`,
      });
      await init.line(/success: deaf entered RUNNING/);
      init.signal("SIGTERM");
      const ending = await init.exit();
      assert.equal(ending.code, 0);
      assert.ok(
        init
          .own()
          .some((line) => /deaf/.test(line) && /(shutdown_timeout|deadline|SIGKILL|kill)/i.test(line)),
      );
    },
  );

  conformance(77, "config errors: all of them at once, exit 2, nothing was started", async (box) => {
    const init = await box.init({
      config: [
        "[tsinit]",
        "start_gaet=running",
        program("ok", actor("ok", ...GENTLE)),
        program("a", "/bin/true", "startsecs=soon", "autorestart=perhaps"),
        program("b", "/bin/true", "stopsignal=NOPE"),
      ].join("\n"),
    });
    const ending = await init.exit();
    assert.equal(ending.code, 2);
    assert.equal(init.events().length, 0);
    for (const [line, section, key] of [
      [2, "tsinit", "start_gaet"],
      [7, "program:a", "startsecs"],
      [8, "program:a", "autorestart"],
      [11, "program:b", "stopsignal"],
    ] as const) {
      assert.ok(
        ending.stderr.split("\n").some((each) => each.includes(`tsinit.ini:${line}: [${section}] ${key}:`)),
        `no error for ${section} ${key} in line ${line}\n${ending.stderr}`,
      );
    }
  });

  conformance(77, "a program key that nobody knows is a warning that names the nearest one", async (box) => {
    const init = await box.init({ config: program("a", actor("a", ...GENTLE), "autorestrat=true") });
    await init.event("a", "start");
    await init.line(/WARN.*autorestrat.*autorestart/);
  });

  for (const [what, args] of [
    ["an unknown option", ["--no-such-option"]],
    ["a config that is not there", ["-c", "/nonexistent/tsinit.ini"]],
    ["no program at all", []],
  ] as const) {
    conformance(77, `${what}: exit 2 with a reason`, async (box) => {
      const ending = await box.run({ args });
      assert.equal(ending.code, 2);
      assert.notEqual(ending.stderr.trim(), "");
    });
  }

  conformance(80, "an error of its own: the children are stopped, 70, the stack on stderr", async (box) => {
    // The sources with a planted error, which the executable itself offers no way to plant.
    const init = await box.init({
      binary: join(ROOT, "node_modules/.bin/node"),
      args: [
        "--disable-warning=ExperimentalWarning",
        "--disable-sigusr1",
        `--require=${join(FIXTURES, "throw-later.cjs")}`,
        join(ROOT, "src/main.ts"),
        "-c",
        "@DIR@/planted.ini",
      ],
      env: { PATH, THROW_WHEN: "@DIR@/throw" },
      setup: `cat > @DIR@/planted.ini <<'END'\n${program("a", actor("a", ...GENTLE))}\nEND`,
    });
    await init.line(/success: a entered RUNNING/);
    await init.run("touch", "@DIR@/throw");
    const ending = await init.exit(10_000);
    assert.equal(ending.code, 70);
    assert.equal(init.events("a", "TERM").length, 1);
    assert.match(ending.stderr, /planted error/);
    assert.match(ending.stderr, /throw-later\.cjs/, "no stack");
    assert.match(lastLine(ending.stderr), /exit 70/);
  });
});

describe("every code", () => {
  conformance(74, "all 256 codes of one command are returned unchanged", async (box) => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const seen: (number | null)[] = [];
    const worker = async () => {
      for (let code = codes.shift(); code !== undefined; code = codes.shift()) {
        const init = await box.init({ args: ["--", "sh", "-c", `exit ${code}`] });
        seen[code] = (await init.exit()).code;
        await init.close();
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    assert.deepEqual(
      seen,
      Array.from({ length: 256 }, (_, code) => code),
    );
  });
});
