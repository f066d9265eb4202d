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
  assert.equal(oom.hasStruck(), false);
  files["/sys/fs/cgroup/memory.events"] = "low 0\noom 2\noom_kill 2\n";
  assert.equal(oom.hasStruck(), true);
  assert.equal(oom.hasStruck(), false);
});

test("cgroup v2 without a namespace of its own: the path of /proc", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/pods/x\n",
    "/sys/fs/cgroup/pods/x/memory.events": "oom_kill 0\n",
    "/sys/fs/cgroup/memory.events": "oom_kill 9\n",
  };
  const oom = watch(files);
  files["/sys/fs/cgroup/memory.events"] = "oom_kill 10\n";
  assert.equal(oom.hasStruck(), false);
  files["/sys/fs/cgroup/pods/x/memory.events"] = "oom_kill 1\n";
  assert.equal(oom.hasStruck(), true);
});

test("cgroup v1: memory.oom_control, also where the path of the host is not there", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "12:pids:/docker/1\n5:cpu,memory:/docker/1\n0::/docker/1\n",
    "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
  };
  const oom = watch(files);
  files["/sys/fs/cgroup/memory/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
  assert.equal(oom.hasStruck(), true);
});

test("no cgroup: nothing ever struck", () => {
  assert.equal(watch({}).hasStruck(), false);
  assert.equal(watch({ "/proc/self/cgroup": "0::/\n" }).hasStruck(), false);
});
