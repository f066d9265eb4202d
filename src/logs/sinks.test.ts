import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { kernel, pipe, Reader, turns } from "../../test/fakes/log-world.ts";
import type { Owner } from "./queue.ts";
import { openSinks, Sink } from "./sinks.ts";

class Writer implements Owner {
  queued = 0;
  lostBytes = 0;

  lost(bytes: number): void {
    this.lostBytes += bytes;
  }
}

function put(sink: Sink, owner: Owner, text: string): void {
  sink.queue.append(owner, Buffer.from(text), 0, Buffer.byteLength(text));
  sink.kick();
}

function untilIdle(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    sink.onProgress = () => sink.idle && resolve();
    sink.onProgress();
  });
}

/** File status flags, fcntl(2) F_GETFL, as /proc shows them. */
function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
  return (Number.parseInt(flags, 8) & 0o4000) !== 0;
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "sinks-"));
  try {
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("a pipe that drains takes lines at once, and the shared description stays blocking", async () => {
  const ends = pipe();
  const sink = new Sink(ends.write, new FakeClock(), kernel);
  const owner = new Writer();
  put(sink, owner, "one\n");
  assert.equal(owner.queued, 0);
  assert.equal(sink.idle, true);
  put(sink, owner, "x".repeat(3_000_000));
  assert.equal(sink.idle, false);
  assert.equal(isNonBlocking(ends.write), false);
  const reader = new Reader(ends.read);
  await reader.untilTrue(() => reader.length === 3_000_004);
  assert.equal(isNonBlocking(ends.write), false);
  reader.close();
  closeSync(ends.write);
});

test("a reader that does not read leaves the loop alone and is seen as stuck", async () => {
  const ends = pipe();
  const clock = new FakeClock();
  const sink = new Sink(ends.write, clock, kernel);
  const owner = new Writer();
  clock.advance(5000);
  put(sink, owner, `${"x".repeat(1_999_999)}\n`);
  assert.equal(sink.stuckSince, 5000);
  await turns(20);
  put(sink, owner, "last\n");
  assert.ok(owner.queued > 500_000);
  assert.equal(sink.idle, false);
  const reader = new Reader(ends.read);
  await untilIdle(sink);
  assert.deepEqual([owner.queued, sink.stuckSince], [0, null]);
  await reader.until((text) => text.endsWith("last\n"));
  assert.equal(reader.length, 2_000_005);
  reader.close();
  closeSync(ends.write);
});

test("a closed reader costs the lines and nothing else", async () => {
  const ends = pipe();
  const clock = new FakeClock();
  const sink = new Sink(ends.write, clock, kernel);
  const owner = new Writer();
  put(sink, owner, "x".repeat(500_000));
  closeSync(ends.read);
  await untilIdle(sink);
  assert.ok(owner.lostBytes > 0);
  assert.equal(owner.queued, 0);
  const before = owner.lostBytes;
  put(sink, owner, "gone\n");
  assert.equal(owner.lostBytes, before + 5);
  clock.advance(1000);
  put(sink, owner, "gone\n");
  await untilIdle(sink);
  assert.equal(owner.lostBytes, before + 10);
  closeSync(ends.write);
});

test("a fifo whose reader comes back is written to again", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "fifo");
    execFileSync("mkfifo", [path]);
    const both = openSync(path, "r+");
    const write = openSync(path, "w");
    const clock = new FakeClock();
    const sink = new Sink(write, clock, kernel);
    const told: (string | number)[] = [];
    sink.onBroken = (errno) => told.push(errno);
    sink.onMended = (lostBytes) => told.push(lostBytes);
    const owner = new Writer();
    closeSync(both);
    for (let time = 0; time < 3; time++) {
      put(sink, owner, "lost\n");
      await untilIdle(sink);
      clock.advance(500);
    }
    assert.equal(owner.lostBytes, 15);
    assert.deepEqual(told, ["EPIPE"]);
    const again = openSync(path, "r+");
    clock.advance(1000);
    put(sink, owner, "found\n");
    await untilIdle(sink);
    const buffer = Buffer.alloc(100);
    assert.equal(buffer.toString("utf8", 0, Number(kernel.read(again, buffer))), "found\n");
    assert.deepEqual(told, ["EPIPE", 15]);
    closeSync(again);
    closeSync(write);
  });
});

