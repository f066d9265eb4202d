/** The real core and loop behind the API's Control, with processes that exist only here. For tests of what talks to the API. */
import type { Control, Reread } from "../../src/api/control.ts";
import type { ServerDeps } from "../../src/api/server.ts";
import { takeSnapshot } from "../../src/core/describe.ts";
import { diffGroups } from "../../src/core/diff.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { SystemEvent } from "../../src/core/event.ts";
import { SIGNALS, type Signal } from "../../src/core/signal-names.ts";
import type { Plan, ProgramId, ProgramSpec } from "../../src/core/spec.ts";
import { createSystem, programAt } from "../../src/core/system.ts";
import { type Clock, systemClock } from "../../src/daemon/clock.ts";
import { createJournal, type Journal } from "../../src/daemon/journal.ts";
import { createLoop } from "../../src/daemon/loop.ts";
import { createTimeline } from "../../src/daemon/timeline.ts";
import { fakePlan } from "./plans.ts";

export interface FakeControl {
  readonly control: Control;
  readonly journal: Journal;
  readonly clock: Clock;
  /** The start sequence begins. */
  boot(): void;
  submit(event: SystemEvent): void;
  /** The program's process ends by itself. */
  end(id: ProgramId, code: number): void;
  /** Programs whose spawn fails, and how. */
  readonly spawnFails: Map<ProgramId, { readonly reason: string; readonly code: number }>;
  /** Programs whose processes may not be signalled. */
  readonly killFails: Set<ProgramId>;
  /** Programs that end on SIGKILL alone. */
  readonly stubborn: Set<ProgramId>;
  /** Every signal that reached a process: `web:web 15`. */
  readonly signals: string[];
  readonly output: Map<ProgramId, string>;
  /** The program writes: kept, and told to those who follow. `main` is tsinit itself. */
  write(id: ProgramId | "main", stream: "stdout" | "stderr", bytes: string | Uint8Array): void;
  /** How many follow any log now. */
  followers(): number;
  /** What clients sent: `web:web hello`, and the answer they get. */
  readonly stdin: string[];
  stdinAnswer: ReturnType<Control["sendStdin"]>;
  /** `type data` of each remote event. */
  readonly remoteEvents: string[];
  /** What the next reread finds. */
  nextRead: Plan | { readonly errors: string[] };
}

const KEPT_BYTES = 64 * 1024;
const FATAL_SIGNALS: readonly Signal[] = [SIGNALS.TERM, SIGNALS.INT, SIGNALS.QUIT, SIGNALS.KILL];

