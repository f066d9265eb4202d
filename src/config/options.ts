/**
 * Every option of every section, once: its type, default and meaning. Parsing, the nearest known key, `check`
 * and the generated docs/options.md all read this table.
 */
import type { TypeName } from "./values.ts";

/** active: does what it says. none: accepted and checked, it has no meaning in a container's init. */
export type Status = "active" | "none";

export interface Option<T extends TypeName = TypeName, D extends string | null = string | null> {
  readonly type: T;
  /** As it would be written; null: not set. */
  readonly fallback: D;
  readonly doc: string;
  readonly status: Status;
}

function row<const T extends TypeName, const D extends string | null>(
  type: T,
  fallback: D,
  doc: string,
  status: Status = "active",
): Option<T, D> {
  return { type, fallback, doc, status };
}

const TSINIT = {
  listen: row("listen", ":9180", "Read-only HTTP for probes and metrics; `none` switches it off."),
  start_gate: row(
    "gate",
    "running",
    "A priority tier is spawned when the tier before it is RUNNING, done or given up; `spawned`: " +
      "without waiting.",
  ),
  shutdown_timeout: row(
    "limit",
    "none",
    "Seconds for the whole shutdown; what is left at its end is killed.",
  ),
  drain_seconds: row(
    "seconds",
    "0",
    "After SIGTERM readiness is 503 for so long before the first program is stopped.",
  ),
  exit_when_done: row(
    "boolean",
    "true",
    "Leave when no program can run again. With it, no program at all is an error.",
  ),
  critical: row("boolean", "false", "Default of the program key `critical`."),
  log_format: row("format", "text", "`text`, `json`, or `raw` (lines unchanged)."),
  log_prefix: row(
    "template",
    "auto",
    "`auto`: the name padded to the longest, then ` | `; else a template with %(program_name)s, " +
      "%(group_name)s, " +
      "%(process_num)d, %(pid)d, %(stream)s. Quotes around it keep blanks at its end.",
  ),
  log_timestamps: row("timestamps", "none", "`rfc3339` puts one before the prefix."),
  log_color: row("color", "auto", "Colour the prefix when stdout is a terminal. NO_COLOR is honoured."),
  log_max_line: row("bytes", "64KB", "A longer line is cut there and marked as continued."),
  log_partial_timeout: row("seconds", "1", "Seconds that an unfinished line is held back."),
  log_keys: row(
    "keys",
    "plain",
    "Names of the fields in JSON: `plain`, or those of Elastic (`ecs`), Google Cloud (`gcp`), OpenTelemetry (`otel`). See logs.md.",
  ),
  log_level_prefix: row("boolean", "false", "Default of the program key `log_level_prefix`."),
  log_overflow: row(
    "overflow",
    "block",
    "When the container's stdout does not drain: `block` the program that writes, so that nothing is lost, or `drop` and " +
      "say how much.",
  ),
  log_buffer: row(
    "bytes",
    "1MB",
    "What is held per stream before that, as it is written; of all streams together at most 32 times as much, and " +
      "128 times, or 32 MB where that is more, with the last words of programs that end meanwhile.",
  ),
  log_files: row(
    "files",
    "off",
    "`also`: honour `*_logfile=PATH` and `[supervisord] logfile` beside stdout and stderr.",
  ),
  log_history: row("bytes", "64KB", "Per program, kept in memory for `tail`."),
  control: row(
    "path",
    null,
    "The control socket; default `[unix_http_server] file`, else `/run/tsinit.sock`; `none`.",
  ),
  termination_log: row("path", "/dev/termination-log", "Where the last words go, if the file exists."),
  forward_signals: row(
    "forward",
    "",
    "Signals passed on to every program that has no `forward_signals` of its own.",
  ),
} as const satisfies Record<string, Option>;

