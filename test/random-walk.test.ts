/**
 * Random histories of the core against a simulated process table, with invariants after each step.
 * A failure prints its seed: `SEED=n node --test test/random-walk.test.ts` walks that one again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { diffSpecs } from "../src/core/diff.ts";
import type { Effect, JournalEntry, Outcome } from "../src/core/effect.ts";
import type { SystemEvent } from "../src/core/event.ts";
import { compareTiers, findCycle, orderPrograms } from "../src/core/plan.ts";
import type { Dependency, Plan, ProgramId, ProgramSpec } from "../src/core/spec.ts";
import {
  type ExitStatus,
  exitCode,
  type Pid,
  type ProgramState,
  pidOf,
  type StateName,
} from "../src/core/states.ts";
import { createSystem, nextDeadline, programAt, type System, step } from "../src/core/system.ts";
import { fakePlan, fakeSpec } from "./fakes/plans.ts";
import { mulberry32 } from "./fakes/random.ts";
import { World } from "./fakes/world.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 2200);
const EVENTS = 160;
/** More turns than any shutdown here can need. */
const PATIENCE = 3000;

type Random = () => number;

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  assert.ok(item !== undefined);
  return item;
}

const TCP = { kind: "tcp", host: "localhost", port: 80 } as const;
const HOOK = { command: "hook", argv: ["hook"] };

/** `earlier`: what it may depend on, so that there is no circle. */
function randomSpec(random: Random, id: string, earlier: readonly ProgramSpec[]): ProgramSpec {
  const others = earlier.filter(() => random() < 1.5 / (earlier.length + 1));
  const isJob = random() < 0.1;
  return fakeSpec(id, {
    dependsOn: others.map((spec) => ({
      id: spec.id,
      condition: spec.type === "oneshot" ? "done" : pick(random, ["ready", "started"] as const),
    })),
    restartWith: others.filter(() => random() < 0.2).map((spec) => spec.id),
    ready:
      random() < 0.25
        ? {
            way: pick(random, [TCP, { kind: "notify" } as const]),
            interval: 1,
            timeout: 2,
            deadline: pick(random, [2, 20]),
          }
        : null,
    live:
      random() < 0.15
        ? { probe: TCP, interval: 10, timeout: 3, delay: 0, failures: pick(random, [1, 2]) }
        : null,
    watchdogSecs: random() < 0.05 ? 5 : null,
    restart: {
      delay: random() < 0.2 ? 1 : null,
      delayMax: 4,
      jitter: pick(random, [0, 0.5]),
      limit: random() < 0.1 ? { count: 2, seconds: 60 } : null,
    },
    schedule: isJob
      ? {
          expression: "* * * * *",
          timezone: null,
          overlap: pick(random, ["skip", "queue", "kill"] as const),
        }
      : null,
    runtimeMaxSecs: random() < 0.05 ? 6 : null,
    preStart: random() < 0.1 ? HOOK : null,
    stopCommand: random() < 0.1 ? HOOK : null,
    kind: random() < 0.05 ? "eventlistener" : "program",
    priority: pick(random, [10, 20, 20, 30]),
    groupPriority: pick(random, [10, 20]),
    command: pick(random, ["/bin/a", "/bin/b"]),
    autostart: random() < 0.85,
    autorestart: pick(random, ["never", "always", "unexpected"] as const),
    startsecs: pick(random, [0, 1, 1, 3]),
    startretries: pick(random, [0, 1, 3, 3, -1]),
    exitcodes: pick(random, [[0], [0, 2]]),
    stopsignals: pick(random, [[15], [2, 15]]),
    stopwaitsecs: pick(random, [0, 1, 10]),
    stopasgroup: random() < 0.3,
    killasgroup: random() < 0.3,
    critical: random() < 0.04,
    type: isJob || random() < 0.2 ? "oneshot" : "simple",
    forwardSignals: random() < 0.2 ? new Map([[10, 12]]) : new Map(),
  });
}

