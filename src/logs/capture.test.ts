import assert from "node:assert/strict";
import { closeSync, fstatSync } from "node:fs";
import { test } from "node:test";
import { kernel, ProgramEnd, pipe, turns } from "../../test/fakes/log-world.ts";
import { Capture, CaptureContext, type CaptureListener } from "./capture.ts";

class Listener implements CaptureListener {
  text = "";
  ends = 0;
  readonly ended: Promise<void>;
  #onEnded: () => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
  }

  onBytes(buffer: Buffer, length: number): void {
    this.text += buffer.toString("latin1", 0, length);
  }

  onEnd(): void {
    this.ends++;
    this.#onEnded();
  }
}

/** A context whose enlarged pipes are written down. */
function watched(): { context: CaptureContext; enlarged: number[] } {
  const enlarged: number[] = [];
  const setPipeSize = (fd: number, bytes: number): null => {
    assert.equal(bytes, 1024 * 1024);
    enlarged.push(fd);
    return null;
  };
  return { context: new CaptureContext({ read: kernel.read, setPipeSize }), enlarged };
}

test("bytes come as they are written, the end comes once", async () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  const capture = new Capture(ends.read, context, listener);
  const program = new ProgramEnd(ends.write);
  program.write("hello");
  program.close();
  await listener.ended;
  capture.close();
  await turns(3);
  assert.deepEqual([listener.text, listener.ends, capture.ended], ["hello", 1, true]);
  assert.equal(kernel.read(ends.read, Buffer.alloc(1)), "EBADF");
});

test("a paused pipe is left alone, drain reads it all the same", async () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  const capture = new Capture(ends.read, context, listener);
  capture.pause();
  const program = new ProgramEnd(ends.write);
  program.write("one ");
  await turns(5);
  assert.equal(listener.text, "");
  capture.drain(1000);
  assert.deepEqual([listener.text, capture.ended], ["one ", false]);
  program.write("two");
  capture.resume();
  while (listener.text.length < 7) await turns(1);
  program.close();
  capture.drain(1000);
  assert.deepEqual([listener.text, listener.ends], ["one two", 1]);
});

test("a drain never reads a descriptor that is somebody else's by now", async () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  const capture = new Capture(ends.read, context, listener);
  const program = new ProgramEnd(ends.write);
  program.write("hello");
  program.close();
  // Read to its end and closed, while `close` has yet to be told: that comes after the immediates of a turn.
  const isOpen = (): boolean => {
    try {
      fstatSync(ends.read);
      return true;
    } catch {
      return false;
    }
  };
  while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
  const others = pipe();
  assert.equal(others.read, ends.read, "the lowest free number is taken");
  const other = new ProgramEnd(others.write);
  other.write("a client's request");
  other.close();
  capture.drain(1000);
  assert.deepEqual([listener.text, listener.ends, capture.ended], ["hello", 1, true]);
  const left = Buffer.alloc(100);
  assert.equal(left.toString("latin1", 0, Number(kernel.read(others.read, left))), "a client's request");
  closeSync(others.read);
});

test("a drain has a bound", () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  const capture = new Capture(ends.read, context, listener);
  const endless = new CaptureContext({ read: (_fd, into) => into.length, setPipeSize: () => null });
  const other = pipe();
  const flood = new Capture(other.read, endless, listener);
  flood.drain(1024 * 1024);
  assert.equal(listener.text.length, 1024 * 1024);
  capture.close();
  flood.close();
  closeSync(ends.write);
  closeSync(other.write);
});

test("a flood leaves the turn to others", async () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  kernel.setPipeSize(ends.write, 1024 * 1024);
  const capture = new Capture(ends.read, context, listener);
  const program = new ProgramEnd(ends.write);
  program.write("x".repeat(1024 * 1024));
  const perTurn: number[] = [];
  for (let read = 0; read < 1024 * 1024; read = listener.text.length) {
    await turns(1);
    perTurn.push(listener.text.length - read);
  }
  assert.ok(Math.max(...perTurn) <= 256 * 1024, String(perTurn));
  capture.close();
  program.close();
});

test("what is paused or closed while it leaves the turn to others stays so", async () => {
  const { context } = watched();
  const ends = pipe();
  const listener = new Listener();
  kernel.setPipeSize(ends.write, 1024 * 1024);
  const capture = new Capture(ends.read, context, listener);
  const program = new ProgramEnd(ends.write);
  program.write("x".repeat(1024 * 1024));
  while (listener.text.length === 0) await turns(1);
  capture.pause();
  await turns(5);
  assert.equal(listener.text.length, 256 * 1024);
  capture.resume();
  while (listener.text.length < 512 * 1024) await turns(1);
  capture.close();
  await turns(5);
  assert.deepEqual([listener.text.length, listener.ends], [512 * 1024, 1]);
  program.close();
});

/** Fills and empties the pipe of a fresh capture so often. */
async function exercise(context: CaptureContext, times: number, chunk: string): Promise<() => void> {
  const ends = pipe();
  const listener = new Listener();
  const capture = new Capture(ends.read, context, listener);
  const program = new ProgramEnd(ends.write);
  for (let index = 1; index <= times; index++) {
    program.write(chunk);
    while (listener.text.length < index * chunk.length) await turns(1);
  }
  return () => {
    capture.close();
    program.close();
  };
}

test("only a busy program gets a larger pipe, and only so many do", async () => {
  const { context, enlarged } = watched();
  const full = "x".repeat(65_536);
  const closes = [await exercise(context, 20, "a line\n"), await exercise(context, 3, full)];
  assert.equal(enlarged.length, 0);
  context.enlarged = 14;
  for (let index = 0; index < 4; index++) closes.push(await exercise(context, 5, full));
  assert.equal(enlarged.length, 2);
  for (const close of closes) close();
  assert.equal(context.enlarged, 14);
});

test("a descriptor that cannot be polled is closed and told of", async () => {
  const { context } = watched();
  const file = kernel.open(import.meta.filename, "read");
  assert.ok(typeof file === "number");
  assert.throws(() => new Capture(file, context, new Listener()));
  assert.equal(kernel.read(file, Buffer.alloc(1)), "EBADF");
});
