/**
 * The checks of running programs: who is asked when, and what their answers are to the core. Of each run of a program
 * there is one watch, from its spawn until it is neither STARTING nor RUNNING; what comes after that is dropped.
 */
import type { SystemEvent } from "../core/event.ts";
import type { LiveCheck, Probe, ProgramId, ProgramSpec, ReadyCheck } from "../core/spec.ts";
import type { Millis, Pid, ProgramState, StateName } from "../core/states.ts";
import type { Fd } from "../kernel/kernel.ts";
import type { Level, Logs, StreamName } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";
import { poll } from "./poll.ts";
import type { Ask, Verdict } from "./probes.ts";
import { watchFd } from "./ready-fd.ts";
import { watchLines } from "./ready-log.ts";

/** Offsets of `Logs.historyEnd` at the start of a run. */
export type OutputMark = Readonly<Record<StreamName, number>>;

export interface Readiness {
  onSpawned(id: ProgramId, pid: Pid, mark: OutputMark): void;
  onState(id: ProgramId, name: StateName): void;
  /** Specs may have changed. */
  onPlan(): void;
  /** Before `onSpawned` of that process. */
  keepReadyFd(id: ProgramId, pid: Pid, fd: Fd): void;
  /** A shutdown has begun: nothing is asked any more. */
  stop(): void;
}

export interface ReadinessOptions {
  readonly clock: Clock;
  readonly logs: Pick<Logs, "history" | "historyEnd" | "follow">;
  readonly programAt: (id: ProgramId) => { readonly spec: ProgramSpec; readonly state: ProgramState } | null;
  readonly programs: () => readonly ProgramId[];
  readonly ask: Ask;
  readonly submit: (event: SystemEvent) => void;
  readonly say: (level: Level, text: string) => void;
}

type Stop = () => void;

/** A check under way, and what it was made from. */
interface Active {
  readonly key: string;
  readonly stop: Stop;
}

interface Watch {
  readonly id: ProgramId;
  readonly mark: OutputMark;
  /** Until the check takes it. */
  readyFd: Fd | null;
  ready: Active | null;
  live: Active | null;
  /** When it was first seen RUNNING. */
  upSince: Millis | null;
}

/** The part of an interval within which the first try of a ready check falls: soon, but not all programs at once. */
const FIRST_TRY = 0.25;

const BEGINNING: OutputMark = { stdout: 0, stderr: 0 };

