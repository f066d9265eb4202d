/**
 * Transcripts of the core: a plan and commands with times (seconds), `----`, and what must come of it.
 * Before each command every deadline up to its time is fired, so the times in the answers are the core's
 * own. `REWRITE=1 node --test test/scenarios.test.ts` writes the answers anew; the review is the diff.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { describeStatus } from "../src/core/describe.ts";
import type { Effect, JournalEntry } from "../src/core/effect.ts";
import type { Blame, SystemEvent } from "../src/core/event.ts";
import { parseSignal, signalName } from "../src/core/signal-names.ts";
import {
  type Dependency,
  type GlobalSpec,
  type HookSpec,
  namespec,
  type ProgramSpec,
} from "../src/core/spec.ts";
import { type ExitStatus, type Pid, type ProgramState, pidOf } from "../src/core/states.ts";
import { createSystem, nextDeadline, programAt, type System, step } from "../src/core/system.ts";
import { fakePlan, fakeSpec } from "./fakes/plans.ts";

const FOLDER = new URL("./scenarios/", import.meta.url);

/** A transcript in progress: the system, the world as far as the core can see it, and the lines so far. */
interface Run {
  system: System;
  now: number;
  nextPid: Pid;
  /** Programs whose spawn fails: what the shell would answer. */
  readonly spawnFails: Map<string, { readonly code: number; readonly reason: string }>;
  readonly killFails: Map<string, string>;
  /** How each program last ended, as an event listener was told. */
  readonly ended: Map<string, Blame["state"]>;
  /** The plan as the next reload reads it. */
  readonly specs: Map<string, ProgramSpec>;
  readonly global: Partial<GlobalSpec>;
  readonly passthrough: boolean;
  readonly lines: string[];
}

function idOf(word: string): string {
  return word.includes(":") ? word : `${word}:${word}`;
}

function planOf(run: Pick<Run, "specs" | "global" | "passthrough">) {
  return fakePlan([...run.specs.values()], run.global, run.passthrough);
}

const KINDS = ["eventlistener", "main"] as const;
const NUMBERS = [
  "priority",
  "groupPriority",
  "startsecs",
  "startretries",
  "stopwaitsecs",
  "watchdogSecs",
  "runtimeMaxSecs",
] as const;
const FLAGS = ["autostart", "critical", "stopasgroup", "killasgroup"] as const;

function parseSignalWord(word: string): number {
  const signal = parseSignal(word);
  assert.ok(signal !== null, `no signal ${word}`);
  return signal;
}

/**
 * `priority=10`, `critical`, `autostart=false`, `stopsignals=INT,TERM`, `forward=USR1,HUP:USR2`, … → keys of
 * a spec.
 */
function parseKeys(words: readonly string[]): Partial<ProgramSpec> {
  const keys: Record<string, unknown> = {};
  for (const word of words) {
    const [key = "", value = "true"] = word.split(/=(.*)/s);
    if (NUMBERS.some((name) => name === key)) keys[key] = Number(value);
    else if (FLAGS.some((name) => name === key)) keys[key] = value === "true";
    else if (KINDS.some((name) => name === key)) keys["kind"] = key;
    else if (key === "oneshot") keys["type"] = "oneshot";
    else if (key === "autorestart" || key === "command") keys[key] = value;
    else if (key === "exitcodes") keys[key] = value.split(",").map(Number);
    else if (key === "stopsignals") keys[key] = value.split(",").map(parseSignalWord);
    else if (key === "forward") keys["forwardSignals"] = parseForward(value);
    else if (key === "depends") keys["dependsOn"] = value.split(",").map(parseDependency);
    else if (key === "with") keys["restartWith"] = value.split(",").map(idOf);
    else if (key === "ready") keys["ready"] = parseReady(value);
    else if (key === "live") keys["live"] = { ...LIVE, failures: Number(value) };
    else if (key === "restart") keys["restart"] = parseRestart(value);
    else if (key === "schedule") keys["schedule"] = { ...SCHEDULE, overlap: value };
    else if (key === "pre") keys["preStart"] = parseHook(value);
    else if (key === "stop-command") keys["stopCommand"] = parseHook(value);
    else assert.fail(`unknown key ${word}`);
  }
  return keys;
}

