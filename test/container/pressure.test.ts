/**
 * Whoever reads the container's output is slow, stuck, gone or out of disk: only those wait whose output it is, nothing is
 * lost that need not be, memory is bounded, and no description that others share is changed.
 */
import assert from "node:assert/strict";
import { constants, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { describe } from "node:test";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { readText, statusField } from "./processes.ts";
import { actor, delay, FIXTURES, GENTLE, type InitOptions, PATH } from "./scene.ts";

const O_NONBLOCK = 0o4000;

const spew = (name: string, lines: number): string =>
  `${PYTHON} -I -S ${join(FIXTURES, "spew.py")} ${lines} 100 @DIR@/${name}.sum`;

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

/** O_NONBLOCK of descriptors 0, 1 and 2 of a process (pid out here), as fcntl(2) F_GETFL would tell. */
function nonBlocking(pid: number): boolean[] {
  return [0, 1, 2].map((fd) => {
    const flags = /^flags:\s+(\d+)/m.exec(readText(`/proc/${pid}/fdinfo/${fd}`) ?? "")?.[1];
    assert.ok(flags !== undefined, `descriptor ${fd} of ${pid}`);
    return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
  });
}

const NONE_IS = [false, false, false];

const privateKb = (init: Init): number => Number(statusField(init.pid, "RssAnon")?.split(" ")[0]);

/** Until a number has stopped growing for half a second: that nothing more happens is no event. */
async function settled(init: Init, value: () => number | Promise<number>): Promise<number> {
  let last = -1;
  return await init
    .until(
      "an end of it",
      async () => {
        const now = await value();
        const isSame = now === last;
        last = now;
        return isSame ? { now } : null;
      },
      60_000,
      500,
    )
    .then(({ now }) => now);
}

async function metric(init: Init, name: string, label: string): Promise<number> {
  const { body } = await init.httpStatus("/metrics", 200);
  const line = body.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes(label));
  return Number(line?.split(" ").at(-1) ?? Number.NaN);
}

const written = (init: Init, name: string): Promise<number> =>
  metric(init, "tsinit_program_log_bytes_total", `program="${name}",stream="stdout"`);

const dropped = (init: Init, name: string): Promise<number> =>
  metric(init, "tsinit_program_log_dropped_bytes_total", `program="${name}",stream="stdout"`);

/** Everything but what is stuck goes on: probes, signals, the end and the restart of another program, its other stream. */
async function livesOn(init: Init): Promise<void> {
  const { pid } = await init.event("quiet", "start");
  const heard = init.events("quiet", "USR1").length;
  for (let count = heard + 1; count <= heard + 3; count++) {
    assert.equal((await init.http("/livez")).status, 200);
    init.signal("SIGUSR1");
    await init.event("quiet", "USR1", { count });
  }
  const starts = init.events("quiet", "start").length;
  process.kill(init.outer(pid), "SIGKILL");
  await init.event("quiet", "start", { count: starts + 1 });
}

const QUIET = program(
  "quiet",
  actor("quiet", "on:USR1=", ...GENTLE),
  "forward_signals=USR1",
  "autorestart=true",
);

