/** Pools: who gets which event, and random histories with what must hold whatever happens. `SEED=n` walks one again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import { mulberry32 } from "../../test/fakes/random.ts";
import type { JournalEntry } from "./effect.ts";
import { Pool, type Queued, renderEnvelope } from "./listener.ts";
import { ListenerPools } from "./listener-pools.ts";
import type { ProgramState } from "./states.ts";
import { remoteEvent, type SupervisorEvent, tickEvent } from "./supervisor-events.ts";

const poolSpec = (bufferSize = 10, count = 1, name = "mail") => ({
  name,
  events: ["TICK", "REMOTE_COMMUNICATION"],
  bufferSize,
  members: Array.from({ length: count }, (_, i) => ({ id: `${name}:${name}${i}`, name: `${name}${i}` })),
});

function entry(id: string, to: ProgramState["name"]): Extract<JournalEntry, { type: "state" }> {
  const status = { kind: "exited", code: 1 } as const;
  const ended = to === "EXITED" ? { pid: 7, status, expected: false, tooQuick: false } : null;
  const states: Partial<Record<ProgramState["name"], ProgramState>> = {
    STARTING: {
      name: "STARTING",
      stage: "main",
      pid: null,
      ...FRESH_RUN,
      tries: 0,
      startedAt: 0,
      runningAt: 0,
    },
    RUNNING: { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 },
    EXITED: { name: "EXITED", status, expected: false, restartAt: null, clearing: null },
    STOPPING: {
      name: "STOPPING",
      pid: 7,
      leader: 7,
      begunAt: 0,
      keys: fakeSpec("web"),
      signalsSent: 1,
      nextAt: 0,
      status: null,
      failure: null,
    },
  };
  const state = states[to];
  assert.ok(state);
  return { type: "state", id, from: "STARTING", to: state, restart: null, ended };
}

const write = (pool: Pool, id: string, text: string): void => pool.onOutput(id, Buffer.from(text));

function bringUp(pool: Pool, id: string): void {
  pool.onState(entry(id, "STARTING"));
  pool.onState(entry(id, "RUNNING"));
  write(pool, id, "READY\n");
}

const logged = (pool: Pool, level: string): string[] =>
  pool
    .takeRemarks()
    .filter((remark) => remark.level === level)
    .map((remark) => remark.text);

const tick = (when: number): SupervisorEvent => tickEvent("TICK_5", when);

test("nothing is sent before the listener is RUNNING and READY", () => {
  const pool = new Pool(poolSpec());
  pool.accept(tick(5), 0);
  pool.onState(entry("mail:mail0", "STARTING"));
  write(pool, "mail:mail0", "READY\n");
  assert.equal(pool.next(), null);
  pool.onState(entry("mail:mail0", "RUNNING"));
  assert.equal(pool.next()?.queued.serial, 0);
  assert.equal(pool.next(), null);
});

test("the first member that is free gets it", () => {
  const pool = new Pool(poolSpec(10, 2));
  bringUp(pool, "mail:mail0");
  bringUp(pool, "mail:mail1");
  for (const serial of [0, 1, 2]) pool.accept(tick(serial), serial);
  assert.equal(pool.next()?.id, "mail:mail0");
  assert.equal(pool.next()?.id, "mail:mail1");
  assert.equal(pool.next(), null);
  write(pool, "mail:mail1", "RESULT 2\nOKREADY\n");
  assert.deepEqual([pool.next()?.id, pool.next()], ["mail:mail1", null]);
});

test("a full buffer loses the oldest, and says so in supervisord's words", () => {
  const pool = new Pool(poolSpec(2));
  for (const serial of [0, 1, 2]) pool.accept(tick(serial), serial);
  assert.deepEqual(logged(pool, "error"), ["pool mail event buffer overflowed, discarding event 0"]);
  bringUp(pool, "mail:mail0");
  assert.equal(pool.next()?.queued.serial, 1);
});

test("rejected: at the head again, with its numbers, and a warning", () => {
  const pool = new Pool(poolSpec());
  bringUp(pool, "mail:mail0");
  pool.accept(tick(5), 4);
  pool.accept(tick(10), 5);
  const first = pool.next()?.queued;
  write(pool, "mail:mail0", "RESULT 4\nFAIL");
  assert.deepEqual(logged(pool, "warn"), ["mail0: event was rejected"]);
  write(pool, "mail:mail0", "READY\n");
  assert.deepEqual(pool.next()?.queued, first);
  assert.deepEqual(first?.poolSerial, 0);
});

test("a member that ends in the middle gives its event back", () => {
  const pool = new Pool(poolSpec(10, 2));
  bringUp(pool, "mail:mail0");
  pool.accept(tick(5), 0);
  pool.accept(tick(10), 1);
  assert.equal(pool.next()?.queued.serial, 0);
  pool.onState(entry("mail:mail0", "EXITED"));
  bringUp(pool, "mail:mail1");
  assert.equal(pool.next()?.queued.serial, 0);
});

test("one that breaks the protocol gets nothing until it is started anew", () => {
  const pool = new Pool(poolSpec());
  bringUp(pool, "mail:mail0");
  pool.accept(tick(5), 0);
  pool.next();
  pool.takeRemarks();
  write(pool, "mail:mail0", "RESULT two\n");
  assert.deepEqual(logged(pool, "warn"), [
    "mail0: bad result line: 'RESULT two'",
    "mail0: has entered the UNKNOWN state and will no longer receive events, this usually indicates the process violated the eventlistener protocol",
  ]);
  write(pool, "mail:mail0", "READY\n");
  assert.equal(pool.next(), null);
  assert.ok(pool.isIdle(), "nobody waits for it");
  pool.onState(entry("mail:mail0", "EXITED"));
  bringUp(pool, "mail:mail0");
  assert.equal(pool.next()?.queued.serial, 0);
});

test("bytes while it is ready break it too", () => {
  const pool = new Pool(poolSpec());
  bringUp(pool, "mail:mail0");
  write(pool, "mail:mail0", "x");
  pool.accept(tick(5), 0);
  assert.equal(pool.next(), null);
});

test("whoever closed its stdin is passed over", () => {
  const pool = new Pool(poolSpec(10, 2));
  bringUp(pool, "mail:mail0");
  bringUp(pool, "mail:mail1");
  pool.accept(tick(5), 0);
  assert.equal(pool.next()?.id, "mail:mail0");
  pool.onSendFailed("mail:mail0");
  const again = pool.next();
  assert.deepEqual([again?.id, again?.queued.serial], ["mail:mail1", 0]);
});

test("the failure that a listener works on, or has just answered, is the one to blame", () => {
  const state = { name: "FATAL", reason: "", code: 3 } as const;
  const fatal: SupervisorEvent = {
    name: "PROCESS_STATE_FATAL",
    payload: new Uint8Array(0),
    blame: { id: "w:w", state },
  };
  const pools = new ListenerPools();
  pools.add({ ...poolSpec(), events: ["EVENT"] });
  const [pool] = pools.pools();
  assert.ok(pool);
  bringUp(pool, "mail:mail0");
  pools.accept(fatal);
  assert.equal(pools.blame(), null, "it has not been told yet");
  pool.next();
  assert.deepEqual(pools.blame(), fatal.blame);
  write(pool, "mail:mail0", "RESULT 2\nOK");
  assert.deepEqual(pools.blame(), fatal.blame);
  pools.forgetAnswers();
  assert.equal(pools.blame(), null);
  pools.accept(fatal);
  write(pool, "mail:mail0", "READY\n");
  pool.next();
  pool.onState(entry("mail:mail0", "EXITED"));
  assert.deepEqual(pools.blame(), fatal.blame, "it has ended in the middle");
  pools.forgetAnswers();
  assert.equal(pools.blame(), null);
});

test("one number for all pools, one of its own in each, none for what nobody wants, one delivery each", () => {
  const pools = new ListenerPools();
  pools.add({ ...poolSpec(10, 1, "a"), events: ["TICK_5", "TICK", "EVENT"] });
  pools.add({ ...poolSpec(10, 1, "b"), events: ["REMOTE_COMMUNICATION"] });
  pools.accept(tick(5));
  pools.accept(remoteEvent("t", "d"));
  pools.accept(tick(10));
  const seen: [string, number, number][] = [];
  for (const pool of pools.pools()) {
    bringUp(pool, `${pool.name}:${pool.name}0`);
    for (let next = pool.next(); next !== null; next = pool.next()) {
      seen.push([pool.name, next.queued.serial, next.queued.poolSerial]);
      write(pool, next.id, "RESULT 2\nOKREADY\n");
    }
  }
  assert.deepEqual(seen, [
    ["a", 0, 0],
    ["a", 1, 1],
    ["a", 2, 2],
    ["b", 1, 0],
  ]);
});

test("the envelope counts bytes", () => {
  const queued: Queued = { serial: 3, poolSerial: 1, event: remoteEvent("t", "ü") };
  const bytes = Buffer.from(renderEnvelope("me", "mail", queued));
  assert.equal(
    bytes.toString(),
    "ver:3.0 server:me serial:3 pool:mail poolserial:1 eventname:REMOTE_COMMUNICATION len:9\ntype:t\nü",
  );
});

/** A pool, listeners that do anything, and what must hold. */
class Walk {
  readonly random: () => number;
  readonly pool: Pool;
  readonly ids: string[];
  readonly bound: number;
  accepted = 0;
  /** Waiting, as the pool must have it: oldest first. */
  waiting: number[] = [];
  readonly working = new Map<string, number>();
  readonly done: number[] = [];
  readonly lost: number[] = [];

