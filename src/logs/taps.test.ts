/** What the log path does with the output beside the console: files, followers, captures, syslog, the main log. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type World, withWorld } from "../../test/fakes/log-world.ts";
import { fakeGlobal, fakeSpec } from "../../test/fakes/plans.ts";
import type { LogFileSpec, ProgramSpec } from "../core/spec.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsinit-taps-"));
after(() => rmSync(scratch, { recursive: true }));
const OUT = fakeSpec("web").stdout;
const ERR = fakeSpec("web").stderr;

function web(stdout: Partial<LogFileSpec>, more: Partial<ProgramSpec> = {}): ProgramSpec {
  return fakeSpec("web", { stdout: { ...OUT, ...stdout }, ...more });
}

/** Files are written by threads. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "it does not become true");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "latin1") : "");

async function seen(world: World, bytes: number, id = "web:web"): Promise<void> {
  await until(() => world.logs.counters(id, "stdout").bytes >= bytes);
}

test("a file has the program's bytes, the console its lines", async () => {
  const file = join(scratch, "bytes.log");
  const spec = web({ file, maxbytes: 0 }, { stderr: { ...ERR, file } });
  await withWorld({ programs: [spec] }, async (world) => {
    const end = world.attach(spec, 1, "stdout");
    end.write("one\nhal");
    await seen(world, 7);
    assert.equal(await world.out.until("one\n"), "web    | one\n");
    await until(() => read(file) === "one\nhal");
    world.attach(spec, 1, "stderr").write("err\n");
    await until(() => read(file) === "one\nhalerr\n");
    end.write("f\x00\xff\n");
    await until(() => read(file) === "one\nhalerr\nf\x00\xc3\xbf\n");
    end.write("the end");
    end.close();
    world.logs.finish("web:web", 1);
    await world.logs.flush(60_000, null);
    assert.ok(read(file).endsWith("the end"), "flushed at the end");
  });
});

test("AUTO: made when configured, mode 0600, kept over runs; what an earlier run left is removed", async () => {
  const childlogdir = mkdtempSync(join(scratch, "auto-"));
  for (const name of ["a-stdout---me-12345678.log", "a-stderr---me-x.log.3", "a---other-1.log", "me.log"])
    writeFileSync(join(childlogdir, name), "");
  const spec = web({ file: "auto", maxbytes: 0 });
  const global = { childlogdir, identifier: "me", nocleanup: false };
  await withWorld({ programs: [spec], global }, async (world) => {
    const made = () => readdirSync(childlogdir).filter((name) => name.startsWith("web-"));
    await until(() => made().length === 1);
    const [name = ""] = made();
    assert.match(name, /^web-stdout---me-[a-z0-9_]{8}\.log$/);
    const path = join(childlogdir, name);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(childlogdir).sort(), ["a---other-1.log", "me.log", name]);
    for (const [pid, text] of ["first ", "second"].entries()) {
      const end = world.attach(spec, pid, "stdout");
      end.write(text);
      end.close();
      world.logs.finish("web:web", pid);
    }
    await until(() => read(path) === "first second");
    assert.equal(made().length, 1);
    world.logs.clear("web:web");
    await until(() => existsSync(path) && read(path) === "");
    assert.equal(world.logs.historyEnd("web:web", "stdout"), 0);
  });
  await withWorld({ programs: [spec], global: { ...global, nocleanup: true } }, async () => {
    await until(() => readdirSync(childlogdir).length === 4);
  });
});

test("strip_ansi for console, file, history, followers and events alike", async () => {
  const file = join(scratch, "strip.log");
  const spec = web({ file, eventsEnabled: true });
  const chunks: string[] = [];
  const output = {
    chunk: (_spec: ProgramSpec, pid: number, stream: string, bytes: Uint8Array) =>
      void chunks.push(`${pid} ${stream} ${Buffer.from(bytes).toString()}`),
    captured: () => assert.fail("nothing is captured"),
  };
  await withWorld({ programs: [spec], global: { stripAnsi: true }, output }, async (world) => {
    let followed = "";
    const stop = world.logs.follow("web:web", "stdout", (bytes) => {
      followed += Buffer.from(bytes).toString();
    });
    const end = world.attach(spec, 7, "stdout");
    end.write("\x1b[31mred\x1b[");
    await seen(world, 10);
    end.write("0m\n");
    assert.equal(await world.out.until("\n"), "web    | red\n");
    await until(() => read(file) === "red\n");
    assert.equal(Buffer.from(world.logs.history("web:web", "stdout")).toString(), "red\n");
    assert.equal(followed, "red\n");
    assert.deepEqual(chunks, ["7 stdout red", "7 stdout \n"]);
    stop();
    end.write("more\n");
    await world.out.until("more\n");
    assert.equal(followed, "red\n");
  });
});

test("captures go to the listener, not to the log; their pieces are chunks too", async () => {
  const file = join(scratch, "capture.log");
  const spec = web({ file, eventsEnabled: true, captureMaxbytes: 100 });
  const told: string[] = [];
  const output = {
    chunk: (_spec: ProgramSpec, _pid: number, _stream: string, bytes: Uint8Array) =>
      void told.push(`chunk ${Buffer.from(bytes).toString()}`),
    captured: (_spec: ProgramSpec, pid: number, stream: string, bytes: Uint8Array) =>
      void told.push(`captured ${pid} ${stream} ${Buffer.from(bytes).toString()}`),
  };
  await withWorld({ programs: [spec], output }, async (world) => {
    const end = world.attach(spec, 7, "stdout");
    end.write("hi <!--XSUPERVISOR:BEGIN-->data<!--XSUPERVISOR:END-->there\n<!--");
    await seen(world, 61);
    end.close();
    world.logs.finish("web:web", 7);
    assert.equal(await world.out.until("<!--"), "web    | hi there\nweb    | <!--\n");
    await until(() => read(file) === "hi there\n<!--");
    const chunks = ["chunk hi ", "chunk data", "captured 7 stdout data", "chunk there\n", "chunk <!--"];
    assert.deepEqual(told, chunks);
  });
});

test("the stdout of a listener is its protocol: to the listener's keeper, history and file, not to the console", async () => {
  const file = join(scratch, "listener.log");
  const shown = fakeSpec("shown", { kind: "eventlistener", stdout: { ...OUT, logfile: "/dev/stdout" } });
  const spec = web({ file, captureMaxbytes: 100 }, { kind: "eventlistener" });
  const told: string[] = [];
  const output = {
    chunk: (from: ProgramSpec, _pid: number, stream: string, bytes: Uint8Array) =>
      void told.push(`${from.name} ${stream} ${Buffer.from(bytes).toString()}`),
    captured: () => assert.fail("a protocol has no tags"),
  };
  await withWorld({ programs: [spec, shown], global: { stripAnsi: true }, output }, async (world) => {
    world.attach(spec, 1, "stdout").write("\x1b[1mREADY\n");
    world.attach(shown, 2, "stdout").write("READY\n");
    world.attach(spec, 1, "stderr").write("diagnosis\n");
    assert.equal(await world.out.until("\n"), "shown  | READY\n");
    assert.equal(await world.err.until("\n"), "web    | diagnosis\n");
    await until(() => read(file) === "READY\n");
    assert.equal(Buffer.from(world.logs.history("web:web", "stdout")).toString(), "READY\n");
    assert.deepEqual(told.sort(), ["shown stdout READY\n", "web stdout \x1b[1mREADY\n"]);
  });
});

test("the main log: last lines in memory, a file, followers; clear begins anew", async () => {
  const file = join(scratch, "main.log");
  const mainLog = { file, syslog: false, maxbytes: 0, backups: 0 };
  await withWorld({ global: { mainLog, logHistory: 100 } }, async ({ logs, clock }) => {
    clock.advance(1789);
    let followed = "";
    logs.followMain((bytes) => {
      followed += Buffer.from(bytes).toString();
    });
    logs.say("info", "spawned: 'ü' with pid 1");
    logs.say("debug", "not shown");
    logs.say("critical", "two\nlines");
    const when = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:01,789";
    const text = new RegExp(`^${when} INFO spawned: 'ü' with pid 1\n${when} CRIT two\nlines\n$`);
    assert.match(followed, text);
    const { bytes, end } = logs.mainHistory();
    assert.equal(end, Buffer.byteLength(followed));
    assert.equal(Buffer.from(bytes).toString(), Buffer.from(followed).subarray(-100).toString());
    await until(() => read(file).length === end);
    assert.match(readFileSync(file, "utf8"), text);
    for (let index = 0; index < 1000; index++) logs.say("info", "x".repeat(index % 50));
    assert.equal(logs.mainHistory().bytes.length, 100);
    logs.clearMain();
    assert.match(followed, /INFO reopening log file\n$/);
    assert.deepEqual(logs.mainHistory(), { bytes: Buffer.alloc(0), end: 0 });
    await until(() => read(file) === "");
    logs.say("warn", "new");
    assert.match(Buffer.from(logs.mainHistory().bytes).toString(), /^\S+ \S+ WARN new\n$/);
  });
});

test("clients cannot make the memory grow by following what is not configured", async () => {
  await withWorld({ programs: [web({})] }, async ({ logs, attach, out }) => {
    logs.follow("no:no", "stdout", () => {})();
    logs.follow("web:web", "stdout", () => assert.fail("a bad follower"));
    attach(web({}), 1, "stdout").write("goes on\n");
    await out.until("goes on\n");
  });
});

test("new log settings apply to a running program: another file, another target, events", async () => {
  const [first, second] = [join(scratch, "first.log"), join(scratch, "second.log")];
  const spec = web({ file: first });
  const told: string[] = [];
  const output = {
    chunk: (_spec: ProgramSpec, _pid: number, _stream: string, bytes: Uint8Array) =>
      void told.push(Buffer.from(bytes).toString()),
    captured: () => {},
  };
  await withWorld({ programs: [spec], output }, async (world) => {
    const end = world.attach(spec, 1, "stdout");
    end.write("one\nhalf");
    assert.equal(await world.out.until("one\n"), "web    | one\n");
    const changed = web({ file: second, target: "stderr", eventsEnabled: true });
    world.logs.configure(fakeGlobal({ stripAnsi: true }), [changed]);
    assert.equal(await world.out.until("half\n"), "web    | one\nweb    | half\n");
    end.write("\x1b[1mtwo\n");
    assert.equal(await world.err.until("two\n"), "web    | two\n");
    await until(() => read(first) === "one\nhalf" && read(second) === "two\n");
    assert.deepEqual(told, ["two\n"]);
    world.logs.configure(fakeGlobal(), [web({ target: "discard" })]);
    end.write("three\n");
    await seen(world, 22);
    assert.equal(Buffer.from(world.logs.history("web:web", "stdout")).toString(), "one\nhalftwo\nthree\n");
    assert.equal(read(second), "two\n");
  });
});
