/**
 * What the configuration asks for, fully resolved: expanded, checked, one entry a process.
 * Keys keep supervisord's names; seconds are seconds as written, the core turns them into milliseconds.
 */
import type { Signal } from "./signal-names.ts";

/** `group:name`, always in full and unique: how everything inside tsinit names a program. */
export type ProgramId = string;

export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one included. */
  readonly groups: readonly number[];
  /** The passwd entry's name and home, null for a number without an entry. */
  readonly name: string | null;
  readonly home: string | null;
}

/** Where one output stream goes: the container's stdout or stderr, nowhere, or syslog (3.4 of supervisord's keys). */
export type LogTarget = "stdout" | "stderr" | "discard" | "syslog";

export interface LogFileSpec {
  /** The key's value as the user wrote it after expansion: a path, AUTO, NONE, syslog. */
  readonly logfile: string;
  /** The file that is written beside the container's stdout; `auto`: a name made up in `childlogdir`. null: none, as always with `log_files=off`. */
  readonly file: string | null;
  readonly maxbytes: number;
  readonly backups: number;
  readonly captureMaxbytes: number;
  readonly eventsEnabled: boolean;
  readonly syslog: boolean;
  readonly target: LogTarget;
}

/** What has to be true of another program: it has started, is ready, or has ended as wanted. */
export type Condition = "started" | "ready" | "done";

/** One process that this one waits for; a name in `depends_on` stands for all its processes. */
export interface Dependency {
  readonly id: ProgramId;
  readonly condition: Condition;
}

/** A way to ask from outside. Hosts and ports as written, the command split into words. */
export type Probe =
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "exec"; readonly command: string; readonly argv: readonly string[] };

/** Or the program says so itself. `pattern`: a regular expression of JavaScript, searched in each line of its output. */
export type ReadyWay =
  | Probe
  | { readonly kind: "log"; readonly pattern: string }
  | { readonly kind: "notify" }
  | { readonly kind: "fd"; readonly fd: number };

/** `ready_*`; seconds. */
export interface ReadyCheck {
  readonly way: ReadyWay;
  readonly interval: number;
  readonly timeout: number;
  readonly deadline: number;
}

/** `live_*`; seconds, and how many failures in a row. */
export interface LiveCheck {
  readonly probe: Probe;
  readonly interval: number;
  readonly timeout: number;
  readonly delay: number;
  readonly failures: number;
}

/** `restart_*`; seconds. */
export interface RestartPolicy {
  /** null: supervisord's waits. */
  readonly delay: number | null;
  readonly delayMax: number;
  /** The part of a delay that is random on top of it: 0.2 is up to a fifth more. */
  readonly jitter: number;
  /** More restarts after RUNNING than `count` within `seconds` are one too many; null: no limit. */
  readonly limit: { readonly count: number; readonly seconds: number } | null;
}

export interface ScheduleSpec {
  /** Five fields, or six with seconds first. */
  readonly expression: string;
  /** An IANA name; null: the container's zone. */
  readonly timezone: string | null;
  readonly overlap: "skip" | "queue" | "kill";
}

/** A command beside the program's own: split into words. */
export interface HookSpec {
  readonly command: string;
  readonly argv: readonly string[];
}

/** What `[eventlistener:x]` has beyond a program (supervisord.md 3.6, 10). */
export interface ListenerSpec {
  /** The section's name after the colon: its processes share the events. */
  readonly pool: string;
  /** Upper case, as written: a name stands for all below it. */
  readonly events: readonly string[];
  /** Events held while no process is ready; at least 1. */
  readonly bufferSize: number;
}

