import assert from "node:assert/strict";
import { test } from "node:test";
import { createBodies } from "./body.ts";

test("what is written is there as UTF-8, however little was expected", () => {
  const body = createBodies().create(0);
  const text = "ünï😀 and ASCII\n".repeat(50_000);
  for (let at = 0; at < text.length; at += 8000) body.write(text.slice(at, at + 8000));
  assert.equal(body.end().toString(), text);
});

test("memory is used again once it was released, and not before", () => {
  const bodies = createBodies();
  const make = (text: string): Buffer => {
    const body = bodies.create(1000);
    body.write(text);
    return body.end();
  };
  const first = make("first");
  const second = make("second");
  assert.ok(first.buffer !== second.buffer);
  bodies.release(first);
  const third = make("third");
  assert.ok(third.buffer === first.buffer);
  assert.ok(make("fourth").buffer !== third.buffer);
  assert.deepEqual([second.toString(), third.toString()], ["second", "third"]);
});

test("memory that is much too large for an answer is not kept", () => {
  const bodies = createBodies();
  const large = bodies.create(10_000_000);
  large.write("short");
  const body = large.end();
  bodies.release(body);
  assert.ok(bodies.create(0).end().buffer !== body.buffer);
});
