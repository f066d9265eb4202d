/** Conformance B: what signals to PID 1 do, and what they must never do. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { plantFault } from "./fault.ts";
import { conformance } from "./harness.ts";
import { inSignalSet } from "./processes.ts";
import { actor, delay, GENTLE, monotonic } from "./scene.ts";

const TERM = 15;

/** Words of a command line for `tsinit -- …`: an actor that plays these steps. */
const acting = (name: string, ...steps: string[]): string[] => actor(name, ...steps).split(" ");

describe("shutdown by signal", { concurrency: 3 }, () => {
  const endings: [number, NodeJS.Signals][] = [
    [18, "SIGTERM"],
    [19, "SIGINT"],
    [20, "SIGQUIT"],
  ];
  for (const [scenario, signal] of endings) {
    conformance(scenario, `${signal} stops all programs in order and ends with 0`, async (box) => {
      const init = await box.init({
        config: ["a", "b"].map((name) => `[program:${name}]\ncommand=${actor(name, ...GENTLE)}`).join("\n"),
      });
      await init.event("a", "start");
      await init.event("b", "start");
      await init.line(/success: b entered RUNNING/);
      init.signal(signal);
      const ending = await init.exit();
      assert.equal(ending.code, 0, init.report());
      assert.equal(init.events("a", "TERM").length, 1);
      assert.equal(init.events("b", "TERM").length, 1);
      assert.match(ending.stderr, new RegExp(`received ${signal} indicating exit request`));
      assert.match(ending.stderr.trim().split("\n").at(-1) ?? "", /^tsinit +\| .*exit 0/);
    });
  }

  for (const [first, second] of [
    ["SIGTERM", "SIGTERM"],
    ["SIGTERM", "SIGINT"],
    ["SIGINT", "SIGTERM"],
  ] as const) {
    conformance(21, `${second} after ${first} kills now`, async (box) => {
      const init = await box.init({
        config: `[program:a]\ncommand=${actor("a", "on:TERM=", "child:on:TERM=~hold", "hold")}\nstopwaitsecs=100\nstopasgroup=true`,
      });
      await init.event("a.child", "start");
      await init.line(/success: a entered RUNNING/);
      init.signal(first);
      await init.event("a", "TERM");
      await delay(300);
      const began = performance.now();
      init.signal(second);
      assert.equal((await init.exit()).code, 0);
      assert.ok(performance.now() - began < 15_000, "the second signal must skip the waiting");
      assert.equal(init.events("a", "TERM").length, 1);
    });
  }

  conformance(22, "SIGHUP rereads: what did not change keeps its process", async (box) => {
    const same = `[program:same]\ncommand=${actor("same", ...GENTLE)}`;
    const init = await box.init({
      config: `${same}\n[program:old]\ncommand=${actor("old", "on:TERM=sleep:1+exit:0", "hold")}`,
    });
    const { pid } = await init.event("same", "start");
    await init.line(/success: old entered RUNNING/);
    init.writeConfig(`${same}\n[program:new]\ncommand=${actor("new", "on:TERM=sleep:1+exit:0", "hold")}`);
    init.signal("SIGHUP");
    await init.event("new", "start");
    await init.event("old", "TERM");
    assert.equal((await init.state("same", "RUNNING"))["pid"], pid);
    assert.equal(init.events("same").length, 1);

    const asked = init.lines.length;
    await init.line(/success: new entered RUNNING/);
    init.signal("SIGTERM");
    await init.event("new", "TERM");
    init.signal("SIGHUP");
    await init.line(/SIGHUP/, { after: asked });
    assert.equal((await init.exit()).code, 0);
    assert.equal(init.events("new", "start").length, 1);
  });

  conformance(24, "a program gets its own stop signal, exactly once, and nothing else", async (box) => {
    const init = await box.init({
      config: `[program:web]\ncommand=${actor("web", "on:all=", "on:QUIT=sleep:0.3+exit:0", "hold")}\nstopsignal=QUIT`,
    });
    await init.line(/success: web entered RUNNING/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    assert.deepEqual(
      init.events("web").map((each) => each.event),
      ["start", "QUIT"],
    );
  });

  conformance(
    29,
    "SIGTERM right after the start: nothing is started any more, exit 0 at once",
    async (box) => {
      // From the first moment the process can hear it, then at growing distances from its start.
      for (const ms of [-1, 10, 20, 30, 40, 50, 60, 80]) {
        const init = await box.init({
          config: `[program:a]\ncommand=${actor("a", ...GENTLE)}\nstopwaitsecs=60`,
        });
        if (ms < 0) {
          await init.until(
            "a handler for TERM",
            () => inSignalSet(init.pid, "SigCgt", TERM) || null,
            5000,
            1,
          );
        } else {
          await delay(ms);
        }
        const heard = inSignalSet(init.pid, "SigCgt", TERM);
        const began = performance.now();
        const known = init.events("a", "start").length;
        init.signal("SIGTERM");
        if (!heard) {
          // The kernel drops what PID 1 has no handler for: ask again once it has one.
          await init.until(
            "a handler for TERM",
            () => inSignalSet(init.pid, "SigCgt", TERM) || null,
            5000,
            1,
          );
          await delay(50);
          init.signal("SIGTERM");
        }
        const ending = await init.exit();
        assert.equal(ending.code, 0, `after ${ms} ms\n${init.report()}`);
        assert.ok(
          performance.now() - began < 15_000,
          `after ${ms} ms it took ${performance.now() - began} ms`,
        );
        if (ms < 0) assert.equal(init.events("a", "start").length, known, "a program was started after TERM");
      }
    },
  );

  conformance(30, "SIGTERM while a program is in BACKOFF does not wait for the retry", async (box) => {
    const init = await box.init({
      config:
        "[program:bad]\ncommand=/bin/sh -c 'exit 1'\nrestart_delay=30\n[program:good]\ncommand=/bin/sleep 1000",
    });
    await init.state("bad", "BACKOFF");
    const began = performance.now();
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    assert.ok(performance.now() - began < 15_000, "it waited for the retry");
  });

  conformance(31, "SIGTERM while a program waits for an earlier tier: it never starts", async (box) => {
    const init = await box.init({
      config: [
        `[program:first]\ncommand=${actor("first", ...GENTLE)}\nstartsecs=60\npriority=1`,
        `[program:second]\ncommand=${actor("second", ...GENTLE)}\npriority=2`,
      ].join("\n"),
    });
    await init.event("first", "start");
    await delay(300);
    const began = performance.now();
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
    assert.ok(performance.now() - began < 15_000);
    assert.equal(init.events("second").length, 0);
  });
});

describe("other signals", { concurrency: 3 }, () => {
  conformance(
    23,
    "USR1, USR2 and WINCH go to programs that ask for them and never end PID 1",
    async (box) => {
      const init = await box.init({
        config: [
          `[program:a]\ncommand=${actor("a", "on:all=", "on:TERM=exit:0", "hold")}\nforward_signals=USR1, USR2:HUP, WINCH`,
          `[program:b]\ncommand=${actor("b", "on:all=", "on:TERM=exit:0", "hold")}`,
        ].join("\n"),
      });
      await init.line(/success: b entered RUNNING/);
      const expected = ["start"];
      for (const [sent, got] of [
        ["SIGUSR1", "USR1"],
        ["SIGUSR2", "HUP"],
        ["SIGWINCH", "WINCH"],
      ] as const) {
        init.signal(sent);
        await init.event("a", got);
        expected.push(got);
      }
      for (const signal of [
        "SIGALRM",
        "SIGVTALRM",
        "SIGPROF",
        "SIGIO",
        "SIGPWR",
        "SIGXCPU",
        "SIGURG",
      ] as const) {
        init.signal(signal);
      }
      assert.equal((await init.http("/livez")).status, 200);
      assert.deepEqual(
        init.events("a").map((each) => each.event),
        expected,
      );
      assert.equal(init.events("b").length, 1);
      assert.doesNotMatch(init.stderr.text(), /Debugger|inspector/i);
      init.signal("SIGTERM");
      assert.equal((await init.exit()).code, 0);
    },
  );

  conformance(24, "a forwarded signal arrives rewritten, once", async (box) => {
    const init = await box.init({
      config: `[program:web]\ncommand=${actor("web", "on:all=", "on:TERM=exit:0", "hold")}\nforward_signals=USR1:WINCH`,
    });
    await init.line(/success: web entered RUNNING/);
    init.signal("SIGUSR1");
    await init.event("web", "WINCH");
    await delay(200);
    assert.deepEqual(
      init.events("web").map((each) => each.event),
      ["start", "WINCH"],
    );
  });

  conformance(25, "one command alone gets every signal that can be passed on, in order", async (box) => {
    const names = [
      "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU",
    ]
      .concat("URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS")
      .join(" ")
      .split(" ");
    const init = await box.init({ args: ["--", ...acting("main", "on:all=", "hold")] });
    await init.event("main", "start");
    // A PIPE or XFSZ this soon after its own writes would be taken for one of its own making.
    await delay(300);
    for (const [index, name] of names.entries()) {
      init.signal(`SIG${name}` as NodeJS.Signals);
      await init.until(`${name} to arrive`, () => init.events("main").length >= index + 2, 5000);
    }
    await delay(200);
    const heard = init.events("main").map((each) => each.event.replace("POLL", "IO"));
    assert.deepEqual(heard, ["start", ...names]);
    assert.equal(init.processes().filter((each) => each.pid === 1)[0]?.state === "T", false);
  });

  conformance(26, "a fault of PID 1 itself is not passed on, and the container ends", async (box) => {
    const init = await box.init({ args: ["--", ...acting("main", "on:all=", "hold")] });
    await init.event("main", "start");
    await delay(300);
    plantFault(init.pid);
    init.signal("SIGCHLD");
    const ending = await init.exit(10_000);
    assert.ok(ending.signal !== null || (ending.code ?? 0) !== 0, `ended with ${ending.code}`);
    assert.deepEqual(
      init.events("main").filter((each) => ["ILL", "SEGV", "BUS", "FPE", "TRAP"].includes(each.event)),
      [],
    );
  });

  conformance(27, "signals during spawns are not lost and never hit a half-made child", async (box) => {
    const init = await box.init({
      config: [
        `[program:steady]\ncommand=${actor("steady", "on:USR1=", ...GENTLE)}\nforward_signals=USR1`,
        ...["x", "y"].map(
          (n) => `[program:${n}]\ncommand=/bin/sh -c "exit 7"\nautorestart=true\nstartsecs=0`,
        ),
      ].join("\n"),
    });
    await init.line(/success: steady entered RUNNING/);
    for (let count = 1; count <= 150; count++) {
      init.signal("SIGWINCH");
      init.signal("SIGUSR1");
      init.signal("SIGCHLD");
      await init.event("steady", "USR1", { count });
    }
    const { body } = await init.http("/metrics");
    const exits = body
      .split("\n")
      .filter((line) => /^tsinit_program_exits_total\{.*program="[xy]"/.test(line));
    assert.deepEqual(
      exits.map((line) => /status="([^"]*)"/.exec(line)?.[1]),
      ["7", "7"],
      "a child ended otherwise than by itself",
    );
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(28, "a signal to a program that has just died is no event at all", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=/bin/sh -c "exec sleep 1000"\nautorestart=true\nstartsecs=0\nforward_signals=USR1`,
    });
    await init.line(/success: a entered RUNNING/);
    const until = monotonic() + 1500;
    while (monotonic() < until) {
      for (let count = 0; count < 5; count++) init.signal("SIGUSR1");
      await delay(2);
    }
    assert.equal((await init.http("/livez")).status, 200);
    await init.state("a", "RUNNING");
    assert.doesNotMatch(init.stderr.text(), /ESRCH|unknown problem|CRIT/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(33, "TSTP, TTIN and TTOU never stop PID 1", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "on:all=", "on:TERM=exit:0", "hold")}`,
    });
    await init.line(/success: a entered RUNNING/);
    for (const signal of ["SIGTSTP", "SIGTTIN", "SIGTTOU"] as const) {
      init.signal(signal);
      await delay(50);
      assert.notEqual(init.processes().find((each) => each.pid === 1)?.state, "T");
      assert.equal((await init.http("/livez")).status, 200);
    }
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });
});

