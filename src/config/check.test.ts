import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { OPTIONS_PAGE, renderOptions } from "../../test/docs.ts";
import { surveyText } from "../../test/fakes/config.ts";
import { renderCheck } from "./check.ts";

const TEXT = `[tsinit]
start_gate=spawned
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
  cache (tier 1, priority 100)
    command    cache
    variables  TOKEN
    restart    when unexpected (expected: 0); RUNNING after 1 s, 3 retries
    stop       SIGTERM, 10 s each, then SIGKILL
    output     stdout to stdout, stderr to stderr
  redis (tier 1, priority 100)
    command    redis-server "unclosed
    problem    can't parse command 'redis-server "unclosed': No closing quotation: it will not start
    variables  TOKEN
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
  start_gate = spawned

Servers:
  probes and metrics: http on :9180
  control socket: /run/x.sock
  [unix_http_server]: /run/x.sock, mode 0700, with a password

Warnings:
  /etc/tsinit.ini:21: [program:redis] piority: no such key; maybe priority; it is ignored

Notices:
  /etc/tsinit.ini:25: [program:cache] depends_on: accepted, but not active in this version

The configuration is valid.
`,
  );
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
      { id: "cache:cache" },
      { id: "redis:redis" },
      { id: "web:web", stopsignals: ["SIGINT", "SIGTERM"], environment: ["TOKEN", "KEY"] },
    ],
    settings: { startGate: "spawned" },
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

test("the errors of a broken configuration are counted", () => {
  assert.match(
    renderCheck(surveyText("[program:a]\nstartsecs=x\n"), { format: "text", verbose: false }),
    /^Errors:\n.*\nThe configuration is not valid: 2 errors\.\n$/s,
  );
});

test("docs/options.md is what the table says; `node test/docs.ts` writes it", () => {
  assert.equal(readFileSync(OPTIONS_PAGE, "utf8"), renderOptions());
});
