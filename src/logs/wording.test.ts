import assert from "node:assert/strict";
import { test } from "node:test";
import { FRESH_RUN, fakeSpec } from "../../test/fakes/plans.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { ExitStatus, ProgramState, StateName } from "../core/states.ts";
import { renderEntry, renderSignal, renderWaiting, type SpecOf } from "./wording.ts";

const SPECS = new Map(
  [fakeSpec("web"), fakeSpec("site:app_00", { startsecs: 5 })].map((spec) => [spec.id, spec]),
);

const specOf: SpecOf = (id) => SPECS.get(id) ?? null;

function said(entry: JournalEntry): string | null {
  const line = renderEntry(entry, specOf);
  return line && `${line.level} ${line.text}`;
}

const DONE: ExitStatus = { kind: "exited", code: 0 };
const BAD: ExitStatus = { kind: "exited", code: 3 };
const CORE: ExitStatus = { kind: "signalled", signal: 11, coreDumped: true };
const TERM: ExitStatus = { kind: "signalled", signal: 15, coreDumped: false };

function state(
  from: StateName,
  to: ProgramState,
  status: ExitStatus | null = null,
  expected = false,
  id = "web:web",
): JournalEntry {
  const ended = status && { pid: 7, status, expected, tooQuick: to.name === "BACKOFF" };
  return { type: "state", id, from, to, restart: null, ended };
}

const RUNNING: ProgramState = { name: "RUNNING", pid: 7, ...FRESH_RUN, startedAt: 0 };
const BACKOFF: ProgramState = { name: "BACKOFF", tries: 1, retryAt: 0, reason: "", code: 0 };
const exited = (status: ExitStatus, expected: boolean): ProgramState => ({
  name: "EXITED",
  status,
  expected,
  restartAt: null,
  clearing: null,
});

test("changes of state are told in supervisord's words and levels", () => {
  const cases: [entry: JournalEntry, text: string | null][] = [
    [{ type: "spawned", id: "site:app_00", pid: 7 }, "info spawned: 'app_00' with pid 7"],
    [
      { type: "spawn-error", id: "web:web", reason: "can't find command '/bin/web'" },
      "info spawnerr: can't find command '/bin/web'",
    ],
    [
      state("STARTING", RUNNING, null, false, "site:app_00"),
      "info success: app_00 entered RUNNING state, process has stayed up for > than 5 seconds (startsecs)",
    ],
    [state("STARTING", BACKOFF, DONE), "warn exited: web (exit status 0; not expected)"],
    [state("RUNNING", exited(DONE, true), DONE, true), "info exited: web (exit status 0; expected)"],
    [state("RUNNING", exited(BAD, false), BAD), "warn exited: web (exit status 3; not expected)"],
    [
      state("RUNNING", exited(CORE, false), CORE),
      "warn exited: web (terminated by SIGSEGV (core dumped); not expected)",
    ],
    [
      state("BACKOFF", { name: "FATAL", reason: "x", code: 1 }),
      "info gave up: web entered FATAL state, too many start retries too quickly",
    ],
    [
      state("EXITED", { name: "FATAL", reason: "restarted 5 times", code: 1 }),
      "info gave up: web entered FATAL state, restarted 5 times",
    ],
    [
      state("STOPPING", { name: "FATAL", reason: "restarted 5 times", code: 1 }, TERM),
      "warn stopped: web (terminated by SIGTERM), gave up: restarted 5 times",
    ],
    [state("STOPPING", { name: "STOPPED" }, TERM), "warn stopped: web (terminated by SIGTERM)"],
    [state("STOPPING", { name: "STOPPED" }, DONE, true), "info stopped: web (exit status 0)"],
    [state("BACKOFF", { name: "STOPPED" }), "debug Attempted to kill web, which is in BACKOFF state."],
    [
      state("BACKOFF", {
        name: "STARTING",
        stage: "main",
        pid: null,
        ...FRESH_RUN,
        tries: 1,
        startedAt: 0,
        runningAt: 1,
      }),
      null,
    ],
    [
      { type: "killing", id: "web:web", pid: 7, waitedSeconds: 10, group: false },
      "warn killing 'web' (7) with SIGKILL after 10 seconds",
    ],
    [{ type: "already-running", id: "web:web" }, "warn process 'web' already running"],
    [
      { type: "kill-error", id: "web:web", pid: 7, reason: "EPERM" },
      "critical unknown problem killing web (7): EPERM",
    ],
    [{ type: "waiting", ids: ["web:web", "gone:old_1"] }, "info waiting for web, old_1 to die"],
  ];
  for (const [entry, text] of cases) assert.equal(said(entry), text);
});

test("what supervisord has no words for", () => {
  const cases: [entry: JournalEntry, text: string][] = [
    [{ type: "started" }, "debug the start sequence is over"],
    [
      { type: "draining", seconds: 5 },
      "info draining: not ready for 5 s before the first program is stopped",
    ],
    [{ type: "stopping", cause: "SIGTERM", code: 0 }, "info shutting down: SIGTERM (exit code 0)"],
    [{ type: "deadline", ids: ["web:web"] }, "warn shutdown_timeout is over, killing web"],
    [{ type: "hurry", ids: ["web:web", "site:app_00"] }, "warn asked again to exit, killing web, app_00 now"],
    [{ type: "sweeping", signal: 15 }, "debug sending SIGTERM to every process that is left"],
    [{ type: "sweeping", signal: 9 }, "warn sending SIGKILL to every process that is left"],
    [{ type: "group-added", group: "web" }, "debug added process group 'web'"],
    [{ type: "group-removed", group: "web" }, "debug removed process group 'web'"],
    [
      { type: "reloaded", added: ["a", "b"], changed: [], removed: ["c"] },
      "info reloaded: added a, b; removed c",
    ],
    [{ type: "reloaded", added: [], changed: [], removed: [] }, "info reloaded: nothing changed"],
  ];
  for (const [entry, text] of cases) assert.equal(said(entry), text);
});

test("signals and waits are told as supervisord tells them", () => {
  const TERM_TO = { id: "site:app_00", pid: 7, signal: 15 } as const;
  const lines = [
    renderSignal({ ...TERM_TO, group: false }, true, specOf),
    renderSignal({ ...TERM_TO, group: true }, true, specOf),
    renderSignal({ ...TERM_TO, group: false }, false, specOf),
    renderWaiting(["web:web"], "stop", specOf),
    renderWaiting(["web:web", "site:app_00"], "die", specOf),
  ];
  assert.deepEqual(
    lines.map(({ level, text }) => `${level} ${text}`),
    [
      "debug killing app_00 (pid 7) with signal SIGTERM",
      "debug killing app_00 (pid 7) process group with signal SIGTERM",
      "debug sending app_00 (pid 7) sig SIGTERM",
      "info waiting for web to stop",
      "info waiting for web, app_00 to die",
    ],
  );
});