  constructor(seed: number) {
    this.random = mulberry32(seed);
    this.bound = 1 + Math.floor(this.random() * 6);
    const spec = poolSpec(this.bound, 1 + Math.floor(this.random() * 3));
    this.ids = spec.members.map(({ id }) => id);
    this.pool = new Pool(spec);
  }

  discard(): void {
    if (this.waiting.length < this.bound) return;
    const oldest = this.waiting.shift();
    assert.ok(oldest !== undefined);
    this.lost.push(oldest);
  }

  giveBack(id: string): void {
    const serial = this.working.get(id);
    if (serial === undefined) return;
    this.working.delete(id);
    this.discard();
    this.waiting.unshift(serial);
  }

  act(): void {
    const roll = this.random();
    const id = this.ids[Math.floor(this.random() * this.ids.length)] ?? "";
    if (roll < 0.35) {
      this.discard();
      this.pool.accept(tick(this.accepted), this.accepted);
      this.waiting.push(this.accepted++);
    } else if (roll < 0.55) {
      bringUp(this.pool, id);
      this.giveBack(id);
    } else if (roll < 0.75) {
      write(this.pool, id, "RESULT 2\nOK");
      const serial = this.working.get(id);
      if (serial !== undefined) this.done.push(serial);
      this.working.delete(id);
      write(this.pool, id, "READY\n");
    } else if (roll < 0.85) {
      write(this.pool, id, "RESULT 4\nFAIL");
      this.giveBack(id);
    } else if (roll < 0.9) {
      write(this.pool, id, "nonsense\n");
      this.giveBack(id);
    } else {
      this.pool.onState(entry(id, "EXITED"));
      this.giveBack(id);
    }
    this.dispatch();
  }

