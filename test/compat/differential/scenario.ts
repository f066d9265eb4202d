/** What a scenario is: a config, files beside it, and steps that do the same on both sides. Data, so that it can be counted. */
import type { Side } from "./side.ts";

/** What a step saw, as JSON has it. */
export type Seen = string | number | boolean | null | readonly Seen[] | { readonly [name: string]: Seen };

/**
 * `all`: which difference of differences.ts explains that a comparison differs, as `ID` or `ID:CASE`. A record: which one
 * explains it for the fields (`0.logfile`) that match.
 */
export type Differs = string | Readonly<Record<string, RegExp>>;

export interface Step {
  readonly label: string;
  /** Null: it only does or awaits something. */
  readonly compares: {
    readonly differs?: Differs;
    /** Ours as it is compared with theirs, where equal is not the question. */
    readonly reconcile?: (theirs: Seen, ours: Seen) => Seen;
  } | null;
  /** What is compared; ignored when nothing is. */
  readonly act: (side: Side) => Promise<Seen | undefined>;
}

export interface Scenario {
  readonly title: string;
  /** The row of the table of real-world uses that it stands for. */
  readonly archetype?: number;
  /** supervisord.conf; `@DIR@` is the side's folder, `@PORT1@` … a port of its own. */
  readonly config: string;
  /** Beside it, by name; executable when they start with `#!`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The command line; default `-n -c @DIR@/supervisord.conf`. */
  readonly args?: readonly string[];
  /** The soft limit of open files that it is started with. */
  readonly openFiles?: number;
  /** It does not get as far as its control socket. */
  readonly refused?: boolean;
  readonly steps: readonly Step[];
}

/** The sections that every config has in practice, and a program that never runs: without it the end of the others is the end. */
export const BASE = `
[unix_http_server]
file=@DIR@/s.sock
[supervisord]
logfile=@DIR@/supervisord.log
pidfile=@DIR@/supervisord.pid
childlogdir=@DIR@
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://@DIR@/s.sock
`;

/** Keeps tsinit up when all others are done. */
export const KEEP = `
[program:keep]
command=sleep 1000
autostart=false
`;