const SUPERVISORD = {
  logfile: row(
    "text",
    "supervisord.log",
    "With `log_files=also`, when set: tsinit's own lines in a file beside stderr. `syslog`: on syslog too.",
  ),
  logfile_maxbytes: row("bytes", "50MB", "Rotation of logfile. 0: never."),
  logfile_backups: row("integer", "10", "Rotation of logfile."),
  loglevel: row("loglevel", "info", "Which of tsinit's own lines are written."),
  pidfile: row("text", "supervisord.pid", "Written when set or daemonized, where its directory is writable."),
  umask: row("octal", "022", "Applied when it daemonizes (see nodaemon), as by supervisord."),
  nodaemon: row(
    "boolean",
    "false",
    "Stay in the foreground. PID 1 and whatever is not called as supervisord always does.",
  ),
  silent: row("boolean", "false", "tsinit's own lines below `error` are not written on stderr."),
  minfds: row("integer", "1024", "Programs keep the container's limit; a notice where it is lower.", "none"),
  minprocs: row("integer", "200", "Programs keep the container's limit; a notice where it is lower.", "none"),
  nocleanup: row("boolean", "false", "Keep the `AUTO` files of an earlier run."),
  childlogdir: row("text", null, "Where `AUTO` files are made, with `log_files=also`. Default: /tmp."),
  user: row("text", null, "Programs without a `user` run as this one; tsinit itself keeps its user."),
  directory: row("text", null, "Where programs start when it daemonizes (see nodaemon)."),
  strip_ansi: row("boolean", "false", "Drop escape sequences from the output of programs."),
  environment: row("environment", "", "Variables for every program, below its own."),
  identifier: row("text", "supervisor", "What getIdentification answers."),
} as const satisfies Record<string, Option>;

