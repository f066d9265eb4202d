import assert from "node:assert/strict";
import { test } from "node:test";
import type { GraphNode } from "../api/graph.ts";
import { renderGraph, seconds } from "./graph-command.ts";

function node(name: string, more: Partial<GraphNode> = {}): GraphNode {
  return {
    name,
    state: "RUNNING",
    tier: 1,
    dependsOn: [],
    schedule: null,
    wanted: 0.02,
    began: 0.02,
    up: 1.02,
    upAs: "running",
    failed: null,
    tries: 1,
    waitedFor: null,
    reason: null,
    ...more,
  };
}

const LONG = "a-group-with-a-long-name:a-process-with-a-longer-one-00";

test("half-way: rows, then what waits, within 80 columns", () => {
  const programs = [
    node("redis"),
    node(LONG, {
      state: "STARTING",
      began: 1.02,
      up: null,
      waitedFor: { name: "redis", for: "started", until: 1.02 },
    }),
    node("app", {
      state: "STOPPED",
      began: null,
      up: null,
      waitedFor: { name: LONG, for: "done", until: null },
      reason: "waiting for it",
    }),
    node("job", { state: "EXITED", schedule: "0 3 * * *", wanted: null, began: null, up: null }),
  ];
  const lines = renderGraph({ now: 90, startedAt: 0, upAt: null, programs, criticalChain: [] });
  assert.deepEqual(lines, [
    "tsinit started 1min 30s ago; its start sequence is not over.",
    "",
    "redis                   @0.020s    +1.000s  running",
    "a-group-with-a-long…    @1.020s  +1min 28s  STARTING  waited 1.000s for redis",
    "app                           -          -  STOPPED   waits 1min 29s for a-grou…",
    "job                           -          -  EXITED    0 3 * * *",
    "",
    "Waiting now:",
    "app 1min 29s, waiting for it",
    `└─${LONG} @1.020s +1min 28s STARTING`,
    "  └─redis @0.020s +1.000s",
  ]);
  for (const line of lines.slice(0, 6)) assert.ok(line.length <= 80, line);
});

test("up: the critical chain; a crowd that waits is not shown in full", () => {
  const crowd = Array.from({ length: 20 }, (_, n) =>
    node(`w${n}`, { state: "STOPPED", began: null, up: null, reason: "waits for an earlier tier" }),
  );
  const programs = [
    node("db"),
    node("app", { began: 1.02, up: 3, waitedFor: { name: "db", for: "ready", until: 1.02 } }),
  ];
  const up = { now: 4000, startedAt: 0, upAt: 3, criticalChain: ["app", "db"] };
  assert.deepEqual(renderGraph({ ...up, programs }).slice(-3), [
    "Critical chain (@ when it began to start, + until it was up):",
    "app @1.020s +1.980s",
    "└─db @0.020s +1.000s",
  ]);
  const lines = renderGraph({ ...up, programs: [...programs, ...crowd] });
  assert.equal(lines.at(-1), "… and 12 more");
});

test("durations", () => {
  const cases: [number, string][] = [
    [0, "0.000s"],
    [59.9994, "59.999s"],
    [123, "2min 03s"],
    [3720, "1h 02min"],
    [273_600, "3d 04h"],
  ];
  for (const [value, text] of cases) assert.equal(seconds(value), text);
});
