/**
 * The same listener, written with supervisor.childutils, under the real supervisord and under us: what it is told must be
 * the same, but for pids, serials and times. Needs Debian's supervisor, and root for the namespaces.
 */
import assert from "node:assert/strict";
import { type Box, boxed } from "../container/harness.ts";
import { BINARY } from "../container/scene.ts";
import { listenerCommand, readEvents, readNotes } from "../programs/listeners.ts";

const SUPERVISORD = "/usr/bin/supervisord";
const SUPERVISORCTL = "/usr/bin/supervisorctl";
const URL = "unix:///run/tsinit.sock";

/** Both read it: `[tsinit]` is nothing to supervisord. */
const HEAD = `
[tsinit]
listen=none
start_gate=spawned
exit_when_done=false
[supervisord]
nodaemon=true
user=root
identifier=both
logfile=/dev/null
logfile_maxbytes=0
pidfile=/run/pid
[unix_http_server]
file=/run/tsinit.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[eventlistener:watch]
command=${listenerCommand("record", "notes")}
events=EVENT
buffer_size=1000
startsecs=0
`;

interface Case {
  readonly title: string;
  readonly programs: string;
  /** supervisorctl's words, one after the other, once `settled` was told. */
  readonly commands?: readonly (readonly string[])[];
  /** The start is over when events like these were told, so often. */
  readonly settled: readonly [like: RegExp, count: number][];
  readonly calls?: readonly (readonly [method: string, ...params: string[]])[];
  /** What must have been told after the commands. */
  readonly told?: Case["settled"];
}

const CASES: readonly Case[] = [
  {
    title: "start, stop by hand, start, the end",
    programs:
      "[program:web]\ncommand=sleep 1000\n[program:crew]\ncommand=sleep 1000\nnumprocs=2\nprocess_name=c%(process_num)d",
    commands: [
      ["stop", "web"],
      ["start", "web"],
      ["restart", "crew:c1"],
    ],
    settled: [[/PROCESS_STATE_RUNNING/, 4]],
    told: [[/PROCESS_STATE_RUNNING/, 6]],
  },
  {
    title: "too quick, again, FATAL",
    programs: "[program:web]\ncommand=sh -c 'exit 3'\nstartretries=2\nstartsecs=10",
    settled: [[/PROCESS_STATE_FATAL/, 1]],
  },
  {
    title: "a command that is not there",
    programs: "[program:web]\ncommand=/nowhere/web\nstartretries=1",
    settled: [[/PROCESS_STATE_FATAL/, 1]],
  },
  {
    title: "exits, expected and not",
    programs: [
      "[program:fine]\ncommand=sh -c 'sleep 2; exit 0'\nautorestart=false",
      "[program:bad]\ncommand=sh -c 'sleep 2; exit 3'\nautorestart=false",
      "[program:killed]\ncommand=sh -c 'sleep 2; kill -9 $$'\nautorestart=false",
      "[program:again]\ncommand=sh -c 'test -e /run/again && exec sleep 1000; touch /run/again; sleep 2; exit 1'",
    ].join("\n"),
    settled: [
      [/PROCESS_STATE_EXITED/, 4],
      [/PROCESS_STATE_RUNNING .*again/, 2],
    ],
  },
  {
    title: "a program that does not stop is killed; stopped while it waits to be tried again",
    programs: [
      `[program:deaf]\ncommand=sh -c 'trap "" TERM; while :; do sleep 1; done'\nstopwaitsecs=1\nkillasgroup=true`,
      "[program:tired]\ncommand=/nowhere/tired\nstartretries=100",
    ].join("\n"),
    commands: [
      ["stop", "tired"],
      ["stop", "deaf"],
    ],
    settled: [
      [/PROCESS_STATE_RUNNING .*deaf/, 1],
      [/PROCESS_STATE_BACKOFF .*tired/, 3],
    ],
    told: [[/PROCESS_STATE_STOPPED/, 2]],
  },
  {
    title: "output, text or not",
    programs: [
      "[program:out]\ncommand=sh -c 'echo hello; sleep 1; echo again >&2; sleep 1000'\nstdout_events_enabled=true\nstderr_events_enabled=true",
      `[program:raw]\ncommand=sh -c 'printf "it\\\\047s \\\\377\\\\n"; sleep 1000'\nstdout_events_enabled=true`,
      "[program:quiet]\ncommand=sh -c 'echo nothing; sleep 1000'",
    ].join("\n"),
    settled: [
      [/PROCESS_STATE_RUNNING .*raw/, 1],
      [/PROCESS_LOG/, 3],
    ],
  },
  {
    title: "what stands between the capture tags",
    programs: [
      `[program:tags]\ncommand=sh -c 'sleep 1; printf "before <!--XSUPERVISOR:BEGIN-->hello\\nyou<!--XSUPERVISOR:END--> and here is what comes after it\\n"; sleep 1000'`,
      "stdout_capture_maxbytes=1MB\nstdout_logfile=/dev/null\nstdout_logfile_maxbytes=0",
      `[program:loud]\ncommand=sh -c 'sleep 1; printf "<!--XSUPERVISOR:BEGIN-->x<!--XSUPERVISOR:END--> and here is what comes after it\\n" >&2; sleep 1000'`,
      "stderr_capture_maxbytes=1MB",
    ].join("\n"),
    settled: [
      [/PROCESS_STATE_RUNNING/, 3],
      [/PROCESS_COMMUNICATION/, 2],
    ],
  },
  {
    title: "a client's own event, and what it writes to a program",
    programs: "[program:echo]\ncommand=cat\nstdout_events_enabled=true",
    settled: [[/PROCESS_STATE_RUNNING .*echo/, 1]],
    calls: [
      ["sendRemoteCommEvent", "greeting", "greetings\nyou"],
      ["sendProcessStdin", "echo", "world\n"],
    ],
    told: [
      [/REMOTE_COMMUNICATION/, 1],
      [/PROCESS_LOG/, 1],
    ],
  },
  {
    title: "groups that come and go",
    programs: "[program:web]\ncommand=sleep 1000\n[program:other]\ncommand=sleep 1000",
    settled: [[/PROCESS_STATE_RUNNING/, 3]],
    commands: [
      ["stop", "other"],
      ["remove", "other"],
      ["add", "other"],
    ],
    told: [[/PROCESS_STATE_RUNNING .*other/, 2]],
  },
  {
    title: "ticks",
    programs: "[program:web]\ncommand=sleep 1000",
    // A tick comes when the clock says so, maybe before the program is RUNNING.
    settled: [
      [/PROCESS_STATE_RUNNING .*web/, 1],
      [/TICK_5/, 1],
    ],
  },
];