describe("a reader that is stuck", { concurrency: 2 }, () => {
  const kinds: [what: string, options: InitOptions][] = [
    ["a pipe", { holdStdout: true }],
    ["a socket", { holdStdout: true, output: "sockets" }],
    ["one pipe for both", { holdStdout: true, output: "merged" }],
  ];
  for (const [what, options] of kinds) {
    conformance(87, `${what}: only who writes waits, no flag changes, and nothing is lost`, async (box) => {
      const lines = 60_000;
      const init = await box.init({
        ...options,
        config: [QUIET, program("loud", spew("loud", lines), "startsecs=0", "autorestart=false")].join("\n"),
      });
      assert.deepEqual(nonBlocking(init.pid), NONE_IS);
      const taken = await settled(init, () => written(init, "loud"));
      assert.ok(taken > 500_000 && taken < lines * 100, `${taken} bytes were taken in`);
      const loud = init.processes().find(({ command }) => command.includes("spew.py"));
      assert.ok(loud !== undefined, "the program that writes has not ended");
      await livesOn(init);
      assert.deepEqual(nonBlocking(init.pid), NONE_IS);
      assert.deepEqual(nonBlocking(init.outer(loud.pid)), NONE_IS);
      init.releaseStdout();
      await init.line(/exited: loud \(exit status 0; expected\)/, { timeout: 60_000 });
      assert.deepEqual(nonBlocking(init.pid), NONE_IS);
      const own = await dropped(init, "loud");
      init.signal("SIGTERM");
      const ending = await init.exit();
      assert.equal(ending.code, 0);
      const text = ending.stdout
        .split("\n")
        .filter((line) => /^loud +\| /.test(line))
        .map((line) => line.replace(/^loud +\| /, ""));
      assert.equal(text.length, lines);
      for (const [index, line] of text.entries()) assert.equal(Number(line.slice(0, 10)), index);
      assert.equal(own, 0);
    });
  }

  conformance(87, "a terminal that was stopped with ^S: the same, and ^Q lets it go on", async (box) => {
    const lines = 30_000;
    const init = await box.init({
      terminal: true,
      env: { PATH, NO_COLOR: "1" },
      config: [
        QUIET,
        program(
          "loud",
          `/bin/sh -c 'while ! [ -e @DIR@/go ]; do sleep 0.1; done; exec ${spew("loud", lines)}'`,
        ),
        "startsecs=0\nautorestart=false",
      ].join("\n"),
    });
    await init.line(/spawned: 'loud'/);
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    init.type("\x13");
    writeFileSync(join(init.dir, "go"), "");
    const taken = await settled(init, () => written(init, "loud"));
    assert.ok(taken > 500_000 && taken < lines * 100, `${taken} bytes were taken in`);
    await livesOn(init);
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    init.type("\x11");
    await init.line(/exited: loud \(exit status 0; expected\)/, { timeout: 60_000 });
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    const numbers = init.stdout.lines
      .filter(({ text }) => /^loud +\| /.test(text))
      .map(({ text }) => Number(text.replace(/^loud +\| /, "").slice(0, 10)));
    assert.deepEqual(numbers, [...Array(lines).keys()]);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  conformance(87, "one of two: the other goes on, and who writes to both waits for the one", async (box) => {
    const both = `/bin/sh -c 'i=0; while :; do i=$((i+1)); echo line $i; echo line $i >&2; done'`;
    const init = await box.init({
      holdStdout: true,
      config: [
        QUIET,
        program("both", both),
        program("errors", `/bin/sh -c 'i=0; while sleep 0.05; do i=$((i+1)); echo alive $i >&2; done'`),
      ].join("\n"),
    });
    await settled(init, () => written(init, "both"));
    const seen = init.stderr.lines.filter(({ text }) => /^both +\| line/.test(text)).length;
    // What it wrote before it had to wait on stdout is there.
    assert.ok(seen > 10_000, `${seen} lines of it on stderr`);
    const from = init.lines.length;
    await init.line(/^errors +\| alive/, { after: from });
    await livesOn(init);
    await init.line(/exited: quiet \(terminated by SIGKILL; not expected\)/, { after: from });
    init.releaseStdout(20_000_000);
    await init.line(new RegExp(`^both +\\| line ${seen + 5000}$`), { after: from });
  });

  conformance(87, "both, with its own lines between them: it lives on, and ends in time", async (box) => {
    const init = await box.init({
      holdStdout: true,
      holdStderr: true,
      config: [
        QUIET,
        program("loud", "/usr/bin/yes a line that nobody reads"),
        program("errors", "/bin/sh -c 'exec yes an error that nobody reads >&2'"),
      ].join("\n"),
    });
    await settled(init, () => written(init, "loud"));
    for (let round = 0; round < 200; round++) init.signal("SIGHUP");
    await livesOn(init);
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    const began = performance.now();
    init.signal("SIGTERM");
    await init.until("PID 1 to end", () => init.processes().length === 0);
    const ms = performance.now() - began;
    assert.ok(ms < 10_000, `${ms.toFixed(0)} ms`);
    init.releaseStdout();
    init.stderr.release();
    assert.equal((await init.exit()).code, 0);
  });

  conformance(87, "200 programs that write without end: memory is bounded by log_buffer", async (box) => {
    const names = Array.from({ length: 200 }, (_, index) => `loud${index}`);
    const text = "x".repeat(84);
    const init = await box.init({
      holdStdout: true,
      config: [
        "[tsinit]\nlog_buffer=256KB\nstart_gate=spawned",
        QUIET,
        ...names.map((name) => program(name, `/usr/bin/yes ${text}`, "startsecs=0")),
      ].join("\n"),
    });
    await init.line(/spawned: 'loud99'/);
    const before = privateKb(init);
    const held = await settled(init, async () => {
      const { body } = await init.httpStatus("/metrics", 200);
      const counts = body.matchAll(/^tsinit_program_log_bytes_total\{[^}]*stream="stdout"[^}]*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    });
    const rss = privateKb(init);
    // 32 × log_buffer, one read of 64 KB for each, and what the rest of tsinit takes.
    const bound = 8 * 1024 + 200 * 64 * 1.2 + 60_000;
    assert.ok(rss < bound, `${rss} KB of private memory, ${before} before; ${held} bytes were taken in`);
    await livesOn(init);
    init.signal("SIGTERM");
    await init.until("PID 1 to end", () => {
      const now = privateKb(init);
      // The last words of all of them as well: at most 128 × log_buffer.
      assert.ok(!(now > bound + 24 * 1024), `${now} KB of private memory at the end`);
      return init.processes().length === 0;
    });
    init.releaseStdout();
    assert.equal((await init.exit()).code, 0);
  });
});

describe("a reader that is slow", { concurrency: 2 }, () => {
  /** Three programs that have filled 3 × 4 MB of buffer, and say something at their end. */
  const CHATTY = ["a", "b", "c"].map((name) =>
    program(
      name,
      actor(name, `on:TERM=out:last words of ${name}+exit:0`, "spew:40000,100", "note:written", "hold"),
      "startsecs=0",
    ),
  );
  const isBuffered = async (init: Init): Promise<void> => {
    for (const name of ["a", "b", "c"]) await init.event(name, "written", { timeout: 60_000 });
  };

  conformance(88, "the end waits for it: every byte of every program, last words too", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: ["[tsinit]\nlog_buffer=8MB", ...CHATTY].join("\n"),
    });
    await isBuffered(init);
    // 12 MB take four seconds.
    init.releaseStdout(3_000_000);
    init.signal("SIGTERM");
    const ending = await init.exit(60_000);
    assert.equal(ending.code, 0);
    for (const name of ["a", "b", "c"]) {
      const lines = ending.stdout.split("\n").filter((line) => line.startsWith(`${name}      | `));
      assert.equal(lines.length, 40_001, name);
      for (const [index, line] of lines.slice(0, -1).entries())
        assert.equal(Number(line.slice(11, 19)), index, line);
      assert.equal(lines.at(-1), `${name}      | last words of ${name}`);
    }
  });

  conformance(88, "merged with its own lines: the words of each run come before its end", async (box) => {
    const runs = 40;
    const init = await box.init({
      output: "merged",
      holdStdout: true,
      config: [
        program("loud", "/usr/bin/yes a line that is read slowly"),
        program(
          "crash",
          actor("crash", "spew:200,100", "out:last words", "kill:KILL"),
          "startsecs=0",
          "autorestart=true",
        ),
      ].join("\n"),
    });
    await init.event("crash", "start", { count: runs, timeout: 60_000 });
    init.signal("SIGTERM");
    init.releaseStdout(8_000_000);
    const ending = await init.exit(60_000);
    let words = 0;
    let exits = 0;
    for (const line of ending.stdout.split("\n")) {
      if (/^crash +\| last words$/.test(line)) words++;
      if (/(exited|stopped): crash /.test(line) && !/times more/.test(line)) exits++;
      assert.ok(words >= exits, `end ${exits} came before its last words`);
    }
    // Ends beyond the tenth are counted, not told; the last run may have been ended before it had said all.
    assert.ok(exits >= 10 && words >= runs - 1, `${exits} ends, ${words} last words`);
    assert.match(ending.stdout, /exit 0: /);
  });

  conformance(87, "shutdown_timeout bounds the wait for it", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: ["[tsinit]\nlog_buffer=8MB\nshutdown_timeout=2", ...CHATTY].join("\n"),
    });
    await isBuffered(init);
    // It would take two minutes.
    init.releaseStdout(100_000);
    init.signal("SIGTERM");
    await init.until("PID 1 to end", () => init.processes().length === 0);
    init.releaseStdout();
    assert.equal((await init.exit()).code, 0);
  });

  conformance(87, "a second SIGTERM ends the wait for it", async (box) => {
    const init = await box.init({
      holdStdout: true,
      config: ["[tsinit]\nlog_buffer=8MB", ...CHATTY].join("\n"),
    });
    await isBuffered(init);
    init.releaseStdout(100_000);
    init.signal("SIGTERM");
    await init.line(/exit 0: /);
    await delay(3000);
    assert.notEqual(init.processes().length, 0, "it has not waited");
    init.signal("SIGTERM");
    await init.until("PID 1 to end", () => init.processes().length === 0);
    init.releaseStdout();
    assert.equal((await init.exit()).code, 0);
  });

  conformance(
    87,
    "log_overflow=drop: what is missing is told where it is missing, at the end too",
    async (box) => {
      const lines = 100_000;
      const init = await box.init({
        holdStdout: true,
        config: [
          "[tsinit]\nlog_overflow=drop",
          program("loud", actor("loud", `spew:${lines},100`, "note:written", "exit:0"), "startsecs=0"),
        ].join("\n"),
      });
      await init.event("loud", "written", { timeout: 60_000 });
      init.releaseStdout(2_000_000);
      const ending = await init.exit(60_000);
      assert.equal(ending.code, 0);
      let next = 0;
      for (const line of ending.stdout.trimEnd().split("\n")) {
        const told = /^loud +\| … (\d+) lines \((\d+) bytes\) dropped$/.exec(line);
        if (told === null) assert.equal(Number(line.slice(14, 22)), next++, line);
        else {
          // A line of two reads is counted without its newline.
          const bytes = Number(told[2]) / Number(told[1]);
          assert.ok(bytes >= 100 && bytes <= 101, line);
          next += Number(told[1]);
        }
      }
      assert.equal(next, lines);
    },
  );
});