function randomPlan(random: Random): Plan {
  const global = {
    startGate: pick(random, ["running", "running", "spawned"] as const),
    shutdownTimeout: pick(random, [null, null, 5, 30]),
    drainSeconds: pick(random, [0, 0, 3]),
    exitWhenDone: random() < 0.5,
  };
  const main = fakeSpec("main", { kind: "main", startsecs: 0, startretries: 0, autorestart: "never" });
  if (random() < 0.1) return fakePlan([main], { ...global, drainSeconds: 0 }, true);
  const programs: ProgramSpec[] = [];
  const count = 1 + Math.floor(random() * 30);
  for (let i = 0; i < count; i++) programs.push(randomSpec(random, nameOf(i), programs));
  return fakePlan(random() < 0.1 ? [...programs, main] : programs, global);
}

function nameOf(i: number): string {
  return i % 3 === 0 ? `p${i}` : `g${i % 4}:p${i}`;
}

/** Some programs removed, some or most changed, some new. */
function mutatePlan(random: Random, plan: Plan): Plan {
  const kept = plan.programs.filter((spec) => spec.kind === "main" || random() < 0.9);
  const changed = pick(random, [0.2, 0.2, 0.9]);
  const programs = kept.map((spec) => {
    if (spec.kind === "main" || random() > changed) return spec;
    const { command, priority, autostart, stopwaitsecs } = randomSpec(random, spec.id, []);
    return { ...spec, command, priority, autostart, stopwaitsecs };
  });
  const fresh = nameOf(Math.floor(random() * 40));
  const spec = randomSpec(random, fresh, programs);
  if (!programs.some(({ id }) => id === spec.id)) programs.push(spec);
  return fakePlan(programs, plan.global, plan.passthrough);
}

const ALIVE: readonly StateName[] = ["STARTING", "RUNNING", "BACKOFF", "STOPPING"];

/** What an onlooker knows from the journal alone, and what it may therefore expect. */
class Onlooker {
  readonly states = new Map<ProgramId, StateName>();
  readonly lastStatus = new Map<ProgramId, ExitStatus>();
  /** No command, no reload: the order of the start sequence can be checked. */
  isPlainBoot = true;
  isEnding = false;
  isStopping = false;
  isKilled = false;
  startedTimes = 0;
  expectedCode: number | null = null;
  exited: Outcome | null = null;

  see(system: System, effect: Effect): void {
    assert.equal(this.exited, null, `${effect.type} after the exit`);
    if (effect.type === "exit") this.exited = effect.outcome;
    if (effect.type === "watch-group") this.#seeLeft(system, effect.id, effect.pid);
    if (effect.type === "spawn") this.#seeSpawn(system, effect.id, effect.stage);
    if (effect.type === "journal") this.#seeEntry(system, effect.entry);
  }

  #seeSpawn(system: System, id: ProgramId, stage: "pre" | "main"): void {
    assert.ok(!this.isEnding, `${id} is spawned although a shutdown has begun`);
    const waiter = programAt(system, id);
    assert.ok(waiter, `${id} is spawned and is nowhere`);
    for (const dependency of waiter.spec.dependsOn)
      assert.ok(this.#holds(system, dependency), `${id} is spawned, ${dependency.id} is not as it should be`);
    // It had its turn when start_command_pre began.
    if (stage === "main" && waiter.spec.preStart !== null) return;
    if (!this.isPlainBoot || this.startedTimes > 0 || system.plan.global.startGate !== "running") return;
    if (this.#restarting.delete(id)) return;
    const record = programAt(system, id);
    assert.ok(record);
    for (const { spec } of system.programs) {
      // What waits for something that failed has given up.
      if (spec.dependsOn.length > 0 || spec.schedule !== null) continue;
      if (!spec.autostart || compareOf(system, spec, record.spec) >= 0) continue;
      if (spec.kind === "eventlistener") continue;
      const state = this.states.get(spec.id) ?? "not started";
      assert.ok(
        !["not started", "STARTING", "BACKOFF"].includes(state),
        `${id} is spawned, ${spec.id} is ${state}`,
      );
    }
  }

  /** By what the journal said, not by what the core thinks. */
  #holds(system: System, { id, condition }: Dependency): boolean {
    const state = this.states.get(id);
    const type = programAt(system, id)?.spec.type;
    if (state === "EXITED") return this.done.has(id) && (condition === "done" || type === "oneshot");
    return state === "RUNNING" && (condition === "started" || (condition === "ready" && this.ready.has(id)));
  }

