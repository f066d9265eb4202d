/**
 * Conformance 92: a secret of its own in every place where one may stand, and everything that tsinit writes, answers and
 * leaves behind, at the most talkative level, searched for all of them.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { conformance } from "./harness.ts";
import type { Init } from "./init.ts";
import { actor, GENTLE, PATH } from "./scene.ts";

const MARK = "hunter2";
/** A secret of this name. */
const secret = (name: string): string => `${MARK}-${name}`;

/** Fails with where and which secret is shown. */
function search(where: string, text: string): void {
  const at = text.indexOf(MARK);
  assert.equal(at, -1, `${where} shows a secret: …${text.slice(Math.max(0, at - 100), at + 60)}…`);
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

const CONFIG = `
[tsinit]
termination_log=@DIR@/last
[supervisord]
loglevel=blather
environment=GLOBAL="${secret("global")}"
[unix_http_server]
file=/run/tsinit.sock
username=user
password=${secret("unix")}
[inet_http_server]
port=127.0.0.1:9001
username=user
password=${secret("inet")}
[supervisorctl]
serverurl=http://user:${secret("serverurl")}@127.0.0.1:9001
username=user
password=${secret("ctl")}
[program:a]
command=${actor("a", "show:env", "show:argv", "out:said", ...GENTLE)} %(ENV_API_TOKEN)s
environment=DB_PASSWORD="${secret("own")}",COPY="%(ENV_API_TOKEN)s"
environment_file=@DIR@/variables
[program:unready]
command=/bin/sleep 1000
ready_http=http://user:${secret("ready")}@127.0.0.1:1/
ready_deadline=2
ready_interval=0.5
startretries=0
[program:sick]
command=/bin/sleep 1000
live_http=http://user:${secret("live")}@127.0.0.1:1/
live_interval=0.5
live_failures=2
restart_limit=1/10m
[program:hooks]
command=/bin/sleep 1000
environment=HOOKED="${secret("hooked")}"
start_command_pre=/bin/sh -c 'exit 3' %(ENV_API_TOKEN)s
startretries=0
[program:torn]
command=/bin/true "unclosed %(ENV_API_TOKEN)s
startretries=0
[program:missing]
command=/nowhere/program %(ENV_API_TOKEN)s
environment=A="${secret("missing")}"
startretries=0
[program:last]
command=${actor("last", "on:USR1=exit:3", ...GENTLE)} %(ENV_API_TOKEN)s
environment=A="${secret("last")}"
critical=true
autorestart=unexpected
restart_limit=1/10m
forward_signals=USR1
`;

const VARIABLES = {
  PATH,
  API_TOKEN: secret("token"),
  TSINIT_PROGRAM_E: "/bin/sleep 1000",
  TSINIT_PROGRAM_E__ENVIRONMENT: `X="${secret("variable")}"`,
  TSINIT_PROGRAM_E__COMAND: secret("misspelt"),
  TSINIT_NOSUCH: secret("unknown"),
};

/** Reads its variables, so that is where the secrets are. */
async function isGiven(init: Init): Promise<void> {
  const env = JSON.parse((await init.event("a", "show:env")).data) as Record<string, string>;
  const given = ["GLOBAL", "DB_PASSWORD", "COPY", "FROM_FILE", "API_TOKEN"].map((name) => env[name]);
  assert.deepEqual(given, ["global", "own", "token", "file", "token"].map(secret));
  const words = JSON.parse((await init.event("a", "show:argv")).data) as string[];
  assert.equal(words.at(-1), secret("token"));
}

conformance(92, "secrets appear in nothing that it writes or answers, at any level", async (box) => {
  const init = await box.init({
    setup: `echo FROM_FILE=${secret("file")} > @DIR@/variables; : > @DIR@/last`,
    config: CONFIG,
    env: VARIABLES,
  });
  await isGiven(init);
  const over = ["unready", "sick", "hooks", "torn", "missing"];
  for (const name of over)
    await init.line(new RegExp(`gave up: ${name} entered FATAL|stopped: ${name} .*gave up`));
  // The log has been at its most talkative.
  await init.line(/DEBG received SIGCHLD/);
  for (const path of [
    "/livez",
    "/readyz",
    "/startupz",
    "/healthz",
    "/livez/sick",
    "/readyz/unready",
    "/nosuch",
  ]) {
    search(path, (await init.http(path)).body);
    search(`${path}?verbose`, (await init.http(`${path}?verbose`)).body);
    search(`${path} as JSON`, (await init.http(path, { headers: { Accept: "application/json" } })).body);
  }
  const metrics = await init.http("/metrics");
  assert.match(metrics.body, /^tsinit_program_up\{/m);
  search("/metrics", metrics.body);
  const headers = { Authorization: basic("user", secret("inet")) };
  for (const path of ["/", "/index.html", "/api/v1/graph", "/ok.html", "/nosuch"]) {
    const answer = await init.http(path, { port: 9001, headers });
    assert.notEqual(answer.status, 401, path);
    search(`${path} of the control port`, answer.body);
  }
  const refused = await init.http("/", { port: 9001, headers: { Authorization: basic("user", "x") } });
  assert.equal(refused.status, 401);
  search("the refusal", JSON.stringify(refused));
  const login = ["-u", "user", "-p", secret("unix"), "-s", "unix:///run/tsinit.sock"];
  for (const words of [
    ["status"],
    ["maintail"],
    ["avail"],
    ["graph"],
    ["start", "missing"],
    ["reread"],
    ["pid"],
  ]) {
    const answer = await init.run(init.binary, "ctl", ...login, ...words);
    assert.doesNotMatch(
      answer.stdout + answer.stderr,
      /unauthorized|requires authentication/i,
      words.join(" "),
    );
    search(`ctl ${words.join(" ")}`, answer.stdout + answer.stderr);
  }
  const wrong = await init.run(
    init.binary,
    "ctl",
    "-s",
    `http://user:${secret("typed")}@127.0.0.1:9001`,
    "status",
  );
  search("ctl with a wrong password", wrong.stdout + wrong.stderr);
  for (const format of ["text", "json"]) {
    const check = await init.run(
      "/usr/bin/env",
      `API_TOKEN=${secret("token")}`,
      `TSINIT_PROGRAM_E=/bin/true`,
      `TSINIT_PROGRAM_E__ENVIRONMENT=X="${secret("variable")}"`,
      init.binary,
      "check",
      "-c",
      "@DIR@/tsinit.ini",
      "--format",
      format,
    );
    assert.equal(check.code, 0, check.stdout + check.stderr);
    assert.match(check.stdout, /%\(ENV_API_TOKEN\)s/);
    search(`check --format ${format}`, check.stdout + check.stderr);
  }
  init.signal("SIGHUP");
  await init.line(/reloaded: nothing changed/);
  let after = 0;
  for (let count = 1; count <= 2; count++) {
    const isUp = await init.line(/success: last entered RUNNING/, { after });
    after = init.lines.indexOf(isUp) + 1;
    init.signal("SIGUSR1");
    await init.event("last", "USR1", { count });
  }
  const ending = await init.exit();
  assert.equal(ending.code, 3);
  const last = readFileSync(join(init.dir, "last"), "utf8");
  assert.match(last, /^exit 3: /);
  search("the termination log", last);
  search("stdout", ending.stdout);
  search("stderr", ending.stderr);
});

const BROKEN: [what: string, lines: string][] = [
  [
    "environment= without commas",
    `[program:x]\ncommand=/bin/true\nenvironment=A="${secret("a")}" B="${secret("b")}"`,
  ],
  ["environment= without a name", `[program:x]\ncommand=/bin/true\nenvironment=${secret("a")}`],
  ["environment= with an open quote", `[program:x]\ncommand=/bin/true\nenvironment=A="${secret("a")}`],
  ["environment= with a percent sign", `[program:x]\ncommand=/bin/true\nenvironment=A="50%${secret("a")}"`],
  [
    "environment= with an unknown name",
    `[program:x]\ncommand=/bin/true\nenvironment=A="%(x)s ${secret("a")}"`,
  ],
  ["[supervisord] environment=", `[supervisord]\nenvironment=A=${secret("a")} B`],
  ["a password with a percent sign", `[unix_http_server]\nfile=/x\nusername=u\npassword=%(${secret("a")}`],
  ["a password without a user", `[inet_http_server]\nport=9001\npassword=${secret("a")}`],
  ["a serverurl that is none", `[supervisorctl]\nserverurl=ftp://u:${secret("a")}@host`],
  ["a URL that is none", `[program:x]\ncommand=/bin/true\nready_http=ftp://u:${secret("a")}@host/`],
  ["a URL with a bad port", `[program:x]\ncommand=/bin/true\nlive_http=http://u:${secret("a")}@host:99999/`],
  ["a command with an open quote", `[program:x]\ncommand=/bin/true\nready_exec=/bin/x "%(ENV_API_TOKEN)s`],
  ["a line without a key", `[program:x]\ncommand=/bin/true\nsomething-${secret("a")}`],
  ["a line before the first section", `PASSWORD=${secret("a")}\n[program:x]\ncommand=/bin/true`],
  [
    "an unknown key",
    `[program:x]\ncommand=/bin/true\npasword=${secret("a")}\n[tsinit]\ntoken=${secret("b")}`,
  ],
  ["environment_file that is none", "[program:x]\ncommand=/bin/true\nenvironment_file=@DIR@/variables"],
];

conformance(92, "errors of a configuration show no secret", async (box) => {
  for (const [what, config] of BROKEN) {
    const init = await box.init({
      setup: `printf 'A=${secret("file")}\\n${secret("line")} x\\n' > @DIR@/variables`,
      env: { PATH, API_TOKEN: secret("token"), TSINIT_PROGRAM_E__ENVIRONMENT: secret("variable") },
      config,
    });
    const ending = await init.exit();
    assert.equal(ending.code, 2, `${what}\n${ending.stderr}`);
    assert.match(ending.stderr, /^\S+tsinit\.ini:\d+: |^TSINIT_/m, what);
    search(what, ending.stderr + ending.stdout);
    for (const format of ["text", "json"]) {
      const check = await box.run({
        env: { PATH, API_TOKEN: secret("token"), TSINIT_PROGRAM_E__ENVIRONMENT: secret("variable") },
        args: ["check", "-c", join(init.dir, "tsinit.ini"), "--format", format],
      });
      search(`check: ${what}`, check.stdout + check.stderr);
    }
  }
});
