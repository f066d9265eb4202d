import assert from "node:assert/strict";
import { test } from "node:test";
import { load, loadText } from "../../test/fakes/config.ts";
import type { ProgramSpec } from "../core/spec.ts";
import { type Config, renderProblem } from "./config.ts";
import type { Loaded, LoadRequest } from "./load.ts";

function config(loaded: Loaded): Config {
  if (!loaded.ok) assert.fail(loaded.errors.map(renderProblem).join("\n"));
  return loaded.config;
}

const errors = (loaded: Loaded): string[] => (loaded.ok ? [] : loaded.errors.map(renderProblem));
const warnings = (text: string): string[] => config(loadText(text)).warnings.map(renderProblem);
const notices = (text: string): string[] => config(loadText(text)).notices.map(renderProblem);

/** The one program of a file that has this under `[program:p]`. */
function program(keys: string, request: Partial<LoadRequest> = {}, more = ""): ProgramSpec {
  const [spec] = config(loadText(`[program:p]\ncommand=run\n${keys}\n${more}`, request)).plan.programs;
  assert(spec !== undefined);
  return spec;
}

test("the defaults are supervisord's", () => {
  assert.deepEqual(program(""), {
    id: "p:p",
    name: "p",
    group: "p",
    section: "program:p",
    kind: "program",
    processNum: 0,
    command: "run",
    argv: ["run"],
    commandError: null,
    groupPriority: 999,
    priority: 999,
    autostart: true,
    autorestart: "unexpected",
    startsecs: 1,
    startretries: 3,
    exitcodes: [0],
    stopsignals: [15],
    stopwaitsecs: 10,
    stopasgroup: false,
    killasgroup: false,
    critical: false,
    type: "simple",
    user: null,
    directory: null,
    umask: null,
    environment: {},
    forwardSignals: new Map(),
    redirectStderr: false,
    stdout: {
      logfile: "AUTO",
      file: null,
      maxbytes: 52428800,
      backups: 10,
      captureMaxbytes: 0,
      eventsEnabled: false,
      syslog: false,
      target: "stdout",
    },
    stderr: {
      logfile: "AUTO",
      file: null,
      maxbytes: 52428800,
      backups: 10,
      captureMaxbytes: 0,
      eventsEnabled: false,
      syslog: false,
      target: "stderr",
    },
    logFormat: "text",
    logPrefix: "auto",
    logLevelPrefix: false,
    serverurl: null,
    stdin: "null",
    listener: null,
    socket: null,
    dependsOn: [],
    restartWith: [],
    ready: null,
    live: null,
    watchdogSecs: null,
    restart: { delay: null, delayMax: 30, jitter: 0, limit: null },
    schedule: null,
    runtimeMaxSecs: null,
    preStart: null,
    stopCommand: null,
  });
});

test("every error at once, each with file, line, section, key, what is wrong and what is expected", () => {
  const loaded = loadText(`[tsinit]
drain_seconds=soon
lissten=:1
[program:a]
command=a
autostart=perhaps
numprocs=2
[program:b]
startsecs=1.5
exitcodes=256
stopsignal=NOPE
[group:g]
programs=a,nope
`);
  assert.deepEqual(errors(loaded), [
    "/etc/tsinit.ini:3: [tsinit] lissten: no such key; maybe listen",
    "/etc/tsinit.ini:2: [tsinit] drain_seconds: 'soon' is not a number of seconds; expected seconds, " +
      "decimals allowed",
    "/etc/tsinit.ini:4: [program:a] process_name: %(process_num) must be present within process_name " +
      "when numprocs > 1; " +
      "expected for instance %(program_name)s_%(process_num)02d",
    "/etc/tsinit.ini:6: [program:a] autostart: not a valid boolean value: 'perhaps'; expected true or false",
    "/etc/tsinit.ini:13: [group:g] programs: names unknown program or fcgi-program nope; expected one of a, b",
    "/etc/tsinit.ini:9: [program:b] startsecs: invalid literal for int() with base 10: '1.5'; " +
      "expected a whole number",
    "/etc/tsinit.ini:10: [program:b] exitcodes: not a valid list of exit codes: '256'; expected " +
      "numbers from 0 to 255 " +
      "separated by commas",
    "/etc/tsinit.ini:11: [program:b] stopsignal: value 'NOPE' is not a valid signal name; expected " +
      "signal names or numbers " +
      "separated by commas, such as TERM or INT,TERM",
    "/etc/tsinit.ini:8: [program:b] command: program section program:b does not specify a command; " +
      "expected command=…",
  ]);
});

