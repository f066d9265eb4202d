import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createStdinPipes } from "./stdin.ts";

/** A pipe: its read end never blocks, so that a test can look. */
function makePipe(t: TestContext): { read: number; write: number } {
  const folder = fs.mkdtempSync(join(tmpdir(), "tsinit-stdin-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const read = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  return { read, write: fs.openSync(path, fs.constants.O_WRONLY) };
}

function readAll(fd: number): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(65_536);
    try {
      const count = fs.readSync(fd, buffer);
      if (count === 0) return Buffer.concat(parts);
      parts.push(buffer.subarray(0, count));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return Buffer.concat(parts);
      throw error;
    }
  }
}

const isOpen = (fd: number): boolean => fs.existsSync(`/proc/self/fd/${fd}`);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what is written arrives; the end of the process closes the pipe", async (t) => {
  const { read, write } = makePipe(t);
  const pipes = createStdinPipes(fs.closeSync, () => {});
  pipes.keep("a:a", 7, write);
  assert.equal(pipes.write("a:a", Buffer.from("hello\n")), "sent");
  assert.equal(readAll(read).toString(), "hello\n");
  pipes.end("a:a", 8);
  assert.equal(pipes.write("a:a", Buffer.from("x")), "sent", "another process ended");
  pipes.end("a:a", 7);
  await turn();
  await turn();
  assert.ok(!isOpen(write));
  assert.equal(pipes.write("a:a", Buffer.from("x")), "no-pipe");
  fs.closeSync(read);
});

test("nobody writes: the descriptor is closed all the same", (t) => {
  const { read, write } = makePipe(t);
  const pipes = createStdinPipes(fs.closeSync, () => {});
  pipes.keep("a:a", 7, write);
  pipes.end("a:a", 7);
  assert.ok(!isOpen(write));
  fs.closeSync(read);
});

test("a program that closed its stdin is told of at the first write", (t) => {
  const { read, write } = makePipe(t);
  fs.closeSync(read);
  const pipes = createStdinPipes(fs.closeSync, () => {});
  pipes.keep("a:a", 7, write);
  assert.equal(pipes.write("a:a", Buffer.from("x")), "closed");
  assert.equal(pipes.write("a:a", Buffer.from("x")), "closed");
  pipes.end("a:a", 7);
});

test("one that does not read: a bounded amount is kept, then refused; in order once it reads", async (t) => {
  const { read, write } = makePipe(t);
  let drained = 0;
  const pipes = createStdinPipes(fs.closeSync, () => drained++);
  pipes.keep("a:a", 7, write);
  const piece = Buffer.alloc(100_000, "x");
  let sent = 0;
  let result = pipes.write("a:a", piece);
  for (; result === "sent" && sent < 100; result = pipes.write("a:a", piece)) sent++;
  assert.equal(result, "full");
  assert.ok(sent >= 10 && sent <= 13, `${sent} pieces`);
  const parts: Buffer[] = [];
  for (let total = 0, turns = 0; total < sent * piece.length && turns < 10_000; turns++) {
    const bytes = readAll(read);
    parts.push(bytes);
    total += bytes.length;
    await turn();
  }
  assert.equal(Buffer.concat(parts).length, sent * piece.length);
  await turn();
  assert.equal(drained, 1);
  assert.equal(pipes.write("a:a", Buffer.from("y")), "sent");
  pipes.end("a:a", 7);
  fs.closeSync(read);
});
