import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { ProgramState } from "../core/states.ts";
import { createNarrator, type Narrator } from "./narrate.ts";

const SPECS = new Map([fakeSpec("web"), fakeSpec("worker")].map((spec) => [spec.id, spec]));

function begin(): { clock: FakeClock; narrator: Narrator; said: string[] } {
  const clock = new FakeClock();
  const said: string[] = [];
  const narrator = createNarrator({
    clock,
    specOf: (id) => SPECS.get(id) ?? null,
    say: (level, text) => said.push(`${level} ${text}`),
  });
  return { clock, narrator, said };
}

const STOPPING: ProgramState = {
  name: "STOPPING",
  pid: 7,
  leader: 7,
  begunAt: 0,
  keys: fakeSpec("web"),
  signalsSent: 1,
  nextAt: 0,
  status: null,
  failure: null,
};

function moved(id: string, to: ProgramState): JournalEntry {
  return { type: "state", id, from: "RUNNING", to, restart: null, ended: null };
}

test("a stop that takes its time is told of, every two seconds, until it is over", () => {
  const { clock, narrator, said } = begin();
  narrator.onEntry(moved("web:web", STOPPING));
  clock.advance(100);
  assert.deepEqual(said, []);
  clock.advance(4200);
  const line = "info waiting for web to stop";
  assert.deepEqual(said, [line, line, line]);
  narrator.onEntry(moved("web:web", { name: "STOPPED" }));
  clock.advance(60_000);
  assert.equal(said.length, 3);
});

test("a shutdown names those it still waits for, every three seconds", () => {
  const { clock, narrator, said } = begin();
  narrator.onEntry({ type: "waiting", ids: ["web:web", "worker:worker"] });
  narrator.onEntry(moved("web:web", STOPPING));
  clock.advance(3000);
  narrator.onEntry(moved("web:web", { name: "STOPPED" }));
  clock.advance(3000);
  narrator.onEntry(moved("worker:worker", { name: "STOPPED" }));
  clock.advance(60_000);
  assert.deepEqual(said, [
    "info waiting for web, worker to die",
    "info waiting for web, worker to die",
    "info waiting for worker to die",
  ]);
});

test("what repeats is counted, but never that a program was given up", () => {
  const { clock, narrator, said } = begin();
  for (let time = 0; time < 50; time++) {
    narrator.onEntry({ type: "spawned", id: "web:web", pid: time });
    narrator.onEntry({
      type: "state",
      id: "web:web",
      from: "BACKOFF",
      to: { name: "FATAL", reason: "", code: 1 },
      restart: null,
      ended: null,
    });
  }
  assert.equal(said.filter((line) => line.includes("spawned: 'web'")).length, 10);
  assert.equal(said.filter((line) => line.startsWith("info gave up: web entered FATAL state")).length, 50);
  clock.advance(60_000);
  assert.match(said.at(-1) ?? "", /^info spawned: 'web' with pid 49 \(40 times more, within 60 s\)$/);
});
