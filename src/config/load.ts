/** Reads the configuration from the machine: the only file of this folder that touches one. */
import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { Accounts } from "./accounts.ts";
import { decodeBytes, encodeBytes } from "./bytes.ts";
import type { Config, Problem } from "./config.ts";
import type { Document } from "./document.ts";
import { type Environment, findVariable } from "./env.ts";
import { Problems } from "./problems.ts";
import { resolve } from "./resolve.ts";
import { type Files, findConfig } from "./search.ts";
import { secretsHider } from "./secrets.ts";
import type { Host } from "./values.ts";

export interface LoadRequest {
  /** -c. */
  readonly configFile: string | null;
  /** Words after the options: the program `main`; empty: none. */
  readonly command: readonly string[];
  /** The container's environment, raw (surrogateescape), TSINIT_* included. */
  readonly environment: Environment;
  /** null: not called by that name. */
  readonly supervisord?: SupervisordCall | null;
  readonly cwd: string;
  readonly argv0: string;
  readonly uid: number;
  /** `%(host_node_name)s`; asked of the kernel when not given. */
  readonly hostname?: string;
  readonly purpose: "init" | "check" | "ctl";
  /** What stands for the machine's files, for tests. */
  readonly files?: Files;
}

/** What being called as supervisord means. */
export interface SupervisordCall {
  /** Options of its command line by their key of [supervisord]. */
  readonly overrides: Readonly<Record<string, string>>;
  /** PID 1 of a container cannot leave the foreground; others do, unless nodaemon says otherwise. */
  readonly mayDaemonize: boolean;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] };

/** With the keys it was made of, each with its place. */
export interface Surveyed {
  readonly loaded: Loaded;
  readonly document: Document;
  /** What it may have been made of. */
  readonly environment: LoadRequest["environment"];
}

/** The whole configuration, or every error in it. Never throws for what a file or a variable says. */
export function loadConfig(request: LoadRequest): Loaded {
  return surveyConfig(request).loaded;
}

/** The same for who wants to look at the single keys. */
export function surveyConfig(request: LoadRequest): Surveyed {
  const files = request.files ?? DISK;
  const problems = new Problems();
  const host = readHost(request, files);
  const { environment, purpose, command } = request;
  const optional = purpose === "ctl" || command.length > 0;
  const { configFile, argv0, supervisord = null } = request;
  const search = { configFile, environment, argv0, optional, asSupervisord: supervisord !== null };
  const found = findConfig({ ...search, host, files, problems });
  const shown = (list: readonly Problem[]): readonly Problem[] => withoutSecrets(list, environment);
  // With nothing read, "no program is configured" would only repeat it.
  const isLost = found.files.length === 0 && problems.errors.length > 0;
  const failed = (): Surveyed => ({
    loaded: { ok: false, errors: shown(problems.errors), warnings: shown(problems.warnings) },
    document: found.document,
    environment,
  });
  if (isLost) return failed();
  const config = resolve({ ...found, problems, host, environment, supervisord, command, purpose });
  if (problems.errors.length > 0) return failed();
  const { warnings, notices } = config;
  const told = { ...config, warnings: shown(warnings), notices: shown(notices) };
  return { loaded: { ok: true, config: told }, document: found.document, environment };
}

/** What is said of a value quotes it as it is with its variables in it. */
function withoutSecrets(problems: readonly Problem[], environment: Environment): readonly Problem[] {
  if (problems.length === 0) return problems;
  const hide = secretsHider(environment);
  return problems.map((problem) => ({ ...problem, text: hide(problem.text) }));
}

/** The machine as values of options need to know it. */
export function readHost(
  request: Pick<LoadRequest, "cwd" | "environment" | "uid" | "hostname">,
  files: Files = DISK,
): Host {
  const text = (path: string): string => {
    const content = files.read(path);
    return "text" in content ? content.text : "";
  };
  let accounts: Accounts | null = null;
  return {
    // Read at first use: most configurations name no user.
    get accounts(): Accounts {
      accounts ??= new Accounts(text("/etc/passwd"), text("/etc/group"));
      return accounts;
    },
    cwd: request.cwd,
    home: findVariable(request.environment, "HOME"),
    uid: request.uid,
    hostname: request.hostname ?? hostname(text, request.environment),
    isDirectory: (path) => files.isDirectory(path),
    read: (path) => files.read(path),
    limit(name) {
      const soft = new RegExp(`^${name} +(\\d+) `, "m").exec(text("/proc/self/limits"))?.[1];
      return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
    },
  };
}

/** The nodename of uname(2). */
function hostname(text: (path: string) => string, environment: Environment): string {
  return text("/proc/sys/kernel/hostname").trim() || findVariable(environment, "HOSTNAME") || "localhost";
}

const DISK: Files = {
  read(path) {
    try {
      return { text: decodeBytes(readFileSync(encodeBytes(path))) };
    } catch (error) {
      return { errno: errnoOf(error) };
    }
  },
  list(path) {
    try {
      return readdirSync(encodeBytes(path), { encoding: "buffer" }).map((name) => decodeBytes(name));
    } catch {
      return null;
    }
  },
  isDirectory(path) {
    try {
      return statSync(encodeBytes(path)).isDirectory();
    } catch {
      return false;
    }
  },
  exists(path) {
    try {
      return lstatSync(encodeBytes(path), { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  },
};

function errnoOf(error: unknown): string {
  const code: unknown = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" ? code : "EIO";
}
