/**
 * The real supervisord and the built binary, side by side under one configuration: Python's client with supervisor's own
 * transport asks both the same, and every field of every answer is compared. What differs on purpose is listed here.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { askPython, supervisorPython } from "./python.ts";

const BINARY = join(import.meta.dirname, "../../dist/tsinit");

/** `done`, `bad` and `killed` live for a moment: whether supervisord's startProcess finds out of an end that comes at once is chance. */
const CONFIG = `
[unix_http_server]
file=@DIR@/s.sock
[supervisord]
nodaemon=true
logfile=@DIR@/main.log
pidfile=@DIR@/pid
childlogdir=@DIR@
identifier=me
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:web]
command=/bin/sh -c 'echo hello; echo oops >&2; exec sleep 1000'
startsecs=0
[program:idle]
command=/bin/sleep 1000
autostart=false
startsecs=0
stdout_logfile=@DIR@/idle.log
stderr_logfile=NONE
stdout_capture_maxbytes=1MB
stdout_events_enabled=true
stdout_logfile_maxbytes=2KB
stdout_logfile_backups=3
directory=/tmp
exitcodes=0,2
stopsignal=INT
stopwaitsecs=3
priority=5
killasgroup=true
redirect_stderr=true
[program:quick]
command=/bin/false
autostart=false
startretries=0
startsecs=1
[program:missing]
command=/no/such/thing
autostart=false
[program:locked]
command=/etc/passwd
autostart=false
[program:badcmd]
command=/bin/sh -c 'unclosed
autostart=false
[program:many]
command=/bin/sleep 1000
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
stderr_syslog=true
serverurl=AUTO
[program:done]
command=/bin/sleep 0.3
startsecs=0
autorestart=false
[program:bad]
command=/bin/sh -c 'sleep 0.3; exit 1'
startsecs=0
autorestart=false
[program:killed]
command=/bin/sh -c 'sleep 0.3; kill -9 $$'
startsecs=0
autorestart=false
[program:odd]
command=/bin/sh -c 'printf "\\\\033[31mr\\\\351d\\\\303"; exec sleep 1000'
startsecs=0
[program:late]
command=/bin/sleep 1000
autostart=false
stderr_logfile=@DIR@/late.log
[group:crew]
programs=a,b
priority=7
[program:a]
command=/bin/sleep 1000
startsecs=0
priority=2
[program:b]
command=/bin/sleep 1000
startsecs=0
priority=1
stdout_logfile=NONE
[fcgi-program:f]
command=/bin/sleep 1000
socket=unix://@DIR@/f.sock
startsecs=0
`;

type Answer = string | number | boolean | null | Answer[] | { readonly [key: string]: Answer };
type Call = readonly [method: string, args: readonly unknown[]];
interface Pair {
  readonly call: string;
  readonly theirs: Answer;
  readonly ours: Answer;
}

interface Side {
  readonly dir: string;
  readonly child: ChildProcess;
}

