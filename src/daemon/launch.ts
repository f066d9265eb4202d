/** Starting one program, or what runs before it: find the file, make pipes and environment, spawn, give the output to the logs. */
import { NOT_EXECUTABLE, NOT_FOUND } from "../core/exit-codes.ts";
import type { ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { ExtraFd, Fd, Kernel, SpawnRequest, SpawnResult } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";
import { type Lack, Opened, openOutfit } from "./outfit.ts";
import type { Sockets } from "./sockets.ts";

export interface LaunchContext {
  readonly kernel: Kernel;
  readonly logs: Logs;
  readonly sockets: Pick<Sockets, "open">;
  /** What programs inherit, in order: the container's environment without tsinit's own variables. */
  readonly environment: readonly (readonly [string, string])[];
  /** Where ctl and listeners find us; null when there is no control server. */
  readonly serverUrl: string | null;
  readonly cwd: string;
  /** Owns the write end of the program's stdin from now on. */
  readonly keepStdin: (spec: ProgramSpec, pid: Pid, fd: Fd) => void;
  /** Owns the read end of its `ready_fd` from now on. */
  readonly keepReadyFd: (spec: ProgramSpec, pid: Pid, fd: Fd) => void;
  /** main gets the container's own stdin, stdout and stderr (tini's way), or its terminal. */
  readonly inheritStdio: (spec: ProgramSpec) => boolean;
  /** The sockets that tsinit was given for main go to it this way; null: there are none. */
  readonly handSockets: ((request: SpawnRequest) => SpawnRequest) | null;
}

export type Launched =
  | { readonly ok: true; readonly pid: Pid }
  | { readonly ok: false; readonly reason: string; readonly code: number };

/** Neither the command's absence nor its nature: anything else that kept it from starting. */
export const OTHER = 1;

/** What is run: a program's own command or one of its hooks. */
type Words = readonly string[];
type Found = { readonly file: string } | { readonly reason: string; readonly code: number };

const DEFAULT_PATH = "/bin:/usr/bin:/usr/local/bin";

/** The file to run, or supervisord's sentence why there is none (supervisord.md 6). */
export function findCommand(
  spec: ProgramSpec,
  context: Pick<LaunchContext, "kernel" | "environment" | "cwd">,
): Found {
  if (spec.commandError !== null) return { reason: spec.commandError, code: NOT_EXECUTABLE };
  return findFile(spec, spec.argv, context);
}

function findFile(
  spec: ProgramSpec,
  argv: Words,
  context: Pick<LaunchContext, "kernel" | "environment" | "cwd">,
): Found {
  const name = argv[0];
  if (name === undefined) return { reason: "command is empty", code: NOT_EXECUTABLE };
  if (name.includes("/")) {
    // Looked at where it will be run from; exec happens after the change of directory.
    const base = spec.directory === null ? context.cwd : from(context.cwd, spec.directory);
    return judge(name, name, context.kernel.stat(from(base, name)));
  }
  const path =
    spec.environment["PATH"] ?? context.environment.findLast(([key]) => key === "PATH")?.[1] ?? DEFAULT_PATH;
  for (const directory of path.split(":")) {
    const file = `${from(context.cwd, directory)}/${name}`;
    const found = context.kernel.stat(file);
    if (found) return judge(name, file, found);
  }
  return { reason: `can't find command '${name}'`, code: NOT_FOUND };
}

function from(directory: string, path: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}

function judge(name: string, file: string, found: ReturnType<Kernel["stat"]>): Found {
  if (!found) return { reason: `can't find command '${name}'`, code: NOT_FOUND };
  if (found.type === "directory")
    return { reason: `command at '${file}' is a directory`, code: NOT_EXECUTABLE };
  if (!found.executable) return { reason: `command at '${file}' is not executable`, code: NOT_EXECUTABLE };
  return { file };
}

/** `KEY=VALUE` lines: the container's, then supervisord's, then the user's HOME and name, then what the config sets. */
export function programEnvironment(
  spec: ProgramSpec,
  context: Pick<LaunchContext, "environment" | "serverUrl">,
): string[] {
  const values = new Map<string, string>(context.environment);
  values.set("SUPERVISOR_ENABLED", "1");
  const serverUrl = spec.serverurl ?? context.serverUrl;
  if (serverUrl !== null) values.set("SUPERVISOR_SERVER_URL", serverUrl);
  values.set("SUPERVISOR_PROCESS_NAME", spec.name);
  values.set("SUPERVISOR_GROUP_NAME", spec.group);
  if (spec.user?.name) {
    values.set("USER", spec.user.name);
    values.set("LOGNAME", spec.user.name);
  }
  if (spec.user) values.set("HOME", spec.user.home ?? "/");
  for (const [key, value] of Object.entries(spec.environment)) values.set(key, value);
  return Array.from(values, ([key, value]) => `${key}=${value}`);
}

/** Starts the program, or its `start_command_pre`. Everything opened for it is closed again when it cannot be started. */
export function launch(spec: ProgramSpec, stage: "pre" | "main", context: LaunchContext): Launched {
  const isMain = stage === "main";
  const argv = isMain ? spec.argv : (spec.preStart?.argv ?? []);
  const found = isMain ? findCommand(spec, context) : findFile(spec, argv, context);
  const launched: Launched =
    "reason" in found ? { ok: false, ...found } : launchFound(spec, isMain, argv, found.file, context);
  if (launched.ok || isMain) return launched;
  return { ...launched, reason: `start_command_pre: ${launched.reason}` };
}

function launchFound(
  spec: ProgramSpec,
  isMain: boolean,
  argv: Words,
  file: string,
  context: LaunchContext,
): Launched {
  const opened = new Opened(context.kernel);
  const refused = (lack: Lack): Launched => {
    opened.closeBut([]);
    return { ok: false, reason: "reason" in lack ? lack.reason : lackReason(spec, lack.errno), code: OTHER };
  };
  const outfit = openOutfit(spec, isMain, opened, context);
  if (!("stdio" in outfit)) return refused(outfit);
  const readyFd = isMain && spec.ready?.way.kind === "fd" ? spec.ready.way.fd : null;
  const ready = readyFd === null ? null : opened.pipe();
  if (typeof ready === "string") return refused({ errno: ready });
  const extra = readyFd === null || ready === null ? [] : [{ from: ready.write, as: readyFd }];

  const { stdio, foreground, stdin, stdout, stderr } = outfit;
  const result = spawnAs(spec, { file, argv, stdio, extra, foreground, variables: [] }, context);
  if (!result.ok) {
    opened.closeBut([]);
    return result;
  }
  const { pid } = result;
  opened.closeBut([stdin, stdout, stderr, ready?.read ?? null]);
  if (ready !== null) context.keepReadyFd(spec, pid, ready.read);
  if (stdin !== null) context.keepStdin(spec, pid, stdin);
  const logged = isMain ? spec : asProgram(spec);
  if (stdout !== null) context.logs.attach(logged, pid, "stdout", stdout);
  if (stderr !== null) context.logs.attach(logged, pid, "stderr", stderr);
  return result;
}

/** For the output of its hooks: what an event listener writes itself is its side of the protocol. */
export function asProgram(spec: ProgramSpec): ProgramSpec {
  return spec.kind === "eventlistener" ? { ...spec, kind: "program" } : spec;
}

function lackReason(spec: ProgramSpec, errno: string): string {
  return errno === "EMFILE" || errno === "ENFILE"
    ? `too many open files to spawn '${spec.name}'`
    : `unknown error making dispatchers for '${spec.name}': ${errno}`;
}

type SpawnContext = Pick<LaunchContext, "kernel" | "environment" | "serverUrl" | "cwd" | "handSockets">;

/** Starts a command beside the program, as the program itself would be: its user, directory, umask and environment. */
export function launchBeside(
  spec: ProgramSpec,
  argv: Words,
  stdio: readonly [Fd, Fd, Fd],
  variables: readonly string[],
  context: SpawnContext,
): Launched {
  const command = findFile(spec, argv, context);
  if ("reason" in command) return { ok: false, ...command };
  const { file } = command;
  return spawnAs(spec, { file, argv, stdio, extra: [], foreground: false, variables }, context);
}

interface Clothed {
  readonly file: string;
  readonly argv: Words;
  readonly stdio: readonly [Fd, Fd, Fd];
  readonly extra: readonly ExtraFd[];
  readonly foreground: boolean;
  /** `KEY=VALUE`, beside those of the program. */
  readonly variables: readonly string[];
}

function spawnAs(
  spec: ProgramSpec,
  { variables, file, argv, ...rest }: Clothed,
  context: SpawnContext,
): Launched {
  const { directory, user, umask } = spec;
  const environment = [...programEnvironment(spec, context), ...variables];
  const request = { file, argv, environment, directory, user, umask, ...rest };
  const handed = spec.kind === "main" && context.handSockets ? context.handSockets(request) : request;
  const result = inside(context.cwd, () => context.kernel.spawn(handed));
  return result.ok ? result : explain(spec, argv, file, result, context.kernel);
}

/**
 * We live in `/` and keep nobody's file system busy; programs start where we were started. Going there ourselves, not in
 * the child, lets a program inherit a directory that its user could not enter.
 */
function inside<T>(cwd: string, action: () => T): T {
  if (cwd === "/") return action();
  try {
    process.chdir(cwd);
  } catch {
    // Gone by now: `/` has to do.
  }
  try {
    return action();
  } finally {
    process.chdir("/");
  }
}

function explain(
  spec: ProgramSpec,
  argv: Words,
  file: string,
  result: Extract<SpawnResult, { ok: false }>,
  kernel: Kernel,
): Launched {
  const { step, errno } = result;
  switch (step) {
    case "fork":
      return {
        ok: false,
        code: OTHER,
        reason:
          errno === "EAGAIN"
            ? `Too many processes in process table to spawn '${spec.name}'`
            : `unknown error during fork for '${spec.name}': ${errno}`,
      };
    case "user":
      return {
        ok: false,
        code: NOT_EXECUTABLE,
        reason:
          `couldn't setuid to ${spec.user?.uid}: ${errno} (user= needs root with CAP_SETUID and CAP_SETGID; ` +
          "or run the whole container as that user, runAsUser)",
      };
    case "directory":
      return {
        ok: false,
        code: NOT_FOUND,
        reason: `couldn't chdir to ${spec.directory}: ${errno} (directory=)`,
      };
    case "exec":
      return { ok: false, code: execCode(errno, file, kernel), reason: execReason(argv, file, errno) };
  }
}

/** A file that is there but whose interpreter is not counts as not executable, as in a shell. */
function execCode(errno: string, file: string, kernel: Kernel): number {
  return errno === "ENOENT" && kernel.stat(file) === null ? NOT_FOUND : NOT_EXECUTABLE;
}

function execReason(argv: Words, file: string, errno: string): string {
  const why =
    errno === "ENOENT"
      ? "ENOENT (its interpreter, the #! line or the loader, does not exist)"
      : errno === "ENOEXEC"
        ? "ENOEXEC (neither a program nor a script with a #! line)"
        : errno;
  return errno === "EACCES" ? `no permission to run command '${file}'` : `couldn't exec ${argv[0]}: ${why}`;
}