for (const each of CASES)
  boxed(`what a listener is told is the same: ${each.title}`, async (box) => {
    const [theirs, ours] = await Promise.all([record(box, each, SUPERVISORD), record(box, each, BINARY)]);
    assert.deepEqual(byProgram(ours), byProgram(theirs));
  });

/** Plays the case to its end: the events of each program, in order, and those of none. */
async function record(box: Box, test: Case, binary: string): Promise<readonly string[]> {
  const init = await box.init({ binary, config: `${HEAD}${test.programs}\n` });
  const told = (): string[] => readEvents(init.dir, "notes");
  const awaitTold = async (wanted: Case["settled"]): Promise<void> => {
    for (const [like, count] of wanted) {
      const enough = (): boolean => told().filter((event) => like.test(event)).length >= count;
      await init.until(`${like} × ${count}, told: ${told().join("; ")}`, enough);
    }
  };
  await awaitTold(test.settled);
  for (const words of test.commands ?? []) {
    const { code, stdout } = await init.run(SUPERVISORCTL, "-s", URL, ...words);
    assert.equal(code, 0, stdout);
  }
  for (const [method, ...params] of test.calls ?? []) assert.equal(await init.rpc(method, ...params), true);
  await awaitTold(test.told ?? []);
  init.signal("SIGTERM");
  await init.exit();
  const headers = readNotes(init.dir, "notes").flatMap(({ headers }) =>
    headers === undefined ? [] : [headers],
  );
  headers.forEach((header, index) => {
    assert.deepEqual(Object.keys(header).sort(), [
      "eventname",
      "len",
      "pool",
      "poolserial",
      "serial",
      "server",
      "ver",
    ]);
    assert.deepEqual([header["server"], header["pool"], header["ver"]], ["both", "watch", "3.0"]);
    if (index > 0) assert.ok(Number(header["serial"]) > Number(headers[index - 1]?.["serial"]));
  });
  return told();
}

/**
 * In the order of each program, and of none; what happens at the same time in two of them has no order. How many ticks fit
 * into a run is a matter of chance. Of what comes after the shutdown began supervisord's listener hears as much as it can
 * read before it is stopped itself, often nothing.
 */
function byProgram(events: readonly string[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const end = events.indexOf("SUPERVISOR_STATE_CHANGE_STOPPING");
  for (const event of end === -1 ? events : events.slice(0, end)) {
    if (event.startsWith("TICK")) {
      const [, seconds = "", when = ""] = /^TICK_(\d+) when:(\d+)$/.exec(event) ?? assert.fail(event);
      assert.equal(Number(when) % Number(seconds), 0, event);
      continue;
    }
    const text = event.replace(/\bpid:[1-9]\d*/g, "pid:N");
    const kind = /^PROCESS_(LOG|COMM)/.test(text) ? "output of" : "state of";
    const name = `${kind} ${/processname:(\S+)/.exec(text)?.[1] ?? "none"}`;
    found[name] ??= [];
    found[name].push(text);
  }
  return found;
}
