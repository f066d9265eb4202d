import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { FakeKernel } from "../../test/fakes/kernel.ts";
import { withWorld } from "../../test/fakes/log-world.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { Syslog, SyslogLines } from "./syslog.ts";

const PATH = "/dev/log";
const HEAD = /^<14>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d supervisord: /;

function rig() {
  const clock = new FakeClock();
  const kernel = new FakeKernel();
  const said: string[] = [];
  const syslog = new Syslog({
    kernel,
    now: () => clock.now(),
    wall: () => clock.wall() * 1000,
    after: (millis, listener) => clock.after(millis, listener),
    say: (level, text) => void said.push(`${level} ${text}`),
    onProgress: () => {},
  });
  const send = (text: string): boolean => syslog.send(Buffer.from(text));
  const receive = (fd: number): string[] => {
    const lines: string[] = [];
    const into = Buffer.alloc(1000);
    for (let n = kernel.read(fd, into); typeof n === "number"; n = kernel.read(fd, into)) {
      const text = into.toString("utf8", 0, n);
      assert.match(text, HEAD);
      lines.push(text.replace(HEAD, ""));
    }
    return lines;
  };
  return { clock, kernel, said, syslog, send, receive };
}

test("a line is a datagram with syslog(3)'s header", () => {
  const { kernel, send, receive } = rig();
  const fd = kernel.files.bindDatagrams(PATH);
  assert.equal(send("web one"), true);
  assert.deepEqual(receive(fd), ["web one"]);
});

test("a syslogd that is behind gets everything later, within bounds, in order", () => {
  const { clock, kernel, syslog, send, receive, said } = rig();
  const fd = kernel.files.bindDatagrams(PATH);
  const all = Array.from({ length: 100 }, (_, index) => `line ${index}`);
  for (const line of all) assert.equal(send(line), true);
  assert.equal(syslog.idle, false);
  const got: string[] = [];
  for (let index = 0; index < 20; index++) {
    got.push(...receive(fd));
    clock.advance(10);
  }
  assert.deepEqual(got, all);
  assert.equal(syslog.idle, true);
  assert.deepEqual(said, []);
  for (let index = 0; index < 400; index++) send("x".repeat(1000));
  assert.deepEqual(said, ["warn syslog is behind: what it misses is counted"]);
  for (let index = 0; index < 60; index++) {
    receive(fd);
    clock.advance(10);
  }
  assert.match(said[1] ?? "", /^info syslog has caught up; it misses 1\d\d lines$/);
});

test("no syslogd: one warning; it is found when it comes, and again when it was restarted", () => {
  const { clock, kernel, syslog, send, receive, said } = rig();
  assert.equal(send("a"), false);
  assert.equal(send("b"), false);
  assert.equal(syslog.idle, true);
  const first = kernel.files.bindDatagrams(PATH);
  clock.advance(1000);
  assert.equal(send("c"), true);
  assert.deepEqual(receive(first), ["c"]);
  for (let index = 0; index < 20; index++) send(`held ${index}`);
  kernel.close(first);
  clock.advance(10);
  assert.equal(send("d"), false);
  const second = kernel.files.bindDatagrams(PATH);
  clock.advance(1000);
  assert.equal(receive(second).length, 9, "what was held for it");
  assert.equal(said.length, 4);
  assert.match(said[0] ?? "", /^warn no syslog at \/dev\/log \(ENOENT\)/);
  assert.match(said[2] ?? "", /^warn no syslog at \/dev\/log \(ECONNREFUSED\)/);
  assert.match(said[3] ?? "", /^info syslog is there again/);
});

test("for syslog alone: the console shows what syslog does not take, from there on", () => {
  const { clock, kernel, receive, syslog } = rig();
  const alone = new SyslogLines(syslog, "web", true, false);
  const beside = new SyslogLines(syslog, "web", false, false);
  const text = Buffer.from("one\n\ntwo\n");
  assert.equal(alone.lines(text, 0, text.length), 0);
  assert.equal(beside.lines(text, 0, text.length), 0);
  const fd = kernel.files.bindDatagrams(PATH);
  clock.advance(1000);
  assert.equal(alone.lines(text, 0, text.length), text.length);
  assert.equal(beside.lines(text, 0, text.length), 0);
  assert.deepEqual(receive(fd), ["web one", "web ", "web two", "web one", "web ", "web two"]);
});

test("logfile=syslog without a syslogd goes to the console, with what is counted as lines", async () => {
  const out = fakeSpec("web").stdout;
  const web = fakeSpec("web", { stdout: { ...out, target: "syslog", syslog: true, logfile: "syslog" } });
  await withWorld({ programs: [web], syslog: "/nowhere/log" }, async ({ attach, logs, out, err }) => {
    const end = attach(web, 1, "stdout");
    end.write("one\ntwo\nhalf");
    assert.equal(await out.until("two\n"), "web    | one\nweb    | two\n");
    end.close();
    logs.finish("web:web", 1);
    await out.until("half\n");
    assert.equal(logs.counters("web:web", "stdout").lines, 3);
    assert.match(await err.until("no syslog"), /^tsinit \| WARN no syslog at \/nowhere\/log \(ENOENT\)/);
  });
});