const PROGRAM = {
  command: row(
    "text",
    null,
    "What to run: split into words as a shell does, without a shell's other meanings. Required.",
  ),
  process_name: row("text", "%(program_name)s", "Needs %(process_num) when numprocs is above 1."),
  numprocs: row(
    "count",
    "1",
    "How many processes. %(process_num)d is the number of each in its command, environment, directory, log files and checks.",
  ),
  numprocs_start: row("integer", "0", "The first process_num."),
  priority: row("integer", "999", "Lower starts earlier and stops later. 999; event listener pools -1."),
  autostart: row("boolean", "true", "Start with tsinit."),
  startsecs: row("integer", "1", "Seconds it must stay up to be RUNNING."),
  startretries: row("integer", "3", "Failed starts before FATAL, the first not counted; -1: without end."),
  autorestart: row(
    "autorestart",
    "unexpected",
    "Restart after it ended: always, never, or when not in exitcodes.",
  ),
  exitcodes: row("exitcodes", "0", "Exit codes that are expected."),
  stopsignal: row(
    "signals",
    "TERM",
    "Signal to stop it, or several, `stopwaitsecs` apart; SIGKILL at the end.",
  ),
  stopwaitsecs: row("integer", "10", "Seconds to wait after each stop signal."),
  stopasgroup: row("boolean", "false", "Stop signals go to the whole process group."),
  killasgroup: row("boolean", null, "SIGKILL goes to the whole process group. Default: as stopasgroup."),
  user: row("user", null, "Whom to run it as: a name, a number, or either with `:group`."),
  redirect_stderr: row("boolean", "false", "stderr goes where stdout goes, in one order."),
  stdout_logfile: row(
    "logfile",
    "AUTO",
    "stdout of the container; `NONE`: nowhere; `/dev/stderr`: stderr. With `log_files=also` a path, or AUTO, is a file " +
      "beside it.",
  ),
  stdout_logfile_maxbytes: row("bytes", "50MB", "Rotation, with `log_files=also`. 0: never."),
  stdout_logfile_backups: row("integer", "10", "Rotation, with `log_files=also`."),
  stdout_capture_maxbytes: row(
    "bytes",
    "0",
    "Bytes kept of what stands between the tags of PROCESS_COMMUNICATION; 0: no capturing.",
  ),
  stdout_events_enabled: row("boolean", "false", "Emits PROCESS_LOG events."),
  stdout_syslog: row("boolean", "false", "Also to syslog."),
  stderr_logfile: row(
    "logfile",
    "AUTO",
    "stderr of the container; `NONE`: nowhere; `/dev/stdout`: stdout. With `log_files=also` a path, or AUTO, is a file " +
      "beside it.",
  ),
  stderr_logfile_maxbytes: row("bytes", "50MB", "Rotation, with `log_files=also`. 0: never."),
  stderr_logfile_backups: row("integer", "10", "Rotation, with `log_files=also`."),
  stderr_capture_maxbytes: row(
    "bytes",
    "0",
    "Bytes kept of what stands between the tags of PROCESS_COMMUNICATION; 0: no capturing.",
  ),
  stderr_events_enabled: row("boolean", "false", "Emits PROCESS_LOG events."),
  stderr_syslog: row("boolean", "false", "Also to syslog."),
  environment: row(
    "environment",
    "",
    "Variables for it, over those of the container and of `[supervisord]`.",
  ),
  directory: row("text", null, "Where to run it."),
  umask: row("octal", null, "Its umask."),
  serverurl: row("text", null, "SUPERVISOR_SERVER_URL for it. AUTO: the first server."),
  stdin: row(
    "stdin",
    null,
    "Descriptor 0: `null` is /dev/null; `pipe` can be written to by clients (sendProcessStdin, fg). Default: null, and pipe " +
      "beside a `[supervisord]` section, whose programs have one under supervisord.",
  ),
  critical: row("boolean", null, "FATAL ends the container with its code. Default: `[tsinit] critical`."),
  type: row("program", "simple", "`oneshot`: success is ending with an expected code."),
  forward_signals: row("forward", null, "Signals to tsinit passed on to it: `USR1, HUP:USR2`."),
  log_prefix: row("template", null, "Default: `[tsinit] log_prefix`."),
  log_format: row("format", null, "Default: `[tsinit] log_format`."),
  log_level_prefix: row(
    "boolean",
    null,
    "`<0>` to `<7>` at the beginning of a line (sd-daemon) is its level, and taken off. Default: `[tsinit] log_level_prefix`.",
  ),
  depends_on: row(
    "depends",
    "",
    "`redis:ready, migrate:done, cache:started`: what must be so before it starts. Default condition: ready if the other " +
      "has a ready check, done for a oneshot, else started.",
  ),
  restart_with: row(
    "list",
    "",
    "Programs whose restart restarts this one too. If it depends on them, a reload, a check or runtime_max_secs that restarts them stops it first.",
  ),
  ready_http: row(
    "url",
    null,
    "Ready when this URL answers 2xx or 3xx: `http://localhost:8080/health`, `:8080/health`.",
  ),
  ready_tcp: row("hostport", null, "Ready when this port accepts: `6379`, `localhost:6379`."),
  ready_exec: row("text", null, "Ready when this command, run as the program would be, exits 0."),
  ready_log: row("pattern", null, "Ready when this regular expression is found in a line of its output."),
  ready_notify: row("boolean", "false", "Ready when it sends READY=1 to $NOTIFY_SOCKET (sd_notify)."),
  ready_fd: row("descriptor", null, "Ready when it writes a newline to this descriptor (s6)."),
  ready_interval: row("seconds", "1", "Seconds between two tries."),
  ready_timeout: row("seconds", "2", "Seconds that a try may take."),
  ready_deadline: row(
    "seconds",
    "60",
    "Seconds after its start when not being ready counts as a failed start.",
  ),
  live_http: row("url", null, "Restarted when this URL fails `live_failures` times in a row."),
  live_tcp: row("hostport", null, "The same for a port."),
  live_exec: row("text", null, "The same for a command."),
  live_failures: row("integer", "3", "How many failures in a row."),
  live_interval: row("seconds", "10", "Seconds between two tries."),
  live_timeout: row("seconds", "3", "Seconds that a try may take."),
  live_delay: row("seconds", "0", "Seconds after RUNNING before the first."),
  watchdog_secs: row(
    "limit",
    "none",
    "Restarted when it sends no WATCHDOG=1 to $NOTIFY_SOCKET for so many seconds.",
  ),
  restart_limit: row("rate", "none", "`5/10m`: more restarts after RUNNING than that is FATAL."),
  restart_delay: row(
    "limit",
    "none",
    "Seconds before a restart, doubled with each that follows another. Default: 1, 2, 3 … while starting, 0 after RUNNING.",
  ),
  restart_delay_max: row(
    "seconds",
    "30",
    "Bound of that. A run of at least so long makes the next delay the first one again.",
  ),
  restart_jitter: row("share", "0", "Random part on top of that: `0.2` is up to a fifth more."),
  schedule: row(
    "text",
    null,
    "Cron expression, five fields or six with seconds, instead of autostart: each run is a oneshot.",
  ),
  schedule_timezone: row("text", null, "Its time zone, such as Europe/Berlin. Default: the container's."),
  schedule_overlap: row("overlap", "skip", "When the run before is still under way: skip, queue or kill."),
  runtime_max_secs: row("limit", "none", "Stopped after so long, and restarted by its policy."),
  start_command_pre: row(
    "text",
    null,
    "Run to its end before each start; when it fails the start has failed.",
  ),
  stop_command: row(
    "text",
    null,
    "Run instead of the stop signal, which follows after `stopwaitsecs`. It has $MAINPID.",
  ),
  environment_file: row(
    "text",
    null,
    "A file of KEY=VALUE lines, below `environment`. A leading `-`: it may be missing.",
  ),
} as const satisfies Record<string, Option>;

