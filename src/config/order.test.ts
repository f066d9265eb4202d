import assert from "node:assert/strict";
import { test } from "node:test";
import { config, fakeFiles, load, loadText, warnings } from "../../test/fakes/config.ts";
import { renderProblem } from "./config.ts";

function errors(text: string): string[] {
  const loaded = loadText(text);
  return loaded.ok ? [] : loaded.errors.map(renderProblem);
}

function programs(text: string) {
  const specs = config(loadText(text)).plan.programs;
  return new Map(specs.map((spec) => [spec.id, spec]));
}

test("depends_on: names of programs, groups and processes, and the condition that suits each", () => {
  const specs = programs(`[program:redis]
command=redis
ready_tcp=6379
[program:migrate]
command=migrate
type=oneshot
[program:cache]
command=cache
numprocs=2
process_name=%(program_name)s%(process_num)d
[group:back]
programs=queue
[program:queue]
command=queue
[program:web]
command=web
depends_on=redis, migrate, cache, back:queue:ready, redis:started
restart_with=redis
`);
  assert.deepEqual(specs.get("web:web")?.dependsOn, [
    { id: "redis:redis", condition: "ready" },
    { id: "migrate:migrate", condition: "done" },
    { id: "cache:cache0", condition: "started" },
    { id: "cache:cache1", condition: "started" },
    { id: "back:queue", condition: "ready" },
    { id: "redis:redis", condition: "started" },
  ]);
  assert.deepEqual(specs.get("web:web")?.restartWith, ["redis:redis"]);
});

test("checks, hooks and schedules of each process of a section have its number and its variables", () => {
  const specs = programs(`[program:web]
command=web --port 80%(process_num)02d
numprocs=2
process_name=%(program_name)s_%(process_num)d
environment=PORT="80%(process_num)02d"
ready_http=:80%(process_num)02d/health
live_tcp=80%(process_num)02d
start_command_pre=mkdir -p /tmp/%(process_num)d
stop_command=stop %(ENV_PORT)s
[program:job]
command=job
numprocs=2
process_name=%(program_name)s_%(process_num)d
schedule=%(process_num)d 3 * * *
`);
  const of = (id: string) => {
    const spec = specs.get(id);
    const probe = spec?.live?.probe;
    return [
      spec?.ready?.way.kind === "http" ? spec.ready.way.url : null,
      probe?.kind === "tcp" ? probe.port : null,
      spec?.preStart?.argv.at(-1),
      spec?.stopCommand?.argv.at(-1),
    ];
  };
  assert.deepEqual(of("web:web_0"), ["http://localhost:8000/health", 8000, "/tmp/0", "8000"]);
  assert.deepEqual(of("web:web_1"), ["http://localhost:8001/health", 8001, "/tmp/1", "8001"]);
  assert.equal(specs.get("job:job_1")?.schedule?.expression, "1 3 * * *");
  assert.equal(specs.get("job:job_1")?.type, "oneshot");
});

test("a mistake in a check is one error, however many processes have it", () => {
  const text =
    "[program:p]\ncommand=x\nnumprocs=3\nprocess_name=p%(process_num)d\nready_tcp=%(process_num)dx\n";
  assert.equal(errors(text).length, 1);
});

test("a drain that takes all of the shutdown's time is a warning", () => {
  const text = (drain: number) =>
    `[tsinit]\nshutdown_timeout=10\ndrain_seconds=${drain}\n[program:p]\ncommand=x\n`;
  assert.match(
    warnings(text(10)).join(),
    /\[tsinit\] shutdown_timeout: 10 s for the whole shutdown, of which drain_seconds/,
  );
  assert.deepEqual(warnings(text(9)), []);
});

test("who waits for the end of what is started again at every end is warned", () => {
  const text = (keys: string) =>
    `[program:m]\ncommand=m\n${keys}\n[program:web]\ncommand=w\ndepends_on=m:done\n`;
  const never = /\[program:web\] depends_on: m has autorestart=true and never stays done: web waits for ever/;
  assert.match(warnings(text("type=oneshot\nautorestart=true")).join(), never);
  assert.match(warnings(text("autorestart=true")).join(), never);
  assert.deepEqual(warnings(text("type=oneshot")), []);
});

test("56: unknown names, itself, circles: errors with the path", () => {
  const text = (web: string, app = "") =>
    `[program:web]\ncommand=w\ndepends_on=${web}\n[program:app]\ncommand=a\n${app}`;
  assert.deepEqual(errors(text("ap")), [
    "/etc/tsinit.ini:3: [program:web] depends_on: there is no program 'ap'; maybe app",
  ]);
  assert.deepEqual(errors(text("app:reddy")), [
    "/etc/tsinit.ini:3: [program:web] depends_on: 'reddy' is no condition for app; expected started, ready or done",
  ]);
  assert.deepEqual(errors(text("web")), [
    "/etc/tsinit.ini:3: [program:web] depends_on: web -> web: a program cannot wait for itself",
  ]);
  assert.deepEqual(errors(text("app", "depends_on=web")), [
    "/etc/tsinit.ini:6: [program:app] depends_on: a circle: app -> web -> app; each would wait for the next",
  ]);
});

test("a dependency that nobody starts is worth a warning", () => {
  const text = "[program:web]\ncommand=w\ndepends_on=app\n[program:app]\ncommand=a\nautostart=false\n";
  assert.deepEqual(warnings(text), [
    "/etc/tsinit.ini:3: [program:web] depends_on: app has autostart=false: web waits at the start until it has run",
  ]);
});