test("conformance 96: a missing variable names file, line, section, key and variable", () => {
  const [error = ""] = errors(loadText("[program:p]\ncommand=x\ndirectory=/srv/%(ENV_SITE)s\n"));
  assert.match(
    error,
    /^\/etc\/tsinit\.ini:3: \[program:p\] directory: .*\('ENV_SITE'\).*SITE is not in the environment$/,
  );
});

test("unknown keys and sections are warnings with the nearest known one, so that no typo is silent", () => {
  assert.deepEqual(
    warnings(
      "[program:p]\ncommand=x\nautorestrat=true\nfoo=1\n[programs:q]\ncommand=y\n[program]\n[weird]\n",
    ),
    [
      "/etc/tsinit.ini:5: [programs:q] no such kind of section; maybe [program:name]; it is ignored",
      "/etc/tsinit.ini:7: [program] no such kind of section; maybe [program:name]; it is ignored",
      "/etc/tsinit.ini:8: [weird] no such kind of section; it is ignored",
      "/etc/tsinit.ini:3: [program:p] autorestrat: no such key; maybe autorestart; it is ignored",
      "/etc/tsinit.ini:4: [program:p] foo: no such key; it is ignored",
    ],
  );
});

test("keys of tsinit's own", () => {
  const spec = program(
    "critical=yes\ntype=oneshot\nstopsignal=INT, TERM\nforward_signals=HUP:USR2\n" +
      'log_format=raw\nlog_prefix="%(pid)d> "\nlog_level_prefix=yes',
  );
  assert.deepEqual(
    [spec.critical, spec.type, spec.stopsignals, [...spec.forwardSignals], spec.logFormat, spec.logPrefix],
    [true, "oneshot", [2, 15], [[1, 12]], "raw", "%(pid)d> "],
  );
  assert.equal(spec.logLevelPrefix, true);
  const inherited = program(
    "",
    {},
    "[tsinit]\ncritical=true\nlog_prefix=%(program_name)s:\nlog_format=raw\nforward_signals=USR1\nlog_level_prefix=1\n",
  );
  assert.equal(inherited.logLevelPrefix, true);
  assert.deepEqual(
    [inherited.critical, inherited.logPrefix, inherited.logFormat, [...inherited.forwardSignals]],
    [true, "%(program_name)s:", "raw", [[10, 10]]],
  );
});

test("conformance 94: a comment mark within the quotes of a command is not a comment, and only there", () => {
  const text = `[program:p]
command=sh -c "a ; b # c"  ; real comment
[program:q]
command=sh -c 'one
  two ; three'
[program:r]
command=echo it ; is
[program:s]
command=sh -c "%(program_name)s ; x"
`;
  const { plan, warnings: found } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.argv),
    [
      ["sh", "-c", "a ; b # c"],
      ["sh", "-c", "one\ntwo ; three"],
      ["echo", "it"],
      ["sh", "-c", "s ; x"],
    ],
  );
  assert.deepEqual(
    found.map((warning) => warning.where),
    ["/etc/tsinit.ini:2", "/etc/tsinit.ini:4", "/etc/tsinit.ini:9"],
  );
});

test("a command that cannot be split is found when it starts, not at load", () => {
  assert.equal(
    program('command=sh -c "x').commandError,
    "can't parse command 'sh -c \"x': No closing quotation",
  );
  assert.equal(program("command=").commandError, "command is empty");
});

test("users: names, numbers, groups, and nobody's", () => {
  assert.deepEqual(program("user=app").user, {
    uid: 1000,
    gid: 1000,
    groups: [1000, 4, 44],
    name: "app",
    home: "/home/app",
  });
  assert.deepEqual(program("user=4711").user, { uid: 4711, gid: 0, groups: [0], name: null, home: null });
  assert.equal(program("user=www-data:video").user?.gid, 44);
  assert.equal(program("user=root").user, null, "the current user is a no-op");
  assert.equal(program("user=app", { uid: 1000 }).user, null);
  assert.equal(program("user=1000", { uid: 1000 }).user, null);
  assert.match(
    errors(loadText("[program:p]\ncommand=x\nuser=nosuch")).join(),
    /user: Invalid user name nosuch/,
  );
});