describe("on a terminal", { concurrency: 2 }, () => {
  conformance(
    32,
    "a shell has job control, ctrl-C hits the foreground, its exit code is returned",
    async (box) => {
      const init = await box.init({ args: ["--", "sh", "-i"], terminal: true });
      init.type("echo mark$((1+1))\n");
      await init.line(/mark2/);
      init.type("sleep 1000\n");
      const sleeper = await init.until("the sleep", () =>
        init.processes().find((each) => each.name === "sleep"),
      );
      const shell = init.processes().find((each) => each.command === "sh -i");
      assert.ok(shell !== undefined && sleeper.group !== shell.group, `no job control\n${init.report()}`);
      init.type("\x03");
      await init.until("ctrl-C to end it", () => !init.processes().some((each) => each.name === "sleep"));
      init.type("echo alive$?\n");
      await init.line(/alive130/);
      assert.doesNotMatch(init.stdout.text(), /job control turned off|can't access tty/);
      init.type("exit 7\n");
      assert.equal((await init.exit()).code, 7);
    },
  );

  conformance(
    32,
    "with a config, main has the terminal and the others keep running under it",
    async (box) => {
      const init = await box.init({
        config: `[program:web]\ncommand=${actor("web", ...GENTLE)}`,
        args: ["--", "sh", "-i"],
        terminal: true,
      });
      await init.event("web", "start");
      init.type("echo mark$((1+1))\n");
      await init.line(/mark2/);
      init.type("sleep 1000\n");
      await init.until("the sleep", () => init.processes().find((each) => each.name === "sleep"));
      init.type("\x03");
      await init.until("ctrl-C to end it", () => !init.processes().some((each) => each.name === "sleep"));
      assert.equal(init.events("web").length, 1, "ctrl-C reached a background program");
      init.type("exit 5\n");
      assert.equal((await init.exit()).code, 5);
      assert.equal(init.events("web", "TERM").length, 1);
    },
  );
});
