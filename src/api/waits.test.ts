import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { FakeControl } from "../../test/fakes/control.ts";
import { createFakeControl } from "../../test/fakes/control.ts";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import { RpcError } from "./faults.ts";
import { createRpc } from "./rpc.ts";
import type { Value } from "./xmlrpc.ts";

/** The value, or the fault's text. */
async function call(fake: FakeControl, method: string, ...params: Value[]): Promise<Value> {
  try {
    return (await createRpc(fake.control, fake.clock).call(`supervisor.${method}`, params)).value;
  } catch (error) {
    if (error instanceof RpcError) return `${error.fault.code} ${error.fault.text}`;
    throw error;
  }
}

/** Lets everything that is due happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function setUp(programs = [fakeSpec("web")]): { fake: FakeControl; clock: FakeClock } {
  const clock = new FakeClock();
  return { fake: createFakeControl(programs, clock), clock };
}

const OFF = { autostart: false };

test("startProcess answers when the program is RUNNING, and not before", async () => {
  const { fake, clock } = setUp([fakeSpec("web", OFF)]);
  fake.boot();
  let answered = false;
  const answer = call(fake, "startProcess", "web").then((value) => {
    answered = true;
    return value;
  });
  await turn();
  clock.advance(500);
  await turn();
  assert.equal(answered, false);
  clock.advance(600);
  assert.equal(await answer, true);
  assert.equal(await call(fake, "startProcess", "web"), "60 ALREADY_STARTED: web");
});

test("a program that ends too early is a SPAWN_ERROR though it will be tried again", async () => {
  const { fake } = setUp([fakeSpec("web", OFF)]);
  fake.boot();
  const answer = call(fake, "startProcess", "web:web");
  await turn();
  fake.end("web:web", 1);
  assert.equal(await answer, "50 SPAWN_ERROR: web");
  assert.equal(fake.control.snapshot().programs[0]?.state.name, "BACKOFF");
});

test("a spawn that fails says why: no file, not executable, anything else", async () => {
  const { fake } = setUp(
    ["a", "b", "c", "d"].map((name) =>
      fakeSpec(name, { ...OFF, commandError: name === "d" ? "command is empty" : null }),
    ),
  );
  fake.boot();
  fake.spawnFails.set("a:a", { reason: "can't find command '/bin/a'", code: 127 });
  fake.spawnFails.set("b:b", { reason: "command at '/bin/b' is not executable", code: 126 });
  fake.spawnFails.set("c:c", { reason: "Too many processes", code: 1 });
  assert.equal(await call(fake, "startProcess", "a"), "20 NO_FILE: can't find command '/bin/a'");
  assert.equal(
    await call(fake, "startProcess", "b"),
    "21 NOT_EXECUTABLE: command at '/bin/b' is not executable",
  );
  assert.equal(await call(fake, "startProcess", "c", false), "50 SPAWN_ERROR: c");
  assert.equal(await call(fake, "startProcess", "d"), "21 NOT_EXECUTABLE: command is empty");
});

test("a program that is stopped while it starts is an ABNORMAL_TERMINATION", async () => {
  const { fake } = setUp([fakeSpec("web", OFF)]);
  fake.boot();
  const started = call(fake, "startProcess", "web");
  await turn();
  const stopped = call(fake, "stopProcess", "web");
  assert.equal(await started, "40 ABNORMAL_TERMINATION: web");
  assert.equal(await stopped, true);
  assert.equal(await call(fake, "stopProcess", "web"), "70 NOT_RUNNING: web");
});

test("a oneshot has started when it has done its work", async () => {
  const { fake } = setUp([
    fakeSpec("migrate", { ...OFF, type: "oneshot", startsecs: 10, autorestart: "never" }),
  ]);
  fake.boot();
  const answer = call(fake, "startProcess", "migrate");
  await turn();
  fake.end("migrate:migrate", 0);
  assert.equal(await answer, true);
});

test("without waiting, a start is answered as soon as the process exists", async () => {
  const { fake } = setUp([fakeSpec("web", OFF)]);
  fake.boot();
  assert.equal(await call(fake, "startProcess", "web", false), true);
  assert.equal(fake.control.snapshot().programs[0]?.state.name, "STARTING");
});

test("a stop is answered when the process is gone, also when it takes a SIGKILL", async () => {
  const { fake, clock } = setUp([fakeSpec("web", { stopwaitsecs: 2 })]);
  fake.stubborn.add("web:web");
  fake.boot();
  clock.advance(1100);
  const answer = call(fake, "stopProcess", "web");
  await turn();
  assert.deepEqual(fake.signals, ["web:web 15"]);
  clock.advance(2100);
  assert.equal(await answer, true);
  assert.deepEqual(fake.signals, ["web:web 15", "web:web 9"]);
});

test("a stop that may not be is FAILED", async () => {
  const { fake, clock } = setUp();
  fake.boot();
  clock.advance(1100);
  fake.killFails.add("web:web");
  assert.equal(await call(fake, "stopProcess", "web"), "30 FAILED: EPERM");
  assert.equal(await call(fake, "startProcess", "web"), "30 FAILED: web is in an unknown process state");
});

test("several programs start tier after tier, and each is reported", async () => {
  const specs = [fakeSpec("db", { ...OFF, priority: 1 }), fakeSpec("web", { ...OFF, priority: 2 })];
  const { fake, clock } = setUp(specs);
  fake.boot();
  const answer = call(fake, "startAllProcesses");
  await turn();
  const states = (): string[] => fake.control.snapshot().programs.map(({ state }) => state.name);
  assert.deepEqual(states(), ["STARTING", "STOPPED"]);
  clock.advance(1100);
  assert.deepEqual(states(), ["RUNNING", "STARTING"]);
  clock.advance(1100);
  const ok = (name: string): Value => ({ name, group: name, status: 80, description: "OK" });
  assert.deepEqual(await answer, [ok("db"), ok("web")]);
});

test("a start that waits for its tier is answered when a stop takes it back", async () => {
  const { fake } = setUp([fakeSpec("db", { ...OFF, priority: 1 }), fakeSpec("web", { ...OFF, priority: 2 })]);
  fake.boot();
  const other = call(fake, "startAllProcesses");
  const answer = call(fake, "startProcessGroup", "web");
  await turn();
  assert.equal(await call(fake, "stopProcess", "web"), true);
  fake.end("db:db", 3);
  const abnormal = { name: "web", group: "web", status: 40, description: "ABNORMAL_TERMINATION: web" };
  assert.deepEqual(await answer, [abnormal]);
  const all = await other;
  assert.ok(Array.isArray(all));
  assert.deepEqual(
    all.find((one) => JSON.stringify(one).includes('"web"')),
    abnormal,
  );
});

test("whoever waits is answered when the group is removed and when a shutdown begins", async () => {
  const { fake } = setUp([fakeSpec("db", OFF), fakeSpec("web", OFF)]);
  fake.boot();
  const removed = call(fake, "startProcess", "web");
  const shutDown = call(fake, "startProcess", "db");
  await turn();
  fake.submit({ type: "reload", plan: fakePlan([fakeSpec("db", OFF)], { exitWhenDone: false }) });
  assert.equal(await removed, "40 ABNORMAL_TERMINATION: web");
  const stopped = call(fake, "stopProcess", "db");
  fake.submit({ type: "shutdown", cause: "a test", hurry: false });
  assert.match(String(await shutDown), /^(6 SHUTDOWN_STATE|40 ABNORMAL_TERMINATION: db)$/);
  assert.equal(await stopped, true);
  assert.equal(await call(fake, "getState"), "6 SHUTDOWN_STATE");
});

test("a start in progress when a shutdown begins is refused at once", async () => {
  const { fake } = setUp([fakeSpec("db", OFF)]);
  fake.boot();
  const answer = call(fake, "startProcess", "db");
  await turn();
  fake.submit({ type: "shutdown", cause: "a test", hurry: false });
  assert.equal(await answer, "6 SHUTDOWN_STATE");
});

test("signals: the program, its name and its state are checked in that order", async () => {
  const { fake, clock } = setUp([fakeSpec("web"), fakeSpec("idle", OFF)]);
  fake.boot();
  clock.advance(1100);
  assert.equal(await call(fake, "signalProcess", "nobody", "FOO"), "10 BAD_NAME: nobody");
  assert.equal(await call(fake, "signalProcess", "idle", "FOO"), "11 BAD_SIGNAL: FOO");
  assert.equal(await call(fake, "signalProcess", "idle", "HUP"), "70 NOT_RUNNING: idle");
  assert.equal(await call(fake, "signalProcess", "web", "HUP"), true);
  assert.equal(await call(fake, "signalProcess", "web", 10), true);
  assert.deepEqual(fake.signals, ["web:web 1", "web:web 10"]);
  const bad = { name: "web", group: "web", status: 11, description: "BAD_SIGNAL: FOO" };
  assert.deepEqual(await call(fake, "signalAllProcesses", "FOO"), [bad]);
  fake.killFails.add("web:web");
  assert.equal(await call(fake, "signalProcess", "web", "HUP"), "30 FAILED: EPERM");
});

test("no listener of the journal is left behind", async () => {
  const { fake, clock } = setUp();
  let listening = 0;
  const { subscribe } = fake.control;
  fake.control.subscribe = (listener) => {
    listening++;
    const stop = subscribe(listener);
    return () => {
      listening--;
      stop();
    };
  };
  fake.boot();
  clock.advance(1100);
  await call(fake, "stopProcess", "web");
  await call(fake, "startProcess", "web", false);
  await call(fake, "signalProcess", "web", "HUP");
  await call(fake, "stopAllProcesses", false);
  await call(fake, "startAllProcesses", false);
  assert.equal(listening, 0);
});

const BLOCKED = [
  fakeSpec("migrate", { ...OFF, type: "oneshot", startretries: 0 }),
  fakeSpec("app", { ...OFF, dependsOn: [{ id: "migrate:migrate", condition: "done" }] }),
  fakeSpec("web", { ...OFF, dependsOn: [{ id: "app:app", condition: "started" }] }),
];

test("a start waits for what it needs to be started first", async () => {
  const { fake, clock } = setUp(BLOCKED);
  fake.boot();
  const answer = call(fake, "startProcess", "web");
  await turn();
  clock.advance(3000);
  await turn();
  fake.end("migrate:migrate", 0);
  await turn();
  clock.advance(1000);
  await turn();
  clock.advance(1000);
  assert.equal(await answer, true);
});

test("what it needs fails: so does the start, with the reason; the next start tries all of it again", async () => {
  const { fake } = setUp(BLOCKED);
  fake.boot();
  for (const round of [1, 2]) {
    const answer = call(fake, "startProcess", "web");
    await turn();
    fake.end("migrate:migrate", 3);
    assert.equal(
      await answer,
      "40 ABNORMAL_TERMINATION: web: migrate failed: exit status 3",
      `round ${round}`,
    );
  }
  const [app] = fake.control.snapshot().programs;
  assert.equal(app?.description, "migrate failed: exit status 3");
  assert.equal(app?.stuck, true);
});

test("what it needs is stopped by hand meanwhile: nobody is kept waiting for an operator", async () => {
  const { fake, clock } = setUp(BLOCKED);
  fake.boot();
  const answer = call(fake, "startProcess", "app");
  await turn();
  fake.submit({ type: "stop", ids: ["migrate:migrate"] });
  assert.equal(await answer, "40 ABNORMAL_TERMINATION: app: waiting for migrate to be done");
  // The wish stays.
  fake.submit({ type: "start", ids: ["migrate:migrate"], gated: false });
  await turn();
  fake.end("migrate:migrate", 0);
  clock.advance(2000);
  assert.equal(fake.control.snapshot().programs[0]?.state.name, "RUNNING");
});

test("what it needs is tried for ever: five minutes, then the start is answered", async () => {
  const endless = fakeSpec("db", { ...OFF, startretries: -1 });
  const app = fakeSpec("app", { ...OFF, dependsOn: [{ id: "db:db", condition: "started" }] });
  const { fake, clock } = setUp([endless, app]);
  fake.spawnFails.set("db:db", { reason: "no memory", code: 1 });
  fake.boot();
  let answered = false;
  const answer = call(fake, "startProcess", "app").finally(() => {
    answered = true;
  });
  await turn();
  clock.advance(299_000);
  await turn();
  assert.equal(answered, false);
  clock.advance(2000);
  assert.equal(await answer, "40 ABNORMAL_TERMINATION: app: waiting for db to start");
});

test("start all: each with its own answer", async () => {
  const { fake } = setUp(BLOCKED);
  fake.boot();
  const answer = call(fake, "startAllProcesses");
  await turn();
  fake.end("migrate:migrate", 3);
  const faults = ((await answer) as { name: string; description: string }[]).map(
    ({ name, description }) => `${name} ${description}`,
  );
  assert.deepEqual(faults, [
    "app ABNORMAL_TERMINATION: app: migrate failed: exit status 3",
    "migrate SPAWN_ERROR: migrate",
    "web ABNORMAL_TERMINATION: web: migrate failed: exit status 3",
  ]);
});

test("a stop of several is answered when all are down, who depends on another first; results come as asked", async () => {
  const on = (name: string) => ({ dependsOn: [{ id: `${name}:${name}`, condition: "started" as const }] });
  const UP = { startsecs: 0 };
  const { fake } = setUp([
    fakeSpec("db", UP),
    fakeSpec("other", UP),
    fakeSpec("worker", { ...UP, ...on("db") }),
  ]);
  for (const name of ["db", "other", "worker"]) fake.stubborn.add(`${name}:${name}`);
  const stopping = (): string[] =>
    fake.control
      .snapshot()
      .programs.flatMap(({ spec, state }) => (state.name === "STOPPING" ? spec.name : []));
  fake.boot();
  let answered = false;
  const answer = call(fake, "stopAllProcesses").then((value) => {
    answered = true;
    return value;
  });
  await turn();
  assert.deepEqual(stopping(), ["other", "worker"]);
  fake.end("worker:worker", 0);
  await turn();
  assert.deepEqual(stopping().sort(), ["db", "other"], "it waits for nobody but who depends on it");
  fake.end("db:db", 0);
  await turn();
  assert.equal(answered, false);
  fake.end("other:other", 0);
  const [db, other, worker] = ["db", "other", "worker"].map((name) => ({
    name,
    group: name,
    status: 80,
    description: "OK",
  }));
  assert.deepEqual(await answer, [db, other, worker]);
});

test("without waiting a stop of several is answered at once, and goes on in order", async () => {
  const { fake } = setUp([
    fakeSpec("db", { startsecs: 0 }),
    fakeSpec("web", { startsecs: 0, dependsOn: [{ id: "db:db", condition: "started" }] }),
  ]);
  fake.boot();
  const answer = (await call(fake, "stopAllProcesses", false)) as { status: number }[];
  assert.deepEqual(
    answer.map(({ status }) => status),
    [80, 80],
  );
  while (fake.signals.length < 2) await turn();
  assert.deepEqual(fake.signals, ["web:web 15", "db:db 15"]);
});
