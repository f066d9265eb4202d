import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakePlan, fakeSpec } from "../../test/fakes/plans.ts";
import { takeSnapshot } from "../core/describe.ts";
import type { ProgramState } from "../core/states.ts";
import { createSystem } from "../core/system.ts";
import { answerHealth } from "./health.ts";

/** What somebody outside reads of a program in this state, or blocked so. */
function shown(state: ProgramState, blocked: string | null = null): string {
  const system = createSystem(fakePlan([fakeSpec("web")]));
  const programs = system.programs.map((record) => ({
    ...record,
    state,
    blocked,
    pending: blocked === null ? null : { restart: null },
  }));
  const never = {
    startedAt: 0,
    stoppedAt: 0,
    exitStatus: 0,
    spawnError: "",
    said: "",
    lastSuccessAt: 0,
    lastResult: "",
    nextRunAt: 0,
  };
  const snapshot = takeSnapshot({ ...system, programs }, () => never, 0, 0);
  const query = new URLSearchParams("verbose");
  const request = { kind: "ready", title: "readyz", program: null, query, accept: undefined } as const;
  const { body } = answerHealth(request, snapshot);
  return /^\[-\]web failed: (.*)$/m.exec(body)?.[1] ?? body;
}

const unready = (readyReason: string): ProgramState => ({
  name: "RUNNING",
  pid: 7,
  ...FRESH_RUN,
  ready: false,
  readyReason,
});

test("why a program is not ready is shown, but what its check wrote is not", () => {
  const shows = {
    "http 503": "http 503",
    "tcp: connection refused": "tcp: connection refused",
    "exec: exit status 3": "exec: exit status 3",
    "exec: exit status 3: password: x": "exec: exit status 3",
    "exec: terminated by SIGSEGV (core dumped): at 0x1": "exec: terminated by SIGSEGV (core dumped)",
    "exec: can't find command '/srv/secret/check'": "exec",
  };
  for (const [reason, words] of Object.entries(shows))
    assert.equal(shown(unready(reason)), `RUNNING: not ready: ${words}`);
});

test("neither is it where another program could not start for it", () => {
  const failed = "db failed: not ready within 5 s (ready_deadline): exec: exit status 1";
  assert.equal(shown({ name: "STOPPED" }, `${failed}: password: x`), `STOPPED: ${failed}`);
  const fatal: ProgramState = { name: "FATAL", reason: "couldn't exec /srv/x", code: 126 };
  assert.equal(shown(fatal), "FATAL");
});
