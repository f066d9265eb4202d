import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { ProgramSpec } from "../core/spec.ts";
import { createSchedules, type Schedules } from "./schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const job = (id: string, expression: string, timezone: string | null = "UTC"): ProgramSpec =>
  fakeSpec(id, { schedule: { expression, timezone, overlap: "skip" } });

interface Rig {
  readonly clock: FakeClock;
  readonly schedules: Schedules;
  /** Wall times of the runs: `2026-01-01T00:00:00`. */
  readonly runs: string[];
  /** The wall clock shows this time. */
  set(time: string): void;
}

function rig(at: string, ...programs: readonly ProgramSpec[]): Rig {
  const clock = new FakeClock();
  const set = (time: string): void => clock.jumpWall(Date.parse(time) / 1000 - clock.wall());
  set(at);
  const runs: string[] = [];
  const shown = (id: string): string => {
    const time = new Date(Math.round(clock.wall() * 1000)).toISOString().slice(0, 19);
    return programs.length === 1 ? time : `${id.split(":")[0]} ${time}`;
  };
  const schedules = createSchedules(
    clock,
    (id) => runs.push(shown(id)),
    (error) => assert.fail(String(error)),
  );
  schedules.configure(programs);
  return { clock, schedules, runs, set };
}

test("five fields, six fields, several programs on one timer", () => {
  const { clock, runs, schedules } = rig(
    "2026-05-01T11:58:30Z",
    job("minute", "* * * * *"),
    job("often", "*/20 * * * * *"),
    job("noon", "0 12 * * *"),
  );
  assert.equal(schedules.nextRunAt("noon:noon"), Date.parse("2026-05-01T12:00:00Z") / 1000);
  assert.equal(schedules.nextRunAt("other:other"), 0);
  clock.advance(100_000);
  assert.deepEqual(runs, [
    "often 2026-05-01T11:58:40",
    "minute 2026-05-01T11:59:00",
    "often 2026-05-01T11:59:00",
    "often 2026-05-01T11:59:20",
    "often 2026-05-01T11:59:40",
    "minute 2026-05-01T12:00:00",
    "often 2026-05-01T12:00:00",
    "noon 2026-05-01T12:00:00",
  ]);
  assert.equal(schedules.nextRunAt("noon:noon"), Date.parse("2026-05-02T12:00:00Z") / 1000);
});

test("a wait longer than a timer can be", () => {
  const { clock, runs } = rig("2026-01-01T00:00:00Z", job("yearly", "0 3 24 12 *"));
  clock.advance(400 * 24 * HOUR);
  assert.deepEqual(runs, ["2026-12-24T03:00:00"]);
});

test("without a schedule there is no timer", () => {
  let timers = 0;
  const clock = new FakeClock();
  const after = clock.after.bind(clock);
  clock.after = (millis, listener) => {
    timers++;
    return after(millis, listener);
  };
  const schedules = createSchedules(
    clock,
    () => assert.fail(),
    () => assert.fail(),
  );
  schedules.configure([fakeSpec("web")]);
  assert.equal(timers, 0);
});

test("a jump forward over several runs is one run, at most a minute later", () => {
  const { clock, runs } = rig("2026-05-01T10:30:00Z", job("hourly", "0 * * * *"));
  clock.advance(MINUTE);
  clock.jumpWall(5 * 3600);
  clock.advance(MINUTE);
  assert.equal(runs.length, 1);
  assert.match(runs[0] ?? "", /^2026-05-01T15:3[1-3]/);
  clock.advance(HOUR);
  assert.deepEqual(runs.slice(1), ["2026-05-01T16:00:00"]);
});

test("a jump back: no time of the wall clock comes twice", () => {
  const { clock, runs, set } = rig("2026-05-01T09:30:00Z", job("hourly", "0 * * * *"));
  clock.advance(3 * HOUR);
  assert.deepEqual(runs, ["2026-05-01T10:00:00", "2026-05-01T11:00:00", "2026-05-01T12:00:00"]);
  set("2026-05-01T10:30:00Z");
  clock.advance(2 * HOUR);
  assert.equal(runs.length, 3);
  clock.advance(HOUR);
  assert.deepEqual(runs.slice(3), ["2026-05-01T13:00:00"]);
});

