import assert from "node:assert/strict";
import { test } from "node:test";
import { Repeats } from "./repeats.ts";
import type { LogLine } from "./wording.ts";

const info = (text: string): LogLine => ({ level: "info", text });

test("the first ten are told, the rest is counted, whatever the pid", () => {
  const repeats = new Repeats();
  const told = Array.from({ length: 37 }, (_, i) =>
    repeats.admit("web", info(`spawned: 'web' with pid ${100 + i}`), i * 100),
  );
  assert.equal(told.filter(Boolean).length, 10);
  assert.ok(told.slice(0, 10).every(Boolean));
  assert.equal(repeats.due, 60_000);
  assert.deepEqual(repeats.take(59_999, "due"), []);
  assert.equal(repeats.due, 60_000);
  assert.deepEqual(repeats.take(60_000, "due"), [
    info("spawned: 'web' with pid 136 (27 times more, within 60 s)"),
  ]);
  assert.equal(repeats.due, null);
});

test("what goes on is counted on, what has paused is told again", () => {
  const repeats = new Repeats();
  for (let i = 0; i < 12; i++) repeats.admit("web", info("exited: web"), 0);
  assert.equal(repeats.take(60_000, "due").length, 1);
  assert.equal(repeats.admit("web", info("exited: web"), 61_000), false);
  assert.deepEqual(repeats.take(120_000, "due"), [info("exited: web (once more, within 60 s)")]);
  assert.equal(repeats.admit("web", info("exited: web"), 180_000), true);
});

test("programs and lines are counted each for itself; other statuses are other lines", () => {
  const repeats = new Repeats();
  for (let i = 0; i < 50; i++) {
    repeats.admit("a", info("exited: a (exit status 1; not expected)"), i);
    assert.equal(repeats.admit("b", info(`exited: a (exit status ${i}; not expected)`), i), true);
  }
  assert.equal(repeats.admit("a", info("exited: a (exit status 2; not expected)"), 60), true);
});

test("at the end everything counted is told", () => {
  const repeats = new Repeats();
  for (let i = 0; i < 11; i++) repeats.admit("a", info("x"), 0);
  repeats.admit("a", info("y"), 0);
  assert.deepEqual(repeats.take(2000, "all"), [info("x (once more, within 2 s)")]);
});

test("memory is bounded: beyond five thousand kinds lines are told", () => {
  const repeats = new Repeats();
  for (let i = 0; i < 6000; i++) assert.equal(repeats.admit(`p${i}`, info("x"), 0), true);
  for (let i = 0; i < 20; i++) assert.equal(repeats.admit("late", info("x"), 0), true);
  assert.equal(repeats.admit("later", info("x"), 70_000), true, "the old ones have made room");
  for (let i = 0; i < 20; i++) repeats.admit("later", info("x"), 70_000);
  assert.equal(repeats.take(70_000, "all").length, 1);
});
