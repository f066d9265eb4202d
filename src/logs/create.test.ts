import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { kernel, pipe, turns, withWorld } from "../../test/fakes/log-world.ts";
import { fakeGlobal, fakeSpec } from "../../test/fakes/plans.ts";
import type { GlobalSpec } from "../core/spec.ts";
import { createLogs } from "./create.ts";

const WEB = fakeSpec("web");
const WORKER = fakeSpec("celery:worker");
const OUT = WEB.stdout;

test("81: each line goes to its own stream behind the name, padded to the longest", async () => {
  await withWorld({ programs: [WEB, WORKER] }, async ({ attach, logs, out, err }) => {
    attach(WEB, 1, "stdout").write("hello\nworld\n");
    attach(WORKER, 2, "stderr").write("task\n");
    logs.say("info", "spawned: 'web' with pid 1\nmore");
    logs.say("debug", "not shown");
    assert.equal(await out.until("world\n"), "web           | hello\nweb           | world\n");
    const text = await err.until("task\n");
    assert.match(text, /^tsinit {8}\| INFO spawned: 'web' with pid 1\ntsinit {8}\| INFO more\n/);
    assert.match(text, /^celery:worker \| task\n/m);
    assert.doesNotMatch(text, /not shown/);
  });
});

test("91: the last words of a program come before the line that says it died", async () => {
  await withWorld({ programs: [WEB], joined: true }, async ({ attach, logs, out }) => {
    const stdout = attach(WEB, 1, "stdout");
    const stderr = attach(WEB, 1, "stderr");
    stdout.write("out\nunfinished");
    stderr.write("fatal: ");
    stdout.close();
    stderr.close();
    logs.finish("web:web", 1);
    logs.say("warn", "exited: web");
    assert.equal(
      await out.until("exited"),
      "web    | out\nweb    | unfinished\nweb    | fatal: \ntsinit | WARN exited: web\n",
    );
  });
});

test("42: a pipe that an orphan holds is read for some seconds more, then closed", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, logs, out, clock }) => {
    const end = attach(WEB, 1, "stdout");
    end.write("parent");
    logs.finish("web:web", 1);
    assert.equal(await out.until("\n"), "web    | parent\n");
    clock.advance(4000);
    end.write("orphan\nhalf");
    await out.until("orphan\n");
    clock.advance(1000);
    await out.until("half\n");
    await turns(2);
    assert.throws(() => end.write("x"), { code: "EPIPE" });
  });
});

test("a new run has its own pipes beside an old one's", async () => {
  const spec = fakeSpec("web", { logPrefix: "%(program_name)s[%(pid)d] " });
  await withWorld({ programs: [spec] }, async ({ attach, logs, out }) => {
    const old = attach(spec, 1, "stdout");
    logs.finish("web:web", 1);
    const fresh = attach(spec, 2, "stdout");
    fresh.write("from the new\nnew ");
    await out.until("from the new\n");
    old.write("from the old\n");
    await out.until("from the old\n");
    fresh.write("line\n");
    assert.equal(await out.until("line\n"), "web[2] from the new\nweb[1] from the old\nweb[2] new line\n");
  });
});

test("85, 86: NUL, CR, escapes and bytes that are not UTF-8 pass unchanged", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, out }) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10));
    const line = Buffer.concat([bytes, Buffer.from("\r\x1b[31mred\x1b[0m 50%\r100%\r\n")]);
    attach(WEB, 1, "stdout").write(line);
    await out.untilTrue(() => out.length >= line.length + 9);
    assert.deepEqual(out.bytes(), Buffer.concat([Buffer.from("web    | "), line]));
  });
});

test("a line written byte by byte is one line", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, out }) => {
    const end = attach(WEB, 1, "stdout");
    for (const letter of "slow line\n") {
      end.write(letter);
      await turns(2);
    }
    assert.equal(await out.until("\n"), "web    | slow line\n");
  });
});

test("83: a prompt is shown after the waiting time, its rest is marked as continued", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, out, clock, logs }) => {
    const end = attach(WEB, 1, "stdout");
    end.write("Password: ");
    while (logs.counters("web:web", "stdout").bytes < 10) await turns(1);
    clock.advance(999);
    assert.equal(out.length, 0);
    clock.advance(1);
    assert.equal(await out.until("\n"), "web    | Password: …\n");
    end.write("secret\nnext\n");
    assert.equal(await out.until("next\n"), "web    | Password: …\nweb    | …secret\nweb    | next\n");
    assert.equal(logs.counters("web:web", "stdout").lines, 2);
  });
});

