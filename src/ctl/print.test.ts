import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonError } from "./errors.ts";
import { resultLine, splitName, statusLines } from "./print.ts";

test("names of programs and of whole groups", () => {
  assert.deepEqual(splitName("web"), { group: "web", name: "web" });
  assert.deepEqual(splitName("crew:a"), { group: "crew", name: "a" });
  assert.deepEqual(splitName("crew:*"), { group: "crew", name: null });
  assert.deepEqual(splitName("crew:"), { group: "crew", name: null });
  assert.deepEqual(splitName("a:b:c"), { group: "a", name: "b:c" });
});

test("status columns grow with the longest name", () => {
  const info = (name: string) => ({ group: name, name, statename: "STOPPED", description: "Not started" });
  assert.deepEqual(statusLines([info("web")]), [`${"web".padEnd(33)}STOPPED   Not started`]);
  const long = "x".repeat(40);
  assert.deepEqual(statusLines([info(long), info("web")]), [
    `${long}   STOPPED   Not started`,
    `${"web".padEnd(43)}STOPPED   Not started`,
  ]);
  assert.deepEqual(statusLines([]), []);
  assert.deepEqual(statusLines([info("🐙")]), [`🐙${" ".repeat(32)}STOPPED   Not started`]);
});

test("a code without words is not guessed at", () => {
  assert.equal(resultLine("stopped", "web", 30, "FAILED: EPERM"), "FAILED: EPERM");
  assert.throws(() => resultLine("started", "web", 30, "FAILED"), PythonError);
  assert.throws(() => resultLine("cleared", "web", 70, "NOT_RUNNING"), PythonError);
});
