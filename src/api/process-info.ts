/** Programs as the structs of supervisor's API (supervisord.md 13.3). There a program is called a process. */
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { GroupSpec, LogFileSpec, ProgramSpec } from "../core/spec.ts";
import { STATE_CODES } from "../core/states.ts";
import type { Control } from "./control.ts";
import type { Value } from "./xmlrpc.ts";

/** Times are XML-RPC ints there, which end in 2038. */
function wholeSeconds(seconds: number): number {
  return Math.max(0, Math.min(2 ** 31 - 1, Math.floor(seconds)));
}

/** The path of a log file; without `log_files=also` there are no AUTO files, that output is on the container's stdout. */
function logPath(spec: ProgramSpec, stream: "stdout" | "stderr", control: Control): string {
  const { logfile } = spec[stream];
  if (/^auto$/i.test(logfile)) return control.automaticLog(spec.id, stream);
  return /^(?:none|off|syslog)?$/i.test(logfile) ? "" : logfile;
}

/** getProcessInfo. `now`: seconds since 1970. */
export function processInfo(program: ProgramSnapshot, now: number, control: Control): Value {
  const { spec, state } = program;
  const stdout = logPath(spec, "stdout", control);
  return {
    name: spec.name,
    group: spec.group,
    start: wholeSeconds(program.startedAt),
    stop: wholeSeconds(program.stoppedAt),
    now: wholeSeconds(now),
    state: STATE_CODES[state.name],
    statename: state.name,
    spawnerr: program.spawnError,
    exitstatus: program.exitStatus,
    logfile: stdout,
    stdout_logfile: stdout,
    stderr_logfile: spec.redirectStderr ? "" : logPath(spec, "stderr", control),
    pid: program.pid,
    description: program.description,
    ...(spec.schedule === null ? {} : scheduleInfo(program)),
  };
}

/** Of its schedule, which supervisord knows nothing of; `start` and `stop` are those of its last run. 0: none. */
function scheduleInfo(program: ProgramSnapshot): { readonly [name: string]: Value } {
  return {
    schedule: program.spec.schedule?.expression ?? "",
    nextrun: wholeSeconds(program.nextRunAt),
    lastsuccess: wholeSeconds(program.lastSuccessAt),
    lastresult: program.lastResult,
  };
}

/** An entry of getAllConfigInfo; what is unset is the word "none" there. */
export function configInfo(spec: ProgramSpec, group: GroupSpec, inUse: boolean): Value {
  return {
    name: spec.name,
    group: group.name,
    group_prio: group.priority,
    process_prio: spec.priority,
    inuse: inUse,
    autostart: spec.autostart,
    command: spec.command,
    directory: spec.directory ?? "none",
    uid: spec.user?.uid ?? "none",
    exitcodes: spec.exitcodes,
    startretries: spec.startretries,
    startsecs: spec.startsecs,
    stopsignal: spec.stopsignals[0] ?? 15,
    stopwaitsecs: spec.stopwaitsecs,
    killasgroup: spec.killasgroup,
    redirect_stderr: spec.redirectStderr,
    serverurl: spec.serverurl ?? "none",
    ...logConfig("stdout", spec.stdout),
    ...logConfig("stderr", spec.stderr),
  };
}

function logConfig(stream: "stdout" | "stderr", log: LogFileSpec): { readonly [name: string]: Value } {
  const word = /^(?:auto|none|off)?$/i.test(log.logfile) ? log.logfile.toLowerCase() : null;
  return {
    [`${stream}_logfile`]: word === null ? log.logfile : word === "auto" ? "auto" : "none",
    [`${stream}_logfile_backups`]: log.backups,
    [`${stream}_logfile_maxbytes`]: log.maxbytes,
    [`${stream}_capture_maxbytes`]: log.captureMaxbytes,
    [`${stream}_events_enabled`]: log.eventsEnabled,
    [`${stream}_syslog`]: log.syslog,
  };
}