const TCP = { kind: "tcp", host: "localhost", port: 80 } as const;
const LIVE = { probe: TCP, interval: 10, timeout: 3, delay: 0 };
const SCHEDULE = { expression: "* * * * *", timezone: null };

function parseHook(value: string): HookSpec {
  const command = value === "true" ? "hook" : value;
  return { command, argv: [command] };
}

/** `redis` or `redis/started`. */
function parseDependency(text: string): Dependency {
  const [name = "", condition = "ready"] = text.split("/");
  assert.ok(condition === "started" || condition === "ready" || condition === "done", text);
  return { id: idOf(name), condition };
}

/** `tcp/20`: how, and the deadline. */
function parseReady(text: string): ProgramSpec["ready"] {
  if (text === "none") return null;
  const [kind, deadline = "60"] = text.split("/");
  const way = kind === "notify" ? ({ kind } as const) : TCP;
  return { way, interval: 1, timeout: 2, deadline: Number(deadline) };
}

/** `delay/max/count/seconds`, each may be empty. */
function parseRestart(text: string): ProgramSpec["restart"] {
  const [delay, max, count, within] = text.split("/");
  return {
    delay: delay ? Number(delay) : null,
    delayMax: max ? Number(max) : 30,
    jitter: 0,
    limit: count ? { count: Number(count), seconds: Number(within) } : null,
  };
}

function parseForward(value: string): Map<number, number> {
  return new Map(
    value.split(",").map((pair): [number, number] => {
      const [from = "", to = from] = pair.split(":");
      return [parseSignalWord(from), parseSignalWord(to)];
    }),
  );
}

function parseGlobal(words: readonly string[]): Partial<GlobalSpec> & { passthrough: boolean } {
  const keys: Record<string, unknown> = { passthrough: false };
  for (const word of words) {
    const [key = "", value = "true"] = word.split("=");
    if (key === "passthrough") keys[key] = true;
    else if (key === "startGate") keys[key] = value;
    else if (key === "exitWhenDone") keys[key] = value === "true";
    else if (key === "shutdownTimeout" || key === "drainSeconds") keys[key] = Number(value);
    else assert.fail(`unknown key ${word}`);
  }
  return keys as Partial<GlobalSpec> & { passthrough: boolean };
}

function parseStatus(word: string): ExitStatus {
  if (/^\d+$/.test(word)) return { kind: "exited", code: Number(word) };
  return { kind: "signalled", signal: parseSignalWord(word), coreDumped: false };
}

function name(run: Run, id: string): string {
  const spec = programAt(run.system, id)?.spec;
  return spec === undefined ? id : namespec(spec);
}

function renderState(state: ProgramState): string {
  switch (state.name) {
    case "BACKOFF":
      return `BACKOFF try ${state.tries} ${state.retryAt === null ? "held" : `until ${seconds(state.retryAt)}`}: ${state.reason}`;
    case "EXITED":
      return `EXITED ${describeStatus(state.status)}, ${state.expected ? "expected" : "unexpected"}`;
    case "FATAL":
      return `FATAL ${state.code}: ${state.reason}`;
    case "UNKNOWN":
      return `UNKNOWN: ${state.reason}`;
    default:
      return state.name;
  }
}

