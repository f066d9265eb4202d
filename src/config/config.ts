/**
 * What the configuration says once it is resolved, and what can be wrong with it. Types that the other
 * folders read.
 */
import type { GlobalSpec, Plan } from "../core/spec.ts";

/** Something to tell the user about the configuration. */
export interface Problem {
  /** `FILE:LINE`, the name of a variable, `command line`, or empty when it belongs to no place. */
  readonly where: string;
  readonly section: string | null;
  readonly key: string | null;
  /** What is wrong and what is expected; keeps supervisord's own words where it has some. */
  readonly text: string;
}

/** `FILE:LINE: [section] key: what is wrong, what is expected`; what would steer a terminal is shown as `\\x1b`. */
export function renderProblem(problem: Problem): string {
  const where = problem.where === "" ? "" : `${problem.where}: `;
  const section = problem.section === null ? "" : `[${problem.section}] `;
  const key = problem.key === null ? "" : `${problem.key}: `;
  return `${where}${section}${key}${problem.text}`.replace(
    /\p{Cc}/gu,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** A `[unix_http_server]` or `[inet_http_server]` section (supervisord.md 3.1). */
export type ServerSpec =
  | {
      readonly kind: "unix";
      readonly section: string;
      readonly path: string;
      /** Mode bits of the socket. */
      readonly chmod: number;
      /** null: left as created; a gid of -1: the group is left as created. */
      readonly chown: { readonly uid: number; readonly gid: number } | null;
      readonly username: string | null;
      readonly password: string | null;
    }
  | {
      readonly kind: "inet";
      readonly section: string;
      /** Empty: every address. */
      readonly host: string;
      readonly port: number;
      readonly username: string | null;
      readonly password: string | null;
    };

/** Where the control socket is when nobody said: the first place that can be written. */
export const CONTROL_CANDIDATES: readonly string[] = [
  "/run/tsinit.sock",
  "/tmp/tsinit.sock",
  "/dev/shm/tsinit.sock",
];

export interface ControlSpec {
  /**
   * null: the default `/run/tsinit.sock`, or the first writable fallback. Also the path of the first unix
   * server.
   */
  readonly path: string | null;
  readonly setByUser: boolean;
  /** `control=none`. */
  readonly off: boolean;
}

/** `[supervisorctl]`; null where the key is not given. */
export interface CtlSpec {
  readonly serverurl: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly prompt: string;
  readonly historyFile: string | null;
}

/** `[supervisord]`, as given, and supervisord's own defaults where it daemonizes. */
export interface SupervisordSpec {
  readonly logfile: string | null;
  readonly logfileMaxbytes: number;
  readonly logfileBackups: number;
  readonly loglevel: GlobalSpec["logLevel"];
  /** Absolute; null when not set. */
  readonly pidfile: string | null;
  readonly umask: number;
  readonly nodaemon: boolean;
  /** It leaves the foreground: called as supervisord, not as PID 1, and nodaemon is not set. */
  readonly daemonizes: boolean;
  readonly silent: boolean;
  readonly minfds: number;
  readonly minprocs: number;
  readonly nocleanup: boolean;
  readonly childlogdir: string | null;
  /** As written. */
  readonly user: string | null;
  /** Absolute, and there. */
  readonly directory: string | null;
  readonly stripAnsi: boolean;
  readonly identifier: string;
  /** What every program gets below its own `environment=`. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface Config {
  readonly plan: Plan;
  /** Inet servers first, then unix servers, each in file order. */
  readonly servers: readonly ServerSpec[];
  readonly control: ControlSpec;
  readonly ctl: CtlSpec;
  readonly supervisord: SupervisordSpec;
  /** The container's environment without TSINIT_*: what programs inherit, raw and in order. */
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** Something is probably not what its author meant. */
  readonly warnings: readonly Problem[];
  /** Something is understood and has no effect here. */
  readonly notices: readonly Problem[];
  /** Every file read, the main one first. */
  readonly files: readonly string[];
}