  dispatch(): void {
    for (let next = this.pool.next(); next !== null; next = this.pool.next()) {
      assert.ok(!this.working.has(next.id), `${next.id} is busy and is sent another`);
      assert.equal(next.queued.serial, this.waiting[0], "not the oldest");
      if (this.random() < 0.1) {
        this.pool.onSendFailed(next.id);
        continue;
      }
      this.waiting.shift();
      this.working.set(next.id, next.queued.serial);
    }
    assert.ok(this.waiting.length <= this.bound, "more waits than the bound");
    const discarded = this.pool
      .takeRemarks()
      .flatMap(({ text }) => /discarding event (\d+)/.exec(text)?.[1] ?? []);
    this.told.push(...discarded.map(Number));
  }

  readonly told: number[] = [];

  /** Every event is somewhere, once. */
  check(): void {
    assert.deepEqual(this.told, this.lost, "lost and not said, or said and not lost");
    const all = [...this.waiting, ...this.working.values(), ...this.done, ...this.lost];
    all.sort((a, b) => a - b);
    assert.deepEqual(
      all,
      Array.from({ length: this.accepted }, (_, i) => i),
    );
    assert.deepEqual(
      this.waiting,
      [...this.waiting].sort((a, b) => this.rank(a) - this.rank(b)),
    );
  }

  /** What was never handed out keeps its order behind what came back. */
  rank(serial: number): number {
    return this.handedOut.has(serial) ? -1 : serial;
  }

  readonly handedOut = new Set<number>();
}

test("random histories: nothing is lost but by overflow, twice delivered, or out of order", () => {
  const wanted = process.env["SEED"];
  const seeds = wanted === undefined ? Array.from({ length: 1000 }, (_, i) => i + 1) : [Number(wanted)];
  let finished = 0;
  for (const seed of seeds) {
    const walk = new Walk(seed);
    try {
      for (let i = 0; i < 150; i++) {
        walk.act();
        for (const serial of walk.working.values()) walk.handedOut.add(serial);
        walk.check();
      }
      finished += walk.done.length;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  if (wanted === undefined) assert.ok(finished > 10_000, `only ${finished} events were dealt with`);
});