describe("an output that fails", { concurrency: 2 }, () => {
  conformance(13, "EPIPE: counted, told, and written again when a reader comes back", async (box) => {
    const init = await box.init({
      config: [
        QUIET,
        program("tick", `/bin/sh -c 'i=0; while sleep 0.1; do i=$((i+1)); echo tick $i; done'`),
      ].join("\n"),
    });
    await init.line(/^tick +\| tick 3$/);
    init.stdout.destroy();
    await init.line(/tsinit +\| ERRO cannot write to stdout: EPIPE; what it misses is counted/);
    await livesOn(init);
    await init.until("the count", async () => (await dropped(init, "tick")) > 0);
    const again = new Socket({
      fd: openSync(join(init.dir, "stdout"), constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    let text = "";
    again.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await init.line(/tsinit +\| INFO stdout is written again; it misses [1-9]\d* bytes/);
    await init.until("lines again", () => /^tick +\| tick \d+$/m.test(text));
    assert.equal(init.own().filter((line) => line.includes("cannot write to stdout")).length, 1);
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    again.destroy();
  });

  conformance(13, "ENOSPC: a full disk costs lines, and they go on when there is room", async (box) => {
    const init = await box.init({
      setup: "mount -t tmpfs -o size=256k tmpfs /mnt; head -c 100000 /dev/zero > /mnt/other",
      redirect: ">>/mnt/out",
      config: [
        QUIET,
        program("tick", `/bin/sh -c 'i=0; while sleep 0.02; do i=$((i+1)); printf "%%0999d\\n" $i; done'`),
      ].join("\n"),
    });
    const mount = `/proc/${init.pid}/root/mnt`;
    await init.line(/tsinit +\| ERRO cannot write to stdout: ENOSPC; what it misses is counted/);
    assert.deepEqual(nonBlocking(init.pid), NONE_IS);
    await livesOn(init);
    await init.until("the count", async () => (await dropped(init, "tick")) > 0);
    const before = readFileSync(`${mount}/out`).length;
    rmSync(`${mount}/other`);
    await init.line(/tsinit +\| INFO stdout is written again; it misses [1-9]\d* bytes/);
    await init.until("lines again", () => readFileSync(`${mount}/out`).length > before + 10_000);
    const lines = readFileSync(`${mount}/out`, "latin1").split("\n").slice(0, -1);
    const torn = lines.filter((line) => !/^tick +\| \d{999}$/.test(line));
    // The one that did not fit any more.
    assert.ok(torn.length <= 1, torn.join("\n"));
    const numbers = lines.map((line) => Number(line.slice(-9)));
    assert.ok(
      numbers.every((each, index) => index === 0 || each > (numbers[index - 1] ?? 0) || torn.length > 0),
    );
  });

  conformance(13, "EIO: a terminal that hangs up ends nothing", async (box) => {
    const init = await box.init({
      terminal: true,
      env: { PATH, NO_COLOR: "1" },
      config: [QUIET, program("tick", `/bin/sh -c 'while sleep 0.1; do echo tick; done'`)].join("\n"),
    });
    await init.line(/^tick +\| tick/);
    init.hangUp();
    await init.until("the count", async () => (await dropped(init, "tick")) > 0);
    await livesOn(init);
  });
});