test("84: 10 MB without a newline are cut at log_max_line and marked", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, out, logs }) => {
    const { ended } = attach(WEB, 1, "stdout").run(
      "head -c 10485760 /dev/zero | tr '\\0' x; echo; echo after",
    );
    await ended;
    await out.untilTrue(() => out.length > 10_485_760 && out.text().endsWith("after\n"));
    const lines = out.text().split("\n").slice(0, -2);
    assert.equal(lines.length, 160);
    assert.equal(lines[0], `web    | ${"x".repeat(65_536)}…`);
    assert.equal(lines[80], `web    | …${"x".repeat(65_536)}…`);
    assert.equal(lines[159], `web    | …${"x".repeat(65_536)}`);
    assert.equal(logs.counters("web:web", "stdout").lines, 2);
  });
});

test("82: lines of two flooding programs are never mixed", async () => {
  const specs = ["a", "b"].map((name) => fakeSpec(name));
  await withWorld({ programs: specs }, async ({ attach, out }) => {
    const script = (name: string) =>
      `i=0; while [ $i -lt 10000 ]; do printf '%0200d\\n' $i; i=$((i+1)); done; echo end ${name}`;
    const runs = specs.map((spec, pid) => attach(spec, pid, "stdout").run(script(spec.name)).ended);
    await Promise.all(runs);
    const text = await out.until((all) => all.includes("end a\n") && all.includes("end b\n"));
    const next: Record<string, number> = { a: 0, b: 0 };
    for (const line of text.split("\n").slice(0, -1)) {
      const [, name = "", number] = /^([ab]) {6}\| (?:(\d{200})|end [ab])$/.exec(line) ?? [];
      if (number !== undefined) assert.equal(Number(number), next[name]!++);
      else assert.match(line, /end/);
    }
    assert.deepEqual(next, { a: 10_000, b: 10_000 });
  });
});

test("raw: bytes unchanged; an unfinished line is only ended when another program has one", async () => {
  const [a, b] = [fakeSpec("a", { logFormat: "raw" }), fakeSpec("b", { logFormat: "raw" })];
  await withWorld({ programs: [a, b], global: { logFormat: "raw" } }, async (world) => {
    const { attach, out, err, clock, logs } = world;
    const [first, second] = [attach(a, 1, "stdout"), attach(b, 2, "stdout")];
    first.write("plain\n10%");
    await out.until("plain\n");
    clock.advance(1000);
    first.write("..20%");
    await turns(3);
    clock.advance(1000);
    assert.equal(await out.until("20%"), "plain\n10%..20%");
    second.write("other\n");
    await out.until("other\n");
    first.write("\nend");
    await turns(3);
    first.close();
    logs.finish("a:a", 1);
    assert.equal(await out.until("end\n"), "plain\n10%..20%\nother\nend\n");
    logs.say("warn", "own");
    assert.equal(await err.until("\n"), "tsinit | WARN own\n");
  });
});

test("90: json: one object a line, objects merged, bad UTF-8 replaced", async () => {
  const web = fakeSpec("site:web", { logFormat: "json" });
  await withWorld({ programs: [web], global: { logFormat: "json" } }, async ({ attach, logs, out, err }) => {
    const end = attach(web, 7, "stdout");
    end.write(Buffer.from([0x61, 0xff, 0x0a]));
    end.write('{"level":"warning","task":1}\n');
    logs.say("error", "two\nlines");
    const text = await out.until((all) => all.split("\n").length === 3);
    const time = "2026-01-01T00:00:00.000Z";
    const mine = { program: "web", group: "site", pid: 7, stream: "stdout" };
    assert.deepEqual(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
      [
        { time, level: "info", ...mine, message: "a\ufffd" },
        { time, ...mine, level: "warning", task: 1 },
      ],
    );
    const own = { program: "tsinit", group: "tsinit", pid: process.pid, stream: "stderr" };
    assert.deepEqual(JSON.parse(await err.until("\n")), {
      time,
      level: "error",
      ...own,
      message: "two\nlines",
    });
  });
});

