/** Starting one program: find its file, make its pipes and environment, spawn it, give its output to the logs. */
import { NOT_EXECUTABLE, NOT_FOUND } from "../core/exit-codes.ts";
import type { ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Fd, Kernel, SpawnRequest, SpawnResult } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";
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
  /** main gets the container's own stdin, stdout and stderr (tini's way), or its terminal. */
  readonly inheritStdio: (spec: ProgramSpec) => boolean;
  /** The sockets that tsinit was given for main go to it this way; null: there are none. */
  readonly handSockets: ((request: SpawnRequest) => SpawnRequest) | null;
}

export type Launched =
  | { readonly ok: true; readonly pid: Pid }
  | { readonly ok: false; readonly reason: string; readonly code: number };

/** Neither the command's absence nor its nature: anything else that kept it from starting. */
const OTHER = 1;

const DEFAULT_PATH = "/bin:/usr/bin:/usr/local/bin";

/** The file to run, or supervisord's sentence why there is none (supervisord.md 6). */
export function findCommand(
  spec: ProgramSpec,
  context: Pick<LaunchContext, "kernel" | "environment" | "cwd">,
): { file: string } | { reason: string; code: number } {
  const name = spec.argv[0];
  if (spec.commandError !== null) return { reason: spec.commandError, code: NOT_EXECUTABLE };
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

function judge(
  name: string,
  file: string,
  found: ReturnType<Kernel["stat"]>,
): { file: string } | { reason: string; code: number } {
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

/** Starts the program. Everything opened for it is closed again when it cannot be started. */
export function launch(spec: ProgramSpec, context: LaunchContext): Launched {
  const { kernel, logs } = context;
  const command = findCommand(spec, context);
  if ("reason" in command) return { ok: false, ...command };
  if (context.inheritStdio(spec)) {
    const result = spawn(spec, command.file, [0, 1, 2], kernel.isatty(0), context);
    return result.ok ? result : explain(spec, command.file, result, kernel);
  }

  const opened: Fd[] = [];
  const keep = (fd: Fd): Fd => {
    opened.push(fd);
    return fd;
  };
  const tooMany = (errno: string): Launched => {
    for (const fd of opened) kernel.close(fd);
    const reason =
      errno === "EMFILE" || errno === "ENFILE"
        ? `too many open files to spawn '${spec.name}'`
        : `unknown error making dispatchers for '${spec.name}': ${errno}`;
    return { ok: false, reason, code: OTHER };
  };

  const socket = spec.socket === null ? null : context.sockets.open(spec.socket);
  if (typeof socket === "string") return { ok: false, reason: socket, code: OTHER };
  const stdin =
    socket !== null ? { read: socket, write: null } : isWritable(spec) ? kernel.pipe() : openStdin(kernel);
  if (typeof stdin === "string") return tooMany(stdin);
  if (socket === null) keep(stdin.read);
  if (stdin.write !== null) keep(stdin.write);
  const out = kernel.pipe();
  if (typeof out === "string") return tooMany(out);
  keep(out.read);
  keep(out.write);
  const err = spec.redirectStderr ? out : kernel.pipe();
  if (typeof err === "string") return tooMany(err);
  if (err !== out) {
    keep(err.read);
    keep(err.write);
  }
  if (spec.user) {
    // The program may open /dev/stdout or /dev/stdin anew, which only the pipe's owner is allowed to.
    if (stdin.write !== null) kernel.chown(stdin.read, spec.user.uid, spec.user.gid);
    kernel.chown(out.write, spec.user.uid, spec.user.gid);
    if (err !== out) kernel.chown(err.write, spec.user.uid, spec.user.gid);
  }

  const result = spawn(spec, command.file, [stdin.read, out.write, err.write], false, context);
  if (!result.ok) {
    for (const fd of opened) kernel.close(fd);
    return explain(spec, command.file, result, kernel);
  }
  const kept: readonly (Fd | null)[] = [stdin.write, out.read, err.read];
  for (const fd of opened) if (!kept.includes(fd)) kernel.close(fd);
  if (stdin.write !== null) context.keepStdin(spec, result.pid, stdin.write);
  logs.attach(spec, result.pid, "stdout", out.read);
  if (err !== out) logs.attach(spec, result.pid, "stderr", err.read);
  return result;
}

function spawn(
  spec: ProgramSpec,
  file: string,
  stdio: readonly [Fd, Fd, Fd],
  foreground: boolean,
  context: LaunchContext,
): SpawnResult {
  const request: SpawnRequest = {
    file,
    argv: spec.argv,
    environment: programEnvironment(spec, context),
    directory: spec.directory,
    stdio,
    user: spec.user,
    umask: spec.umask,
    foreground,
  };
  const { handSockets } = context;
  const final = spec.kind === "main" && handSockets !== null ? handSockets(request) : request;
  return inside(context.cwd, () => context.kernel.spawn(final));
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

/** Clients may write to it, or events come that way. */
function isWritable(spec: ProgramSpec): boolean {
  return spec.stdin === "pipe" || spec.kind === "eventlistener";
}

/** Reads as empty. An image may lack /dev/null; a pipe without a writer is the same to a reader. */
function openStdin(kernel: Kernel): { read: Fd; write: null } | string {
  const fd = kernel.open("/dev/null", "read");
  if (typeof fd === "number") return { read: fd, write: null };
  const pipe = kernel.pipe();
  if (typeof pipe === "string") return pipe;
  kernel.close(pipe.write);
  return { read: pipe.read, write: null };
}

function explain(
  spec: ProgramSpec,
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
      return { ok: false, code: execCode(errno, file, kernel), reason: execReason(spec, file, errno) };
  }
}

/** A file that is there but whose interpreter is not counts as not executable, as in a shell. */
function execCode(errno: string, file: string, kernel: Kernel): number {
  return errno === "ENOENT" && kernel.stat(file) === null ? NOT_FOUND : NOT_EXECUTABLE;
}

function execReason(spec: ProgramSpec, file: string, errno: string): string {
  const why =
    errno === "ENOENT"
      ? "ENOENT (its interpreter, the #! line or the loader, does not exist)"
      : errno === "ENOEXEC"
        ? "ENOEXEC (neither a program nor a script with a #! line)"
        : errno;
  return errno === "EACCES"
    ? `no permission to run command '${file}'`
    : `couldn't exec ${spec.argv[0]}: ${why}`;
}