test("another user without root is told at load, with the way out, and keeps no other program from starting", () => {
  const wrong =
    /^\/etc\/tsinit\.ini:\d: .* user: Can't drop privilege as nonroot user: user=www-data is uid 33.*User: 33$/;
  const { plan, warnings: found } = config(loadText("[program:p]\ncommand=x\nuser=www-data", { uid: 1000 }));
  assert.equal(plan.programs[0]?.user?.uid, 33);
  assert.match(found.map(renderProblem).join(), wrong);
  const [error = ""] = errors(
    loadText("[supervisord]\nuser=www-data\n[program:p]\ncommand=x", { uid: 1000 }),
  );
  assert.match(error, wrong, "supervisord ends when it is to become that user itself");
});

test("[supervisord] user= goes to the programs; root without root is a warning", () => {
  const text = "[supervisord]\nuser=www-data\n[program:p]\ncommand=x\n[program:q]\ncommand=y\nuser=app\n";
  const { plan, notices: found } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.user?.uid),
    [33, 1000],
  );
  assert.match(
    found.map(renderProblem).join(),
    /^\/etc\/tsinit\.ini:2: \[supervisord\] user: tsinit itself stays root/,
  );
  const unprivileged = config(loadText("[supervisord]\nuser=root\n[program:p]\ncommand=x\n", { uid: 1000 }));
  assert.equal(unprivileged.plan.programs[0]?.user, null);
  assert.match(unprivileged.warnings.map(renderProblem).join(), /user=root while tsinit runs as uid 1000/);
});

test("[supervisord] environment is under the program's own and can be used in values", () => {
  const spec = program(
    'environment=B="own",C="%(ENV_A)s"\ndirectory=/d/%(ENV_C)s',
    { environment: [["A", "container"]] },
    '[supervisord]\nenvironment=A="global",B="global"',
  );
  assert.deepEqual(spec.environment, { A: "global", B: "own", C: "global" });
  assert.equal(spec.directory, "/d/global");
});

const TARGETS: [keys: string, stdout: string, stderr: string][] = [
  ["", "stdout", "stderr"],
  ["stdout_logfile=/dev/stdout\nstderr_logfile=/dev/stdout", "stdout", "stdout"],
  ["stdout_logfile=/dev/fd/1\nstderr_logfile=/proc/1/fd/2", "stdout", "stderr"],
  ["stdout_logfile=/proc/self/fd/1\nstderr_logfile=/dev/fd/2", "stdout", "stderr"],
  ["stdout_logfile=/dev/stderr\nstderr_logfile=auto", "stderr", "stderr"],
  ["stdout_logfile=NONE\nstderr_logfile=off", "discard", "discard"],
  ["stdout_logfile=\nstderr_logfile=/dev/null", "discard", "discard"],
  ["stdout_logfile=/tmp/x\nstderr_logfile=y.log", "stdout", "stderr"],
  ["stdout_logfile=syslog", "syslog", "stderr"],
  ["redirect_stderr=true", "stdout", "stdout"],
  ["redirect_stderr=true\nstdout_logfile=NONE\nstderr_logfile=/dev/stderr", "discard", "discard"],
];

for (const [keys, stdout, stderr] of TARGETS) {
  test(`output: ${keys.replaceAll("\n", ", ") || "nothing set"}`, () => {
    const spec = program(keys);
    assert.deepEqual([spec.stdout.target, spec.stderr.target], [stdout, stderr]);
  });
}

test("real log files are one notice however many programs name them; a missing directory is no error", () => {
  const text =
    "[program:a]\ncommand=a\nstdout_logfile=/var/log/none/a.log\n" +
    "[program:b]\ncommand=b\nstderr_logfile=/etc/b.log\n";
  assert.deepEqual(notices(text), [
    "log files of programs are not written, the output of a, b goes to stdout and stderr only",
  ]);
  assert.deepEqual(warnings(text), [
    "/etc/tsinit.ini:3: [program:a] stdout_logfile: The directory named as part of the path " +
      "/var/log/none/a.log does not " +
      "exist; the output goes to stdout",
  ]);
});

