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
  readonly maxbytes: number;
  readonly backups: number;
  readonly captureMaxbytes: number;
  readonly eventsEnabled: boolean;
  readonly syslog: boolean;
  readonly target: LogTarget;
}

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
  readonly serverurl: string | null;
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
  readonly terminationLog: string;
  readonly identifier: string;
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
