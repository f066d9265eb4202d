/** Specs and plans with supervisord's defaults, for tests that care about one key or two. */
import { orderPrograms } from "../../src/core/plan.ts";
import type { GlobalSpec, GroupSpec, LogFileSpec, Plan, ProgramSpec } from "../../src/core/spec.ts";
import type { Run } from "../../src/core/states.ts";

const LOG_FILE: LogFileSpec = {
  logfile: "AUTO",
  file: null,
  maxbytes: 50 * 1024 * 1024,
  backups: 10,
  captureMaxbytes: 0,
  eventsEnabled: false,
  syslog: false,
  target: "stdout",
};

/** What a process has just after its start, for states written by hand. */
export const FRESH_RUN: Run = {
  tries: 0,
  startedAt: 0,
  ready: true,
  readyBy: null,
  readyFailures: 0,
  readyReason: "",
  liveFailures: 0,
  watchdogBy: null,
  endBy: null,
};

/** `web` or `group:name`; priorities of a program without a group are its own twice. */
export function fakeSpec(id: string, keys: Partial<ProgramSpec> = {}): ProgramSpec {
  const [group = id, name = group] = id.split(":");
  const priority = keys.priority ?? 999;
  return {
    id: `${group}:${name}`,
    name,
    group,
    section: `program:${name}`,
    kind: "program",
    processNum: 0,
    command: `/bin/${name}`,
    argv: [`/bin/${name}`],
    commandError: null,
    groupPriority: group === name ? priority : 999,
    priority,
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
    stdout: LOG_FILE,
    stderr: { ...LOG_FILE, target: "stderr" },
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
    ...keys,
  };
}

export function fakeGlobal(keys: Partial<GlobalSpec> = {}): GlobalSpec {
  return {
    listen: null,
    startGate: "running",
    shutdownTimeout: null,
    drainSeconds: 0,
    exitWhenDone: true,
    logFormat: "text",
    logPrefix: "auto",
    logTimestamps: "none",
    logColor: "never",
    logMaxLine: 64 * 1024,
    logPartialTimeout: 1,
    logKeys: "plain",
    logOverflow: "block",
    logBuffer: 1024 * 1024,
    logFiles: "off",
    logHistory: 64 * 1024,
    logLevel: "info",
    silent: false,
    terminationLog: "/dev/termination-log",
    identifier: "tsinit",
    stripAnsi: false,
    mainLog: { file: null, syslog: false, maxbytes: 50 * 1024 * 1024, backups: 10 },
    childlogdir: "/tmp",
    nocleanup: true,
    ...keys,
  };
}

/** The groups follow from the programs. */
export function fakePlan(
  programs: readonly ProgramSpec[],
  global: Partial<GlobalSpec> = {},
  passthrough = false,
): Plan {
  const groups = new Map<string, GroupSpec>();
  for (const spec of programs) {
    const before = groups.get(spec.group);
    const ids = [...(before?.programs ?? []), spec.id];
    groups.set(spec.group, { name: spec.group, priority: spec.groupPriority, programs: ids });
  }
  return {
    global: fakeGlobal(global),
    groups: [...groups.values()],
    programs: orderPrograms(programs),
    passthrough,
  };
}
