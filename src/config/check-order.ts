/** What a program waits for, what watches it and when it runs, as rows of `tsinit check`. */

import {
  type Condition,
  namespec,
  type Probe,
  type ProgramId,
  type ProgramSpec,
  type ReadyWay,
} from "../core/spec.ts";
import { withoutLogin } from "./secrets.ts";

const CONDITIONS: Readonly<Record<Condition, string>> = {
  started: "to start",
  ready: "to be ready",
  done: "to be done",
};

/** Only what the program has. `specs`: all of them, by id. */
export function renderOrder(
  spec: ProgramSpec,
  specs: ReadonlyMap<ProgramId, ProgramSpec>,
): [name: string, value: string][] {
  const name = (id: ProgramId): string => {
    const other = specs.get(id);
    return other === undefined ? id : namespec(other);
  };
  const rows: [string, string | null][] = [
    ["schedule", renderSchedule(spec)],
    ["waits for", joined(spec.dependsOn.map(({ id, condition }) => `${name(id)} ${CONDITIONS[condition]}`))],
    ["follows", joined(spec.restartWith.map((id) => `restarts of ${name(id)}`))],
    ["before", spec.preStart?.command ?? null],
    ["ready", renderReady(spec)],
    ["alive", joined(renderLive(spec))],
    ["at most", spec.runtimeMaxSecs === null ? null : `${spec.runtimeMaxSecs} s a run`],
    ["to stop", spec.stopCommand?.command ?? null],
  ];
  return rows.flatMap(([key, value]) => (value === null ? [] : [[key, value] satisfies [string, string]]));
}

function joined(parts: readonly string[]): string | null {
  return parts.length === 0 ? null : parts.join(", ");
}

const OVERLAPS: Readonly<Record<NonNullable<ProgramSpec["schedule"]>["overlap"], string>> = {
  skip: "left out while the one before runs",
  queue: "after the one before",
  kill: "the one before is stopped",
};

function renderSchedule({ schedule }: ProgramSpec): string | null {
  if (schedule === null) return null;
  return `${schedule.expression} (${schedule.timezone ?? "the container's time"}); ${OVERLAPS[schedule.overlap]}`;
}

function renderReady({ ready }: ProgramSpec): string | null {
  if (ready === null) return null;
  const { way, interval, timeout, deadline } = ready;
  const isAsked = way.kind === "http" || way.kind === "tcp" || way.kind === "exec";
  const tries = isAsked ? `; every ${interval} s, ${timeout} s each` : "";
  return `${renderWay(way)}${tries}; within ${deadline} s`;
}

function renderLive({ live, watchdogSecs }: ProgramSpec): string[] {
  const parts: string[] = [];
  if (live !== null)
    parts.push(
      `${renderWay(live.probe)}; every ${live.interval} s, ${live.timeout} s each; ` +
        `restarted after ${live.failures} failures`,
    );
  if (watchdogSecs !== null) parts.push(`WATCHDOG=1 every ${watchdogSecs} s`);
  return parts;
}

function renderWay(way: ReadyWay | Probe): string {
  switch (way.kind) {
    case "http":
      return `GET ${withoutLogin(way.url)}`;
    case "tcp":
      return `port ${way.port} of ${way.host}`;
    case "exec":
      return `${way.command} exits 0`;
    case "log":
      return `a line like /${way.pattern}/`;
    case "notify":
      return "READY=1 (sd_notify)";
    case "fd":
      return `a newline on descriptor ${way.fd}`;
  }
}
