import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { ProgramSpec } from "../core/spec.ts";
import type { ProgramState } from "../core/states.ts";
import { CATALOGUE, renderMetricsDoc } from "./catalogue.ts";
import {
  createMetrics,
  type Metrics,
  type MetricsSource,
  type ProgramCounts,
  type Usage,
} from "./metrics.ts";

const RUNNING: ProgramState = { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 };

const JOB: Partial<ProgramSpec> = {
  type: "oneshot",
  startretries: 0,
  schedule: { expression: "0 * * * *", timezone: null, overlap: "skip" },
};

function snapshotOf(ids: readonly string[]): Snapshot {
  const programs = ids.map((id) => {
    const spec = fakeSpec(id, id === "job" ? JOB : {});
    const facts = { startedAt: 1000.5, stoppedAt: 0, exitStatus: 0, spawnError: "", said: "" };
    const runs = { lastSuccessAt: 900, lastResult: "exit status 0", nextRunAt: 3600 };
    const flags = {
      ready: true,
      done: false,
      stoppedByHand: false,
      pending: false,
      blocked: null,
      stuck: false,
    };
    return { id: spec.id, spec, state: RUNNING, pid: 7, description: "", ...facts, ...runs, ...flags };
  });
  return { now: 2000, phase: "running", started: true, programs, faults: 0, startGate: "running" };
}

const COUNTS: ProgramCounts = {
  starts: 2,
  restarts: new Map([["exit", 1]]),
  exits: new Map([
    ["3", 1],
    ["SIGKILL", 2],
  ]),
  startDurationSeconds: 1.25,
};

const USAGE: Usage = { cpuSeconds: 0.25, residentBytes: 4096, processes: 2, openFds: 9 };

function metricsOf(ids: readonly string[], change: Partial<MetricsSource> = {}): Metrics {
  return createMetrics({
    snapshot: () => snapshotOf(ids),
    counts: () => COUNTS,
    stream: () => ({ lines: 3, bytes: 2 ** 40, droppedBytes: 0 }),
    usage: async () => new Map(ids.map((id) => [fakeSpec(id).id, USAGE])),
    totals: () => ({
      orphans: 5,
      signals: new Map([
        ["SIGTERM", 1],
        ["SIGUSR1", 4],
      ]),
      faults: 0,
      shuttingDown: false,
      reloadSuccessful: true,
      reloadSuccessAt: 1700000000.25,
      version: "0.1.0",
    }),
    ...change,
  });
}

const render = async (metrics: Metrics): Promise<string> => (await metrics.render(false)).body.toString();

test("every row of the catalogue is there, with its labels", async () => {
  const body = await render(metricsOf(["web", "crew:a", "job"]));
  for (const { name, type, labels } of CATALOGUE) {
    assert.match(body, new RegExp(`^# HELP ${name} .`, "m"));
    assert.match(body, new RegExp(`^# TYPE ${name} ${type}$`, "m"));
    const shown = labels.length > 0 ? `\\{${labels.map((label) => `${label}="[^"]*"`).join(",")}\\}` : "";
    assert.match(body, new RegExp(`^${name}${shown} [\\d.e+]+$`, "m"));
  }
  for (const line of [
    `tsinit_program_state{group="crew",program="a",state="RUNNING"} 1`,
    `tsinit_program_state{group="crew",program="a",state="FATAL"} 0`,
    `tsinit_program_start_time_seconds{group="web",program="web"} 1000.5`,
    `tsinit_program_restarts_total{group="web",program="web",reason="exit"} 1`,
    `tsinit_program_restarts_total{group="web",program="web",reason="manual"} 0`,
    `tsinit_program_exits_total{group="web",program="web",status="SIGKILL"} 2`,
    `tsinit_program_last_success_timestamp_seconds{group="job",program="job"} 900`,
    `tsinit_program_schedule_last_timestamp_seconds{group="job",program="job"} 1000.5`,
    `tsinit_program_schedule_next_timestamp_seconds{group="job",program="job"} 3600`,
    `tsinit_program_cpu_seconds_total{group="web",program="web"} 0.25`,
    `tsinit_program_log_bytes_total{group="web",program="web",stream="stderr"} 1099511627776`,
    `tsinit_signals_received_total{signal="SIGHUP"} 0`,
    `tsinit_signals_received_total{signal="SIGUSR1"} 4`,
    `tsinit_reaped_orphans_total 5`,
  ])
    assert.ok(body.includes(`\n${line}\n`), line);
  assert.doesNotMatch(body, /_(?:schedule_next|schedule_last|last_success)_timestamp_seconds\{group="web"/);
  const reasons = (program: string): string[] =>
    Array.from(
      body.matchAll(new RegExp(`restarts_total{group="${program}".*reason="(.*)"`, "g")),
      (found) => found[1] ?? "",
    );
  assert.deepEqual(reasons("web"), ["exit", "signal", "oom", "manual", "reload", "backoff"]);
  // What happened shows, expected or not.
  assert.deepEqual(reasons("job"), ["manual", "reload", "schedule", "exit"]);
  const cpu = Number(/^process_cpu_seconds_total (.*)$/m.exec(body)?.[1]);
  assert.ok(cpu > 0.02, `${cpu} s, which leaves out what came before the first scrape`);
  assert.match(body, /^process_open_fds \d/m);
  assert.match(body, /^nodejs_eventloop_lag_p99_seconds 0$/m);
  assert.doesNotMatch(body, /nodejs_active|nodejs_gc|utilization|NaN|Nan|undefined/);
});