function renderEntry(run: Run, entry: JournalEntry): string {
  switch (entry.type) {
    case "state": {
      const restart = entry.restart === null ? "" : ` (restart: ${entry.restart})`;
      const { ended } = entry;
      const how =
        ended === null
          ? ""
          : ` [${ended.pid} ${describeStatus(ended.status)}${ended.tooQuick ? ", too quick" : ""}]`;
      return `${name(run, entry.id)}: ${entry.from} -> ${renderState(entry.to)}${restart}${how}`;
    }
    case "spawned":
      return `${name(run, entry.id)}: pid ${entry.pid}`;
    case "spawn-error":
      return `${name(run, entry.id)}: spawn error: ${entry.reason}`;
    case "killing": {
      const whom = `${entry.pid}${entry.group ? " and its group" : ""}`;
      return `${name(run, entry.id)}: killing ${whom} after ${entry.waitedSeconds} s`;
    }
    case "kill-error":
      return `${name(run, entry.id)}: cannot signal ${entry.pid}: ${entry.reason}`;
    case "ready":
      return `${name(run, entry.id)}: ${entry.ready ? "ready" : `not ready: ${entry.reason}`}`;
    case "main-pid":
      return `${name(run, entry.id)}: main pid ${entry.from} -> ${entry.to}`;
    case "said":
      return `${name(run, entry.id)}: says ${entry.text}`;
    case "unhealthy":
      return `${name(run, entry.id)}: unhealthy: ${entry.reason}`;
    case "overlap":
      return `${name(run, entry.id)}: overlap: ${entry.action}${entry.begun ? "" : ", not begun"}`;
    case "blocked":
      return `${name(run, entry.id)}: ${entry.reason}`;
    case "left-behind":
      return `  stopping what is left of ${name(run, entry.id)}`;
    case "already-running":
      return `${name(run, entry.id)}: already running`;
    case "draining":
      return `* draining ${entry.seconds} s`;
    case "stopping":
      return `* stopping, code ${entry.code}: ${entry.cause}`;
    case "waiting":
    case "deadline":
    case "hurry":
      return `* ${entry.type}: ${entry.ids.map((id) => name(run, id)).join(", ") || "nobody"}`;
    case "started":
      return "* started";
    case "sweeping":
      return `* sweeping with ${signalName(entry.signal)}`;
    case "group-added":
    case "group-removed":
      return `* ${entry.type} ${entry.group}`;
    case "reloaded": {
      const list = (names: readonly string[]): string => names.join(", ") || "none";
      const { added, changed, removed } = entry;
      return `* reloaded: added ${list(added)}; changed ${list(changed)}; removed ${list(removed)}`;
    }
  }
}

function seconds(millis: number): string {
  return (millis / 1000).toFixed(1);
}

/** Writes the effect down and gives the answer that the world has to it. */
function perform(run: Run, effect: Effect): SystemEvent | null {
  const write = (text: string): void => {
    run.lines.push(`${seconds(run.now).padStart(5)} ${text}`);
  };
  switch (effect.type) {
    case "journal":
      write(renderEntry(run, effect.entry));
      return null;
    case "stop-command":
      write(`  stop-command ${name(run, effect.id)} ${effect.hook.command}`);
      return null;
    case "spawn": {
      const failure = run.spawnFails.get(effect.id);
      write(`  spawn ${name(run, effect.id)}${effect.stage === "pre" ? " (pre)" : ""}`);
      if (failure) return { type: "spawn-failed", id: effect.id, ...failure };
      return { type: "spawned", id: effect.id, pid: run.nextPid++ };
    }
    case "kill": {
      const target = effect.group ? `group ${effect.pid}` : String(effect.pid);
      write(`  kill ${name(run, effect.id)} ${target} ${signalName(effect.signal)}`);
      const reason = run.killFails.get(effect.id);
      return reason === undefined ? null : { type: "kill-failed", id: effect.id, reason };
    }
    case "kill-rest": {
      const except = effect.except === null ? "" : ` but group ${effect.except}`;
      write(`  kill the rest of ${name(run, effect.id)}${except} ${signalName(effect.signal)}`);
      return null;
    }
    case "watch-group":
      write(`  watch group ${effect.pid} of ${name(run, effect.id)}`);
      return null;
    case "sweep":
      write(`  sweep ${signalName(effect.signal)}`);
      return null;
    case "await-listeners":
      write("  await listeners");
      return null;
    case "exit":
      write(`  exit ${effect.outcome.code}: ${effect.outcome.reason}`);
      return null;
  }
}

