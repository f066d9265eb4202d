/**
 * What a configuration means is what supervisor 4.2.5 says it means: every written file, every key of every
 * process. The answers are recorded in semantics.json; where the supervisor package is installed they are
 * asked for again.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { renderProblem, type ServerSpec } from "../../src/config/config.ts";
import type { LogFileSpec, Plan, ProgramSpec } from "../../src/core/spec.ts";
import { fakeFiles, load } from "../fakes/config.ts";
import { askPython, readCorpus, supervisorPython } from "./python.ts";

const ENVIRONMENT = {
  HOME: "/root",
  QUEUES: "high,low",
  WORKERS_COUNT: "3",
  HOME_PART: "x",
  SUPERVISOR_LOGLEVEL: "warn",
  START_XVFB: "true",
  ENABLE_SOCKETIO: "no",
};
const USERS = { root: 0, "www-data": 33, sail: 1001, paperless: 1002, frappe: 1003 };
const RECORDED = `${import.meta.dirname}/semantics.json`;
const CORPUS = `${import.meta.dirname}/corpus`;

function record(value: unknown): Record<string, unknown> {
  assert(typeof value === "object" && value !== null);
  return Object.fromEntries(Object.entries(value));
}

/** What the installed supervisor says, with the corpus at /corpus; null where it is not installed. */
function askSupervisor(): Record<string, unknown> | null {
  const python = supervisorPython();
  if (python === null) return null;
  const files = readCorpus().map(({ name }) => `${CORPUS}/${name}`);
  const answer = askPython(
    "semantics.py",
    { files, environment: ENVIRONMENT, users: USERS, hostname: "testhost" },
    python,
  );
  return record(JSON.parse(JSON.stringify(answer).replaceAll(CORPUS, "/corpus")));
}

const live = askSupervisor();
if (process.env["RECORD"] === "1" && live !== null)
  writeFileSync(RECORDED, `${JSON.stringify(live, null, 1)}\n`);
const recorded = record(JSON.parse(readFileSync(RECORDED, "utf8")));

test("the recorded answers are those of the installed supervisor and cover every file", () => {
  assert.deepEqual(
    Object.keys(recorded).sort(),
    readCorpus().map(({ name }) => `/corpus/${name}`),
  );
  if (live !== null) assert.deepEqual(live, recorded);
});

function describeStream(name: "stdout" | "stderr", spec: LogFileSpec): Record<string, unknown> {
  const isNone = /^(none|off|syslog)$/i.test(spec.logfile);
  const isAuto = /^auto$/i.test(spec.logfile);
  return {
    [`${name}_logfile`]: isNone ? null : isAuto ? "AUTO" : spec.logfile,
    [`${name}_logfile_maxbytes`]: spec.maxbytes,
    [`${name}_logfile_backups`]: spec.backups,
    [`${name}_capture_maxbytes`]: spec.captureMaxbytes,
    [`${name}_events_enabled`]: spec.eventsEnabled,
    [`${name}_syslog`]: spec.syslog,
  };
}

/** A spec in the form that semantics.py writes. */
function describeProgram(spec: ProgramSpec): Record<string, unknown> {
  return {
    name: spec.name,
    command: spec.command,
    directory: spec.directory,
    umask: spec.umask,
    priority: spec.priority,
    autostart: spec.autostart,
    autorestart: spec.autorestart,
    startsecs: spec.startsecs,
    startretries: spec.startretries,
    uid: spec.user?.uid ?? null,
    ...describeStream("stdout", spec.stdout),
    ...describeStream("stderr", spec.stderr),
    stopsignal: spec.stopsignals[0],
    stopwaitsecs: spec.stopwaitsecs,
    stopasgroup: spec.stopasgroup,
    killasgroup: spec.killasgroup,
    exitcodes: spec.exitcodes,
    redirect_stderr: spec.redirectStderr,
    environment: { ...spec.environment },
    serverurl: spec.serverurl,
  };
}

function describePlan(plan: Plan): unknown[] {
  const byId = new Map(plan.programs.map((spec) => [spec.id, spec]));
  return plan.groups.map((group) => ({
    name: group.name,
    priority: group.priority,
    processes: group.programs.map((id) => {
      const spec = byId.get(id);
      assert(spec !== undefined, `${id} is in a group and not in the plan`);
      return describeProgram(spec);
    }),
    ...describeExtras(byId.get(group.programs[0] ?? "")),
  }));
}

/** In a [group] supervisord forgets the socket (supervisord.md 11). */
function describeExtras(spec: ProgramSpec | undefined): Record<string, unknown> {
  if (spec?.listener)
    return { events: [...spec.listener.events].sort(), buffer_size: spec.listener.bufferSize };
  return spec?.socket && spec.section === `fcgi-program:${spec.group}` ? { socket: spec.socket.url } : {};
}

function describeServer(server: ServerSpec): Record<string, unknown> {
  const { section, username, password } = server;
  if (server.kind === "inet") return { section, username, password, host: server.host, port: server.port };
  const chown = server.chown === null ? [-1, -1] : [server.chown.uid, server.chown.gid];
  return { section, username, password, file: server.path, chmod: server.chmod, chown };
}

for (const { name, text } of readCorpus()) {
  test(`${name} means what it means to supervisord`, () => {
    const path = `/corpus/${name}`;
    const files = fakeFiles({ [path]: text }, [], true);
    const loaded = load({ configFile: path, environment: Object.entries(ENVIRONMENT), cwd: CORPUS, files });
    const theirs = record(recorded[path]);
    if (typeof theirs["error"] === "string") {
      assert(!loaded.ok, `supervisord refuses it: ${theirs["error"]}`);
      const own = loaded.errors.map(renderProblem).join("\n");
      // Without the file and section behind its text, which ours has in front; names are listed at length
      // there.
      const core = theirs["error"]
        .replace(/ in section '.*$/s, "")
        .replace(/: '\/corpus[^]*$|\.?\n[^]*$/, "");
      // supervisord loses its place in a group and names the member read last.
      const label = /^\[program:a\] (?=names)/;
      assert(own.includes(core.replace(label, "")), `${core}\nis not in\n${own}`);
      for (const error of loaded.errors) assert.match(error.where, /^\/corpus\/[^:]+:\d+$/);
      return;
    }
    assert(loaded.ok, loaded.ok ? "" : loaded.errors.map(renderProblem).join("\n"));
    const { plan, servers, supervisord } = loaded.config;
    const withoutIds = describePlan(plan).filter((group) => record(group)["name"] !== "");
    assert.deepEqual(withoutIds, theirs["groups"]);
    const shown = servers
      .map(describeServer)
      .map((server) => JSON.parse(JSON.stringify(server).replaceAll(CORPUS, "/corpus")));
    assert.deepEqual(shown, theirs["servers"]);
    assert.deepEqual({ ...supervisord.environment }, theirs["environment"]);
  });
}
