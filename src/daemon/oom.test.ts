import assert from "node:assert/strict";
import { test } from "node:test";
import { watchOom } from "./oom.ts";

function watch(files: Record<string, string>) {
  return watchOom((path) => files[path] ?? null);
}

test("cgroup v2: the count of our own group, told once", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.events": "low 0\noom 1\noom_kill 1\n",
  };
  const oom = watch(files);
  assert.equal(oom.takeStrike(0), false);
  files["/sys/fs/cgroup/memory.events"] = "low 0\noom 2\noom_kill 2\n";
  assert.equal(oom.takeStrike(0), true);
  assert.equal(oom.takeStrike(0), false);
});

test("cgroup v2 without a namespace of its own: the path of /proc", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/pods/x\n",
    "/sys/fs/cgroup/pods/x/memory.events": "oom_kill 0\n",
    "/sys/fs/cgroup/memory.events": "oom_kill 9\n",
  };
  const oom = watch(files);
  files["/sys/fs/cgroup/memory.events"] = "oom_kill 10\n";
  assert.equal(oom.takeStrike(0), false);
  files["/sys/fs/cgroup/pods/x/memory.events"] = "oom_kill 1\n";
  assert.equal(oom.takeStrike(0), true);
});

test("cgroup v1: memory.oom_control, also where the path of the host is not there", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "12:pids:/docker/1\n5:cpu,memory:/docker/1\n0::/docker/1\n",
    "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
  };
  const oom = watch(files);
  files["/sys/fs/cgroup/memory/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
  assert.equal(oom.takeStrike(0), true);
});

test("no cgroup: nothing ever struck", () => {
  assert.equal(watch({}).takeStrike(0), false);
  assert.equal(watch({ "/proc/self/cgroup": "0::/\n" }).takeStrike(0), false);
});

test("as many as were killed, and no old ones", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/\n",
    "/sys/fs/cgroup/memory.events": "oom_kill 0\n",
  };
  const oom = watch(files);
  files["/sys/fs/cgroup/memory.events"] = "oom_kill 2\n";
  assert.deepEqual([oom.takeStrike(0), oom.takeStrike(100), oom.takeStrike(200)], [true, true, false]);
  files["/sys/fs/cgroup/memory.events"] = "oom_kill 5\n";
  assert.deepEqual([oom.takeStrike(300), oom.takeStrike(9000)], [true, false]);
});
