import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl } from "../../test/fakes/control.ts";
import { fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import { RpcError } from "./faults.ts";
import { createRpc } from "./rpc.ts";
import type { Value } from "./xmlrpc.ts";

const QUICK = { startsecs: 0 };
const OTHER = { ...QUICK, command: "/new" };
/** In group g: one that stays, one to be restarted, one that goes, one stopped by hand. */
const BEFORE = [
  fakeSpec("g:stays", QUICK),
  fakeSpec("g:other", QUICK),
  fakeSpec("g:goes", QUICK),
  fakeSpec("g:byhand", QUICK),
  fakeSpec("web", QUICK),
];
const AFTER = [
  fakeSpec("g:stays", { ...QUICK, stopwaitsecs: 3 }),
  fakeSpec("g:other", OTHER),
  fakeSpec("g:byhand", OTHER),
  fakeSpec("g:fresh", QUICK),
  fakeSpec("web", QUICK),
];

async function setUp() {
  const clock = new FakeClock();
  const fake = createFakeControl(BEFORE, clock);
  fake.boot();
  fake.submit({ type: "stop", ids: ["g:byhand"] });
  await turns();
  fake.signals.length = 0;
  fake.nextRead = fakePlan(AFTER, { exitWhenDone: false });
  const rpc = createRpc(fake.control, clock);
  const call = async (method: string, ...params: Value[]): Promise<Value> => {
    try {
      return (await rpc.call(method.includes(".") ? method : `supervisor.${method}`, params)).value;
    } catch (error) {
      if (error instanceof RpcError) return `${error.fault.code} ${error.fault.text}`;
      throw error;
    }
  };
  /** `other STOPPED, stays 101`: each member's state, or its pid while it runs. */
  const group = (): string =>
    fake.control
      .snapshot()
      .programs.filter(({ spec }) => spec.group === "g")
      .map(({ spec, state, pid }) => `${spec.name} ${state.name === "RUNNING" ? pid : state.name}`)
      .join(", ");
  return { fake, clock, call, group };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

function names(results: Value): string[] {
  assert.ok(Array.isArray(results));
  return results.map((one) => (one as { name: string; status: number }).name);
}

test("the sequence of supervisorctl update keeps who need not be restarted, and who was stopped by hand down", async () => {
  const { fake, call, group } = await setUp();
  assert.equal(group(), "byhand STOPPED, goes 101, other 102, stays 103");
  assert.deepEqual(await call("reloadConfig"), [[[], ["g"], []]]);
  assert.deepEqual(
    names(await call("stopProcessGroup", "g")),
    ["stays", "other", "goes"],
    "all are reported",
  );
  assert.equal(group(), "byhand STOPPED, goes STOPPED, other STOPPED, stays 103");
  assert.equal(await call("removeProcessGroup", "g"), true);
  assert.equal(await call("addProcessGroup", "g"), true);
  assert.equal(group(), "byhand STOPPED, fresh 105, other 106, stays 103");
  assert.deepEqual(fake.signals, ["g:other 15", "g:goes 15"]);
  const stays = fake.control.snapshot().programs.find(({ id }) => id === "g:stays");
  assert.equal(stays?.spec.stopwaitsecs, 3, "its new keys are in force");
  assert.deepEqual(await call("reloadConfig"), [[[], [], []]], "nothing is left to do");
});

test("a question between the reread and the stop, as `update g` has one, is no harm", async () => {
  const { call, group } = await setUp();
  await call("reloadConfig");
  await call("getAllProcessInfo");
  await call("stopProcessGroup", "g");
  assert.match(group(), /stays 103/);
});

test("a stop is a stop: after a greeting, without a reread, of another group, after a while, without waiting", async () => {
  const cases: Record<
    string,
    (call: (method: string, ...params: Value[]) => Promise<Value>) => Promise<unknown>
  > = {
    greeting: (call) => call("getVersion"),
    command: (call) => call("startProcess", "web"),
    "a second stop": (call) => call("stopProcess", "web"),
  };
  for (const [what, between] of Object.entries(cases)) {
    const { call, group } = await setUp();
    await call("reloadConfig");
    await between(call);
    await call("stopProcessGroup", "g");
    assert.match(group(), /stays STOPPED/, what);
  }
  const late = await setUp();
  await late.call("reloadConfig");
  late.clock.advance(2001);
  await late.call("stopProcessGroup", "g");
  assert.match(late.group(), /stays STOPPED/);
  const hasty = await setUp();
  await hasty.call("reloadConfig");
  await hasty.call("stopProcessGroup", "g", false);
  await turns();
  assert.match(hasty.group(), /stays STOPPED/);
  const never = await setUp();
  await never.call("stopProcessGroup", "g");
  assert.match(never.group(), /stays STOPPED/);
});

test("who is held is really stopped when something else comes, before that is answered", async () => {
  const { call, group } = await setUp();
  await call("reloadConfig");
  await call("stopProcessGroup", "g");
  assert.match(group(), /stays 103/);
  assert.partialDeepStrictEqual(await call("getProcessInfo", "g:stays"), { statename: "STOPPED" });
  // What would have been the next steps are then what they always were.
  assert.equal(await call("removeProcessGroup", "g"), true);
  assert.equal(group(), "");
  assert.equal(await call("addProcessGroup", "g"), true);
  assert.equal(group(), "byhand 105, fresh 106, other 107, stays 108");
});

test("who is held is really stopped after 2 s without the next step", async () => {
  const { clock, call, group } = await setUp();
  await call("reloadConfig");
  await call("stopProcessGroup", "g");
  clock.advance(1999);
  await turns();
  assert.match(group(), /stays 103/);
  clock.advance(1);
  await turns();
  assert.match(group(), /stays STOPPED/);
});

test("a removal that no add follows is a removal", async () => {
  const { clock, call, group } = await setUp();
  await call("reloadConfig");
  await call("stopProcessGroup", "g");
  await call("removeProcessGroup", "g");
  clock.advance(2000);
  await turns();
  assert.equal(group(), "");
  assert.equal(await call("removeProcessGroup", "g"), "10 BAD_NAME: g");
});

test("a stop that takes long is waited for, whatever others ask meanwhile", async () => {
  const { fake, clock, call, group } = await setUp();
  fake.stubborn.add("g:other");
  await call("reloadConfig");
  const stopped = call("stopProcessGroup", "g");
  await turns();
  await call("getVersion");
  await call("reloadConfig");
  clock.advance(10_000);
  await stopped;
  assert.match(group(), /stays 103/);
  await call("removeProcessGroup", "g");
  await call("addProcessGroup", "g");
  assert.match(group(), /stays 103/);
});

test("two updates at once end with everything up", async () => {
  const { call, group } = await setUp();
  await Promise.all(
    [1, 2].map(async () => {
      for (const method of ["reloadConfig", "stopProcessGroup", "removeProcessGroup", "addProcessGroup"])
        await call(method, ...(method === "reloadConfig" ? [] : ["g"]));
    }),
  );
  await turns();
  assert.match(group(), /^byhand \S+, fresh \d+, other \d+, stays \d+$/);
});

test("in a multicall too", async () => {
  const { call, group } = await setUp();
  const step = (methodName: string, ...params: Value[]): Value => ({ methodName, params });
  await call("system.multicall", [
    step("supervisor.reloadConfig"),
    step("supervisor.stopProcessGroup", "g"),
    step("supervisor.removeProcessGroup", "g"),
    step("supervisor.addProcessGroup", "g"),
  ]);
  assert.match(group(), /stays 103/);
});

test("a member that cannot be stopped keeps the group from being removed", async () => {
  const { fake, call } = await setUp();
  fake.killFails.add("g:other");
  await call("reloadConfig");
  await call("stopProcessGroup", "g");
  assert.equal(await call("removeProcessGroup", "g"), "91 STILL_RUNNING: g");
});

test("stop and start of several are reported group by group in their priority, then by that of the programs", async () => {
  const fake = createFakeControl(
    [
      fakeSpec("z", { ...QUICK, priority: 1, groupPriority: 1 }),
      fakeSpec("b:x", { ...QUICK, priority: 5 }),
      fakeSpec("a:late", { ...QUICK, priority: 900 }),
      fakeSpec("a:d", { ...QUICK, priority: 3 }),
      fakeSpec("a:c", { ...QUICK, priority: 3 }),
    ],
    new FakeClock(),
  );
  fake.boot();
  const rpc = createRpc(fake.control, fake.clock);
  const order = ["z", "d", "c", "late", "x"];
  assert.deepEqual(names((await rpc.call("supervisor.stopAllProcesses", [])).value), order);
  assert.deepEqual(names((await rpc.call("supervisor.startAllProcesses", [])).value), order);
});