test("90: tsinit's own lines have the names of the preset too, also after a reload", async () => {
  const json = (logKeys: GlobalSpec["logKeys"]) => fakeGlobal({ logFormat: "json", logKeys });
  await withWorld({ global: json("ecs") }, async ({ logs, err }) => {
    logs.say("critical", "one\u2028line");
    logs.configure(json("gcp"), []);
    logs.say("warn", "two");
    logs.configure(json("otel"), []);
    logs.say("error", "three");
    const text = await err.until("three");
    assert.doesNotMatch(text, /\u2028/);
    const [ecs, gcp, otel] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      [ecs["log.level"], ecs.message, ecs["service.name"], ecs["process.pid"], ecs.labels.stream],
      ["critical", "one\u2028line", "tsinit", process.pid, "stderr"],
    );
    assert.deepEqual([gcp.severity, gcp.message], ["WARNING", "two"]);
    assert.deepEqual(
      [otel.SeverityNumber, otel.Body, otel.Resource["service.name"]],
      [17, "three", "tsinit"],
    );
  });
});

test("timestamps come first, colours only around the prefix", async () => {
  const global = { logTimestamps: "rfc3339", logColor: "always" } as const;
  await withWorld({ programs: [WEB], global }, async ({ attach, logs, out, err, clock }) => {
    const end = attach(WEB, 1, "stdout");
    end.write("one\ntwo\n");
    await out.until("two\n");
    clock.advance(1500);
    end.write("three\n");
    const prefix = "\x1b[36mweb    |\x1b[0m ";
    assert.equal(
      await out.until("three\n"),
      `2026-01-01T00:00:00.000Z ${prefix}one\n2026-01-01T00:00:00.000Z ${prefix}two\n` +
        `2026-01-01T00:00:01.500Z ${prefix}three\n`,
    );
    logs.say("info", "own");
    assert.equal(await err.until("own\n"), "2026-01-01T00:00:01.500Z tsinit | INFO own\n");
  });
});

test("no colour by default where there is no terminal", async () => {
  await withWorld({ programs: [WEB], global: { logColor: "auto" } }, async ({ attach, out }) => {
    attach(WEB, 1, "stdout").write("plain\n");
    assert.equal(await out.until("\n"), "web    | plain\n");
  });
});

test("targets: swapped, joined, thrown away; what is thrown away still has a history", async () => {
  const swapped = fakeSpec("swapped", {
    stdout: { ...OUT, target: "stderr" },
    stderr: { ...OUT, target: "stdout" },
  });
  const silent = fakeSpec("silent", { stdout: { ...OUT, target: "discard" } });
  await withWorld({ programs: [swapped, silent] }, async ({ attach, logs, out, err }) => {
    const thrownAway = attach(silent, 1, "stdout");
    thrownAway.write("secret\nhalf");
    attach(swapped, 2, "stdout").write("to stderr\n");
    attach(swapped, 2, "stderr").write("to stdout\n");
    assert.equal(await out.until("\n"), "swapped | to stdout\n");
    assert.equal(await err.until("\n"), "swapped | to stderr\n");
    thrownAway.close();
    logs.finish("silent:silent", 1);
    assert.equal(Buffer.from(logs.history("silent:silent", "stdout")).toString(), "secret\nhalf");
    assert.deepEqual(logs.counters("silent:silent", "stdout"), { lines: 1, bytes: 11, droppedBytes: 0 });
  });
});

test("history, offsets and counters go on over runs; clear begins at 0 again, counters go on", async () => {
  await withWorld({ programs: [WEB], global: { logHistory: 10 } }, async ({ attach, logs, out }) => {
    for (const [pid, text] of ["first\n", "second\n"].entries()) {
      const end = attach(WEB, pid, "stdout");
      end.write(text);
      end.close();
      logs.finish("web:web", pid);
    }
    await out.until("second\n");
    assert.equal(Buffer.from(logs.history("web:web", "stdout")).toString(), "st\nsecond\n");
    assert.equal(logs.historyEnd("web:web", "stdout"), 13);
    assert.deepEqual(logs.counters("web:web", "stdout"), { lines: 2, bytes: 13, droppedBytes: 0 });
    assert.equal(logs.lastLines("web:web", 8), "second");
    logs.clear("web:web");
    assert.equal(logs.history("web:web", "stdout").length, 0);
    assert.equal(logs.historyEnd("web:web", "stdout"), 0, "as an emptied file");
    assert.equal(logs.historyEnd("no:no", "stdout"), 0);
    assert.equal(logs.lastLines("no:no", 10), "");
    assert.deepEqual(logs.counters("no:no", "stdout"), { lines: 0, bytes: 0, droppedBytes: 0 });
  });
});

