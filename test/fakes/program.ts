/** A program in the states that have a process, and what a step did to it in short: for the tests of its machine. */
import type { Effect } from "../../src/core/effect.ts";
import { NO_RESTARTS } from "../../src/core/restart.ts";
import type { ExitStatus } from "../../src/core/states.ts";
import type { Demand, In, ProgramEvent } from "../../src/core/transition.ts";
import { FRESH_RUN, fakeSpec } from "./plans.ts";

export const SPEC = fakeSpec("web", { stopwaitsecs: 4 });
export const OK: ExitStatus = { kind: "exited", code: 0 };
export const SEGV: ExitStatus = { kind: "signalled", signal: 11, coreDumped: false };
export const STARTING: In<"STARTING"> = {
  name: "STARTING",
  stage: "main",
  pid: 7,
  ...FRESH_RUN,
  tries: 2,
  startedAt: 0,
  runningAt: 1000,
};
export const RUNNING: In<"RUNNING"> = { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 };
export const STOPPING: In<"STOPPING"> = {
  name: "STOPPING",
  pid: 7,
  leader: 7,
  begunAt: 0,
  keys: SPEC,
  signalsSent: 1,
  nextAt: 4000,
  status: null,
  failure: null,
};

export function exitOf(
  status: ExitStatus,
  more: Partial<Extract<ProgramEvent, { type: "exited" }>> = {},
): ProgramEvent {
  return {
    type: "exited",
    pid: 7,
    status,
    groupAlive: false,
    next: { at: 0, history: NO_RESTARTS },
    mayStart: true,
    ...more,
  };
}

/** Names of the states gone through. */
export function path(effects: readonly (Effect | Demand)[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "journal" && effect.entry.type === "state" ? [effect.entry.to.name] : [],
  );
}

/** The signals of a step, `-` before the pid of a whole group. */
export function kills(effects: readonly (Effect | Demand)[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "kill" ? [`${effect.group ? "-" : ""}${effect.pid} ${effect.signal}`] : [],
  );
}