function start(command: string, args: readonly string[]): Side {
  const dir = mkdtempSync(join(tmpdir(), "tsinit-side-"));
  writeFileSync(join(dir, "c.ini"), CONFIG.replaceAll("@DIR@", dir));
  const out = openSync(join(dir, "out"), "w");
  const child = spawn(command, [...args, "-c", join(dir, "c.ini")], { stdio: ["ignore", out, out] });
  after(async () => {
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, child };
}

async function until(what: () => boolean, side: Side): Promise<void> {
  for (let tries = 0; !what(); tries++) {
    if (tries > 1000) throw new Error(`no socket after 20 s: ${readFileSync(join(side.dir, "out"), "utf8")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Paths, pids and times are each one's own; whether there is one is not. */
function normalise(value: Answer, dir: string, key = ""): Answer {
  if (Array.isArray(value)) return value.map((part) => normalise(part, dir));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, normalise(part, dir, name)]),
    );
  if (typeof value === "number" && ["now", "start", "stop", "pid"].includes(key)) return value > 0;
  if (typeof value !== "string") return value;
  // Files with made-up names do not exist here: what is written there is on the container's stdout.
  if (/_?logfile$/.test(key) && /---me-\w+\.log$/.test(value)) return "AUTO";
  if (/_?logfile$/.test(key) && (value === "" || value === "auto")) return "AUTO";
  return value
    .replaceAll(dir, "@DIR@")
    .replace(/pid \d+, uptime \d:\d\d:\d\d/, "pid N, uptime T")
    .replace(/^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$/, "DATE");
}

/** What is started at once has come to where it stays, and has written what it writes. */
const STAY = ["web", "many_00", "many_01", "odd", "a", "b", "f"].map((name) => [name, "RUNNING"]);
const STATES = { ...Object.fromEntries(STAY), done: "EXITED", bad: "EXITED", killed: "EXITED" };
const WRITTEN = [
  ["Stdout", "web", "hello\n".length],
  ["Stderr", "web", "oops\n".length],
  ["Stdout", "odd", 9],
];
const SETTLED: Call = [":until", [STATES, WRITTEN]];

/** Both running, and a way to ask both. */
async function openBoth(): Promise<(calls: readonly Call[]) => Pair[]> {
  const python = supervisorPython();
  assert.ok(python !== null, "a Python with the supervisor package is needed");
  const sides = [start("/usr/bin/supervisord", []), start(BINARY, [])] as const;
  for (const side of sides) await until(() => existsSync(join(side.dir, "s.sock")), side);
  const ask = (calls: readonly Call[]): Pair[] => {
    const sockets = sides.map(({ dir }) => join(dir, "s.sock"));
    const answers = askPython("rpc_side.py", { sockets, calls }, python) as [Answer, Answer][];
    return answers.map(([theirs, ours], index) => ({
      call: JSON.stringify(calls[index]),
      theirs: normalise(theirs, sides[0].dir),
      ours: normalise(ours, sides[1].dir),
    }));
  };
  ask([SETTLED]);
  return ask;
}

/** The real one takes ten seconds to stop: one pair for all, and what changes most comes last. */
const both = openBoth();

const S = "supervisor.";

function assertSame(pairs: readonly Pair[]): void {
  const different = pairs.filter(
    ({ theirs, ours }) => JSON.stringify(sorted(theirs)) !== JSON.stringify(sorted(ours)),
  );
  assert.deepEqual(
    different.map(({ call, ours }) => [call, sorted(ours)]),
    different.map(({ call, theirs }) => [call, sorted(theirs)]),
  );
}

/** Keys in order; lists of results by name: which program settles first is chance. */
function sorted(value: Answer): Answer {
  if (Array.isArray(value)) {
    const parts = value.map(sorted);
    const named = parts.every((part) => typeof part === "object" && part !== null && "status" in part);
    return named ? parts.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : parts;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}

const NAMES = [
  "web",
  "idle",
  "done",
  "bad",
  "killed",
  "crew:a",
  "a",
  "crew:*",
  "crew:",
  "nobody",
  "f",
  "",
  ":",
];
const ONE = (method: string, ...args: unknown[]): Call => [S + method, args];

test("what is there: methods, signatures, configuration, states", async () => {
  const ask = await both;
  const [methods] = ask([["system.listMethods", []]]);
  assert.ok(Array.isArray(methods?.theirs));
  assertSame([methods]);
  assertSame(
    ask([
      ...methods.theirs.map((name): Call => ["system.methodSignature", [name]]),
      ["system.methodSignature", ["nothing"]],
      ["system.methodHelp", ["nothing"]],
      ONE("getAllConfigInfo"),
      ONE("getAllProcessInfo"),
      ...["getAPIVersion", "getVersion", "getSupervisorVersion", "getIdentification", "getState"].map(
        (name) => ONE(name),
      ),
      ...NAMES.map((name) => ONE("getProcessInfo", name)),
      ...[
        "foo",
        "supervisor",
        "supervisor.foo",
        "supervisor._update",
        "supervisor.a.b",
        "system.namespaces",
      ].map((name): Call => [name, []]),
      ["supervisor.supervisord.options", []],
      ONE("getPID", 1),
      ONE("startProcess"),
      ONE("startProcess", "web", true, 1),
    ]),
  );
});

test("logs: every offset and length", async () => {
  const ask = await both;
  const reads: readonly unknown[][] = [
    ["web", 0, 0],
    ["web", -3, 0],
    ["web", "0", "2"],
    ["web", 1.7, 2],
    ["web", true, 2],
    ["web", -3, 1],
    ["web", 3, -1],
    ["web", 100, 10],
    ["b", 0, 0],
    ["crew:b", 0, 0],
    ["nobody", 0, 0],
    ["crew:*", 0, 0],
  ];
  const methods = ["readProcessStdoutLog", "readProcessLog", "readProcessStderrLog"].concat([
    "tailProcessStdoutLog",
    "tailProcessStderrLog",
    "tailProcessLog",
  ]);
  const ranges = Array.from({ length: 10 }, (_, n) =>
    [0, 1, 3, 6, 20, -2].map((count): Call => ONE("tailProcessStdoutLog", "web", n - 1, count)),
  );
  assertSame(
    ask([
      ...reads.flatMap((args) => methods.map((name) => ONE(name, ...args))),
      ...ranges.flat(),
      ONE("readLog", -3, 1),
      ONE("readLog", 3, -1),
      ONE("readLog", 0),
      ONE("readLog", 10_000_000, 0),
      ...["web", "crew:*", "nobody", "done"].map((name) => ONE("clearProcessLogs", name)),
      ONE("tailProcessStdoutLog", "web", 0, 100),
      ONE("readProcessStdoutLog", "web", 0, 0),
      ONE("clearLog"),
      ONE("sendProcessStdin", "nobody", "x"),
      ONE("sendProcessStdin", "crew:*", "x"),
      ONE("sendProcessStdin", "web"),
      ONE("sendRemoteCommEvent", "type", "dätä"),
      ONE("sendRemoteCommEvent", "type"),
    ]),
  );
});

test("many calls in one", async () => {
  const ask = await both;
  const call = (methodName: unknown, params: unknown = []): object => ({ methodName, params });
  const lists: readonly unknown[] = [
    [],
    [call("supervisor.getAPIVersion"), { methodName: "supervisor.getState" }, call("x"), { params: [] }],
    [call("system.multicall", [[]]), call("supervisor.getPID", [1]), call("")],
    ["stopProcess", "startProcess", "startProcess"].map((name) => call(S + name, ["web"])),
    [call("supervisor.getPID", "ab"), call("supervisor.getPID", 5)],
    5,
    {},
  ];
  assertSame(ask([...lists.map((list): Call => ["system.multicall", [list]]), ["system.multicall", []]]));
});

test("where supervisord fails, an answer", async () => {
  const ask = await both;
  const calls: readonly [call: Call, theirs: Answer, ours: Answer][] = [
    [ONE("readProcessStdoutLog", "odd", 0, 0), { http: 500 }, "\ufffd[31mr\ufffdd\ufffd"],
    [ONE("tailProcessStdoutLog", "odd", 0, 5), { http: 500 }, ["31mr\ufffdd\ufffd".slice(-5), 9, true]],
    [ONE("readProcessStdoutLog", "web", "a", "b"), { http: 500 }, { fault: [2, "INCORRECT_PARAMETERS"] }],
    [ONE("startProcess", 5), { http: 500 }, { fault: [2, "INCORRECT_PARAMETERS"] }],
    [["system.multicall", ["ab"]], { http: 500 }, { fault: [2, "INCORRECT_PARAMETERS"] }],
    // Its file is made when it is first started; what is in memory is read without one.
    [ONE("readProcessStderrLog", "late", 0, 0), { fault: [20, "NO_FILE: @DIR@/late.log"] }, ""],
    [
      ["system.multicall", [[5]]],
      { http: 500 },
      [{ faultCode: 2, faultString: "INCORRECT_PARAMETERS: No methodName" }],
    ],
  ];
  const pairs = ask([...calls.map(([call]) => call)]);
  assert.deepEqual(
    pairs.map(({ call, theirs, ours }) => [call, theirs, ours]),
    calls.map(([call, theirs, ours]) => [JSON.stringify(call), theirs, ours]),
  );
});

test("start, stop, signal, groups: answers, faults and what is so afterwards", async () => {
  const ask = await both;
  const starts = ["missing", "locked", "badcmd", "quick", "web", "nobody", "crew:*", "nobody:*", "idle"];
  assertSame(
    ask([
      ...starts.map((name) => ONE("startProcess", name)),
      // Who has failed is given up at supervisord's next tick.
      [":until", [{ quick: "FATAL" }]],
      ONE("getAllProcessInfo"),
      ONE("startProcess", "idle", false),
      ONE("stopProcess", "idle", ""),
      ...["idle", "done", "nobody", "crew:*"].map((name) => ONE("stopProcess", name)),
      ONE("startProcessGroup", "crew"),
      ONE("startProcessGroup", "crew", 0),
      ONE("startProcessGroup", "nobody"),
      ONE("stopProcessGroup", "crew", false),
      [":until", [{ a: "STOPPED", b: "STOPPED" }]],
      ONE("startAllProcesses"),
      ONE("stopAllProcesses"),
      ONE("getAllProcessInfo"),
      ONE("startProcessGroup", "many"),
      ONE("startProcess", "web"),
      ONE("startProcessGroup", "crew"),
      ...["HUP", "SIGUSR1", "usr2", 10, "10", "FOO", "0", 0, 99, ""].map((signal) =>
        ONE("signalProcess", "done", signal),
      ),
      ...["CONT", 18, "18", " cont ", "FOO", 0, "0", 99].map((signal) => ONE("signalProcess", "web", signal)),
      ONE("signalProcess", "crew:*", "CONT"),
      ONE("signalProcessGroup", "crew", "FOO"),
      ONE("signalProcessGroup", "nobody", "HUP"),
      ONE("signalAllProcesses", "CONT"),
      ONE("removeProcessGroup", "web"),
      ONE("removeProcessGroup", "nobody"),
      ONE("addProcessGroup", "web"),
      ONE("addProcessGroup", "nobody"),
      ONE("reloadConfig"),
      ONE("stopProcess", "web"),
      ONE("removeProcessGroup", "web"),
      ONE("reloadConfig"),
      ONE("getAllConfigInfo"),
      ONE("addProcessGroup", "web"),
    ]),
  );
});