test("checks, policies and hooks", () => {
  const spec = programs(`[program:web]
command=web
ready_http=:8080/health
ready_interval=0.5
live_exec=curl -f "http://x y"
live_failures=5
watchdog_secs=30
restart_limit=5/10m
restart_delay=2
restart_delay_max=60
restart_jitter=0.2
runtime_max_secs=3600
start_command_pre=./prepare now
stop_command=nginx -s quit
startretries=-1
`).get("web:web");
  assert.deepEqual(spec?.ready, {
    way: { kind: "http", url: "http://localhost:8080/health" },
    interval: 0.5,
    timeout: 2,
    deadline: 60,
  });
  assert.deepEqual(spec?.live, {
    probe: { kind: "exec", command: 'curl -f "http://x y"', argv: ["curl", "-f", "http://x y"] },
    interval: 10,
    timeout: 3,
    delay: 0,
    failures: 5,
  });
  assert.deepEqual(spec?.restart, {
    delay: 2,
    delayMax: 60,
    jitter: 0.2,
    limit: { count: 5, seconds: 600 },
  });
  assert.equal(spec?.watchdogSecs, 30);
  assert.equal(spec?.runtimeMaxSecs, 3600);
  assert.deepEqual(spec?.preStart?.argv, ["./prepare", "now"]);
  assert.deepEqual(spec?.stopCommand?.argv, ["nginx", "-s", "quit"]);
  assert.equal(spec?.startretries, -1);
});

test("what cannot be is refused where it stands", () => {
  const refused = (line: string) => errors(`[program:web]\ncommand=w\n${line}\n`)[0] ?? "";
  const cases: readonly (readonly [line: string, words: RegExp])[] = [
    ["ready_http=ftp://x", /ready_http: 'ftp:\/\/x' is not a URL of http or https; expected a URL/],
    ["ready_tcp=x:99999", /ready_tcp: 99999 is above upper bound/],
    ["ready_log=(", /ready_log: '\(' is not a regular expression/],
    ["ready_fd=1", /ready_fd: 1 is not a descriptor from 3 to 255/],
    ["ready_exec=sh -c 'x", /ready_exec: can't parse command/],
    ["ready_tcp=80\nready_notify=true", /ready_notify: ready_tcp is set as well/],
    ["ready_interval=0\nready_tcp=80", /ready_interval: 0 is below lower bound/],
    ["live_tcp=80\nlive_failures=0", /live_failures: 0 is below lower bound \(1\)/],
    ["restart_limit=often", /restart_limit: 'often' is not a count within a time; expected .*5\/10m/],
    ["restart_jitter=2", /restart_jitter: '2' is not a share; expected a share from 0 to 1/],
    ["schedule=* * *", /schedule: '\* \* \*' is no schedule: it has 3 fields/],
    ["schedule=61 * * * *", /schedule: '61 \* \* \* \*' is no schedule/],
    ["schedule=0 0 31 2 *", /schedule: '0 0 31 2 \*' is no schedule: no day ever matches it/],
    ["schedule=0 0 * * *\nschedule_timezone=Mars/X", /schedule_timezone: 'Mars\/X' is no time zone/],
    ["schedule=0 0 * * *\nschedule_overlap=both", /schedule_overlap: 'both' is none of the words/],
  ];
  for (const [line, words] of cases) assert.match(refused(line), words, line);
});

test("a schedule makes it a oneshot", () => {
  const spec = programs(
    "[program:job]\ncommand=j\nschedule=*/5 * * * * *\nschedule_timezone=Europe/Berlin\n",
  ).get("job:job");
  assert.equal(spec?.type, "oneshot");
  assert.deepEqual(spec?.schedule, {
    expression: "*/5 * * * * *",
    timezone: "Europe/Berlin",
    overlap: "skip",
  });
});

test("a schedule with keys that it makes meaningless is warned about", () => {
  const warnings = (keys: string): string[] =>
    config(
      load({
        files: fakeFiles({ "/etc/tsinit.ini": `[program:job]\ncommand=j\nschedule=@daily\n${keys}\n` }),
      }),
    ).warnings.map(({ key, text }) => `${key}: ${text}`);
  assert.deepEqual(warnings("autostart=true\nautorestart=true"), [
    "autostart: has no effect with schedule: it first runs when its time has come; `tsinit ctl start` runs it now",
    "autorestart: has no effect with schedule: a run that fails is followed by the next one of the schedule",
  ]);
  assert.deepEqual(warnings("autostart=false\nautorestart=false"), []);
  assert.deepEqual(warnings(""), []);
});

test("environment_file: below environment=, missing only with a dash, secrets in no message", () => {
  const ini = (key: string) => `[program:web]\ncommand=w\nenvironment=B="ini"\n${key}\n`;
  const loaded = (key: string) =>
    load({
      files: fakeFiles({
        "/etc/tsinit.ini": ini(key),
        "/run/web.env": "# hi\nexport A='a b'\nB=file\n\nC=x=y\n",
        "/run/bad.env": "secret\n",
      }),
    });
  assert.deepEqual(config(loaded("environment_file=/run/web.env")).plan.programs[0]?.environment, {
    A: "a b",
    B: "ini",
    C: "x=y",
  });
  assert.deepEqual(config(loaded("environment_file=-/run/none.env")).plan.programs[0]?.environment, {
    B: "ini",
  });
  const wrong = (key: string) => {
    const result = loaded(key);
    return result.ok ? "" : (result.errors[0]?.text ?? "");
  };
  assert.match(wrong("environment_file=/run/none.env"), /^cannot read \/run\/none.env: ENOENT; expected/);
  assert.equal(wrong("environment_file=/run/bad.env"), "line 1 is not KEY=VALUE");
});
