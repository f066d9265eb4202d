import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder } from "../../test/fakes/http.ts";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import type { ProgramSpec, SocketSpec } from "../core/spec.ts";
import { createSystem, type System, step } from "../core/system.ts";
import { linuxKernel } from "../kernel/linux.ts";
import { createSockets } from "./sockets.ts";

const kernel = linuxKernel();
const PORT = 23_518;

const unix = (path: string, change: object = {}): SocketSpec => ({
  kind: "unix",
  url: `unix://${path}`,
  path,
  mode: 0o700,
  owner: null,
  backlog: null,
  ...change,
});
const tcp = (host: string, backlog: number | null = null): SocketSpec => ({
  kind: "tcp",
  url: `tcp://${host}:${PORT}`,
  host,
  port: PORT,
  backlog,
});
const fcgi = (name: string, socket: SocketSpec, change: Partial<ProgramSpec> = {}): ProgramSpec =>
  fakeSpec(name, { kind: "fcgi-program", section: "fcgi-program:php", socket, ...change });

function create() {
  const said: string[] = [];
  return { said, sockets: createSockets(kernel, (_, text) => said.push(text)) };
}

test("one socket for all processes of a section, made once, and closed with the last of them", async (t) => {
  const path = join(folder(t), "php.sock");
  const { said, sockets } = create();
  const plan = fakePlan([fcgi("php_0", unix(path)), fcgi("php_1", unix(path)), fakeSpec("web")]);
  assert.deepEqual(await sockets.prepare(plan), []);
  const fd = sockets.open(unix(path));
  assert.equal(sockets.open(unix(path)), fd);
  let system = started(plan);
  sockets.keepFor(system);
  assert.equal(kernel.knock(path), null);
  [system] = step(system, { type: "reload", plan: fakePlan([fakeSpec("web")]) }, 1);
  sockets.keepFor(system);
  assert.equal(kernel.knock(path), null, "its processes have not ended yet");
  for (const pid of [100, 101])
    [system] = step(
      system,
      { type: "exited", pid, status: { kind: "exited", code: 0 }, groupAlive: false },
      2,
    );
  sockets.keepFor(system);
  assert.equal(existsSync(path), false);
  assert.deepEqual(said, [`Creating socket unix://${path}`, `Closing socket unix://${path}`]);
});

/** Booted, every program with a process: pids from 100. */
function started(plan: ReturnType<typeof fakePlan>): System {
  let [system, effects] = step(createSystem(plan), { type: "boot" }, 0);
  let pid = 100;
  for (const effect of effects)
    if (effect.type === "spawn") [system] = step(system, { type: "spawned", id: effect.id, pid: pid++ }, 0);
  return system;
}

test("what cannot be had is told by section, once; of what is not started at once nothing is kept", async (t) => {
  const root = folder(t);
  const { said, sockets } = create();
  const taken = kernel.listen("127.0.0.1", PORT, 16);
  assert.ok(typeof taken === "number");
  const idle = unix(join(root, "idle.sock"));
  const missing = unix(join(root, "missing", "x.sock"));
  const plan = fakePlan([
    fcgi("a_0", tcp("localhost"), { section: "fcgi-program:a" }),
    fcgi("a_1", tcp("localhost"), { section: "fcgi-program:a" }),
    fcgi("b", missing, { section: "fcgi-program:b" }),
    fcgi("c", idle, { section: "fcgi-program:c", autostart: false }),
  ]);
  assert.deepEqual(await sockets.prepare(plan), [
    `[fcgi-program:a] socket: Could not create FastCGI socket tcp://localhost:${PORT}: another program is listening there`,
    `[fcgi-program:b] socket: Could not create FastCGI socket ${missing.url}: ${root}/missing/x.sock: the directory ${root}/missing does not exist`,
  ]);
  assert.deepEqual(said.slice(-2), [`Creating socket ${idle.url}`, `Closing socket ${idle.url}`]);
  kernel.close(taken);
  assert.equal(typeof sockets.open(tcp("localhost")), "number", "the next try has it");
  sockets.closeAll();
});

test("other values: a port is kept, for the old processes hold it too; a path gets a new socket", (t) => {
  const path = join(folder(t), "php.sock");
  const { sockets } = create();
  const port = sockets.open(tcp("127.0.0.1", 5));
  assert.equal(sockets.open(tcp("127.0.0.1", 6)), port);
  sockets.open(unix(path));
  const before = statSync(path);
  assert.equal(typeof sockets.open(unix(path, { mode: 0o666 })), "number");
  const after = statSync(path);
  assert.deepEqual([before.mode & 0o777, after.mode & 0o777], [0o700, 0o666]);
  assert.notEqual(before.ino, after.ino);
  assert.equal(kernel.knock(path), null);
  sockets.closeAll();
  assert.equal(existsSync(path), false);
});

test("a name is resolved before it is needed", async () => {
  const { sockets } = create();
  const spec = tcp("no-such-host.invalid");
  const why = `Could not create FastCGI socket ${spec.url}: the address of no-such-host.invalid is not known (yet)`;
  assert.deepEqual(await sockets.prepare(fakePlan([fcgi("php", spec)])), [
    `[fcgi-program:php] socket: ${why}`,
  ]);
});
