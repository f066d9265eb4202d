import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { FileKind } from "../kernel/kernel.ts";
import { findCommand, programEnvironment } from "./launch.ts";

const PROGRAM: FileKind = { type: "file", executable: true };
const TEXT: FileKind = { type: "file", executable: false };
const DIRECTORY: FileKind = { type: "directory", executable: true };

function find(argv: string[], files: Record<string, FileKind>, change: Parameters<typeof fakeSpec>[1] = {}) {
  const kernel = { stat: (path: string) => files[path] ?? null };
  const context = { kernel, environment: [["PATH", "/bin:/usr/bin"]], cwd: "/srv" } as unknown;
  return findCommand(fakeSpec("web", { argv, ...change }), context as Parameters<typeof findCommand>[1]);
}

test("a name is searched for in PATH, and the first one there counts even when it cannot be run", () => {
  assert.deepEqual(find(["sh"], { "/bin/sh": PROGRAM }), { file: "/bin/sh" });
  assert.deepEqual(find(["sh"], { "/usr/bin/sh": PROGRAM }), { file: "/usr/bin/sh" });
  assert.deepEqual(find(["sh"], { "/bin/sh": TEXT, "/usr/bin/sh": PROGRAM }), {
    reason: "command at '/bin/sh' is not executable",
    code: 126,
  });
  assert.deepEqual(find(["sh"], {}), { reason: "can't find command 'sh'", code: 127 });
});

test("PATH of environment= beats the container's, relative entries start where tsinit was started", () => {
  const environment = { PATH: "tools" };
  assert.deepEqual(find(["go"], { "/srv/tools/go": PROGRAM }, { environment }), { file: "/srv/tools/go" });
});

test("a path is looked at from directory=, where it will be run", () => {
  assert.deepEqual(find(["./run"], { "/srv/./run": PROGRAM }), { file: "./run" });
  assert.deepEqual(find(["./run"], { "/app/./run": PROGRAM }, { directory: "/app" }), { file: "./run" });
  assert.deepEqual(find(["/etc"], { "/etc": DIRECTORY }), {
    reason: "command at '/etc' is a directory",
    code: 126,
  });
});

test("a command that could not be split is not run", () => {
  const commandError = "can't parse command 'a \"': No closing quotation";
  assert.deepEqual(find([], {}, { commandError }), { reason: commandError, code: 126 });
});

test("the environment: the container's, supervisord's, the user's, and the configuration's over all", () => {
  const user = { uid: 33, gid: 33, groups: [33], name: "www-data", home: "/var/www" };
  const context = {
    environment: [
      ["HOME", "/root"],
      ["A", "1"],
    ] as const,
    serverUrl: "unix:///run/x.sock",
  };
  const spec = fakeSpec("web", { user, environment: { A: "2", LOGNAME: "other" } });
  assert.deepEqual(programEnvironment(spec, context), [
    "HOME=/var/www",
    "A=2",
    "SUPERVISOR_ENABLED=1",
    "SUPERVISOR_SERVER_URL=unix:///run/x.sock",
    "SUPERVISOR_PROCESS_NAME=web",
    "SUPERVISOR_GROUP_NAME=web",
    "USER=www-data",
    "LOGNAME=other",
  ]);
});
