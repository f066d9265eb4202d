import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionError, FaultError } from "./client.ts";
import { errorLine, quote, resultLine, splitName, statusLines } from "./print.ts";

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
});

test("a code without words is not guessed at", () => {
  assert.equal(resultLine("stopped", "web", 30, "FAILED: EPERM"), "FAILED: EPERM");
  assert.throws(() => resultLine("started", "web", 30, "FAILED"), RangeError);
  assert.throws(() => resultLine("cleared", "web", 70, "NOT_RUNNING"), RangeError);
});

test("Python's quotes", () => {
  assert.equal(quote("a"), "'a'");
  assert.equal(quote("it's"), `"it's"`);
  assert.equal(quote(`it's "x"`), `'it\\'s "x"'`);
  assert.equal(quote("a\n\\"), "'a\\n\\\\'");
});

test("what was not expected looks as supervisorctl shows it", () => {
  const fault = new FaultError({ code: 92, text: `CANT_REREAD: it's` });
  assert.equal(
    errorLine(fault, "supervisorctl"),
    `error: <class 'xmlrpc.client.Fault'>, <Fault 92: "CANT_REREAD: it's">: file: supervisorctl line: 0`,
  );
  const denied = new ConnectionError("EACCES", "connect EACCES");
  assert.match(errorLine(denied, "x"), /^error: <class 'PermissionError'>, \[Errno 13\] Permission denied: /);
});