const EVENTLISTENER = {
  events: row("list", null, "Event types it listens to. Required."),
  buffer_size: row("integer", "10", "Events held for it."),
  result_handler: row(
    "text",
    "supervisor.dispatchers:default_handler",
    "Python code; only the default is known.",
  ),
} as const satisfies Record<string, Option>;

const FCGI = {
  socket: row("text", null, "tcp://host:port or unix:///path. Required."),
  socket_backlog: row("integer", null, "listen(2) backlog, 1 to 65535."),
  socket_owner: row("owner", null, "user or user:group of a unix socket."),
  socket_mode: row("octal", null, "Mode of a unix socket (0700)."),
} as const satisfies Record<string, Option>;

const LOGIN = {
  username: row("text", null, "Basic authentication, with password."),
  password: row("text", null, "Clear, or {SHA} and 40 hexadecimal digits."),
} as const satisfies Record<string, Option>;

export const OPTIONS = {
  tsinit: TSINIT,
  supervisord: SUPERVISORD,
  program: PROGRAM,
  "fcgi-program": { ...PROGRAM, ...FCGI },
  eventlistener: { ...PROGRAM, ...EVENTLISTENER },
  group: {
    programs: row("list", "", "Names of programs, separated by commas."),
    priority: row("integer", "999", "Lower starts earlier and stops later."),
  },
  unix_http_server: {
    file: row("text", null, "Path of the socket. Required."),
    chmod: row("octal", "0700", "Mode of the socket."),
    chown: row("owner", null, "Owner of the socket."),
    ...LOGIN,
  },
  inet_http_server: {
    port: row("address", null, "port, host:port or *:port. Required. Without a password on loopback only."),
    ...LOGIN,
  },
  supervisorctl: {
    serverurl: row("text", null, "http://host:port or unix:///path; default: the control socket."),
    ...LOGIN,
    prompt: row("text", "supervisor", "Prompt of the interactive client."),
    history_file: row("text", null, "Where its history is kept."),
  },
  include: {
    files: row("text", null, "Files to read as well: shell patterns, relative to this file. Required."),
  },
  rpcinterface: {
    "supervisor.rpcinterface_factory": row(
      "text",
      null,
      "supervisor.rpcinterface:make_main_rpcinterface only.",
    ),
  },
} as const satisfies Record<string, Record<string, Option>>;

export type Options = typeof OPTIONS;
export type SectionKind = keyof Options;

/** The row of a key, or null when this kind of section has no such key. */
export function findOption(kind: SectionKind, key: string): Option | null {
  const rows: Readonly<Record<string, Option>> = OPTIONS[kind];
  return Object.hasOwn(rows, key) ? (rows[key] ?? null) : null;
}

export function optionKeys(kind: SectionKind): string[] {
  return Object.keys(OPTIONS[kind]);
}
