/** Plans for tests: everything at its default but what the test is about. */
import type { GlobalSpec, LogFileSpec, Plan, ProgramSpec } from "../../src/core/spec.ts";

const LOG: LogFileSpec = {
  logfile: "AUTO",
  maxbytes: 50 * 1024 * 1024,
  backups: 10,
  captureMaxbytes: 0,
  eventsEnabled: false,
  syslog: false,
  target: "stdout",
};

export function specOf(name: string, change: Partial<ProgramSpec> = {}): ProgramSpec {
  const group = change.group ?? name;
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
    groupPriority: change.priority ?? 999,
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
    stdout: LOG,
    stderr: { ...LOG, target: "stderr" },
    logFormat: "text",
    logPrefix: "auto",
    serverurl: null,
    ...change,
  };
}

export const GLOBAL: GlobalSpec = {
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
  terminationLog: "/nonexistent/termination-log",
  identifier: "supervisor",
};

export function planOf(programs: readonly ProgramSpec[], change: Partial<Plan> = {}): Plan {
  const groups = new Map<string, ProgramSpec[]>();
  for (const spec of programs) groups.set(spec.group, [...(groups.get(spec.group) ?? []), spec]);
  return {
    global: GLOBAL,
    groups: Array.from(groups, ([name, members]) => ({
      name,
      priority: members[0]?.groupPriority ?? 999,
      programs: members.map((member) => member.id),
    })),
    programs,
    passthrough: false,
    ...change,
  };
}
