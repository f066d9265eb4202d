import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeKernel } from "../../test/fakes/kernel.ts";
import type { FakeProcess, FakeProgram } from "../../test/fakes/process.ts";
import type { Pid } from "../core/states.ts";
import { createFamilies } from "./families.ts";

const MARKS = ["SUPERVISOR_PROCESS_NAME=web", "SUPERVISOR_GROUP_NAME=web"];

function setUp() {
  const kernel = new FakeKernel();
  const leaders = new Set<Pid>();
  const families = createFamilies({
    kernel,
    isTracked: (pid) => leaders.has(pid),
    isProgram: (id) => id === "web:web" || id === "db:db",
  });
  let count = 0;
  const start = (program: FakeProgram, environment: readonly string[] = MARKS): Pid => {
    const file = `/p${count++}`;
    kernel.install(file, program);
    const request = { file, argv: [file], environment, directory: null, user: null, umask: null } as const;
    const result = kernel.spawn({ ...request, stdio: [0, 0, 0], foreground: false });
    assert.ok(result.ok);
    leaders.add(result.pid);
    return result.pid;
  };
  /** Collects all that ended; leaders are untracked and told of. */
  const reap = (): boolean[] => {
    const told: boolean[] = [];
    for (let next = kernel.reap(); typeof next === "object"; next = kernel.reap()) {
      const { pid } = next;
      if (leaders.delete(pid)) told.push(families.leaderEnded("web:web", pid, families.findOrphans()));
      else families.orphanEnded(pid);
    }
    return told;
  };
  const pids = (): Pid[] => families.rest("web:web").map(({ pid }) => pid);
  return { kernel, families, start, reap, pids };
}

const daemon = (self: FakeProcess): void => {
  self.fork((middle) => {
    middle.setsid();
    middle.fork(() => {});
    middle.exit(0);
  });
};

test("nothing is left of a program alone", () => {
  const { kernel, start, reap, pids } = setUp();
  const leader = start(() => {});
  kernel.kill(leader, 9);
  assert.deepEqual(reap(), [false]);
  assert.deepEqual(pids(), []);
});

test("members of the group and a daemon in a session of its own are left, and what they start", () => {
  const { kernel, start, reap, pids } = setUp();
  const leader = start((self) => {
    self.fork(() => {});
    daemon(self);
  });
  kernel.kill(leader, 9);
  assert.deepEqual(reap(), [true]);
  assert.equal(pids().length, 2);
  const [first = 0] = pids();
  const child = kernel.process(first)?.fork(() => {});
  assert.ok(child);
  assert.ok(pids().includes(child.pid));
});

test("without the marks a daemon is known by what was below the leader when its stop began", () => {
  const { kernel, families, start, reap, pids } = setUp();
  let away: FakeProcess | null = null;
  const leader = start((self) => {
    away = self.fork((child) => child.setsid());
  }, []);
  families.remember("web:web", leader);
  kernel.kill(leader, 9);
  assert.deepEqual(reap(), [true]);
  assert.deepEqual(pids(), [(away as FakeProcess | null)?.pid]);
});

test("others' orphans are let be: another program's, another supervisor's in its own session, nobody's", () => {
  const { kernel, start, reap, pids } = setUp();
  for (const environment of [
    ["SUPERVISOR_PROCESS_NAME=db", "SUPERVISOR_GROUP_NAME=db"],
    ["SUPERVISOR_PROCESS_NAME=inner", "SUPERVISOR_GROUP_NAME=inner"],
    [],
  ])
    start(daemon, environment);
  for (const { pid } of [...kernel.spawned]) kernel.kill(pid, 9);
  reap();
  const leader = start(() => {});
  kernel.kill(leader, 9);
  assert.deepEqual(reap(), [false]);
  assert.deepEqual(pids(), []);
});

test("the end of the last one is told once, a pid that is used again is nobody's relative", () => {
  const { kernel, families, start, reap, pids } = setUp();
  const leader = start(daemon);
  kernel.kill(leader, 9);
  reap();
  const [left = 0] = pids();
  assert.equal(families.ownerOf(left), "web:web");
  assert.deepEqual(families.takeGone(), []);
  kernel.kill(left, 9);
  reap();
  assert.deepEqual(families.takeGone(), [{ id: "web:web", leader }]);
  assert.deepEqual(families.takeGone(), []);
  assert.equal(families.ownerOf(left), null);
});

test("without /proc nothing is known and nothing breaks", () => {
  const { kernel, families, start, reap, pids } = setUp();
  kernel.hasProc = false;
  const leader = start(daemon);
  families.remember("web:web", leader);
  kernel.kill(leader, 9);
  assert.deepEqual(reap(), [false]);
  assert.deepEqual(pids(), []);
});