function handle(run: Run, event: SystemEvent): void {
  const [next, effects] = step(run.system, event, run.now);
  run.system = next;
  for (const effect of effects) {
    if (effect.type !== "journal" || effect.entry.type !== "state") continue;
    const { id, to } = effect.entry;
    if (to.name === "EXITED" || to.name === "FATAL") run.ended.set(id, to);
  }
  const answers = effects.map((effect) => perform(run, effect)).filter((answer) => answer !== null);
  for (const answer of answers) handle(run, answer);
}

/** Fires every deadline up to `until`, as the loop would. */
function passTime(run: Run, until: number): void {
  for (let turns = 0; turns < 10_000; turns++) {
    const due = nextDeadline(run.system);
    if (due === null || due > until) {
      run.now = until;
      return;
    }
    run.now = Math.max(run.now, due);
    handle(run, { type: "time" });
  }
  assert.fail("time does not pass");
}

function currentPid(run: Run, word: string): Pid {
  const state = programAt(run.system, idOf(word))?.state;
  const pid = state ? pidOf(state) : null;
  assert.ok(pid !== null, `${word} has no process`);
  return pid;
}

/** The command lines that need a time: what happens then. */
function execute(run: Run, verb: string, words: readonly string[]): void {
  const [first = "", second = "", ...rest] = words;
  switch (verb) {
    case "boot":
    case "alone":
    case "listeners-idle":
      return handle(run, { type: verb });
    case "wait":
      return;
    case "exit":
      return handle(run, {
        type: "exited",
        pid: currentPid(run, first),
        status: parseStatus(second),
        groupAlive: rest.includes("group-lives"),
      });
    case "exit-pid":
      return handle(run, {
        type: "exited",
        pid: Number(first),
        status: parseStatus(second),
        groupAlive: false,
      });
    case "ready":
    case "not-ready":
    case "live":
    case "not-live":
      return handle(run, {
        type: "probed",
        id: idOf(first),
        pid: currentPid(run, first),
        check: verb.endsWith("ready") ? "ready" : "live",
        ok: !verb.startsWith("not"),
        reason: words.slice(1).join(" "),
      });
    case "watchdog":
      return handle(run, {
        type: "watchdog",
        id: idOf(first),
        pid: currentPid(run, first),
        trigger: second === "trigger",
      });
    case "extend":
      return handle(run, {
        type: "extend",
        id: idOf(first),
        pid: currentPid(run, first),
        millis: Number(second) * 1000,
      });
    case "main-pid":
      return handle(run, {
        type: "main-pid",
        id: idOf(first),
        pid: currentPid(run, first),
        mainPid: Number(second),
      });
    case "stop-command-failed":
      return handle(run, {
        type: verb,
        id: idOf(first),
        pid: currentPid(run, first),
        reason: "exit status 1",
      });
    case "scheduled":
      return handle(run, { type: verb, id: idOf(first) });
    case "group-gone":
      return handle(run, { type: "group-gone", id: idOf(first), pid: Number(second) });
    case "start":
      return handle(run, { type: "start", ids: words.map(idOf), gated: false });
    case "start-gated":
      return handle(run, { type: "start", ids: words.map(idOf), gated: true });
    case "stop":
      return handle(run, { type: "stop", ids: words.map(idOf) });
    case "signal":
      return handle(run, { type: "signal", id: idOf(first), signal: parseSignalWord(second) });
    case "forward":
      return handle(run, { type: "forward", signal: parseSignalWord(first) });
    case "shutdown":
    case "hurry":
      return handle(run, { type: "shutdown", cause: words.join(" "), hurry: verb === "hurry" });
    case "quit":
      return handle(run, { type: "shutdown", cause: "SIGQUIT", hurry: false, blame: "fatal" });
    case "blame": {
      const state = run.ended.get(idOf(first));
      assert.ok(state, `${first} has not ended`);
      const blame = { id: idOf(first), state };
      return handle(run, { type: "shutdown", cause: [second, ...rest].join(" "), hurry: false, blame });
    }
    case "fault":
      return handle(run, { type: "fault", reason: words.join(" ") });
    case "reload":
      return handle(run, { type: "reload", plan: planOf(run) });
    case "add-group":
      return handle(run, { type: "add-group", plan: planOf(run), group: first });
    case "replace-group":
      return handle(run, { type: verb, plan: planOf(run), group: first, stopped: words.slice(1) });
    case "remove-group":
      return handle(run, { type: "remove-group", group: first });
    default:
      return prepare(run, verb, words);
  }
}

