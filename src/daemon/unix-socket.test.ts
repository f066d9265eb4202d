import assert from "node:assert/strict";
import { chmodSync, lstatSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { folder } from "../../test/fakes/http.ts";
import { linuxKernel } from "../kernel/linux.ts";
import { openUnixSocket, type UnixSocketRequest } from "./unix-socket.ts";

const kernel = linuxKernel();

function open(path: string, change: Partial<UnixSocketRequest> = {}) {
  return openUnixSocket(kernel, {
    path,
    mode: 0o700,
    owner: null,
    backlog: 16,
    living: "respect",
    ...change,
  });
}

/** A socket file whose server has gone without removing it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.other`, resolve));
  renameSync(`${path}.other`, path);
  await new Promise((resolve) => server.close(resolve));
  assert.ok(lstatSync(path).isSocket());
}

test("the socket is its owner's alone, respects a living one, and goes away", (t) => {
  const path = join(folder(t), "control.sock");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const first = open(path);
  assert.ok(first.ok);
  assert.equal(first.socket.wasStale, false);
  assert.equal(lstatSync(path).mode & 0o777, 0o700);
  assert.equal(process.umask(0), 0);
  assert.deepEqual(readdirSync(join(path, "..")), ["control.sock"]);
  assert.deepEqual(open(path), {
    ok: false,
    isTaken: true,
    error: `${path}: another program is listening there`,
  });
  assert.equal(kernel.knock(path), null, "it is as it was");
  first.socket.remove();
  assert.deepEqual(readdirSync(join(path, "..")), []);
  kernel.close(first.socket.fd);
});

test("a dead socket is replaced, another file never", async (t) => {
  const path = join(folder(t), "control.sock");
  writeFileSync(path, "mine");
  for (const living of ["respect", "replace"] as const)
    assert.deepEqual(open(path, { living }), {
      ok: false,
      isTaken: false,
      error: `${path}: exists and is not a socket`,
    });
  rmSync(path);
  await leaveStaleSocket(path);
  const second = open(path);
  assert.ok(second.ok);
  assert.equal(second.socket.wasStale, true);
  assert.deepEqual(readdirSync(join(path, "..")), ["control.sock"]);
  kernel.close(second.socket.fd);
});

test("a living socket is replaced where that is asked for, and its file is not the old one's to remove", (t) => {
  const path = join(folder(t), "x.sock");
  const first = open(path);
  const second = open(path, { mode: 0o660, living: "replace", owner: { uid: 4711, gid: -1 } });
  assert.ok(first.ok && second.ok);
  const { mode, uid, gid } = statSync(path);
  assert.deepEqual([mode & 0o777, uid, gid], [0o660, 4711, 0]);
  kernel.close(first.socket.fd);
  first.socket.remove();
  assert.equal(kernel.knock(path), null);
  kernel.close(second.socket.fd);
  second.socket.remove();
  assert.deepEqual(readdirSync(join(path, "..")), []);
});

test("a place where no socket can be is an answer, and nothing is left there", (t) => {
  const root = folder(t);
  const error = (path: string): string => {
    const result = open(path);
    return result.ok ? "opened" : result.error;
  };
  const missing = join(root, "missing", "x.sock");
  assert.equal(error(missing), `${missing}: the directory ${root}/missing does not exist`);
  const long = join(root, "x".repeat(120));
  assert.equal(error(long), `${long}: longer than 107 bytes, which a socket's path cannot be`);
  writeFileSync(join(root, "file"), "");
  assert.equal(error(join(root, "file", "x")), `${root}/file/x: ENOTDIR`);
  rmSync(join(root, "file"));
  assert.deepEqual(readdirSync(root), []);
});

test("a path that has no room for the name it is made under works all the same", (t) => {
  const root = folder(t);
  const path = join(root, "x".repeat(107 - root.length - 1));
  const opened = open(path);
  assert.ok(opened.ok, JSON.stringify(opened));
  assert.equal(kernel.knock(path), null);
  kernel.close(opened.socket.fd);
});

test("a stale socket that is not ours to remove is not called a living one", async (t) => {
  const path = join(folder(t), "x.sock");
  await leaveStaleSocket(path);
  chmodSync(path, 0o666);
  chmodSync(join(path, ".."), 0o1777);
  assert.ok(process.seteuid && process.geteuid);
  process.seteuid(4711);
  t.after(() => process.seteuid?.(0));
  assert.deepEqual(open(path), {
    ok: false,
    isTaken: false,
    error: `${path}: cannot be put there (EPERM)`,
  });
  process.seteuid(0);
  assert.deepEqual(readdirSync(join(path, "..")), ["x.sock"]);
});
