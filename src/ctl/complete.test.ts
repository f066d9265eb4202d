import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates, kindAt, wordOf } from "./complete.ts";

const INFOS = [
  { group: "web", name: "web" },
  { group: "crew", name: "a" },
  { group: "crew", name: "b-1" },
];
const ACTIONS = ["start", "status", "stop", "help"];

function offered(line: string): string[] | null {
  const kind = kindAt(line);
  return kind === null ? null : candidates(kind, wordOf(line), ACTIONS, INFOS);
}

test("the first word is an action, and so is the topic of help", () => {
  assert.deepEqual(offered(""), ["start ", "status ", "stop ", "help "]);
  assert.deepEqual(offered("sta"), ["start ", "status "]);
  assert.deepEqual(offered("  sta"), ["start ", "status "]);
  assert.deepEqual(offered("help sto"), ["stop "]);
  assert.deepEqual(offered("xyz"), []);
});

test("groups for what is about groups, programs and whole groups for the others", () => {
  assert.deepEqual(offered("update "), ["web ", "crew "]);
  assert.deepEqual(offered("remove web c"), ["crew "]);
  assert.deepEqual(offered("start "), ["web ", "crew:a ", "crew:* ", "crew:b-1 "]);
  assert.deepEqual(offered("start c"), ["crew:a ", "crew:* ", "crew:b-1 "]);
  assert.deepEqual(offered("tail -f crew:b-"), ["crew:b-1 "]);
  assert.deepEqual(offered("start web:"), ["web:web ", "web:* "]);
  assert.deepEqual(offered("start crew:*"), ["crew:* "]);
});

test("nothing for the rest", () => {
  for (const line of ["open ", "version x", "toString ", "constructor x"]) assert.equal(offered(line), null);
});
