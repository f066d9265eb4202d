/** The contract on the fake kernel, and what the fake can do beyond it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Pid } from "../src/core/states.ts";
import type { SpawnRequest } from "../src/kernel/kernel.ts";
import { installFixtures } from "./fakes/fixtures.ts";
import { FakeExit, FakeKernel } from "./fakes/kernel.ts";
import type { FakeProgram } from "./fakes/process.ts";
import { kernelContract } from "./kernel-contract.ts";
import { exited, killedBy, type Rig } from "./kernel-rig.ts";

const PROGRAMS = join(import.meta.dirname, "programs");

function fakeRig(): Rig {
  // Not PID 1, as on the real one.
  const kernel = new FakeKernel({ pid: 100 });
  installFixtures(kernel, PROGRAMS);
  kernel.files.add("/data", { type: "directory", executable: true });
  kernel.files.add("/data/plain", { content: "plain\n" });
  kernel.files.add("/data/bad", { executable: true, badInterpreter: true });
  kernel.files.add("/data/nonsense", { executable: true });
  return {
    kernel,
    programs: PROGRAMS,
    paths: {
      missing: "/data/missing",
      plain: "/data/plain",
      badInterpreter: "/data/bad",
      nonsense: "/data/nonsense",
    },
    receiveDatagrams: () => ({ path: "/data/log", fd: kernel.files.bindDatagrams("/data/log") }),
    change: async () => kernel.clock.advance(1),
    turn: async () => kernel.clock.advance(1),
    exhaustProcesses: async () => {
      kernel.fail("spawn", "EAGAIN", Number.POSITIVE_INFINITY);
      return async () => kernel.heal();
    },
    exhaustFiles: () => {
      kernel.fail("pipe", "EMFILE", Number.POSITIVE_INFINITY);
      kernel.fail("open", "EMFILE", Number.POSITIVE_INFINITY);
      return () => kernel.heal();
    },
  };
}

kernelContract("fake", fakeRig);

const PLAIN: SpawnRequest = {
  file: "/bin/it",
  argv: ["it"],
  environment: [],
  directory: null,
  stdio: [0, 1, 2],
  user: null,
  umask: null,
  foreground: false,
};

function start(kernel: FakeKernel, program: FakeProgram): Pid {
  kernel.install("/bin/it", program);
  const result = kernel.spawn(PLAIN);
  assert.ok(result.ok);
  return result.pid;
}

test("CHLD comes in a turn of its own, once for all that ended before it", () => {
  const kernel = new FakeKernel();
  const signals: number[] = [];
  kernel.onSignal = (signal) => signals.push(signal);
  start(kernel, (self) => self.exit(1));
  start(kernel, (self) => self.exit(2));
  assert.deepEqual(signals, [], "never inside of spawn");
  kernel.clock.advance(0);
  assert.deepEqual(signals, [17]);
  start(kernel, (self) => self.exitAfter(5, 3));
  kernel.clock.advance(5);
  assert.deepEqual(signals, [17, 17]);
});

test("failures come as often as asked for, and name their step", () => {
  const kernel = new FakeKernel();
  kernel.install("/bin/it", () => {});
  kernel.fail("spawn", "EAGAIN", 2);
  kernel.fail("spawn", "EPERM", 1, "user");
  assert.deepEqual(kernel.spawn(PLAIN), { ok: false, step: "fork", errno: "EAGAIN" });
  assert.deepEqual(kernel.spawn(PLAIN), { ok: false, step: "fork", errno: "EAGAIN" });
  assert.deepEqual(kernel.spawn(PLAIN), { ok: false, step: "user", errno: "EPERM" });
  const result = kernel.spawn(PLAIN);
  assert.ok(result.ok);
  kernel.fail("kill", "EPERM");
  assert.equal(kernel.kill(result.pid, 15), "EPERM");
  assert.equal(kernel.process(result.pid)?.alive, true);
  assert.equal(kernel.kill(result.pid, 15), null);
  assert.equal(kernel.process(result.pid)?.alive, false);
});

test("without root no other user can be had", () => {
  const kernel = new FakeKernel({ uid: 1000 });
  kernel.install("/bin/it", () => {});
  const user = { uid: 33, gid: 33, groups: [33], name: "www-data", home: "/" };
  assert.deepEqual(kernel.spawn({ ...PLAIN, user }), { ok: false, step: "user", errno: "EPERM" });
  assert.equal(kernel.spawn({ ...PLAIN, user: { ...user, uid: 1000 } }).ok, true);
});

test("orphans come to PID 1 unasked, and to nobody we know when we are neither that nor a subreaper", () => {
  for (const pid of [1, 50]) {
    const kernel = new FakeKernel({ pid });
    const program = start(kernel, (self) => {
      self.fork((child) => child.exitAfter(10, 4));
      self.exit(0);
    });
    kernel.clock.advance(10);
    assert.deepEqual(kernel.reap(), { pid: program, status: exited(0) });
    assert.deepEqual(kernel.reap(), pid === 1 ? { pid: program + 1, status: exited(4) } : "childless");
  }
});

test("children can be reaped in the order in which they ended", () => {
  const kernel = new FakeKernel();
  kernel.reapOrder = "end";
  const late = start(kernel, (self) => self.exitAfter(20, 1));
  const early = start(kernel, (self) => self.exitAfter(10, 2));
  kernel.clock.advance(20);
  assert.deepEqual(kernel.reap(), { pid: early, status: exited(2) });
  assert.deepEqual(kernel.reap(), { pid: late, status: exited(1) });
});

test("pids wrap and are used again, never while a process or a group has them (6)", () => {
  const kernel = new FakeKernel({ pidMax: 6 });
  const leader = start(kernel, (self) => {
    self.fork(() => {});
  });
  const seen = new Set<Pid>();
  for (let i = 0; i < 20; i++) {
    const pid = start(kernel, (self) => self.exit(0));
    seen.add(pid);
    kernel.reap();
  }
  assert.equal(leader, 2);
  assert.deepEqual([...seen].toSorted(), [4, 5, 6]);
});

test("kill(-1) reaches intruders and those who left their group, but not ourselves (37, 47)", () => {
  const kernel = new FakeKernel();
  const own: number[] = [];
  kernel.onSignal = (signal) => own.push(signal);
  const intruder = kernel.intrude(() => {});
  const program = start(kernel, (self) => {
    self.fork((child) => child.setsid());
  });
  assert.deepEqual(kernel.descendants(), [program, program + 1]);
  assert.equal(kernel.kill(-program, 9), null);
  assert.deepEqual(kernel.reap(), { pid: program, status: killedBy(9) });
  assert.deepEqual(kernel.descendants(), [program + 1]);
  assert.equal(kernel.kill(-1, 9), null);
  assert.equal(intruder.alive, false);
  assert.deepEqual(kernel.reap(), { pid: program + 1, status: killedBy(9) });
  assert.equal(kernel.kill(-1, 0), "ESRCH");
  assert.ok(!own.includes(9));
});

test("exit ends the test's turn and is remembered", () => {
  const kernel = new FakeKernel();
  assert.throws(() => kernel.exit(70), FakeExit);
  assert.equal(kernel.exitCode, 70);
  kernel.writeNow(2, "a ");
  kernel.writeNow(2, "b");
  assert.equal(kernel.written.get(2), "a b");
});