test("new settings apply to running programs at once", async () => {
  await withWorld({ programs: [WEB] }, async ({ attach, logs, out }) => {
    const end = attach(WEB, 1, "stdout");
    end.write("before\nha");
    await out.until("before\n");
    logs.configure(fakeGlobal({ logTimestamps: "rfc3339", logLevel: "debug" }), [WEB, WORKER]);
    end.write("lf\n");
    const stamped = "2026-01-01T00:00:00.000Z web           | half\n";
    assert.equal(await out.until("half\n"), `web    | before\n${stamped}`);
  });
});

test("an open line of raw output is ended before the program's first line in another format", async () => {
  const raw = fakeSpec("web", { logFormat: "raw" });
  for (const [logFormat, pattern] of [
    ["text", /^10%\nweb {4}\| …20%\n$/],
    ["json", /^10%\n\{.*"message":"20%","continued":true\}\n$/],
  ] as const) {
    await withWorld({ programs: [raw], global: { logFormat: "raw" } }, async (world) => {
      const { attach, logs, out, clock } = world;
      const end = attach(raw, 1, "stdout");
      end.write("10%");
      await turns(3);
      clock.advance(1000);
      await out.until("10%");
      logs.configure(fakeGlobal({ logFormat }), [fakeSpec("web", { logFormat })]);
      await turns(3);
      end.write("20%\n");
      assert.match(await out.until("20%"), pattern);
    });
  }
});

test("flush resolves at once, when all is written, or at its deadline", async () => {
  await withWorld({ reading: false }, async ({ logs, err, clock }) => {
    await logs.flush(1000, null);
    let lines = 0;
    while (logs.stuckSince() === null) {
      for (let index = 0; index < 1000; index++, lines++) logs.say("info", "x".repeat(100));
      await turns(50);
    }
    let flushed = false;
    const deadline = logs.flush(2000, null).then(() => {
      flushed = true;
    });
    await turns(10);
    assert.equal(flushed, false);
    clock.advance(2000);
    await deadline;
    const all = logs.flush(1_000_000, null);
    err.start();
    await all;
    assert.equal(logs.stuckSince(), null);
    await err.untilTrue(() => err.length === lines * "tsinit | INFO \n".length + lines * 100);
  });
});

test("own lines leave together at the end of the turn, at once when they are serious or flushed", async () => {
  const { read, write } = pipe();
  const logs = await createLogs({
    kernel,
    clock: new FakeClock(),
    global: fakeGlobal(),
    programs: [],
    stdout: write,
    stderr: write,
  });
  const written = (): string => {
    const buffer = Buffer.alloc(1000);
    return kernel.readable(read) ? buffer.toString("utf8", 0, Number(kernel.read(read, buffer))) : "";
  };
  logs.say("info", "one");
  logs.say("info", "two");
  assert.equal(written(), "");
  await turns(1);
  assert.equal(written(), "tsinit | INFO one\ntsinit | INFO two\n");
  logs.say("info", "three");
  logs.say("critical", "four");
  assert.equal(written(), "tsinit | INFO three\ntsinit | CRIT four\n");
  logs.say("warn", "five");
  await logs.flush(1000, null);
  assert.equal(written(), "tsinit | WARN five\n");
  kernel.close(read);
  kernel.close(write);
});

test("a descriptor that cannot be read is told of and closed", async () => {
  const ends = pipe();
  const clock = new FakeClock();
  const logs = await createLogs({
    kernel,
    clock,
    global: fakeGlobal(),
    programs: [WEB],
    stdout: ends.write,
    stderr: ends.write,
  });
  const fd = openSync(import.meta.filename, "r");
  logs.attach(WEB, 1, "stdout", fd);
  const buffer = Buffer.alloc(1000);
  const count = Number(kernel.read(ends.read, buffer));
  assert.match(buffer.toString("utf8", 0, count), /^tsinit \| ERRO cannot read the stdout of web: /);
  assert.equal(kernel.read(fd, buffer), "EBADF");
  logs.finish("web:web", 1);
  kernel.close(ends.read);
  kernel.close(ends.write);
});
