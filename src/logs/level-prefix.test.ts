import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeKernel } from "../../test/fakes/kernel.ts";
import { turns, withWorld } from "../../test/fakes/log-world.ts";
import { fakeGlobal, fakeSpec } from "../../test/fakes/plans.ts";
import { levelAt, levelIn, UnmarkedWriter } from "./level-prefix.ts";
import { LineSplitter } from "./lines.ts";
import { Syslog, SyslogLines } from "./syslog.ts";

test("only <0> to <7> at the very beginning is a level", () => {
  const levels = ["emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"];
  for (const [number, level] of levels.entries()) {
    assert.equal(levelAt(Buffer.from(`<${number}>x`), 0, 4), level);
    assert.equal(levelIn(`<${number}>`, 0), level);
  }
  for (const text of ["", "<", "<3", "<8>", "<a>", "<03>", "<13>", " <3>", "3>x", "<3 >"]) {
    assert.equal(levelAt(Buffer.from(text), 0, text.length), null, text);
    assert.equal(levelIn(text, 0), null, text);
  }
  assert.equal(levelAt(Buffer.from("<3>x"), 0, 2), null, "not of this line");
});

test("lines without their marks, whatever they are and however they are cut", () => {
  const seen: string[] = [];
  const writer = new UnmarkedWriter({
    lines: (source, from, to) => {
      seen.push(source.toString("utf8", from, to));
      return source.toString("utf8", from, to).split("\n").length - 1;
    },
    piece: (source, from, to, continues, goesOn) =>
      void seen.push(`${continues ? "…" : ""}${source.toString("utf8", from, to)}${goesOn ? "…" : ""}`),
    notice: (text) => void seen.push(`(${text})`),
  });
  const text = Buffer.from("--plain\n<3>one\n\n<4>\n<5><6>two\nno <3>\n<7>last\n");
  assert.equal(writer.lines(text, 2, text.length), 7);
  const short = Buffer.from("<1>a\n");
  assert.equal(writer.lines(short, 0, short.length), 1);
  const none = Buffer.from("<x>a\nb\n");
  assert.equal(writer.lines(none, 0, none.length), 2);
  const splitter = new LineSplitter(writer, 16);
  const long = Buffer.from(`<3>${"x".repeat(14)}<4>y`);
  splitter.feed(long, 0, long.length);
  splitter.end();
  writer.notice("<3>lost");
  assert.deepEqual(seen, [
    "plain\none\n\n\n<6>two\nno <3>\nlast\n",
    "a\n",
    "<x>a\nb\n",
    `${"x".repeat(13)}…`,
    "…x<4>y",
    "(<3>lost)",
  ]);
});

test("text has no mark and no level, raw has the line as it is, history too", async () => {
  const spec = fakeSpec("web", { logLevelPrefix: true });
  const raw = fakeSpec("raw", { logLevelPrefix: true, logFormat: "raw" });
  await withWorld({ programs: [spec, raw] }, async ({ attach, logs, out }) => {
    attach(spec, 1, "stdout").write("<3>broken\nfine\n<4>half");
    await out.until("fine\n");
    logs.finish("web:web", 1);
    assert.equal(await out.until("half\n"), "web    | broken\nweb    | fine\nweb    | half\n");
    assert.equal(Buffer.from(logs.history("web:web", "stdout")).toString(), "<3>broken\nfine\n<4>half");
    attach(raw, 2, "stdout").write("<3>raw\n");
    await out.until("<3>raw\n");
  });
});

test("a reload switches it on for a running program", async () => {
  const spec = fakeSpec("web");
  await withWorld({ programs: [spec] }, async ({ attach, logs, out }) => {
    const end = attach(spec, 1, "stdout");
    end.write("<3>a\n");
    await out.until("a\n");
    logs.configure(fakeGlobal(), [{ ...spec, logLevelPrefix: true }]);
    await turns(1);
    end.write("<3>b\n");
    assert.equal(await out.until("b\n"), "web    | <3>a\nweb    | b\n");
  });
});

test("syslog gets the priority, pieces that of the first", () => {
  const kernel = new FakeKernel();
  const fd = kernel.files.bindDatagrams("/dev/log");
  const syslog = new Syslog({
    kernel,
    now: () => 0,
    wall: () => 0,
    after: () => () => {},
    say: () => {},
    onProgress: () => {},
  });
  const receive = (): string[] => {
    const got: string[] = [];
    const into = Buffer.alloc(1000);
    for (let count = kernel.read(fd, into); typeof count === "number"; count = kernel.read(fd, into))
      got.push(into.toString("utf8", 0, count).replace(/>.*?supervisord: /, "> "));
    return got;
  };
  const lines = new SyslogLines(syslog, "web", false, true);
  const text = Buffer.from("<3>broken\nfine\n<7>chatty\n");
  lines.lines(text, 0, text.length);
  const long = Buffer.from("<2>long");
  lines.piece(long, 0, 5, false);
  lines.piece(long, 5, 7, true);
  assert.deepEqual(receive(), [
    "<11> web broken",
    "<14> web fine",
    "<15> web chatty",
    "<10> web lo",
    "<10> web ng",
  ]);
  const plain = new SyslogLines(syslog, "web", false, false);
  plain.lines(text, 0, 10);
  assert.deepEqual(receive(), ["<14> web <3>broken"]);
});