test("stdout and stderr that are one file share one sink, in order", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "log");
    const first = openSync(path, "w");
    const second = openSync(path, "w");
    const { stdout, stderr } = openSinks(first, second, new FakeClock(), kernel);
    assert.equal(stdout, stderr);
    const owner = new Writer();
    for (let index = 0; index < 1000; index++)
      put(index % 2 === 0 ? stdout : stderr, owner, `line ${index}\n`);
    await untilIdle(stdout);
    const wanted = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join("");
    assert.equal(readFileSync(path, "utf8"), wanted);
    closeSync(first);
    closeSync(second);
  });
});

test("two pipes are two sinks", () => {
  const [a, b] = [pipe(), pipe()];
  const { stdout, stderr } = openSinks(a.write, b.write, new FakeClock(), kernel);
  assert.notEqual(stdout, stderr);
  for (const fd of [a.read, a.write, b.read, b.write]) closeSync(fd);
});

test("a full disk costs lines and nothing else", async () => {
  const full = openSync("/dev/full", "w");
  const sink = new Sink(full, new FakeClock(), kernel);
  const owner = new Writer();
  put(sink, owner, "lost\n");
  await untilIdle(sink);
  assert.deepEqual([owner.queued, owner.lostBytes], [0, 5]);
  closeSync(full);
});

test("a closed descriptor is never written to again, even when its number comes back", async () => {
  const ends = pipe();
  closeSync(ends.write);
  const clock = new FakeClock();
  const sink = new Sink(ends.write, clock, kernel);
  const owner = new Writer();
  put(sink, owner, "lost\n");
  assert.deepEqual([owner.queued, owner.lostBytes, sink.idle], [0, 5, true]);
  await withDirectory(async (directory) => {
    const path = join(directory, "other");
    const reused = openSync(path, "w");
    assert.equal(reused, ends.write);
    clock.advance(1_000_000);
    put(sink, owner, "lost\n");
    assert.equal(owner.lostBytes, 10);
    assert.equal(readFileSync(path, "utf8"), "");
    closeSync(reused);
  });
  closeSync(ends.read);
});

test("the null device takes everything at no cost", () => {
  const fd = openSync("/dev/null", "w");
  const sink = new Sink(fd, new FakeClock(), kernel);
  const owner = new Writer();
  put(sink, owner, "x".repeat(1_000_000));
  assert.deepEqual([sink.idle, owner.queued, owner.lostBytes], [true, 0, 0]);
  closeSync(fd);
});

/** A connected pair; the server's side comes as a bare descriptor. */
async function socketPair(path: string): Promise<{ fd: number; peer: Socket; close: () => void }> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket)).listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  const peer = connect(path);
  const socket = await accepted.promise;
  const handle: unknown = Reflect.get(socket, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : null;
  assert.ok(typeof fd === "number");
  const close = (): void => {
    socket.destroy();
    peer.destroy();
    server.close();
  };
  return { fd, peer, close };
}

test("a socket as stdout works, also one that somebody else made non-blocking", async () => {
  await withDirectory(async (directory) => {
    const { fd, peer, close } = await socketPair(join(directory, "socket"));
    assert.equal(isNonBlocking(fd), true);
    const clock = new FakeClock();
    const sink = new Sink(fd, clock, kernel);
    const owner = new Writer();
    let received = 0;
    put(sink, owner, `${"x".repeat(1_999_999)}\n`);
    await turns(50);
    assert.equal(sink.idle, false);
    peer.on("data", (chunk) => {
      received += chunk.length;
      clock.advance(10);
    });
    const poll = (): void => {
      if (sink.idle) return;
      clock.advance(10);
      setImmediate(poll);
    };
    poll();
    await untilIdle(sink);
    assert.equal(owner.queued, 0);
    if (received < 2_000_000)
      await new Promise<void>((resolve) => peer.on("data", () => received >= 2_000_000 && resolve()));
    assert.equal(received, 2_000_000);
    close();
  });
});

test("a line torn by an error is ended before the next one", async () => {
  const ends = pipe();
  const clock = new FakeClock();
  const sink = new Sink(ends.write, clock, kernel);
  const owner = new Writer();
  put(sink, owner, `${"x".repeat(3_000_000)}\n`);
  closeSync(ends.read);
  await untilIdle(sink);
  assert.ok(owner.lostBytes > 0);
  // The same pipe gets a reader again, through the end that is still open; what it held is still there.
  const reader = new Reader(openSync(`/proc/self/fd/${ends.write}`, "r"));
  clock.advance(1000);
  put(sink, owner, "next\n");
  const text = await reader.until("next");
  assert.match(text, /^x+\nnext\n$/);
  reader.close();
  closeSync(ends.write);
});