const AWKWARD = [
  "a|b:c",
  "a:b|c",
  'quo"te',
  "back\\slash",
  "new\nline",
  "ünï😀",
  "{x}",
  "constructor:__proto__",
  "%s:#",
];

test("awkward names stay apart, and promtool has nothing to say", async () => {
  const metrics = metricsOf(AWKWARD);
  const body = await render(metrics);
  const series = body.split("\n").filter((line) => line.startsWith("tsinit_program_up{"));
  assert.equal(new Set(series).size, AWKWARD.length);
  assert.ok(series.includes('tsinit_program_up{group="a|b",program="c"} 1'));
  assert.ok(series.includes('tsinit_program_up{group="a",program="b|c"} 1'));
  // promtool 2.42 does not see a series that is there twice.
  const lines = body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const names = lines.map((line) => line.slice(0, line.lastIndexOf(" ")));
  assert.equal(new Set(names).size, names.length);
  const checked = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
  assert.deepEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""]);
});

test("families are whole, and each has one HELP and one TYPE", async () => {
  // Written in several turns.
  const ids = Array.from({ length: 300 }, (_, index) => `crew:p${index}`);
  const body = await render(metricsOf(["web", ...ids]));
  assert.equal(body.match(/^tsinit_program_up\{/gm)?.length, 301);
  assert.equal(body.match(/^tsinit_build_info\{/gm)?.length, 1);
  const seen: string[] = [];
  for (const line of body.trimEnd().split("\n")) {
    const name = /^(?:# (?:HELP|TYPE) )?([a-z_0-9]+)/.exec(line)?.[1];
    assert.ok(name, line);
    if (seen.at(-1) !== name) seen.push(name);
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(body.match(/^# HELP/gm)?.length, seen.length);
});

test("OpenMetrics: counters without their suffix in the head, and an end", async () => {
  const metrics = metricsOf(["web"]);
  const { contentType, body: bytes } = await metrics.render(true);
  const body = bytes.toString();
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.match(body, /^# TYPE tsinit_program_starts counter\ntsinit_program_starts_total\{/m);
  assert.match(body, /^# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total \d/m);
  assert.match(body, /\n# EOF\n$/);
  assert.doesNotMatch(body, /_total_total|\n\n|NaN|# TYPE \w+_total /);
  // The text format is not changed by it.
  assert.match(await render(metrics), /^# TYPE process_cpu_seconds_total counter$/m);
});

test("what is not known is absent, not 0", async () => {
  const idle: ProgramState = { name: "STOPPED" };
  const snapshot = snapshotOf(["web"]);
  const stopped = {
    ...snapshot,
    programs: snapshot.programs.map((one) => ({ ...one, state: idle, pid: 0 })),
  };
  const body = await render(
    metricsOf(["web"], {
      snapshot: () => stopped,
      counts: () => ({ ...COUNTS, startDurationSeconds: null }),
      usage: () => Promise.reject(new Error("no /proc")),
    }),
  );
  assert.doesNotMatch(body, /tsinit_program_(start_time|start_duration|cpu|resident|processes|open_fds)/);
  assert.match(body, /^tsinit_program_up\{group="web",program="web"\} 0$/m);
});

test("a removed program takes its series with it", async () => {
  let ids = ["web", "old"];
  const metrics = metricsOf([], { snapshot: () => snapshotOf(ids) });
  assert.match(await render(metrics), /program="old"/);
  ids = ["web"];
  assert.doesNotMatch(await render(metrics), /program="old"/);
});

test("a thousand programs in a tenth of a second, and the loop turns meanwhile", async () => {
  const ids = Array.from({ length: 1000 }, (_, index) => `group${index % 10}:program${index}`);
  const metrics = metricsOf(ids);
  const tries: number[] = [];
  for (let n = 0; n < 6; n++) {
    const before = process.cpuUsage();
    await render(metrics);
    const { user, system } = process.cpuUsage(before);
    tries.push((user + system) / 1000);
  }
  assert.ok(Math.min(...tries) < 100, `${tries.join(", ")} ms of CPU time`);
  let turns = 0;
  let isRunning = true;
  const spin = (): void => {
    turns++;
    if (isRunning) setImmediate(spin);
  };
  setImmediate(spin);
  await render(metrics);
  isRunning = false;
  // A family of all programs is not written in one turn.
  const perProgram = CATALOGUE.filter(({ labels }) => labels.includes("program")).length;
  assert.ok(turns >= 8 * perProgram, `${turns} turns`);
});

test("scrapes at the same time share one answer", async () => {
  let snapshots = 0;
  const metrics = metricsOf(["web"], {
    snapshot: () => {
      snapshots++;
      return snapshotOf(["web"]);
    },
  });
  const [first, second] = await Promise.all([metrics.render(false), metrics.render(false)]);
  assert.equal(first, second);
  assert.equal(snapshots, 1);
});

test("the memory of an answer is used again when all who asked for it have it", async () => {
  const metrics = metricsOf(["web"]);
  const [first, second] = await Promise.all([metrics.render(false), metrics.render(false)]);
  const text = first.body.toString();
  first.release();
  const third = await metrics.render(false);
  assert.ok(third.body.buffer !== first.body.buffer);
  assert.equal(second.body.toString(), text);
  second.release();
  assert.ok((await metrics.render(false)).body.buffer === first.body.buffer);
});

test("docs/metrics.md is what the catalogue says", () => {
  const written = readFileSync(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  assert.equal(written, renderMetricsDoc());
});