export function createReadiness(options: ReadinessOptions): Readiness {
  const { clock, programAt } = options;
  const watches = new Map<ProgramId, Watch>();
  const readyFds = new Map<ProgramId, { readonly pid: Pid; readonly fd: Fd }>();
  let stopped = false;

  function report(watch: Watch, check: "ready" | "live", verdict: Verdict): void {
    const program = watches.get(watch.id) === watch ? programAt(watch.id) : null;
    // The program may have named another process as its own meanwhile.
    const pid = program === null ? null : probedPid(program.state);
    if (program === null || pid === null) return;
    const { ok, reason } = verdict;
    if (!ok) options.say("debug", `${check} check of ${program.spec.name} failed: ${reason}`);
    // Not the program's fault: we could not ask.
    if (!ok && verdict.isOurs) return;
    options.submit({ type: "probed", id: watch.id, pid, check, ok, reason });
  }

  function asks(
    watch: Watch,
    check: "ready" | "live",
    probe: Probe,
    { interval, timeout }: Pace,
    first: Millis,
  ): Stop {
    const ask = options.ask(probe, () => {
      const program = programAt(watch.id);
      const pid = program === null ? null : probedPid(program.state);
      return program === null || pid === null ? null : { spec: program.spec, pid };
    });
    return poll({
      clock,
      first,
      interval: interval * 1000,
      timeout: timeout * 1000,
      ask,
      onVerdict: (verdict) => report(watch, check, verdict),
    });
  }

  function startReady(watch: Watch, check: ReadyCheck): Stop {
    const { way } = check;
    const tell = (verdict: Verdict): void => report(watch, "ready", verdict);
    switch (way.kind) {
      case "notify":
        return () => {};
      case "log":
        return watchLines({ pattern: way.pattern, id: watch.id, mark: watch.mark, logs: options.logs, tell });
      case "fd": {
        const fd = watch.readyFd;
        watch.readyFd = null;
        return fd === null ? () => {} : watchFd(fd, way.fd, tell);
      }
      case "http":
      case "tcp":
      case "exec":
        return asks(watch, "ready", way, check, check.interval * 1000 * FIRST_TRY * phase(watch.id));
    }
  }

  function startLive(watch: Watch, check: LiveCheck, upSince: Millis): Stop {
    const begin = Math.max(0, upSince + check.delay * 1000 - clock.now());
    return asks(watch, "live", check.probe, check, begin + check.interval * 1000 * phase(watch.id));
  }

  /** Makes the checks under way those of the spec. */
  function configure(watch: Watch, { ready, live }: ProgramSpec): void {
    watch.ready = replaced(watch.ready, ready && readyKey(ready), () => ready && startReady(watch, ready));
    const { upSince } = watch;
    if (upSince === null) return;
    watch.live = replaced(
      watch.live,
      live && JSON.stringify(live),
      () => live && startLive(watch, live, upSince),
    );
  }

  function begin(id: ProgramId, pid: Pid, mark: OutputMark): void {
    end(id);
    const program = programAt(id);
    const kept = readyFds.get(id);
    readyFds.delete(id);
    const watch: Watch = { id, mark, readyFd: kept?.fd ?? null, ready: null, live: null, upSince: null };
    watches.set(id, watch);
    if (program === null || probedPid(program.state) === null || (kept !== undefined && kept.pid !== pid))
      return end(id);
    if (program.state.name === "RUNNING") watch.upSince = clock.now();
    configure(watch, program.spec);
  }

  function end(id: ProgramId): void {
    const watch = watches.get(id);
    if (watch === undefined) return;
    watches.delete(id);
    watch.ready?.stop();
    watch.live?.stop();
    if (watch.readyFd !== null) watchFd(watch.readyFd, 0, () => {})();
  }

  return {
    onSpawned(id, pid, mark) {
      if (!stopped) begin(id, pid, mark);
    },
    onState(id, name) {
      const watch = watches.get(id);
      if (watch === undefined) return;
      if (name !== "STARTING" && name !== "RUNNING") return end(id);
      const program = programAt(id);
      if (name !== "RUNNING" || program === null) return;
      watch.upSince ??= clock.now();
      configure(watch, program.spec);
    },
    onPlan() {
      if (stopped) return;
      for (const id of options.programs()) {
        const program = programAt(id);
        if (program === null) continue;
        const watch = watches.get(id);
        const pid = probedPid(program.state);
        if (watch !== undefined) configure(watch, program.spec);
        else if (pid !== null) begin(id, pid, BEGINNING);
      }
    },
    keepReadyFd(id, pid, fd) {
      readyFds.set(id, { pid, fd });
    },
    stop() {
      stopped = true;
      for (const id of [...watches.keys()]) end(id);
    },
  };
}

type Pace = Pick<ReadyCheck, "interval" | "timeout">;

function replaced(active: Active | null, key: string | null, start: () => Stop | null): Active | null {
  if (active?.key === (key ?? undefined)) return active;
  active?.stop();
  const stop = key === null ? null : start();
  return key === null || stop === null ? null : { key, stop };
}

/** What of it makes another check: the deadline is the core's, and who is listened to has no interval. */
function readyKey({ way, interval, timeout }: ReadyCheck): string {
  const isListened = way.kind === "log" || way.kind === "notify" || way.kind === "fd";
  return JSON.stringify(isListened ? way : { way, interval, timeout });
}

/** The process that checks are about: the program's own, not what runs before it. */
function probedPid(state: ProgramState): Pid | null {
  if (state.name === "RUNNING") return state.pid;
  return state.name === "STARTING" && state.stage === "main" ? state.pid : null;
}

/** From 0 to 1, another for each program and always the same: FNV-1a, mixed once more for names that differ in little. */
function phase(id: ProgramId): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}