test("log_files=also: a path or AUTO is a file, a descriptor's name never; a missing directory is a warning", () => {
  const fileOf = (value: string): string | null => {
    const text = `[tsinit]\nlog_files=also\n[program:a]\ncommand=a\nstdout_logfile=${value}\n`;
    return config(loadText(text)).plan.programs[0]!.stdout.file;
  };
  assert.equal(fileOf("/tmp/a.log"), "/tmp/a.log");
  assert.equal(fileOf("AUTO"), "auto");
  const devices = [
    "/dev/stdin /dev/stdout /dev/stderr /dev/fd/1 /dev/fd/2 /dev/fd/17 /proc/self/fd/1 /proc/self/fd/9",
    "/proc/thread-self/fd/2 /proc/1/fd/1 /dev/null NONE off syslog",
  ];
  for (const device of devices.join(" ").split(" ")) assert.equal(fileOf(device), null, device);
  const text = "[tsinit]\nlog_files=also\n[program:a]\ncommand=a\nstdout_logfile=/var/log/none/a.log\n";
  assert.deepEqual(notices(text), []);
  assert.match(
    warnings(text).join(),
    /none\/a.log does not exist; the output goes to stdout alone until it does$/,
  );
});

test("start order: group priority, priority, name; groups by priority and name", () => {
  const text = `[program:z]
command=z
priority=1
[program:b]
command=b
priority=300
[program:a]
command=a
priority=300
[program:m]
command=m
priority=5
[group:g]
programs=m,n
priority=300
[program:n]
command=n
priority=4
`;
  const { plan } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.id),
    ["z:z", "g:n", "g:m", "a:a", "b:b"],
  );
  assert.deepEqual(
    plan.groups.map((group) => [group.name, group.programs]),
    [
      ["z", ["z:z"]],
      ["a", ["a:a"]],
      ["b", ["b:b"]],
      ["g", ["g:m", "g:n"]],
    ],
  );
});

test("names that collide: the first group and the last process stay, with a warning", () => {
  const text =
    "[program:a]\ncommand=first\n[program: a]\ncommand=second\n" +
    "[program:b]\ncommand=b\nprocess_name=x%(process_num).0s\nnumprocs=2\n";
  const { plan, warnings: found } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => [spec.id, spec.command, spec.processNum]),
    [
      ["a:a", "first", 0],
      ["b:x0", "b", 0],
      ["b:x1", "b", 1],
    ]
      .slice(0, 1)
      .concat([["b:x", "b", 1]]),
  );
  assert.match(found.map(renderProblem).join("\n"), /another group a .*\n.*two processes are called b:x/s);
});

test("a group keeps listeners out and cannot name one", () => {
  const text = "[group:g]\nprograms=l\n[eventlistener:l]\ncommand=l\nevents=TICK_5\n[program:p]\ncommand=p\n";
  assert.match(
    errors(loadText(text)).join(),
    /^\S+:\d+: \[group:g\] programs: names unknown program or fcgi-program l \(event listeners cannot be grouped\)/,
  );
});

test("fcgi programs have their socket; the listener that prefixes lines is left out, with a notice", () => {
  const text = `[program:p]
command=p
[eventlistener:prefix]
command=supervisor_stdout
events=PROCESS_LOG
result_handler=supervisor_stdout:event_handler
[fcgi-program:f]
command=f
socket=tcp://localhost:9000
`;
  const { plan } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.id),
    ["f:f", "p:p"],
  );
  assert.deepEqual(
    plan.groups.map((group) => group.name),
    ["f", "p"],
  );
  assert.deepEqual(plan.programs[0]?.socket, {
    kind: "tcp",
    url: "tcp://localhost:9000",
    host: "localhost",
    port: 9000,
    backlog: null,
  });
  assert(notices(text).some((notice) => notice.includes("lines get their prefix from tsinit itself")));
});

test("a socket is one section's, however often that is in a group", () => {
  const section = (name: string) => `[fcgi-program:${name}]\ncommand=x\nsocket=tcp://localhost:9000\n`;
  const groups = "[group:g]\nprograms=a\n[group:h]\nprograms=a\n";
  assert.deepEqual(errors(loadText(section("a") + groups)), []);
  assert.deepEqual(errors(loadText(section("a") + section("b"))), [
    "/etc/tsinit.ini:6: [fcgi-program:b] socket: tcp://localhost:9000 is the socket of [fcgi-program:a] too; " +
      "expected one of its own",
  ]);
});

