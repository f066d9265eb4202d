import assert from "node:assert/strict";
import { test } from "node:test";
import { OutputQueue, type Owner } from "./queue.ts";

class Writer implements Owner {
  queued = 0;
  lostBytes = 0;

  lost(bytes: number): void {
    this.lostBytes += bytes;
  }
}

/** Takes everything out, at most `step` bytes at a time. */
function drain(queue: OutputQueue, step = Number.POSITIVE_INFINITY): string {
  let text = "";
  for (let head = queue.head(); head; head = queue.head()) {
    const count = Math.min(step, head.end - head.start);
    text += head.bytes.buffer.toString("latin1", head.start, head.start + count);
    queue.consume(count);
  }
  return text;
}

function put(queue: OutputQueue, owner: Owner, text: string): void {
  queue.begin(owner);
  queue.append(owner, Buffer.from(text), 0, text.length);
}

test("bytes leave in the order they came, over block borders, and each owner is told of its own", () => {
  const queue = new OutputQueue();
  const [a, b] = [new Writer(), new Writer()];
  let wanted = "";
  for (let index = 0; index < 40; index++) {
    const owner = index % 3 === 0 ? a : b;
    const text = `${index}${"x".repeat(30_000)}\n`;
    wanted += text;
    put(queue, owner, text);
  }
  assert.equal(queue.size, wanted.length);
  assert.equal(a.queued + b.queued, wanted.length);
  assert.equal(drain(queue, 70_001), wanted);
  assert.deepEqual([queue.size, a.queued, b.queued], [0, 0, 0]);
});

test("lines can be put together in place", () => {
  const queue = new OutputQueue();
  const owner = new Writer();
  const block = queue.room(100);
  assert.ok(block.bytes.buffer.length - block.end >= 100);
  block.bytes.buffer.write("hello\n", block.end);
  queue.commit(owner, block, 6);
  assert.equal(owner.queued, 6);
  assert.equal(drain(queue), "hello\n");
});

test("what is thrown away is told to its owners", () => {
  const queue = new OutputQueue();
  const [a, b] = [new Writer(), new Writer()];
  put(queue, a, "aaa\n");
  put(queue, b, "b\n");
  queue.consume(2);
  queue.discard();
  assert.deepEqual([queue.size, a.queued, b.queued, a.lostBytes, b.lostBytes], [0, 0, 0, 2, 2]);
  put(queue, a, "again\n");
  assert.equal(drain(queue), "again\n");
});

test("an open line is ended before somebody else writes, not before its owner goes on", () => {
  const queue = new OutputQueue();
  const [a, b] = [new Writer(), new Writer()];
  put(queue, a, "half ");
  queue.leaveLineOpen(a);
  put(queue, a, "more");
  queue.leaveLineOpen(a);
  put(queue, b, "other\n");
  queue.endLine(a);
  put(queue, a, "rest");
  queue.leaveLineOpen(a);
  queue.endLine(a);
  assert.equal(drain(queue), "half more\nother\nrest\n");
});

test("thousands of small entries stay cheap to account for", () => {
  const queue = new OutputQueue();
  const owners = [new Writer(), new Writer()];
  for (let round = 0; round < 50; round++) {
    for (let index = 0; index < 200; index++) put(queue, owners[index % 2] ?? new Writer(), "line\n");
    const head = queue.head();
    assert.ok(head);
    queue.consume(500);
  }
  assert.equal(queue.size, 50 * 500);
  assert.equal(owners[0]!.queued + owners[1]!.queued, queue.size);
  assert.equal(drain(queue).length, 50 * 500);
});
