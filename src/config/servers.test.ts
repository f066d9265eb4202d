import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../test/fakes/config.ts";
import { type Config, renderProblem } from "./config.ts";
import type { Loaded, LoadRequest } from "./load.ts";

const PROGRAM = "[program:p]\ncommand=x\n";

function config(text: string, request: Partial<LoadRequest> = {}): Config {
  const loaded = loadText(PROGRAM + text, request);
  if (!loaded.ok) assert.fail(loaded.errors.map(renderProblem).join("\n"));
  return loaded.config;
}

const errors = (loaded: Loaded): string => (loaded.ok ? "" : loaded.errors.map(renderProblem).join("\n"));

test("servers in supervisord's order, with their defaults", () => {
  const text =
    "[unix_http_server:b]\nfile=~/b.sock\n[inet_http_server]\nport=LocalHost:9001\n" +
    "[unix_http_server]\nfile=a.sock\nchown=app:video\nchmod=0770\n";
  assert.deepEqual(config(text, { cwd: "/run" }).servers, [
    {
      kind: "inet",
      section: "inet_http_server",
      host: "localhost",
      port: 9001,
      username: null,
      password: null,
    },
    {
      kind: "unix",
      section: "unix_http_server:b",
      path: "/root/b.sock",
      chmod: 0o700,
      chown: null,
      username: null,
      password: null,
    },
    {
      kind: "unix",
      section: "unix_http_server",
      path: "/run/a.sock",
      chmod: 0o770,
      chown: { uid: 1000, gid: 44 },
      username: null,
      password: null,
    },
  ]);
});

test("an inet server for everyone needs a password, on loopback it does not", () => {
  for (const port of ["9001", "*:9001", "0.0.0.0:9001", "10.1.2.3:9001"]) {
    const text = `${PROGRAM}[inet_http_server]\nport=${port}\n`;
    assert.match(
      errors(loadText(text)),
      /^\/etc\/tsinit\.ini:4: \[inet_http_server\] port: a control server on .* without a password/,
    );
    assert.equal(errors(loadText(`${text}username=a\npassword=b\n`)), "");
  }
  for (const port of ["127.0.0.1:9001", "localhost:9001", "[::1]:9001", "127.1.2.3:9001"]) {
    assert.equal(errors(loadText(`${PROGRAM}[inet_http_server]\nport=${port}\n`)), "", port);
  }
});

test("supervisord's errors", () => {
  const text =
    `${PROGRAM}[inet_http_server]\n[unix_http_server]\n[unix_http_server:x]\nfile=/x\nusername=u\n` +
    `chown=nosuch\nchmod=9\n`;
  const found = errors(loadText(text));
  for (const words of [
    "section [inet_http_server] has no port value",
    "section [unix_http_server] has no file value",
    "Section [unix_http_server:x] contains incomplete authentication",
    "chown: Invalid user name nosuch",
    "chmod: 9 can not be converted to an octal type",
  ])
    assert(found.includes(words), `${words}\nis not in\n${found}`);
});

test("where the control socket is", () => {
  assert.deepEqual(config("").control, { path: null, setByUser: false, off: false });
  assert.deepEqual(config("[unix_http_server]\nfile=/run/s.sock\n").control, {
    path: "/run/s.sock",
    setByUser: true,
    off: false,
  });
  assert.deepEqual(config("[tsinit]\ncontrol=/c.sock\n").control, {
    path: "/c.sock",
    setByUser: true,
    off: false,
  });
  assert.deepEqual(config("[tsinit]\ncontrol=none\n").control, { path: null, setByUser: true, off: true });
});

test("the client reads its section, and what is wrong with programs does not stop it", () => {
  const text = `[supervisorctl]
serverurl=unix://~/x/../s.sock
username=u
password=p
prompt=hub
history_file=~/.h
[program:broken]
startsecs=x
[supervisord]
user=www-data
[inet_http_server]
port=9001
[unix_http_server]
file=/run/s.sock
`;
  const loaded = loadText(text, { purpose: "ctl", uid: 1000 });
  assert(loaded.ok, errors(loaded));
  assert.deepEqual(loaded.config.ctl, {
    serverurl: "unix:///root/s.sock",
    username: "u",
    password: "p",
    prompt: "hub",
    historyFile: "/root/.h",
  });
  assert.equal(loaded.config.control.path, "/run/s.sock");
  assert.match(
    errors(loadText("[supervisorctl]\nprompt=%(x)s\n", { purpose: "ctl" })),
    /\[supervisorctl\] prompt: Format string/,
  );
});

test("what is wrong with the client's section keeps nobody else from starting", () => {
  const text = "[supervisorctl]\nserverurl=unix://%(ENV_CLIENTS_ONLY)s\nusernam=x\n";
  assert.deepEqual(
    config(text)
      .warnings.map(
        ({ where, key, text: what }) => `${where.split(":")[1]} ${key} ${what.replace(/'.*; /, "… ")}`,
      )
      .sort(),
    [
      "4 serverurl Format string … supervisorctl will refuse it",
      "5 usernam no such key; maybe username; it is ignored",
    ],
  );
  assert.match(errors(loadText(text, { purpose: "ctl" })), /ENV_CLIENTS_ONLY/);
});

test("[rpcinterface]: the stock one is known, others and client plugins are said to be Python", () => {
  const text = `[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[rpcinterface:twiddler]
supervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
any_key=1
[ctlplugin:x]
supervisor.ctl_factory=x:y
`;
  const { warnings, notices } = config(text);
  assert.deepEqual(
    warnings.map((warning) => warning.section),
    ["rpcinterface:twiddler"],
  );
  assert.deepEqual(
    notices.map((notice) => notice.section),
    ["ctlplugin:x"],
  );
});

test("[tsinit] keys and the command line of supervisord", () => {
  const text = `[tsinit]
listen = [::]:8080
start_gate = spawned
shutdown_timeout = 30
drain_seconds = 2.5
log_max_line = 16KB
log_timestamps = rfc3339
termination_log = /tmp/t
[supervisord]
loglevel = warn
identifier = x
`;
  const { plan, supervisord } = config(text, {
    supervisord: {
      overrides: { loglevel: "debug", pidfile: "/run/100%.pid", nodaemon: "true" },
      mayDaemonize: true,
    },
  });
  assert.deepEqual(plan.global, {
    listen: { host: "::", port: 8080, setByUser: true },
    startGate: "spawned",
    shutdownTimeout: 30,
    drainSeconds: 2.5,
    exitWhenDone: true,
    logFormat: "text",
    logPrefix: "auto",
    logTimestamps: "rfc3339",
    logColor: "auto",
    logMaxLine: 16384,
    logPartialTimeout: 1,
    logKeys: "plain",
    logOverflow: "block",
    logBuffer: 1048576,
    logFiles: "off",
    logHistory: 65536,
    stripAnsi: false,
    mainLog: { file: null, syslog: false, maxbytes: 52428800, backups: 10 },
    childlogdir: "/tmp",
    nocleanup: false,
    logLevel: "debug",
    silent: false,
    terminationLog: "/tmp/t",
    identifier: "x",
  });
  assert.equal(supervisord.pidfile, "/run/100%.pid");
  assert.equal(supervisord.nodaemon, true);
  const wrong = loadText(PROGRAM, {
    supervisord: { overrides: { loglevel: "warning" }, mayDaemonize: false },
  });
  assert.match(errors(wrong), /^command line: \[supervisord\] loglevel: bad logging level name 'warning'/);
});