  /** Also through others that may be done by now. */
  needs(system: System, { dependsOn }: ProgramSpec, id: ProgramId, depth = 0): boolean {
    return (
      depth < 100 &&
      dependsOn.some((dependency) => {
        const other = programAt(system, dependency.id)?.spec;
        return dependency.id === id || (other !== undefined && this.needs(system, other, id, depth + 1));
      })
    );
  }

  readonly ready = new Set<ProgramId>();
  readonly done = new Set<ProgramId>();
  readonly #restarting = new Set<ProgramId>();

  #seeEntry(system: System, entry: JournalEntry): void {
    switch (entry.type) {
      case "started":
        this.startedTimes++;
        return;
      case "draining":
        this.isEnding = true;
        return;
      case "stopping":
        this.isEnding = true;
        this.isStopping = true;
        return;
      case "hurry":
      case "deadline":
        this.isKilled = true;
        return;
      case "ready":
        assert.equal(this.states.get(entry.id), "RUNNING", `${entry.id} is told to be ready or not`);
        if (entry.ready) this.ready.add(entry.id);
        else this.ready.delete(entry.id);
        return;
      case "state":
        return this.#seeState(system, entry);
      case "left-behind":
        assert.ok(
          !ALIVE.includes(this.states.get(entry.id) ?? "STOPPED"),
          `${entry.id} is up, and what it left is stopped`,
        );
        this.#clearing.add(entry.id);
        return;
      default:
        return;
    }
  }

  /** How it ended by itself; that what it left behind is stopped later does not change that. */
  readonly lastEnd = new Map<ProgramId, ProgramState>();
  readonly #clearing = new Set<ProgramId>();

  #seeState(system: System, entry: Extract<JournalEntry, { type: "state" }>): void {
    const { id, from, to, restart, ended } = entry;
    const record = programAt(system, id);
    assert.ok(record, `${id} is in the journal and not in the system`);
    assert.equal(from, this.states.get(id) ?? "STOPPED", `${id} leaves a state that it was not in`);
    this.states.set(id, to.name);
    if (to.name === "EXITED" || to.name === "FATAL") this.lastEnd.set(id, to);
    else if (to.name !== "STOPPING" && !this.#clearing.delete(id)) this.lastEnd.delete(id);
    this.ready.delete(id);
    this.done.delete(id);
    if (to.name === "RUNNING" && record.spec.ready === null) this.ready.add(id);
    if (to.name === "EXITED" && to.expected && to.restartAt === null) this.done.add(id);
    if (restart !== null) this.#restarting.add(id);
    if (ended !== null) this.lastStatus.set(id, ended.status);
    if (to.name === "STOPPING" && this.isStopping && !this.isKilled)
      for (const { spec } of system.programs) {
        const isAlive = ALIVE.includes(this.states.get(spec.id) ?? "STOPPED");
        assert.ok(
          !isAlive || compareOf(system, spec, record.spec) <= 0,
          `${id} is stopped before ${spec.id}`,
        );
      }
    if (this.expectedCode !== null) return;
    if (record.spec.kind === "main") this.#expectMain(system, entry);
    else if (!this.isEnding && record.spec.critical && to.name === "FATAL") this.expectedCode = to.code || 1;
  }

  /** Leaders that ended before a shutdown began, though what they left may be waited for in it. */
  readonly #endedBefore = new Set<Pid>();

  /** A leader has ended, which the journal tells only when what it left is gone too: the container may end before that. */
  #seeLeft(system: System, id: ProgramId, pid: Pid): void {
    if (!this.isEnding) this.#endedBefore.add(pid);
    else if (system.plan.passthrough && !this.isFaulted) {
      const { spec, state } = programAt(system, id) ?? {};
      if (spec?.kind === "main" && state?.name === "STOPPING" && state.status !== null)
        this.expectedCode ??= exitCode(state.status);
    }
  }

  #expectMain(system: System, { from, to, ended }: Extract<JournalEntry, { type: "state" }>): void {
    const record = system.programs.find(({ spec }) => spec.kind === "main");
    const isWaitedFor = system.plan.passthrough && this.isEnding && !this.isFaulted;
    if (this.isEnding && !isWaitedFor) return;
    if (to.name === "FATAL") this.expectedCode = to.code || 1;
    else if (to.name === "EXITED") this.expectedCode = exitCode(to.status);
    else if (ended === null || this.#endedBefore.has(ended.pid)) return;
    else if (isWaitedFor || (from === "UNKNOWN" && !record?.stoppedByHand))
      this.expectedCode = exitCode(ended.status);
  }

  isFaulted = false;

  hasCircle(system: System): boolean {
    return findCycle(system.programs.map(({ spec }) => spec)) !== null;
  }
}

