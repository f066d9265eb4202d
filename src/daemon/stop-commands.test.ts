import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { SystemEvent } from "../core/event.ts";
import type { ProgramState } from "../core/states.ts";
import type { HelperRequest, HelperStart } from "./helpers.ts";
import { createStopCommands } from "./stop-commands.ts";

const SPEC = fakeSpec("web");
const HOOK = { command: "quit", argv: ["quit"] };
const failed = (reason: string): SystemEvent => ({
  type: "stop-command-failed",
  id: SPEC.id,
  pid: 7,
  reason,
});

function stopping(signalsSent: number): ProgramState {
  const state = {
    name: "STOPPING",
    pid: 7,
    leader: 7,
    begunAt: 0,
    keys: SPEC,
    nextAt: 0,
    status: null,
    failure: null,
  } as const;
  return { ...state, signalsSent };
}

function rig() {
  const requests: HelperRequest[] = [];
  const events: SystemEvent[] = [];
  const said: string[] = [];
  const world = { killed: 0, state: stopping(0), start: null as HelperStart | null };
  const commands = createStopCommands({
    helpers: {
      run(request) {
        requests.push(request);
        return world.start ?? { ok: true, helper: { gone: false, kill: () => void world.killed++ } };
      },
    },
    stateOf: () => world.state,
    submit: (event) => void events.push(event),
    say: (_level, text) => void said.push(text),
  });
  return { commands, requests, events, said, world };
}

test("one that ends well leaves the rest to the program; one that does not is told", () => {
  const { commands, requests, events, said, world } = rig();
  assert.equal(commands.run(SPEC, HOOK, 7), null);
  assert.deepEqual([requests[0]?.mainPid, requests[0]?.output], [7, "log"]);
  assert.deepEqual([requests[0]?.spec, requests[0]?.hook], [SPEC, HOOK]);
  requests[0]?.onEnd({ kind: "exited", code: 0 }, "");
  assert.deepEqual(events, []);
  commands.run(SPEC, HOOK, 7);
  requests[1]?.onEnd({ kind: "exited", code: 5 }, "");
  assert.deepEqual(events, [failed("exit status 5")]);
  assert.deepEqual(said, ["stop_command of web failed: exit status 5"]);
  world.start = { ok: false, reason: "can't find command 'quit'", code: 127 };
  assert.deepEqual(commands.run(SPEC, HOOK, 7), failed("can't find command 'quit'"));
  assert.equal(world.killed, 0);
});

test("killed when the stop's own signal goes out, not an operator's, and once", () => {
  const { commands, said, world } = rig();
  commands.run(SPEC, HOOK, 7);
  commands.onKill(SPEC.id);
  assert.equal(world.killed, 0);
  world.state = stopping(1);
  commands.onKill(SPEC.id);
  commands.onKill(SPEC.id);
  assert.equal(world.killed, 1);
  assert.deepEqual(said, ["killing the stop_command of web, which has not ended in time"]);
});

test("killed without a word when the program is gone", () => {
  const { commands, said, world } = rig();
  commands.run(SPEC, HOOK, 7);
  commands.onEntry({
    type: "state",
    id: SPEC.id,
    from: "STOPPING",
    to: { name: "STOPPED" },
    restart: null,
    ended: null,
  });
  assert.deepEqual([world.killed, said], [1, []]);
});