/** The listening socket that `[fcgi-program:x]` shares among its processes as descriptor 0 (supervisord.md 3.7, 11). */
export type SocketSpec = {
  /** As written: `unix:///run/x.sock`, `tcp://localhost:9000`. Programs of one section have the same. */
  readonly url: string;
  /** null: the system's maximum. */
  readonly backlog: number | null;
} & (
  | {
      readonly kind: "unix";
      readonly path: string;
      readonly mode: number;
      /** null: left as created; a gid of -1: the group is left as created. */
      readonly owner: { readonly uid: number; readonly gid: number } | null;
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
);

export interface ProgramSpec {
  readonly id: ProgramId;
  /** The process name after `process_name` is expanded. */
  readonly name: string;
  readonly group: string;
  /** `program:web`, or the variable's prefix `TSINIT_PROGRAM_WEB`: for messages. */
  readonly section: string;
  readonly kind: "program" | "eventlistener" | "fcgi-program" | "main";
  readonly processNum: number;
  /** As written, after expansion. */
  readonly command: string;
  /** The command split into words; empty with `commandError` set when it cannot be. */
  readonly argv: readonly string[];
  /** supervisord's words for a command that cannot be run, found at start not at load; null when fine. */
  readonly commandError: string | null;
  readonly groupPriority: number;
  readonly priority: number;
  readonly autostart: boolean;
  readonly autorestart: "never" | "always" | "unexpected";
  readonly startsecs: number;
  readonly startretries: number;
  readonly exitcodes: readonly number[];
  /** Sent in this order, `stopwaitsecs` apart; SIGKILL comes after the last. */
  readonly stopsignals: readonly Signal[];
  readonly stopwaitsecs: number;
  readonly stopasgroup: boolean;
  readonly killasgroup: boolean;
  readonly critical: boolean;
  readonly type: "simple" | "oneshot";
  readonly user: Credentials | null;
  readonly directory: string | null;
  readonly umask: number | null;
  /** Only what the config sets (`[supervisord] environment=` under the program's own). The container's and SUPERVISOR_* are added at spawn. */
  readonly environment: Readonly<Record<string, string>>;
  /** Signals that tsinit passes on: received → sent. */
  readonly forwardSignals: ReadonlyMap<Signal, Signal>;
  readonly redirectStderr: boolean;
  readonly stdout: LogFileSpec;
  readonly stderr: LogFileSpec;
  readonly logFormat: LogFormat;
  /** A template with `%(program_name)s` …, or `auto`. */
  readonly logPrefix: string;
  /** A line that begins with `<0>` to `<7>` says its level. */
  readonly logLevelPrefix: boolean;
  readonly serverurl: string | null;
  /** What descriptor 0 is: /dev/null, or a pipe that clients may write to. A socket goes before either. */
  readonly stdin: "null" | "pipe";
  readonly listener: ListenerSpec | null;
  readonly socket: SocketSpec | null;
  readonly dependsOn: readonly Dependency[];
  /** Programs whose restart restarts this one too. */
  readonly restartWith: readonly ProgramId[];
  readonly ready: ReadyCheck | null;
  readonly live: LiveCheck | null;
  /** Seconds between two WATCHDOG=1; null: none are expected. */
  readonly watchdogSecs: number | null;
  readonly restart: RestartPolicy;
  readonly schedule: ScheduleSpec | null;
  readonly runtimeMaxSecs: number | null;
  readonly preStart: HookSpec | null;
  readonly stopCommand: HookSpec | null;
}

export type LogFormat = "text" | "json" | "raw";

/** The `[tsinit]` section, product 2.3. */
export interface GlobalSpec {
  readonly listen: { readonly host: string; readonly port: number; readonly setByUser: boolean } | null;
  readonly startGate: "running" | "spawned";
  /** Seconds; null is no limit. */
  readonly shutdownTimeout: number | null;
  readonly drainSeconds: number;
  readonly exitWhenDone: boolean;
  readonly logFormat: LogFormat;
  readonly logPrefix: string;
  readonly logTimestamps: "none" | "rfc3339";
  readonly logColor: "auto" | "never" | "always";
  /** Bytes. */
  readonly logMaxLine: number;
  /** Seconds. */
  readonly logPartialTimeout: number;
  readonly logKeys: "plain" | "ecs" | "gcp" | "otel";
  readonly logOverflow: "block" | "drop";
  /** Bytes. */
  readonly logBuffer: number;
  readonly logFiles: "off" | "also";
  /** Bytes. */
  readonly logHistory: number;
  readonly logLevel: "critical" | "error" | "warn" | "info" | "debug" | "trace" | "blather";
  /** tsinit's own lines below `error` are kept off stderr. */
  readonly silent: boolean;
  readonly terminationLog: string;
  readonly identifier: string;
  /** Drop escape sequences from what programs write. */
  readonly stripAnsi: boolean;
  /** tsinit's own lines in a file too (`[supervisord] logfile`, with `log_files=also`), or on syslog. */
  readonly mainLog: {
    readonly file: string | null;
    readonly syslog: boolean;
    readonly maxbytes: number;
    readonly backups: number;
  };
  /** Where files named `auto` are made. */
  readonly childlogdir: string;
  /** Keep files named `auto` of an earlier run. */
  readonly nocleanup: boolean;
}

export interface GroupSpec {
  readonly name: string;
  readonly priority: number;
  /** In the order supervisord lists them. */
  readonly programs: readonly ProgramId[];
}

/** Everything the core needs to run: programs in start order. */
export interface Plan {
  readonly global: GlobalSpec;
  readonly groups: readonly GroupSpec[];
  readonly programs: readonly ProgramSpec[];
  /** True for `tsinit COMMAND` with no programs configured: signals pass through, as tini does (product 3.3). */
  readonly passthrough: boolean;
}

/** `web` for `web:web`, else the id: how people write it (supervisord.md 4). */
export function namespec(spec: { readonly name: string; readonly group: string }): string {
  return spec.name === spec.group ? spec.name : `${spec.group}:${spec.name}`;
}