function compareOf(system: System, a: ProgramSpec, b: ProgramSpec): number {
  const tier = ({ id }: ProgramSpec) => programAt(system, id)?.tier ?? [0, 0, 0];
  return compareTiers(tier(a), tier(b));
}

/** A removed program is forgotten without an entry of its own; one of the same name later is a new one. */
function isForgotten(before: System, after: System, id: ProgramId): boolean {
  const record = programAt(before, id);
  if (programAt(after, id) === undefined) return true;
  if (!record?.dropping) return false;
  return pidOf(record.state) === null && record.state.name !== "STOPPING";
}

/** Of a reload that stops several: nobody gets a signal while one that depends on it, and is stopped as well, lives. */
class Turns {
  readonly #first = new Map<ProgramId, Set<ProgramId>>();
  /** How often somebody had to wait. */
  waits = 0;

  begin(system: System, plan: Plan, onlooker: Onlooker): void {
    this.#first.clear();
    if (onlooker.isEnding || onlooker.hasCircle(system)) return;
    const wanted = new Map(plan.programs.map((spec) => [spec.id, spec]));
    const leaving = system.programs.filter(({ spec }) => {
      const next = wanted.get(spec.id);
      return next === undefined || diffSpecs(spec, next) === "restart";
    });
    const isUp = (id: ProgramId): boolean =>
      ["STARTING", "RUNNING", "STOPPING"].includes(onlooker.states.get(id) ?? "STOPPED");
    for (const { spec } of leaving) {
      const { id } = spec;
      const others = system.programs.filter(
        (other) =>
          isUp(other.spec.id) &&
          (leaving.includes(other)
            ? onlooker.needs(system, other.spec, id)
            : wanted.has(id) && isBoundTo(other.spec, id) && isBoundTo(wanted.get(other.spec.id), id)),
      );
      if (!isUp(id) || onlooker.states.get(id) === "STOPPING" || others.length === 0) continue;
      this.waits++;
      this.#first.set(id, new Set(others.map((other) => other.spec.id)));
    }
  }

  /** An operator does not wait. */
  free(ids: readonly ProgramId[]): void {
    for (const id of ids) this.#first.delete(id);
  }

