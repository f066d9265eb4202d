import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { DIFFERENCES_PAGE, OPTIONS_PAGE, renderDifferences, renderOptions } from "../../test/docs.ts";
import { surveyText } from "../../test/fakes/config.ts";
import { renderCheck } from "./check.ts";

const TEXT = `[tsinit]
log_timestamps=rfc3339
[supervisord]
environment=TOKEN="s3cret-global"
[unix_http_server]
file=/run/x.sock
username=u
password=s3cret-password
[program:web]
command=flask run
priority=300
user=app
directory=/srv
critical=true
environment=KEY="s3cret-own"
stopsignal=INT,TERM
forward_signals=HUP:USR2
[program:redis]
command=redis-server "unclosed
priority=100
piority=1
[program:cache]
command=cache
priority=100
depends_on=redis
`;

test("the text report", () => {
  assert.equal(
    renderCheck(surveyText(TEXT), { format: "text", verbose: false }),
    `Files: /etc/tsinit.ini

Programs, in the order they start:
  redis (tier 1, priority 100)
    command    redis-server "unclosed
    problem    can't parse command 'redis-server "unclosed': No closing quotation: it will not start
    variables  TOKEN
    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries
    stop       SIGTERM, 10 s each, then SIGKILL
    output     stdout to stdout, stderr to stderr
  cache (tier 1, priority 100)
    command    cache
    variables  TOKEN
    waits for  redis to start
    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries
    stop       SIGTERM, 10 s each, then SIGKILL
    output     stdout to stdout, stderr to stderr
  web (tier 2, priority 300, critical)
    command    flask run
    user       app, uid 1000, gid 1000, groups 1000 4 44
    directory  /srv
    variables  TOKEN, KEY
    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries
    stop       SIGINT, SIGTERM, 10 s each, then SIGKILL
    output     stdout to stdout, stderr to stderr
    forwards   SIGHUP as SIGUSR2

Settings that differ from their default:
  log_timestamps = rfc3339

Servers:
  probes and metrics: http on :9180
  control socket: /run/x.sock
  [unix_http_server]: /run/x.sock, mode 0700, with a password

Warnings:
  /etc/tsinit.ini:21: [program:redis] piority: no such key; maybe priority; it is ignored

Differs from supervisord:
  orders the start, and each priority waits until all programs of the one before are RUNNING, done or given up; supervisord starts them all at once in this order, as start_gate=spawned does:
    /etc/tsinit.ini:11: [program:web] priority
    /etc/tsinit.ini:20: [program:redis] priority
    /etc/tsinit.ini:24: [program:cache] priority
  /etc/tsinit.ini:12: [program:web] user: HOME, USER and LOGNAME are those of the user unless given; supervisord leaves its own

Advice:
  /etc/tsinit.ini:9: [program:web] stopwaitsecs: it may take 20 s to stop, but Docker kills the container after 10 s: raise \`docker stop -t\`, stop_grace_period or terminationGracePeriodSeconds above it
  /etc/tsinit.ini:10: [program:web] command: flask run is the development server and drops requests when it is stopped: gunicorn or uvicorn do not
  /etc/tsinit.ini:10: [program:web] command: Python holds back what it prints to a pipe, and a kill loses it: PYTHONUNBUFFERED="1" in environment=, unless the image sets it

The configuration is valid.
`,
  );
});