test("a jump back just after a run does not repeat it", () => {
  const { clock, runs } = rig("2026-05-01T09:59:59Z", job("often", "* * * * * *"));
  clock.advance(10_000);
  clock.jumpWall(-5);
  clock.advance(10_000);
  assert.equal(new Set(runs).size, runs.length);
  assert.equal(runs.length, 15);
});

test("a clock that was years ahead is not believed any longer", () => {
  const { clock, runs, set } = rig("2031-05-01T09:30:00Z", job("hourly", "0 * * * *"));
  clock.advance(HOUR);
  set("2026-05-01T09:30:00Z");
  clock.advance(HOUR);
  assert.deepEqual(runs, ["2031-05-01T10:00:00", "2026-05-01T10:00:00"]);
});

/** What runs between two days, in UTC. */
function between(from: string, until: string, expression: string, zone: string): string[] {
  const { clock, runs } = rig(from, job("x", expression, zone));
  clock.advance(Date.parse(until) - Date.parse(from));
  return runs.map((time) => time.slice(5, 16));
}

test("summer time begins: a time in the gap comes at its end, once; intervals go on", () => {
  const berlin = (expression: string) =>
    between("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", expression, "Europe/Berlin");
  assert.deepEqual(berlin("30 2 * * *"), ["03-29T01:00", "03-30T00:30"]);
  assert.deepEqual(berlin("30 2,14 * * *"), ["03-28T13:30", "03-29T01:00", "03-29T12:30", "03-30T00:30"]);
  assert.deepEqual(berlin("30 3 * * *"), ["03-29T01:30", "03-30T01:30"]);
  assert.equal(berlin("0 * * * *").length, 48);
  assert.equal(new Set(berlin("*/5 * * * *")).size, 48 * 12);
  const york = (expression: string) =>
    between("2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z", expression, "America/New_York");
  assert.deepEqual(york("30 2 * * *"), ["03-08T07:00", "03-09T06:30"]);
  assert.equal(york("0 * * * *").length, 48);
});

test("summer time ends: a time that comes twice counts once; intervals go on", () => {
  const berlin = (expression: string) =>
    between("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", expression, "Europe/Berlin");
  assert.deepEqual(berlin("30 2 * * *"), ["10-25T00:30", "10-26T01:30"]);
  assert.deepEqual(berlin("0,30 2 * * *"), ["10-25T00:00", "10-25T00:30", "10-26T01:00", "10-26T01:30"]);
  assert.equal(berlin("0 * * * *").length, 48);
  assert.equal(new Set(berlin("*/5 * * * *")).size, 48 * 12);
  const york = (expression: string) =>
    between("2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z", expression, "America/New_York");
  assert.deepEqual(york("30 1 * * *"), ["11-01T05:30", "11-02T06:30"]);
  assert.equal(york("0 * * * *").length, 48);
});

test("a schedule that appears in the hour that comes twice does not run its second half", () => {
  // 02:10 for the second time.
  assert.deepEqual(
    between("2026-10-25T01:10:00Z", "2026-10-25T12:00:00Z", "30 2 * * *", "Europe/Berlin"),
    [],
  );
});

test("a reload adds, changes and removes; what is as it was keeps its next run", () => {
  const kept = job("kept", "0 12 * * *");
  const { clock, runs, schedules } = rig(
    "2026-05-01T11:00:00Z",
    kept,
    job("gone", "30 11 * * *"),
    fakeSpec("web"),
  );
  clock.advance(10 * MINUTE);
  schedules.configure([kept, job("web", "20 11 * * *"), fakeSpec("gone")]);
  clock.advance(HOUR);
  assert.deepEqual(runs, ["web 2026-05-01T11:20:00", "kept 2026-05-01T12:00:00"]);
  schedules.configure([{ ...kept, priority: 1 }, job("web", "30 12 * * *")]);
  clock.advance(HOUR);
  assert.deepEqual(runs.slice(2), ["web 2026-05-01T12:30:00"]);
  schedules.configure([]);
  clock.advance(100 * HOUR);
  assert.equal(runs.length, 3);
});
