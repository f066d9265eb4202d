import assert from "node:assert/strict";
import { test } from "node:test";
import { SIGNALS, type Signal } from "../core/signal-names.ts";
import { createSignalRequests, type SignalRequestOptions } from "./signal-requests.ts";

/** What was done and said upon the signals, in order. */
function deliver(signals: readonly Signal[], more: Partial<SignalRequestOptions> = {}): string[] {
  const done: string[] = [];
  const onSignal = createSignalRequests({
    passthrough: false,
    voice: { say: (level, text) => void done.push(`${level}: ${text}`), debug: () => {} },
    submit(event) {
      if (event.type === "forward") done.push(`forward ${event.signal}`);
      else if (event.type === "shutdown") {
        const { hurry, blame } = event;
        done.push(`shutdown${hurry ? " now" : ""}${typeof blame === "string" ? ` (${blame})` : ""}`);
      }
    },
    reap: () => void done.push("reap"),
    blame: () => null,
    hurryEnd: () => void done.push("hurry the end"),
    mayBeOurs: () => false,
    isShuttingDown: () => false,
    reload: () => void done.push("reload"),
    reopenLogs: () => void done.push("reopen"),
    ...more,
  });
  for (const signal of signals) onSignal(signal);
  return done;
}

test("the second request for the end is impatient; QUIT never is, and lays the end to what is FATAL", () => {
  const { TERM, INT, QUIT } = SIGNALS;
  assert.deepEqual(deliver([TERM, INT]), [
    "warn: received SIGTERM indicating exit request",
    "shutdown",
    "warn: received SIGINT indicating exit request",
    "hurry the end",
    "shutdown now",
  ]);
  assert.deepEqual(deliver([TERM, QUIT]).slice(2), [
    "warn: received SIGQUIT indicating exit request",
    "shutdown (fatal)",
  ]);
});

test("in tini's place a signal is for the program, and nothing is said", () => {
  const { HUP, TERM, USR2 } = SIGNALS;
  assert.deepEqual(deliver([HUP, USR2, TERM], { passthrough: true }), [
    `forward ${HUP}`,
    `forward ${USR2}`,
    "hurry the end",
    `forward ${TERM}`,
    "shutdown",
  ]);
});

test("HUP reads the configuration again, but in a shutdown; USR2 opens the log files; both are forwarded", () => {
  const { HUP, USR2 } = SIGNALS;
  assert.deepEqual(deliver([HUP]), [
    "warn: received SIGHUP indicating reload request",
    "reload",
    `forward ${HUP}`,
  ]);
  assert.deepEqual(deliver([HUP], { isShuttingDown: () => true }), [
    "warn: ignored SIGHUP indicating reload request (shutdown in progress)",
    `forward ${HUP}`,
  ]);
  assert.deepEqual(deliver([USR2]).slice(2), ["reopen", `forward ${USR2}`]);
});

test("SIGPIPE and SIGXFSZ that our own writes may have raised are not forwarded; a child's end is reaped", () => {
  const { CHLD, PIPE, XFSZ } = SIGNALS;
  assert.deepEqual(deliver([PIPE, XFSZ], { mayBeOurs: () => true }), []);
  assert.deepEqual(deliver([PIPE, XFSZ, CHLD]), [`forward ${PIPE}`, `forward ${XFSZ}`, "reap"]);
});