test("what a program waits for, what watches it, and when it runs", () => {
  const text = `[program:db]
command=db
priority=900
ready_tcp=5432
live_exec=db-ping --fast
live_failures=5
restart_delay=1
restart_jitter=0.2
restart_limit=5/10m
start_command_pre=db-init
stop_command=db-stop
[program:migrate]
command=migrate
type=oneshot
depends_on=db
startretries=-1
[program:web]
command=web
depends_on=db:started, migrate
restart_with=db
ready_http=http://u:s3cret@localhost:8000/ready?a=b@c
watchdog_secs=20
runtime_max_secs=3600
[program:report]
command=report
schedule=0 3 * * *
schedule_timezone=Europe/Berlin
schedule_overlap=queue
`;
  const report = renderCheck(surveyText(text), { format: "text", verbose: false });
  const rows = report
    .split("\n")
    .filter((line) => /^ {2}\S.* \(tier|^ {4}(?!command|stop |output)[a-z ]{10} /.test(line));
  assert.deepEqual(rows, [
    "  db (tier 1, priority 900)",
    "    before     db-init",
    "    ready      port 5432 of localhost; every 1 s, 2 s each; within 60 s",
    "    alive      db-ping --fast exits 0; every 10 s, 3 s each; restarted after 5 failures",
    "    to stop    db-stop",
    "    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries; delay 1 s doubling to 30 s and up to 20 % more; given up after 5 restarts in 600 s",
    "  report (tier 2, priority 999, oneshot)",
    "    schedule   0 3 * * * (Europe/Berlin); after the one before",
    "    restart    none, the next run comes by its schedule",
    "  migrate (tier 2, priority 999, oneshot)",
    "    waits for  db to be ready",
    "    restart    when unexpected (expected: 0); RUNNING after 1 s, endless retries",
    "  web (tier 2, priority 999)",
    "    waits for  db to start, migrate to be done",
    "    follows    restarts of db",
    "    ready      GET http://localhost:8000/ready?a=b@c; every 1 s, 2 s each; within 60 s",
    "    alive      WATCHDOG=1 every 20 s",
    "    at most    3600 s a run",
    "    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries",
  ]);
  for (const format of ["text", "json"] as const)
    assert.doesNotMatch(renderCheck(surveyText(text), { format, verbose: true }), /s3cret/);
});

test("conformance 92: no secret is in any report", () => {
  const broken =
    `${TEXT}[program:z]\ncommand=z\nenvironment=A="s3cret-broken" ` +
    `B="s3cret-two"\n[program:y]\ncommand=y\nenvironment=A="s3cret%"\n`;
  for (const text of [TEXT, broken]) {
    for (const format of ["text", "json"] as const)
      assert.doesNotMatch(renderCheck(surveyText(text), { format, verbose: true }), /s3cret/);
  }
});

test("conformance 101: the JSON report has the plan or the errors", () => {
  const good: unknown = JSON.parse(renderCheck(surveyText(TEXT), { format: "json", verbose: false }));
  assert.partialDeepStrictEqual(good, {
    ok: true,
    files: ["/etc/tsinit.ini"],
    programs: [
      { id: "redis:redis" },
      { id: "cache:cache" },
      { id: "web:web", stopsignals: ["SIGINT", "SIGTERM"], environment: ["TOKEN", "KEY"] },
    ],
    settings: { logTimestamps: "rfc3339" },
    servers: [{ kind: "unix", password: true }],
    warnings: [{ where: "/etc/tsinit.ini:21", section: "program:redis", key: "piority" }],
  });
  const bad: unknown = JSON.parse(
    renderCheck(surveyText("[program:a]\ncommand=x\nstartsecs=x\n"), { format: "json", verbose: false }),
  );
  assert.partialDeepStrictEqual(bad, {
    ok: false,
    errors: [{ where: "/etc/tsinit.ini:3", section: "program:a", key: "startsecs" }],
  });
});

test("--verbose names every key that is honoured, without its value", () => {
  const text = renderCheck(surveyText(TEXT), { format: "text", verbose: true });
  assert.match(text, /\nHonoured:\n/);
  assert.match(text, /\n {2}\/etc\/tsinit\.ini:16: \[program:web\] stopsignal: Signal to stop it/);
  assert.doesNotMatch(text, /Honoured:[^]*(?:piority|start_gate)/);
});

test("the socket of an fcgi program is said to be kept; one that anybody may control is an error and nothing else", () => {
  const check = (text: string): string =>
    renderCheck(surveyText(`[supervisord]\n${text}`), { format: "text", verbose: false });
  assert.match(
    check("[fcgi-program:f]\ncommand=f\nsocket=unix:///run/f\n"),
    /\] socket: one socket, made at the start/,
  );
  const open = check("[program:a]\ncommand=a\n[inet_http_server]\nport=9001\n");
  assert.match(open, /^Errors:\n.*\] port: a control server on every address without a password/);
  assert.doesNotMatch(open, /Differs/);
});

test("what is said of keys that differ only with some values, and of a listener's stdout", () => {
  const check = (text: string): string =>
    renderCheck(surveyText(`[supervisord]\n${text}`), { format: "text", verbose: false });
  const listener = "[program:a]\ncommand=a\n[eventlistener:l]\ncommand=l\n";
  const overlapping = check(`${listener}events=TICK,TICK_5\n`);
  assert.match(overlapping, /\] events: an event comes once to each pool/);
  assert.match(overlapping, /output +stdout answers events, stderr to stderr/);
  assert.doesNotMatch(check(`${listener}events=TICK_5, PROCESS_STATE\n`), /\] events:/);
  assert.match(check(`${listener}events=TICK_5\nstdout_logfile=/dev/stdout\n`), /output +stdout to stdout/);
  const program = (line: string): string => check(`[program:a]\ncommand=a\n${line}\n`);
  assert.match(program(`environment=A='"q"'`), /\] environment: quoted as a shell does it/);
  assert.doesNotMatch(program(`environment=A="q",B='a b'`), /\] environment:/);
  assert.match(program("stdout_capture_maxbytes=1MB"), /\] stdout_capture_maxbytes: output beside/);
  assert.match(program("serverurl=AUTO"), /\] serverurl: SUPERVISOR_SERVER_URL is the control socket/);
  assert.doesNotMatch(program("serverurl=AUTO\n[unix_http_server]\nfile=/s"), /\] serverurl:/);
});

test("a configuration that is written for tsinit is compared with nothing, but when asked", () => {
  const native = "[tsinit]\n[program:a]\ncommand=a\npriority=1\n[program:b]\ncommand=b\n";
  const has = (verbose: boolean): boolean =>
    renderCheck(surveyText(native), { format: "text", verbose }).includes("Differs from supervisord:");
  assert.deepEqual([has(false), has(true)], [false, true]);
});

test("the JSON findings have a place of their own, and the same keys each", () => {
  const { findings } = JSON.parse(renderCheck(surveyText(TEXT), { format: "json", verbose: true })) as {
    findings: Record<string, unknown>[];
  };
  for (const finding of findings)
    assert.deepEqual(Object.keys(finding), ["file", "line", "section", "key", "kind", "text"]);
  const kinds = new Set(findings.map(({ kind }) => kind));
  assert.deepEqual([...kinds].sort(), ["advice", "differs", "honoured", "warning"]);
  assert.partialDeepStrictEqual(findings[0], {
    file: "/etc/tsinit.ini",
    line: 21,
    section: "program:redis",
    key: "piority",
    kind: "warning",
  });
});

test("the errors of a broken configuration are counted", () => {
  assert.match(
    renderCheck(surveyText("[program:a]\nstartsecs=x\n"), { format: "text", verbose: false }),
    /^Errors:\n.*\nThe configuration is not valid: 2 errors\.\n$/s,
  );
});

test("docs/supervisord.md is what the table says; `node test/docs.ts` writes it", () => {
  assert.equal(readFileSync(DIFFERENCES_PAGE, "utf8"), renderDifferences());
});

test("docs/options.md is what the table says; `node test/docs.ts` writes it", () => {
  assert.equal(readFileSync(OPTIONS_PAGE, "utf8"), renderOptions());
});
