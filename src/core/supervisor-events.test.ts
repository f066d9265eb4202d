import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import type { JournalEntry } from "./effect.ts";
import type { ProgramState } from "./states.ts";
import {
  communicationEvent,
  eventOfEntry,
  groupEvent,
  isSubscribed,
  logEvent,
  remoteEvent,
  renderBytes,
  runningEvent,
  tickEvent,
} from "./supervisor-events.ts";

const text = (payload: Uint8Array): string => Buffer.from(payload).toString("latin1");

function stateEvent(
  from: ProgramState["name"],
  to: ProgramState,
  ended: Extract<JournalEntry, { type: "state" }>["ended"] = null,
) {
  const entry: JournalEntry = { type: "state", id: "g:web", from, to, restart: null, ended };
  const event = eventOfEntry(entry, () => ({ name: "web", group: "g" }));
  assert.ok(event);
  return { name: event.name, payload: text(event.payload), blame: event.blame };
}

const status = { kind: "exited", code: 3 } as const;
const ended = { pid: 7, status, expected: false, tooQuick: false };

test("states have supervisord's payloads", () => {
  const head = "processname:web groupname:g from_state:";
  const starting = {
    name: "STARTING",
    stage: "main",
    pid: null,
    ...FRESH_RUN,
    tries: 2,
    startedAt: 0,
    runningAt: 0,
  } as const;
  const backoff = { name: "BACKOFF", tries: 1, retryAt: 0, reason: "", code: 1 } as const;
  const stopping = {
    name: "STOPPING",
    pid: 7,
    leader: 7,
    begunAt: 0,
    keys: fakeSpec("web"),
    signalsSent: 1,
    nextAt: 0,
    status: null,
    failure: null,
  } as const;
  const cases: [ReturnType<typeof stateEvent>, string, string][] = [
    [stateEvent("BACKOFF", starting), "STARTING", `${head}BACKOFF tries:2`],
    [stateEvent("STARTING", backoff, ended), "BACKOFF", `${head}STARTING tries:1`],
    [
      stateEvent("STARTING", { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 }),
      "RUNNING",
      `${head}STARTING pid:7`,
    ],
    [stateEvent("RUNNING", stopping), "STOPPING", `${head}RUNNING pid:7`],
    [stateEvent("STOPPING", { name: "STOPPED" }, ended), "STOPPED", `${head}STOPPING pid:7`],
    [stateEvent("BACKOFF", { name: "STOPPED" }), "STOPPED", `${head}BACKOFF pid:0`],
    [stateEvent("BACKOFF", { name: "FATAL", reason: "", code: 1 }), "FATAL", `${head}BACKOFF`],
    [stateEvent("RUNNING", { name: "UNKNOWN", pid: 7, reason: "" }), "UNKNOWN", `${head}RUNNING`],
    [
      stateEvent(
        "RUNNING",
        { name: "EXITED", status, expected: false, restartAt: null, clearing: null },
        ended,
      ),
      "EXITED",
      `${head}RUNNING expected:0 pid:7`,
    ],
    [
      stateEvent(
        "RUNNING",
        { name: "EXITED", status, expected: true, restartAt: null, clearing: null },
        ended,
      ),
      "EXITED",
      `${head}RUNNING expected:1 pid:7`,
    ],
  ];
  for (const [event, name, payload] of cases) {
    assert.equal(event.name, `PROCESS_STATE_${name}`);
    assert.equal(event.payload, payload);
  }
});

test("only a program that failed is to blame for what a listener does", () => {
  const fatal = { name: "FATAL", reason: "", code: 1 } as const;
  assert.deepEqual(stateEvent("BACKOFF", fatal).blame, { id: "g:web", state: fatal });
  const exited = { name: "EXITED", status, expected: false, restartAt: null, clearing: null } as const;
  assert.deepEqual(stateEvent("RUNNING", exited, ended).blame, { id: "g:web", state: exited });
  assert.equal(stateEvent("RUNNING", { ...exited, expected: true }, ended).blame, null);
  assert.equal(stateEvent("BACKOFF", { name: "STOPPED" }).blame, null);
});

test("groups, ticks, clients and the supervisor itself", () => {
  assert.equal(text(groupEvent("ADDED", "g").payload), "groupname:g\n");
  assert.equal(text(tickEvent("TICK_5", 1_700_000_005).payload), "when:1700000005");
  assert.equal(text(remoteEvent("t", "a\nb").payload), "type:t\na\nb");
  assert.equal(runningEvent().payload.length, 0);
  const stopping = eventOfEntry({ type: "stopping", cause: "", code: 0 }, () => ({ name: "", group: "" }));
  assert.equal(stopping?.name, "SUPERVISOR_STATE_CHANGE_STOPPING");
});

test("output is passed on byte for byte, and shown as Python shows it when it is no text", () => {
  const output = { name: "web", group: "g", pid: 7, stream: "stdout" } as const;
  const umlaut = Buffer.from("ü\ufeff\n");
  const event = logEvent({ ...output, bytes: umlaut });
  assert.equal(event.name, "PROCESS_LOG_STDOUT");
  const head = "processname:web groupname:g pid:7 channel:stdout\n";
  assert.deepEqual(Buffer.from(event.payload), Buffer.concat([Buffer.from(head), umlaut]));
  const broken = communicationEvent({ ...output, stream: "stderr", bytes: Buffer.from([0xff, 0x41]) });
  assert.equal(broken.name, "PROCESS_COMMUNICATION_STDERR");
  assert.equal(text(broken.payload), "processname:web groupname:g pid:7\nUndecodable: b'\\xffA'");
});

test("bytes look as in Python", () => {
  const cases: [number[] | string, string][] = [
    ["it's", `b"it's"`],
    [`"it's"`, `b'"it\\'s"'`],
    ["a\\b\t\n\r\0\x7f", "b'a\\\\b\\t\\n\\r\\x00\\x7f'"],
  ];
  for (const [bytes, shown] of cases) assert.equal(renderBytes(Buffer.from(bytes as string)), shown);
});

test("a subscription stands for all below it, and for nothing beside it", () => {
  assert.ok(isSubscribed(["EVENT"], "TICK_5"));
  assert.ok(isSubscribed(["PROCESS_STATE"], "PROCESS_STATE_FATAL"));
  assert.ok(isSubscribed(["TICK_60", "TICK_5"], "TICK_5"));
  assert.ok(!isSubscribed(["TICK_60", "PROCESS_STATE_FATAL"], "PROCESS_STATE_EXITED"));
  assert.ok(!isSubscribed(["PROCESS_LOG"], "PROCESS_COMMUNICATION_STDOUT"));
  assert.ok(!isSubscribed([], "TICK_5"));
});