  see(entry: JournalEntry, world: World): void {
    if (entry.type === "draining" || entry.type === "stopping") this.#first.clear();
    if (entry.type !== "state") return;
    const { id, to } = entry;
    if (to.name === "STOPPING" && world.leaderOf(id) !== null)
      assert.deepEqual([...(this.#first.get(id) ?? [])], [], `${id} is stopped while these need it`);
    if (!["STARTING", "RUNNING", "STOPPING"].includes(to.name))
      for (const others of this.#first.values()) others.delete(id);
    if (pidOf(to) === null) this.#first.delete(id);
  }
}

function isBoundTo(spec: ProgramSpec | undefined, id: ProgramId): boolean {
  if (!spec?.restartWith.includes(id)) return false;
  return spec.dependsOn.some((dependency) => dependency.id === id);
}

class Walk {
  readonly random: Random;
  readonly turns = new Turns();
  readonly world: World;
  readonly onlooker = new Onlooker();
  system: System;
  now = 0;
  steps = 0;

  constructor(seed: number) {
    this.random = mulberry32(seed);
    this.world = new World(this.random);
    this.system = createSystem(randomPlan(this.random));
  }

  /** One event and all that follows at once. True when anything came of it. */
  handle(event: SystemEvent): boolean {
    const before = this.system;
    const [next, effects] = step(before, event, this.now);
    this.steps++;
    this.system = next;
    if (before.outcome !== null) assert.equal(next.outcome, before.outcome, "the outcome was changed");
    if (before.started) assert.ok(next.started, "the start sequence is no longer over");
    for (const { spec } of before.programs)
      if (isForgotten(before, next, spec.id)) this.onlooker.states.delete(spec.id);
    const answers: SystemEvent[] = [];
    for (const effect of effects) {
      this.onlooker.see(next, effect);
      this.#checkGroupIsGone(effect);
      if (effect.type === "journal") this.turns.see(effect.entry, this.world);
      const answer = this.world.perform(effect);
      if (answer) answers.push(answer);
    }
    for (const answer of answers) this.handle(answer);
    return next !== before || effects.length > 0;
  }

  /** A program that was being stopped is STOPPED only when its whole group is gone. */
  #checkGroupIsGone(effect: Effect): void {
    if (effect.type !== "journal" || effect.entry.type !== "state") return;
    const { id, from, ended } = effect.entry;
    if (from !== "STOPPING" || ended === null) return;
    assert.ok(!this.world.hasReachableMembers(ended.pid), `${id} is stopped while members of its group live`);
  }

  /** An event from outside, and then the invariants. */
  submit(event: SystemEvent): void {
    if (["start", "stop", "reload", "add-group", "replace-group"].includes(event.type))
      this.onlooker.isPlainBoot = false;
    if (event.type === "fault" && !this.onlooker.exited) {
      this.onlooker.isFaulted = true;
      this.onlooker.expectedCode ??= this.system.outcome === null ? 70 : this.system.outcome.code;
    }
    if (event.type === "stop") this.turns.free(event.ids);
    if (event.type === "reload") this.turns.begin(this.system, event.plan, this.onlooker);
    this.handle(event);
    this.#fireDue();
    this.#check();
  }

  #fireDue(): void {
    for (let turns = 0; ; turns++) {
      const due = nextDeadline(this.system);
      if (due === null || due > this.now) return;
      assert.ok(this.handle({ type: "time" }), "a deadline that is due moves nothing");
      assert.ok(turns < 200, "deadlines come up without end");
    }
  }

  #check(): void {
    const { system, world } = this;
    const specs = system.programs.map(({ spec }) => spec);
    // A group added from another plan may close a circle, which has no order.
    const ordered = findCycle(specs) === null ? orderPrograms(specs) : specs;
    system.programs.forEach((record, position) => {
      const { spec, state } = record;
      assert.equal(ordered[position], spec, "the programs are out of order");
      assert.equal(system.index.get(spec.id), position, "the index is wrong");
      assert.equal(state.name, this.onlooker.states.get(spec.id) ?? "STOPPED", `${spec.id} moved unseen`);
      assert.ok(state.name !== "STARTING" || state.pid !== null, `${spec.id} has no answer to its spawn`);
      if (system.phase !== "ended")
        assert.equal(pidOf(state), world.leaderOf(spec.id), `the process of ${spec.id}`);
      if (system.shutdown !== null)
        assert.equal(record.pending, null, `${spec.id} waits to start in a shutdown`);
    });
    assert.equal(system.index.size, system.programs.length);
    const held = new Set(system.programs.map(({ state }) => pidOf(state)));
    for (const pid of world.unreaped())
      assert.ok(held.has(pid) || system.phase === "ended", `nobody holds the process ${pid}`);
    assert.ok(this.onlooker.startedTimes <= 1, "started twice");
  }

  passTime(): void {
    const due = nextDeadline(this.system);
    const jump = this.random() * 4000;
    this.now = due !== null && this.random() < 0.6 ? Math.max(this.now, due) : Math.round(this.now + jump);
    this.submit({ type: "time" });
  }

  someId(): ProgramId {
    const { programs } = this.system;
    return programs.length === 0 ? "none:none" : pick(this.random, programs).spec.id;
  }

  randomEvent(): SystemEvent | null {
    const { random } = this;
    const roll = random() * 100;
    if (roll < 30) return this.world.tell();
    if (roll < 40) {
      this.world.crashOne();
      return this.world.tell();
    }
    if (roll < 46) return { type: "start", ids: [this.someId(), this.someId()], gated: random() < 0.5 };
    if (roll < 52)
      return { type: "stop", ids: Array.from({ length: pick(random, [1, 1, 4]) }, () => this.someId()) };
    if (roll < 54) return { type: "signal", id: this.someId(), signal: 10 };
    if (roll < 55) return { type: "forward", signal: 10 };
    if (roll < 56.5) return { type: "reload", plan: mutatePlan(random, this.system.plan) };
    if (roll < 57.5) {
      const plan = mutatePlan(random, this.system.plan);
      return { type: "add-group", plan, group: pick(random, plan.groups).name };
    }
    if (roll < 58.5 && this.system.plan.groups.length > 0)
      return { type: "remove-group", group: pick(random, this.system.plan.groups).name };
    if (roll < 58.8) {
      const plan = mutatePlan(random, this.system.plan);
      const stopped = [this.someId(), this.someId()];
      return { type: "replace-group", plan, group: pick(random, plan.groups).name, stopped };
    }
    if (roll < 58.9)
      return { type: "exited", pid: 7, status: { kind: "exited", code: 1 }, groupAlive: false };
    if (roll < 59.2) return { type: "shutdown", cause: "SIGTERM", hurry: false };
    if (roll < 59.3) return { type: "shutdown", cause: "SIGTERM", hurry: true };
    if (roll < 59.4) return { type: "fault", reason: "planted" };
    if (roll < 61) return { type: "scheduled", id: this.someId() };
    if (roll < 76) return this.#aboutAProcess();
    return null;
  }

  #aboutAProcess(): SystemEvent | null {
    const { random } = this;
    const id = this.someId();
    const state = programAt(this.system, id)?.state;
    const pid = state ? pidOf(state) : null;
    if (pid === null) return null;
    const roll = random();
    if (roll < 0.5)
      return { type: "probed", id, pid, check: "ready", ok: random() < 0.75, reason: "refused" };
    if (roll < 0.75) return { type: "probed", id, pid, check: "live", ok: random() < 0.5, reason: "refused" };
    if (roll < 0.95) return { type: "watchdog", id, pid, trigger: random() < 0.05 };
    return { type: "extend", id, pid, millis: 3000 };
  }