/** The command lines that change the world, not the system. */
function prepare(run: Run, verb: string, words: readonly string[]): void {
  const [first = "", second = "", ...rest] = words;
  const id = idOf(first);
  switch (verb) {
    case "spawn-fails":
      run.spawnFails.set(id, { code: Number(second), reason: rest.join(" ") });
      return;
    case "spawn-works":
      run.spawnFails.delete(id);
      return;
    case "kill-fails":
      run.killFails.set(id, second);
      return;
    case "program":
    case "change": {
      const before = run.specs.get(id);
      const keys = parseKeys(words.slice(1));
      assert.equal(before === undefined, verb === "program", `${verb} ${first}`);
      run.specs.set(id, before === undefined ? fakeSpec(first, keys) : { ...before, ...keys });
      return;
    }
    case "remove":
      assert.ok(run.specs.delete(id), `${first} is not there`);
      return;
    default:
      assert.fail(`unknown command ${verb}`);
  }
}

/** Lines without a time come first and make the plan; the rest happens. */
function play(commands: readonly string[]): string[] {
  const lines = commands.filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const made = lines.filter((line) => !/^\d/.test(line)).map((line) => line.trim().split(/\s+/));
  const { passthrough, ...global } = parseGlobal(made.find(([verb]) => verb === "tsinit")?.slice(1) ?? []);
  const specs = new Map<string, ProgramSpec>();
  const base = { specs, global, passthrough };
  const run: Run = {
    ...base,
    system: createSystem(planOf(base)),
    now: 0,
    nextPid: 11,
    spawnFails: new Map(),
    killFails: new Map(),
    ended: new Map(),
    lines: [],
  };
  for (const [verb = "", ...words] of made) if (verb !== "tsinit") prepare(run, verb, words);
  run.system = createSystem(planOf(base));
  for (const line of lines.filter((each) => /^\d/.test(each))) {
    const [at = "", verb = "", ...words] = line.trim().split(/\s+/);
    passTime(run, Number(at) * 1000);
    execute(run, verb, words);
  }
  return run.lines;
}

for (const file of readdirSync(FOLDER).filter((each) => each.endsWith(".txt"))) {
  const url = new URL(file, FOLDER);
  const [head = "", ...parts] = readFileSync(url, "utf8").split(/^== /m);
  const answers = parts.map((part) => {
    const [title = "", ...body] = part.trimEnd().split("\n");
    const rule = body.indexOf("----");
    const commands = rule === -1 ? body : body.slice(0, rule);
    const expected = rule === -1 ? [] : body.slice(rule + 1);
    let lines: string[] = [];
    test(`${file.replace(".txt", "")}: ${title}`, () => {
      lines = play(commands);
      assert.ok(lines.length > 0, "nothing happened");
      if (!process.env["REWRITE"]) assert.equal(lines.join("\n"), expected.join("\n"));
    });
    return { title, commands, lines: () => lines };
  });
  assert.ok(answers.length > 0, `${file} holds no scenario`);
  if (process.env["REWRITE"])
    test(`${file}: written`, () => {
      const texts = answers.map(({ title, commands, lines }) =>
        [`== ${title}`, ...commands.join("\n").trimEnd().split("\n"), "----", ...lines()].join("\n"),
      );
      writeFileSync(url, `${head}${texts.join("\n\n")}\n`);
    });
}
