import assert from "node:assert/strict";
import { test } from "node:test";
import { invocations, scriptCommands, shellScript } from "./invocations.ts";

function names(...argv: string[]): string {
  return invocations(argv)
    .map(({ name, args }) => [name, ...args].join(" "))
    .join(" | ");
}

test("what leads to a program is not the program", () => {
  assert.equal(
    names("/usr/bin/env", "A=1", "-i", "gosu", "app", "/opt/bin/celery", "worker"),
    "celery worker",
  );
  assert.equal(names("nice", "-n", "5", "nginx"), "nginx");
  assert.equal(names("python3.11", "-u", "-m", "flask", "run"), "flask run");
  assert.equal(names("uv", "run", "gunicorn", "app"), "gunicorn app");
  assert.equal(names("tini", "-g", "--", "sh"), "sh");
  assert.equal(names("python3", "worker.py", "-m", "x"), "python3 worker.py -m x");
  assert.equal(names("env"), "env");
  assert.equal(names(), "");
});

test("a script is its commands; quotes hold them together", () => {
  assert.equal(names("bash", "-lc", "cd /app && A=1 exec celery worker"), "cd /app | celery worker");
  assert.deepEqual(scriptCommands("a 'b && c' \"d; e\" | f\ng & "), [["a", "b && c", "d; e"], ["f"], ["g"]]);
  assert.deepEqual(scriptCommands(""), []);
  assert.equal(shellScript(["sh", "run.sh"]), null);
  assert.equal(shellScript(["sh", "-c"]), null);
  assert.equal(shellScript(["/bin/sh", "-ec", "x"]), "x");
});

test("a long script is no trouble", () => {
  const began = performance.now();
  scriptCommands(`${'"'.repeat(50_000)}${"\\".repeat(50_001)}${"a;".repeat(50_000)}`);
  assert.ok(performance.now() - began < 10_000);
});