export function createFakeControl(
  programs: readonly ProgramSpec[],
  clock: Clock = systemClock(),
): FakeControl {
  const plan = fakePlan(programs, { exitWhenDone: false });
  const listenerFault = (error: unknown): void => {
    throw error;
  };
  const journal = createJournal(clock, listenerFault);
  const owners = new Map<number, ProgramId>();
  let nextPid = 100;
  let lastRead: Plan = plan;

  const loop = createLoop({
    clock,
    system: createSystem(plan),
    perform,
    onFault: (error) => {
      throw error;
    },
  });

  const timeline = createTimeline(clock, () => loop.system().plan.programs);
  journal.subscribe(timeline.onEntry);

  /** Bytes kept, `id stream` → the newest. */
  const kept = new Map<string, { bytes: Buffer; end: number }>();
  const followers = new Set<{ key: string; listener: (bytes: Uint8Array) => void }>();
  const nothing = { bytes: Buffer.alloc(0), end: 0 };

  function follow(key: string, listener: (bytes: Uint8Array) => void): () => void {
    const one = { key, listener };
    followers.add(one);
    return () => followers.delete(one);
  }

  const fake: FakeControl = {
    journal,
    clock,
    spawnFails: new Map(),
    killFails: new Set(),
    stubborn: new Set(),
    signals: [],
    output: new Map(),
    write(id, stream, text) {
      const key = `${id} ${stream}`;
      const bytes = Buffer.from(text);
      const before = kept.get(key) ?? nothing;
      kept.set(key, {
        bytes: Buffer.concat([before.bytes, bytes]).subarray(-KEPT_BYTES),
        end: before.end + bytes.length,
      });
      for (const one of followers) if (one.key === key) one.listener(bytes);
    },
    followers: () => followers.size,
    stdin: [],
    stdinAnswer: "sent",
    remoteEvents: [],
    nextRead: plan,
    boot() {
      timeline.boot(plan.programs);
      loop.submit({ type: "boot" });
    },
    submit: (event) => loop.submit(event),
    end(id, code) {
      const pid = control.snapshot().programs.find((program) => program.id === id)?.pid ?? 0;
      loop.submit({ type: "exited", pid, status: { kind: "exited", code }, groupAlive: false });
    },
    get control() {
      return control;
    },
  };

  function perform(effect: Effect): SystemEvent | null {
    switch (effect.type) {
      case "spawn": {
        const failure = fake.spawnFails.get(effect.id);
        if (failure) return { type: "spawn-failed", id: effect.id, ...failure };
        const pid = nextPid++;
        owners.set(pid, effect.id);
        return { type: "spawned", id: effect.id, pid };
      }
      case "kill": {
        const { id, pid, signal } = effect;
        if (fake.killFails.has(id)) return { type: "kill-failed", id, reason: "EPERM" };
        fake.signals.push(`${id} ${signal}`);
        const deadly = FATAL_SIGNALS.includes(signal) && (!fake.stubborn.has(id) || signal === SIGNALS.KILL);
        if (deadly) setImmediate(() => endBySignal(pid, signal));
        return null;
      }
      case "sweep":
        setImmediate(() => loop.submit({ type: "alone" }));
        return null;
      case "journal":
        journal.record(effect.entry);
        return null;
      default:
        return null;
    }
  }

  function endBySignal(pid: number, signal: Signal): void {
    const status = { kind: "signalled", signal, coreDumped: false } as const;
    loop.submit({ type: "exited", pid, status, groupAlive: false });
  }

  function reread(): Reread {
    if ("errors" in fake.nextRead) return { ok: false, errors: fake.nextRead.errors };
    lastRead = fake.nextRead;
    return { ok: true, ...diffGroups(loop.system().plan, lastRead) };
  }

  const control: Control = {
    snapshot: () => takeSnapshot(loop.system(), journal.facts, clock.wall(), 0),
    groups: () => loop.system().plan.groups,
    lastRead: () => lastRead,
    perform(command) {
      switch (command.type) {
        case "add-group":
          return loop.submit({ type: "add-group", plan: lastRead, group: command.group });
        case "replace-group":
          return loop.submit({ ...command, plan: lastRead });
        case "update":
          return loop.submit({ type: "reload", plan: lastRead });
        case "shutdown":
          return loop.submit({ type: "shutdown", cause: "a shutdown request", hurry: false });
        case "restart-all":
          return loop.submit({ type: "stop", ids: loop.system().programs.map(({ spec }) => spec.id) });
        default:
          return loop.submit(command);
      }
    },
    reread,
    subscribe: (listener) => journal.subscribe(listener),
    timeline: timeline.view,
    pid: () => 1,
    identifier: () => "supervisor",
    version: () => "0.1.0",
    history(id, stream) {
      if (!programAt(loop.system(), id)) return { bytes: new Uint8Array(), end: 0 };
      const planted = stream === "stdout" ? fake.output.get(id) : undefined;
      if (planted === undefined) return kept.get(`${id} ${stream}`) ?? nothing;
      return { bytes: Buffer.from(planted), end: Buffer.byteLength(planted) };
    },
    commandProblem(id) {
      const reason = programAt(loop.system(), id)?.spec.commandError ?? null;
      return reason === null ? null : { reason, code: 126 };
    },
    automaticLog: () => "",
    clearHistory(id) {
      fake.output.delete(id);
      for (const stream of ["stdout", "stderr"]) kept.delete(`${id} ${stream}`);
    },
    follow: (id, stream, listener) => follow(`${id} ${stream}`, listener),
    mainLog: () => kept.get("main stdout") ?? nothing,
    clearMainLog: () => void kept.delete("main stdout"),
    followMainLog: (listener) => follow("main stdout", listener),
    sendStdin(id, bytes) {
      if (fake.stdinAnswer === "sent") fake.stdin.push(`${id} ${Buffer.from(bytes).toString()}`);
      return fake.stdinAnswer;
    },
    sendRemoteEvent: (type, data) => void fake.remoteEvents.push(`${type} ${data}`),
  };
  return fake;
}

/** What a server needs, with faults collected in `faults`. */
export function fakeServerDeps(fake: FakeControl, faults: unknown[] = []): ServerDeps {
  const none = { lines: 0, bytes: 0, droppedBytes: 0 };
  return {
    control: fake.control,
    clock: fake.clock,
    logs: { counters: () => none, say: (_level, text) => void faults.push(text) },
    totals: () => ({
      orphans: 0,
      signals: new Map(),
      faults: faults.length,
      shuttingDown: false,
      reloadSuccessful: true,
      reloadSuccessAt: fake.clock.wall(),
      version: "0.1.0",
    }),
    record: (id) => fake.journal.program(id),
  };
}
