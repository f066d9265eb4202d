import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { LogFile, type LogFileHost, type Rotation } from "./log-file.ts";
import { Slots } from "./slots.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsinit-files-"));
after(() => rmSync(scratch, { recursive: true }));
const GROWS: Rotation = { maxbytes: 0, backups: 0 };

let count = 0;
function folder(): string {
  const path = join(scratch, String(count++));
  mkdirSync(path);
  return path;
}

class Rig {
  readonly clock = new FakeClock();
  readonly said: string[] = [];
  readonly file: LogFile;
  progress = 0;
  overflow: "block" | "drop" = "block";

  constructor(path: string, limit = 1024 * 1024, consoleIdentity = "") {
    const host: LogFileHost = {
      slots: new Slots(),
      now: () => this.clock.now(),
      after: (millis, listener) => this.clock.after(millis, listener),
      say: (level, text) => void this.said.push(`${level} ${text}`),
      limit: () => limit,
      overflow: () => this.overflow,
      isConsole: (identity) => identity === consoleIdentity,
      onProgress: () => void this.progress++,
    };
    this.file = new LogFile(host, { path, mode: 0o640, ready: null });
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    this.file.write(bytes, 0, bytes.length);
  }

  async settled(): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!this.file.idle) {
      assert.ok(performance.now() < deadline, "the file does not settle");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

const read = (path: string): string => readFileSync(path, "latin1");

test("made with its mode at the start, appended to, closed when nobody writes any more", async () => {
  const path = join(folder(), "a.log");
  const rig = new Rig(path);
  rig.file.acquire(GROWS);
  await rig.settled();
  assert.equal(statSync(path).mode & 0o7777, 0o640);
  rig.write("one\n\x00\xff");
  rig.write("two");
  rig.file.release();
  await rig.settled();
  assert.equal(read(path), "one\n\x00\xc3\xbftwo");
  assert.equal(rig.file.used, false);
  rig.file.acquire(GROWS);
  rig.write("+");
  await rig.settled();
  assert.equal(read(path), "one\n\x00\xc3\xbftwo+");
  assert.deepEqual(rig.said, []);
});

test("rotation looks at the size after each piece, whether pieces are written one by one or together", async () => {
  const pieces = Array.from({ length: 60 }, (_, index) => `${String(index).repeat(1 + (index % 7))}\n`);
  const wanted = ["", "", "", ""];
  for (const piece of pieces) {
    wanted[0] += piece;
    if ((wanted[0] ?? "").length >= 40) wanted.unshift("");
  }
  for (const together of [true, false]) {
    const directory = folder();
    const path = join(directory, "r.log");
    const rig = new Rig(path);
    rig.file.acquire({ maxbytes: 40, backups: 3 });
    for (const piece of pieces) {
      rig.write(piece);
      if (!together) await rig.settled();
    }
    await rig.settled();
    const names = ["r.log", "r.log.1", "r.log.2", "r.log.3"];
    assert.deepEqual(readdirSync(directory).sort(), names);
    assert.deepEqual(
      names.map((name) => read(join(directory, name))),
      wanted.slice(0, 4),
    );
    assert.deepEqual(rig.said, []);
  }
});

test("backups=0 empties the file; a gap among the backups is left; what is there before counts", async () => {
  const directory = folder();
  const path = join(directory, "x");
  writeFileSync(path, "0123456789");
  const rig = new Rig(path);
  rig.file.acquire({ maxbytes: 10, backups: 0 });
  await rig.settled();
  assert.equal(read(path), "0123456789", "looked at after a write only");
  rig.write("more");
  await rig.settled();
  assert.equal(read(path), "");
  writeFileSync(`${path}.2`, "two");
  writeFileSync(`${path}.9`, "nine");
  writeFileSync(`${path}.1x`, "not one of them");
  rig.file.rotation = { maxbytes: 10, backups: 9 };
  rig.write("a long enough line");
  await rig.settled();
  assert.deepEqual(
    readdirSync(directory).map((name) => [name, read(join(directory, name))]),
    [
      ["x", ""],
      ["x.1", "a long enough line"],
      ["x.1x", "not one of them"],
      ["x.3", "two"],
      ["x.9", "nine"],
    ],
  );
});

test("a rotation that cannot be done is said once, and nothing is lost", async () => {
  const directory = folder();
  const path = join(directory, "x");
  mkdirSync(`${path}.1`);
  writeFileSync(join(`${path}.1`, "inside"), "");
  const rig = new Rig(path);
  rig.file.acquire({ maxbytes: 5, backups: 1 });
  for (const text of ["123456", "789", "abc"]) {
    rig.write(text);
    await rig.settled();
  }
  assert.equal(read(path), "123456789abc");
  assert.equal(rig.said.length, 1);
  assert.match(rig.said[0] ?? "", /^error cannot rotate the log file .*x: EISDIR; it goes on growing$/);
});

test("a failure is said once, what is missing is counted, and it is tried again later", async () => {
  const path = join(scratch, "later", "a.log");
  const rig = new Rig(path);
  rig.file.acquire(GROWS);
  await rig.settled();
  const missing = "ENOENT (its directory does not exist); what it misses is counted";
  assert.deepEqual(rig.said, [`error cannot write the log file ${path}: ${missing}`]);
  rig.write("lost");
  rig.clock.advance(1000);
  rig.write("lost too");
  await rig.settled();
  mkdirSync(join(scratch, "later"));
  rig.clock.advance(1999);
  rig.write("not yet");
  rig.clock.advance(1);
  rig.write("there");
  await rig.settled();
  assert.equal(read(path), "there");
  assert.deepEqual(rig.said.slice(1), [
    `info the log file ${path} is written again; 19 bytes are missing in it`,
  ]);
});

test("reopen after a rename goes on in a new file; what came before is in the old one", async () => {
  const path = join(folder(), "a.log");
  const rig = new Rig(path);
  rig.file.acquire(GROWS);
  rig.write("before");
  await rig.settled();
  renameSync(path, `${path}.old`);
  rig.write(" rename");
  rig.file.reopen();
  rig.write("after");
  await rig.settled();
  assert.deepEqual([read(`${path}.old`), read(path)], ["before rename", "after"]);
});

test("clear makes a new file, empties what a link leads to, and leaves a device alone", async () => {
  const directory = folder();
  const path = join(directory, "a.log");
  const rig = new Rig(path);
  rig.file.acquire(GROWS);
  rig.write("old");
  await rig.settled();
  const before = statSync(path).ino;
  const held = openSync(path, "r");
  rig.file.clear();
  rig.write("new");
  await rig.settled();
  assert.equal(read(path), "new");
  assert.notEqual(statSync(path).ino, before);
  assert.equal(readSync(held, Buffer.alloc(10)), 3, "whoever reads the old one still has it");
  const link = join(directory, "link");
  symlinkSync(path, link);
  const linked = new Rig(link);
  linked.file.acquire(GROWS);
  linked.file.clear();
  await linked.settled();
  assert.equal(read(path), "");
  const full = join(directory, "full");
  execFileSync("mknod", [full, "c", "1", "7"]);
  const device = new Rig(full);
  device.file.acquire({ maxbytes: 10, backups: 2 });
  device.file.clear();
  device.write("x".repeat(20));
  await device.settled();
  assert.ok(statSync(full).isCharacterDevice());
  assert.match(device.said.join(), /ENOSPC \(the disk is full\)/);
});

test("a FIFO: nobody reads is an error; a full one is waited for, then dropped, and never blocks", async () => {
  const path = join(folder(), "fifo");
  execFileSync("mkfifo", [path]);
  const rig = new Rig(path, 64 * 1024);
  rig.file.acquire({ maxbytes: 100, backups: 3 });
  await rig.settled();
  assert.match(rig.said.join(), /ENXIO \(nobody reads that pipe\)/);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  rig.clock.advance(1000);
  const chunk = "x".repeat(32 * 1024);
  rig.write(chunk);
  await rig.settled();
  for (let index = 0; index < 6; index++) rig.write(chunk);
  while (!rig.file.isOver(1)) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(rig.file.isOver(1), "whoever writes waits");
  const progress = rig.progress;
  for (let waited = 0; waited < 1200; waited += 10) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    rig.clock.advance(10);
  }
  assert.equal(rig.file.isOver(1), false, "but not for ever");
  assert.ok(rig.progress > progress);
  assert.equal(rig.file.idle, true);
  rig.write(chunk);
  assert.match(rig.said.at(-1) ?? "", /it does not take what is written/);
  const into = Buffer.alloc(1024 * 1024);
  let total = 0;
  const deadline = performance.now() + 10_000;
  while (total < 7 * chunk.length && performance.now() < deadline) {
    try {
      total += readSync(reader, into);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    rig.clock.advance(100);
  }
  assert.equal(total, 7 * chunk.length, "what waited arrives");
});

test("drop: what is over the limit is dropped at once", async () => {
  const path = join(folder(), "a");
  const rig = new Rig(path, 1000);
  rig.overflow = "drop";
  rig.file.acquire(GROWS);
  for (let index = 0; index < 10; index++) rig.write("x".repeat(500));
  assert.equal(rig.file.isOver(1), false);
  await rig.settled();
  assert.equal(statSync(path).size, 1000);
});

test("the container's own output under another name is not written twice, and never rotated", async () => {
  const path = join(folder(), "console");
  writeFileSync(path, "shown");
  const { dev, ino } = statSync(path);
  const rig = new Rig(path, 1000, `${dev}:${ino}`);
  rig.file.acquire({ maxbytes: 1, backups: 1 });
  rig.write("again");
  rig.file.clear();
  await rig.settled();
  assert.equal(read(path), "shown");
  assert.equal(existsSync(`${path}.1`), false);
});

test("a directory in place of the file, and one that may not be written, stop nothing", async () => {
  const directory = folder();
  mkdirSync(join(directory, "d"));
  chmodSync(directory, 0o755);
  const rig = new Rig(join(directory, "d"));
  rig.file.acquire(GROWS);
  rig.write("x");
  await rig.settled();
  assert.match(rig.said.join(), /d: EISDIR; what it misses/);
});
