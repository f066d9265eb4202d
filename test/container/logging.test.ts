/** Conformance G: programs' output on the container's stdout and stderr. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import { PYTHON } from "./probe.ts";
import { statusField } from "./processes.ts";
import { actor, delay, FIXTURES, GENTLE, PATH } from "./scene.ts";

const spew = (lines: number, width: number): string =>
  `${PYTHON} -I -S ${join(FIXTURES, "spew.py")} ${lines} ${width} @DIR@/sum`;

describe("lines", { concurrency: 3 }, () => {
  conformance(
    81,
    "each line behind its program's name, stdout to stdout, stderr to stderr, in order",
    async (box) => {
      const init = await box.init({
        config: [
          `[program:a]\ncommand=${actor("a", "out:one", "err:oops", "out:two", "out:", "out:three", ...GENTLE)}`,
          `[program:longername]\ncommand=${actor("longername", "out:hello", ...GENTLE)}`,
        ].join("\n"),
      });
      await init.line(/three/);
      await init.line(/hello/);
      await init.line(/oops/);
      const a = init.stdout.lines.map((line) => line.text).filter((text) => text.startsWith("a "));
      assert.deepEqual(a, ["a          | one", "a          | two", "a          | ", "a          | three"]);
      assert.ok(init.stdout.lines.some((line) => line.text === "longername | hello"));
      assert.deepEqual(
        init.stderr.lines.map((line) => line.text).filter((text) => text.startsWith("a ")),
        ["a          | oops"],
      );
      assert.ok(
        init.stderr.lines.every(
          (line) => /^(tsinit {5}|a {10}|longername ?)\| /.test(line.text) || line.text.startsWith("a "),
        ),
      );
      await init.line(/INFO spawned: 'a' with pid \d+$/);
    },
  );

  conformance(82, "lines of two writers never mix: 2 × 10,000 of 200 bytes", async (box) => {
    const init = await box.init({
      config: ["a", "b"]
        .map((n) => `[program:${n}]\ncommand=${actor(n, "spew:10000,200", "exit:0")}\nstartsecs=0`)
        .join("\n"),
    });
    const ending = await init.exit(60_000);
    assert.equal(ending.code, 0);
    const next = new Map([
      ["a", 0],
      ["b", 0],
    ]);
    for (const text of ending.stdout.trimEnd().split("\n")) {
      const name = text[0] ?? "";
      const index = next.get(name) ?? -1;
      const body = `${name} ${String(index).padStart(8, "0")} `;
      assert.equal(text, `${name}      | ${body}${"x".repeat(200 - body.length)}`);
      next.set(name, index + 1);
    }
    assert.deepEqual([...next.values()], [10_000, 10_000]);
  });

  conformance(83, "an unfinished line at the end is written once, with a newline, at once", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "raw:no newline", "note:end", "exit:0")}\nstartsecs=0\n[program:b]\ncommand=/bin/sleep 1000`,
    });
    const end = await init.event("a", "end");
    const line = await init.line(/no newline/);
    const at = Number(process.hrtime.bigint()) / 1e6 - (performance.now() - line.at);
    assert.ok(at - end.at < 600, `it came ${at - end.at} ms after the end`);
    await init.line(/exited: a/);
    assert.match(init.stdout.text(), /^a +\| no newline\n$/);
  });

  conformance(85, "any bytes pass unchanged: NUL, invalid UTF-8, colours, CR", async (box) => {
    const all = [...Array(256).keys()].filter((byte) => byte !== 10);
    const octal = all.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    const init = await box.init({
      setup: `printf '${octal}\\n\\033[31mred\\033[0m\\r\\n' > @DIR@/bytes`,
      config: `[program:a]\ncommand=/bin/cat @DIR@/bytes\nstartsecs=0`,
    });
    await init.exit();
    const prefix = Buffer.from("a      | ");
    const expected = Buffer.concat([
      prefix,
      Buffer.from(all),
      Buffer.from("\n"),
      prefix,
      Buffer.from("\x1b[31mred\x1b[0m\r\n"),
    ]);
    assert.deepEqual(init.stdout.bytes(), expected);
  });

  conformance(91, "the last words of a program come before the line that says it died", async (box) => {
    const runs = 10;
    const init = await box.init({
      output: "merged",
      config: `[program:a]\ncommand=${actor("a", "out:last words", "err:last error", "kill:KILL")}\nstartsecs=0\nautorestart=true`,
    });
    await init.until(
      "some runs",
      () => init.lines.filter((line) => /exited: a \(terminated by SIGKILL/.test(line.text)).length >= runs,
    );
    let words = 0;
    let errors = 0;
    let exits = 0;
    for (const { text } of init.lines) {
      if (/^a +\| last words/.test(text)) words += 1;
      if (/^a +\| last error/.test(text)) errors += 1;
      if (!/exited: a /.test(text)) continue;
      exits += 1;
      assert.ok(
        words >= exits && errors >= exits,
        `exit ${exits} came before its last words\n${init.report()}`,
      );
    }
  });

  conformance(92, "secrets of the environment appear in none of its own output", async (box) => {
    const secret = "hunter2-do-not-tell";
    const init = await box.init({
      env: { PATH, API_TOKEN: secret, TSINIT_PROGRAM_ENVY: "/bin/sleep 1000" },
      config: [
        `[program:a]\ncommand=${actor("a", "exit:1")}\nenvironment=DB_PASSWORD="${secret}"\nstartretries=1`,
        `[program:b]\ncommand=${actor("b", "show:env", ...GENTLE)}\nenvironment=DB_PASSWORD="${secret}"`,
      ].join("\n"),
    });
    const env = JSON.parse((await init.event("b", "show:env")).data);
    assert.equal(env.DB_PASSWORD, secret);
    await init.line(/gave up: a/);
    const answers = await Promise.all(
      ["/livez?verbose", "/readyz?verbose", "/startupz?verbose", "/metrics", "/nosuch", "/readyz/a"].map(
        (path) => init.http(path),
      ),
    );
    for (const answer of answers) assert.ok(!answer.body.includes(secret));
    assert.ok(!JSON.stringify(await init.rpc("getAllProcessInfo")).includes(secret));
    init.signal("SIGHUP");
    init.signal("SIGTERM");
    const ending = await init.exit();
    assert.ok(!ending.stderr.includes(secret) && !ending.stdout.includes(secret));
  });
});

describe("the container's stdout", { concurrency: 2 }, () => {
  conformance(87, "a stuck stdout stops neither signals nor probes", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: [
        `[program:loud]\ncommand=${actor("loud", "spew:400000,100", ...GENTLE)}`,
        `[program:quiet]\ncommand=${actor("quiet", "on:USR1=", ...GENTLE)}\nforward_signals=USR1\nautorestart=true`,
      ].join("\n"),
    });
    const { pid } = await init.event("quiet", "start");
    await init.httpStatus("/readyz", 200);
    await delay(1500);
    for (let count = 1; count <= 5; count++) {
      assert.ok((await init.http("/livez")).ms < 5000);
      init.signal("SIGUSR1");
      await init.event("quiet", "USR1", { count });
    }
    process.kill(init.outer(pid), "SIGKILL");
    await init.event("quiet", "start", { count: 2 });
    const rss = Number(statusField(init.pid, "RssAnon")?.split(" ")[0]);
    assert.ok(rss < 100_000, `${rss} KB held`);
    const began = performance.now();
    init.signal("SIGTERM");
    const ending = await init.until("PID 1 to end", () => init.processes().length === 0, 20_000);
    assert.equal(ending, true);
    assert.ok(performance.now() - began < 15_000);
    init.releaseStdout();
    assert.equal((await init.exit()).code, 0);
  });

  conformance(87, "log_overflow=drop: the program is not held up and the loss is told", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: `[tsinit]\nlog_overflow=drop\n[program:loud]\ncommand=${actor("loud", "spew:100000,100", "note:written", ...GENTLE)}`,
    });
    await init.event("loud", "written", { timeout: 30_000 });
    init.releaseStdout();
    await init.line(/loud.*(dropped|drop)|(dropped|drop).*loud/i);
    const { body } = await init.http("/metrics");
    const dropped =
      /^tsinit_program_log_dropped_bytes_total\{.*program="loud".*stream="stdout".*\} (\d+)/m.exec(body);
    assert.ok(Number(dropped?.[1]) > 1_000_000, body);
  });

  const MEGABYTES = 200;
  conformance(88, `${MEGABYTES} MB at full speed: nothing lost, memory bounded`, async (box) => {
    const width = 100;
    const lines = (MEGABYTES * 1_000_000) / width;
    const digest = createHash("sha256");
    const prefix = "a      | ";
    let rest: Buffer = Buffer.alloc(0);
    let seen = 0;
    let wrong = 0;
    const full = prefix.length + width;
    const init = await box.init({
      config: `[program:a]\ncommand=${spew(lines, width)}\nstartsecs=0\n[program:b]\ncommand=/bin/sleep 1000`,
      onStdout: (chunk) => {
        const data = Buffer.concat([rest, chunk]);
        let at = 0;
        for (; at + full <= data.length; at += full) {
          if (data.toString("latin1", at, at + prefix.length) !== prefix) wrong += 1;
          digest.update(data.subarray(at + prefix.length, at + full));
          seen += 1;
        }
        rest = data.subarray(at);
      },
    });
    let rss = 0;
    const began = performance.now();
    await init.until(
      `${lines} lines`,
      () => {
        rss = Math.max(rss, Number(statusField(init.pid, "RssAnon")?.split(" ")[0]));
        return seen === lines;
      },
      120_000,
      50,
    );
    const rate = MEGABYTES / ((performance.now() - began) / 1000);
    assert.equal(wrong, 0, "lines without their prefix");
    await init.line(/exited: a \(exit status 0; expected\)/);
    assert.equal(digest.digest("hex"), readFileSync(join(init.dir, "sum"), "utf8"));
    assert.ok(rss < 100_000, `${rss} KB of private memory`);
    assert.ok(rate > 20, `${rate.toFixed(0)} MB/s`);
  });

  for (const output of ["sockets", "files"] as const) {
    conformance(89, `stdout and stderr are ${output} and the user is not root`, async (box) => {
      const init = await box.init({
        output,
        user: { uid: 4711, gid: 4711 },
        config: `[tsinit]\ncontrol=none\n[program:a]\ncommand=${actor("a", "out:said", "err:shouted", ...GENTLE)}\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0`,
      });
      await init.httpStatus("/readyz", 200);
      init.signal("SIGTERM");
      const ending = await init.exit();
      const text = (name: "stdout" | "stderr") =>
        output === "files" ? readFileSync(join(init.dir, name), "utf8") : ending[name];
      assert.equal(ending.code, 0);
      assert.match(text("stdout"), /^a +\| said$/m);
      assert.match(text("stderr"), /^a +\| shouted$/m);
    });
  }

  conformance(89, "stdout is a terminal and the user is not root", async (box) => {
    const init = await box.init({
      terminal: true,
      user: { uid: 4711, gid: 4711 },
      env: { PATH, NO_COLOR: "1" },
      config: `[tsinit]\ncontrol=none\n[program:a]\ncommand=${actor("a", "out:said", ...GENTLE)}`,
    });
    await init.line(/^a +\| said/);
    init.type("\x03");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(
    89,
    "programs may open /dev/stdout and /dev/stderr themselves, under their own user",
    async (box) => {
      const init = await box.init({
        config: [
          "[program:a]\ncommand=/bin/sh -c 'echo to-stdout > /dev/stdout; echo to-stderr > /dev/stderr; exec sleep 1000'",
          "user=nobody\n[program:b]\ncommand=/bin/sh -c 'echo root > /proc/self/fd/2; exec sleep 1000'",
        ].join("\n"),
      });
      assert.equal((await init.line(/a +\| to-stdout/)).stream, "stdout");
      assert.equal((await init.line(/a +\| to-stderr/)).stream, "stderr");
      assert.equal((await init.line(/b +\| root/)).stream, "stderr");
    },
  );
});
