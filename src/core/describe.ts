/**
 * The picture for the outside and its words: how a process ended, how long it runs, the third column of
 * `status`.
 */

import { compareText } from "./plan.ts";
import { signalName } from "./signal-names.ts";
import type { ProgramFacts, ProgramSnapshot, Snapshot } from "./snapshot.ts";
import type { ProgramId } from "./spec.ts";
import { type ExitStatus, type ProgramState, pidOf } from "./states.ts";
import type { ProgramRecord, System } from "./system.ts";

/** Of a program whose `priority` says that others start before it. */
export const WAITS_FOR_TIER = "waits for an earlier tier";

/** Of a program that its checks have ended. */
export const WAITS_FOR_RESTART = "waits for its restart";

/** What supervisord says of an exit before `startsecs`. */
export const TOO_QUICK = "Exited too quickly (process log may have details)";

/** `exit status 3`, `terminated by SIGSEGV (core dumped)`. */
export function describeStatus(status: ExitStatus): string {
  if (status.kind === "exited") return `exit status ${status.code}`;
  const how = status.oom ? " (out of memory)" : status.coreDumped ? " (core dumped)" : "";
  return `terminated by ${signalName(status.signal)}${how}`;
}

/** Seconds → `0:03:12`, `1 day, 0:00:05`, `5 days, 7:18:14`. Hours are not padded. Negative is 0. */
export function formatUptime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const clock = `${hours}:${twoDigits(Math.floor(whole / 60) % 60)}:${twoDigits(whole % 60)}`;
  return days === 0 ? clock : `${days} day${days === 1 ? "" : "s"}, ${clock}`;
}

/** The parts of a local time that a stop time shows. `month` counts from 0, `hours` from 0 to 23. */
export interface LocalTime {
  readonly month: number;
  readonly day: number;
  readonly hours: number;
  readonly minutes: number;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `%b %d %I:%M %p` in the C locale: `Nov 22 07:26 AM`. */
export function formatStopTime(time: LocalTime): string {
  const hours = time.hours % 12 === 0 ? 12 : time.hours % 12;
  const half = time.hours < 12 ? "AM" : "PM";
  const date = `${MONTHS[time.month] ?? ""} ${twoDigits(time.day)}`;
  return `${date} ${twoDigits(hours)}:${twoDigits(time.minutes)} ${half}`;
}

/** Seconds since 1970 → the parts in the zone of the process. */
export function localTime(seconds: number): LocalTime {
  const date = new Date(seconds * 1000);
  return {
    month: date.getMonth(),
    day: date.getDate(),
    hours: date.getHours(),
    minutes: date.getMinutes(),
  };
}

/**
 * supervisord's "description". `now` and the facts are wall-clock seconds. One difference: a program that was
 * started but never ran is `Not started`, where supervisord prints the epoch.
 */
export function describeState(name: string, state: ProgramState, facts: ProgramFacts, now: number): string {
  switch (state.name) {
    case "RUNNING":
      return `pid ${state.pid}, uptime ${formatUptime(now - facts.startedAt)}`;
    case "BACKOFF":
    case "FATAL":
      return state.reason || facts.spawnError || `unknown error (try "tail ${name}")`;
    case "STOPPED":
    case "EXITED":
      if (facts.startedAt === 0 || facts.stoppedAt === 0) return "Not started";
      return formatStopTime(localTime(facts.stoppedAt));
    case "STARTING":
    case "STOPPING":
    case "UNKNOWN":
      return "";
  }
}

/**
 * The picture of the system. `facts` gives what the journal keeps of each program, `now` is the wall clock
 * in seconds, `faults` how many faults the loop has survived.
 */
export function takeSnapshot(
  system: System,
  facts: (id: ProgramId) => ProgramFacts,
  now: number,
  faults: number,
): Snapshot {
  const programs = system.programs.map((record) => snapshotOf(record, facts(record.spec.id), now));
  programs.sort((a, b) => compareText(a.spec.group, b.spec.group) || compareText(a.spec.name, b.spec.name));
  const { phase, started, plan } = system;
  return { now, phase, started, programs, faults, startGate: plan.global.startGate };
}

function snapshotOf(record: ProgramRecord, known: ProgramFacts, now: number): ProgramSnapshot {
  const { spec, state, stoppedByHand } = record;
  // It runs until its turn to be stopped has come.
  const pending = record.pending !== null && record.stopDue === null;
  const facts = stoppedByHand ? { ...known, nextRunAt: 0 } : known;
  return {
    id: spec.id,
    spec,
    state,
    pid: pidOf(state) ?? 0,
    startedAt: facts.startedAt,
    stoppedAt: facts.stoppedAt,
    exitStatus: facts.exitStatus,
    spawnError: facts.spawnError,
    said: facts.said,
    lastSuccessAt: facts.lastSuccessAt,
    lastResult: facts.lastResult,
    nextRunAt: facts.nextRunAt,
    description: describeRecord(record, facts, now),
    blocked: record.blocked,
    ready: state.name === "RUNNING" && state.ready,
    done: state.name === "EXITED" && state.expected && state.restartAt === null && !pending,
    stoppedByHand,
    pending,
    stuck: record.stuck,
  };
}

/** supervisord's words, but for what it has no words for: why a program waits, and when a schedule runs it. */
function describeRecord(record: ProgramRecord, facts: ProgramFacts, now: number): string {
  const { spec, state, pending, blocked, stoppedByHand } = record;
  const isDown = state.name === "STOPPED" || state.name === "EXITED";
  if (blocked !== null) return blocked;
  if (isDown && pending !== null) return WAITS_FOR_TIER;
  if (!isDown || spec.schedule === null) return describeState(spec.name, state, facts, now);
  if (stoppedByHand) return "schedule held until it is started";
  const next =
    facts.nextRunAt === 0 ? "no next run" : `next run ${formatStopTime(localTime(facts.nextRunAt))}`;
  const isGood = state.name === "STOPPED" || state.expected;
  return isGood ? next : `${facts.lastResult}, ${next}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