  run(): void {
    const bootAt = Math.floor(this.random() * 3);
    for (let i = 0; i < EVENTS && this.onlooker.exited === null; i++) {
      if (i === bootAt) this.submit({ type: "boot" });
      const event = this.randomEvent();
      if (event === null) this.passTime();
      else this.submit(event);
    }
    this.#end();
  }

  /** Every shutdown ends: the world does no more than it must. */
  #end(): void {
    if (this.onlooker.exited === null) this.submit({ type: "shutdown", cause: "SIGTERM", hurry: false });
    for (let turn = 0; this.onlooker.exited === null; turn++) {
      assert.ok(turn < PATIENCE, "the shutdown does not end");
      const event = this.world.tell();
      if (event !== null) this.submit(event);
      else if (nextDeadline(this.system) !== null) this.passTime();
      else this.world.crashOne();
    }
    this.#checkCode(this.onlooker.exited);
    assert.equal(nextDeadline(this.system), null, "a deadline after the end");
    assert.equal(this.handle({ type: "boot" }), false, "something happens after the end");
  }

  #checkCode(outcome: Outcome): void {
    const { expectedCode } = this.onlooker;
    if (outcome.reason.includes("cannot start:")) assert.notEqual(outcome.code, 0, outcome.reason);
    else if (expectedCode !== null) assert.equal(outcome.code, expectedCode, outcome.reason);
    else if (outcome.reason.startsWith("everything is done")) {
      const work = this.system.programs.filter(({ spec }) => spec.kind !== "eventlistener");
      const isFine = work.every(({ spec, pending }) => {
        const end = this.onlooker.lastEnd.get(spec.id);
        return end?.name === "EXITED" && end.expected && pending === null;
      });
      assert.equal(outcome.code, isFine ? 0 : 1, outcome.reason);
    } else if (outcome.code !== 137) assert.equal(outcome.code, 0, outcome.reason);
    assert.notEqual(outcome.reason, "");
  }
}

test("random walks keep every invariant", () => {
  const wanted = process.env["SEED"];
  const seeds = wanted === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(wanted)];
  let steps = 0;
  let waits = 0;
  for (const seed of seeds) {
    try {
      const walk = new Walk(seed);
      walk.run();
      steps += walk.steps;
      waits += walk.turns.waits;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  if (wanted !== undefined) return;
  assert.ok(steps >= 200_000, `only ${steps} steps`);
  assert.ok(waits >= 150, `only ${waits} times a program had to wait for its turn`);
});