test("errors of listeners and fcgi programs in supervisord's words", () => {
  const text = `[eventlistener:l]
command=l
events=FOO,TICK_6
buffer_size=0
result_handler=foo:bar
redirect_stderr=true
[eventlistener:m]
command=m
[fcgi-program:f]
command=f
socket=udp://x:1
socket_backlog=0
[fcgi-program:g]
command=g
[fcgi-program:h]
command=h
socket=tcp://x:1
socket_mode=0700
`;
  const found = errors(loadText(text)).join("\n");
  for (const words of [
    "[eventlistener:l] section sets invalid buffer_size (0)",
    "foo:bar cannot be resolved within [eventlistener:l]",
    "Unknown event type FOO, TICK_6 in [eventlistener:l] events",
    "[eventlistener:l] section sets redirect_stderr=true but this is not allowed",
    '[eventlistener:m] section requires an "events" line',
    "Bad socket format udp://x:1 in [fcgi-program:f] socket",
    "Invalid socket_backlog value 0",
    '[fcgi-program:g] section requires a "socket" line',
    "socket_owner and socket_mode params should only be used with a Unix domain socket in " +
      "[fcgi-program:h] socket",
  ])
    assert(found.includes(words), `${words}\nis not in\n${found}`);
});

test("tsinit COMMAND: main, alone or beside others", () => {
  const alone = config(load({ command: ["sh", "-c", "echo 100% 'x'"] }));
  const [main] = alone.plan.programs;
  assert.equal(alone.plan.passthrough, true);
  assert.deepEqual(
    [
      main?.id,
      main?.kind,
      main?.argv,
      main?.startsecs,
      main?.startretries,
      main?.autorestart,
      main?.critical,
      main?.priority,
    ],
    ["main:main", "main", ["sh", "-c", "echo 100% 'x'"], 0, 0, "never", false, 999],
  );
  assert.equal(main?.command, `sh -c 'echo 100% '"'"'x'"'"''`);
  const text = "[DEFAULT]\nautostart=false\n[program:p]\ncommand=x\npriority=1000\n";
  const beside = config(
    loadText(text, { command: ["run"], environment: [["TSINIT_PROGRAM_MAIN__STOPWAITSECS", "60"]] }),
  );
  assert.equal(beside.plan.passthrough, false);
  assert.deepEqual(
    beside.plan.programs.map((spec) => [spec.id, spec.autostart, spec.stopwaitsecs]),
    [
      ["main:main", true, 60],
      ["p:p", false, 10],
    ],
  );
  assert.deepEqual(
    beside.plan.groups.map((group) => group.name),
    ["main", "p"],
  );
});

test("a program called main beside a command is an error", () => {
  for (const text of ["[program:main]\ncommand=x", "[group:main]\nprograms=p\n[program:p]\ncommand=p"]) {
    assert.match(errors(loadText(text, { command: ["run"] })).join(), /main is the name of the command/);
  }
});

test("no program at all is an error, unless tsinit is to stay", () => {
  assert.match(
    errors(loadText("[supervisord]\n")).join(),
    /no program is configured, so there is nothing to do/,
  );
  assert.deepEqual(config(loadText("[tsinit]\nexit_when_done=false\n")).plan.programs, []);
  assert.match(errors(loadText("[program:p]\ncommand=x\nnumprocs=0\n")).join(), /no program is configured/);
});

test("NUL bytes and names that cannot be are located errors", () => {
  assert.deepEqual(errors(loadText("[program:p]\ncommand=a\0b\n[a\0b]\nx=1\n")).slice(0, 2), [
    "/etc/tsinit.ini:2: [program:p] 'command' has a NUL byte in it; expected text",
    "/etc/tsinit.ini:3: the name of a section has a NUL byte in it; expected text",
  ]);
  assert.match(
    errors(loadText("[program:a b]\ncommand=x\n")).join(),
    /:1: \[program:a b\] Invalid name: 'a b' because of character: ' '/,
  );
  assert.match(
    errors(loadText("[program:a]\ncommand=x\nprocess_name=a:b\n")).join(),
    /:3: \[program:a\] process_name: Invalid name: 'a:b'/,
  );
});
