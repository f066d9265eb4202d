import assert from "node:assert/strict";
import { test } from "node:test";
import { config, errors, load, loadText, program, warnings } from "../../test/fakes/config.ts";
import { renderProblem } from "./config.ts";

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

test("another user without root is known at load, with the way out", () => {
  const [error = ""] = errors(loadText("[program:p]\ncommand=x\nuser=www-data", { uid: 1000 }));
  assert.match(
    error,
    /^\/etc\/tsinit\.ini:3: .* user: Can't drop privilege as nonroot user: user=www-data is uid 33.*User: 33$/,
  );
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
