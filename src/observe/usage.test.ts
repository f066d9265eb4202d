import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { systemClock } from "../daemon/clock.ts";
import { createUsage, type UsageReader } from "./usage.ts";

/** Every call measures anew. */
function hastyClock(): ReturnType<typeof systemClock> {
  const clock = systemClock();
  let now = 0;
  return { ...clock, now: () => (now += 10_000) };
}

type Read = () => ReturnType<UsageReader>;

/** Measures program `a`, whose main process has that pid. */
function readerOf(pid: () => number, proc = "/proc"): Read {
  const read = createUsage({ clock: hastyClock(), proc });
  return () => read(() => [{ id: "a", pid: pid() }]);
}

/** A shell in a process group of its own, that says when it is where its script wants it. */
async function start(t: TestContext, script: string): Promise<ChildProcess & { pid: number }> {
  const child = spawn("/bin/sh", ["-c", script], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  const { pid, stdout } = child;
  assert.ok(pid && stdout);
  t.after(() => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // All of it has ended.
    }
  });
  await once(createInterface(stdout), "line");
  return Object.assign(child, { pid });
}

const BURN = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";

test("a whole process tree counts, whoever is its parent by now", async (t) => {
  // One child, one grandchild, and one whose parent has gone, which only the process group gives away.
  const child = await start(t, "sleep 90 & (sleep 90 & sleep 90) & (sleep 90 &); echo up; cat");
  const usage = await readerOf(() => child.pid)();
  const a = usage.get("a");
  assert.ok(a);
  assert.ok(a.processes !== null && a.processes >= 5, `${a.processes} processes`);
  assert.ok((a.openFds ?? 0) >= 3 * 5, `${a.openFds} descriptors`);
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  assert.ok((a.residentBytes ?? 0) > rss, `${a.residentBytes} bytes`);
});

test("CPU time never goes down: not when children end, not over a restart", async (t) => {
  const first = await start(t, `(${BURN}); (${BURN}) & wait $!; echo up; read x; exit 0`);
  let pid = first.pid;
  const read = readerOf(() => pid);
  const seconds = async (): Promise<number> => (await read()).get("a")?.cpuSeconds ?? -1;
  const burnt = await seconds();
  assert.ok(burnt > 0, `${burnt} s: the time of children that ended is missing`);
  first.stdin?.end("\n");
  await once(first, "exit");
  pid = 0;
  assert.equal(await seconds(), burnt);
  const second = await start(t, `echo up; cat`);
  pid = second.pid;
  assert.ok((await seconds()) >= burnt);
  const third = await start(t, `${BURN}; echo up; cat`);
  pid = third.pid;
  const after = await seconds();
  assert.ok(after > burnt, `${after} s after ${burnt} s`);
});

test("a program without a process has none, and no CPU time before its first", async () => {
  const usage = await readerOf(() => 0)();
  assert.deepEqual(usage.get("a"), { cpuSeconds: null, residentBytes: 0, processes: 0, openFds: 0 });
});

test("a /proc that is missing, empty or hides processes leaves things out", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "tsinit-proc-"));
  t.after(() => rmSync(root, { recursive: true }));
  const readIn = (proc: string): ReturnType<Read> => readerOf(() => process.pid, proc)();
  assert.equal((await readIn(join(root, "missing"))).size, 0);
  assert.equal((await readIn(root)).size, 0);
  mkdirSync(join(root, "1"));
  writeFileSync(join(root, "1/stat"), "1 (a) b) S 0 1 1 0 -1 0 0 0 0 0 5 5 5 5 20 0 1 0 3 0 0\n");
  assert.equal((await readIn(root)).size, 0);
});

test("a second answer within a second is the first one", async () => {
  let asked = 0;
  const programs = (): [] => {
    asked++;
    return [];
  };
  let now = 0;
  const read = createUsage({ clock: { ...systemClock(), now: () => now } });
  await Promise.all([read(programs), read(programs)]);
  assert.equal(asked, 1);
  now = 1001;
  await read(programs);
  assert.equal(asked, 2);
});

test("a thousand measurements keep no descriptors open for long", async (t) => {
  const child = await start(t, "echo up; cat");
  const read = readerOf(() => child.pid);
  await read();
  const before = readdirSync("/proc/self/fd").length;
  for (let n = 0; n < 100; n++) await read();
  assert.ok(readdirSync("/proc/self/fd").length <= before + 1);
});

test("a fleet of processes costs no descriptors, and counts as a small one does", async (t) => {
  const fleet = "i=0; while [ $i -lt 120 ]; do sleep 90 & i=$((i+1)); done";
  const child = await start(t, `${BURN}; ${fleet}; echo up; cat`);
  const root = child.pid;
  const before = readdirSync("/proc/self/fd").length;
  const read = readerOf(() => root);
  const a = (await read()).get("a");
  assert.ok(readdirSync("/proc/self/fd").length < before + 60, "a descriptor for each process");
  assert.ok(a && a.processes !== null && a.processes > 120, `${a?.processes} processes`);
  const status = readFileSync(`/proc/${root}/status`, "utf8");
  const shell = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  assert.ok((a.residentBytes ?? 0) > 60 * shell, `${a.residentBytes} bytes, the shell alone ${shell}`);
  assert.ok((a.cpuSeconds ?? 0) > 0);
});
