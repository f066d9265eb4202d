/** `[tsinit]`, `[supervisord]` and `[supervisorctl]`: what concerns the whole. */
import type { Credentials, GlobalSpec } from "../core/spec.ts";
import { Accounts, type ResolvedUser } from "./accounts.ts";
import type { CtlSpec, SupervisordSpec } from "./config.ts";
import { Document, type Section } from "./document.ts";
import { Names } from "./expand.ts";
import { isDevice } from "./logfiles.ts";
import { type Place, Problems } from "./problems.ts";
import { type Context, SectionReader } from "./reader.ts";
import { absolutePath, expandHome, type Host, missingDirectory } from "./values.ts";

/**
 * `names`: `here` and the container's variables. A supervisord that daemonizes has nowhere to write but files, and people
 * find it by its pidfile: then the two have their defaults in the working directory, as with supervisord.
 */
export function readSupervisord(
  section: Section,
  names: Names,
  context: Context,
  mayDaemonize = false,
): SupervisordSpec {
  const reader = new SectionReader("supervisord", section, context);
  reader.checkKeys();
  const { host, problems } = context;
  // Programs are started here whether or not supervisord's own files could be made: images that lose its
  // package lose /var/log/supervisor too.
  for (const key of ["logfile", "pidfile"] as const) {
    const path = reader.get(key, names);
    const missing =
      reader.has(key) && path !== "syslog" ? missingDirectory(expandHome(path, host), host) : null;
    if (missing !== null) problems.warning(reader.place(key), `${missing}; no such file is written`);
  }
  for (const key of ["childlogdir", "directory"] as const) {
    const path = reader.get(key, names);
    if (path !== null && !host.isDirectory(absolutePath(expandHome(path, host), host))) {
      problems.warning(reader.place(key), `${path} is not an existing directory; it is not used`);
    }
  }
  noticeLimits(reader, names, context);
  const nodaemon = reader.get("nodaemon", names);
  const daemonizes = mayDaemonize && !nodaemon;
  const directory = reader.get("directory", names);
  const resolved = (path: string): string => absolutePath(expandHome(path, host), host);
  const environment = reader.get("environment", names.with({ host_node_name: host.hostname }));
  return {
    logfile: reader.has("logfile") || daemonizes ? reader.get("logfile", names) : null,
    logfileMaxbytes: reader.get("logfile_maxbytes", names),
    logfileBackups: reader.get("logfile_backups", names),
    loglevel: reader.get("loglevel", names),
    pidfile: reader.has("pidfile") || daemonizes ? resolved(reader.get("pidfile", names)) : null,
    umask: reader.get("umask", names),
    nodaemon,
    daemonizes,
    silent: reader.get("silent", names),
    minfds: reader.get("minfds", names),
    minprocs: reader.get("minprocs", names),
    nocleanup: reader.get("nocleanup", names),
    childlogdir: reader.get("childlogdir", names),
    user: reader.get("user", names),
    directory: directory !== null && host.isDirectory(resolved(directory)) ? resolved(directory) : null,
    stripAnsi: reader.get("strip_ansi", names),
    identifier: reader.get("identifier", names),
    environment: Object.fromEntries(environment),
  };
}

/** supervisord raises the limits of its programs to these; here they keep the container's. */
function noticeLimits(reader: SectionReader<"supervisord">, names: Names, { host, problems }: Context): void {
  for (const [key, limit] of [
    ["minfds", "Max open files"],
    ["minprocs", "Max processes"],
  ] as const) {
    if (!reader.has(key)) continue;
    const wanted = reader.get(key, names);
    const soft = host.limit(limit);
    if (wanted > soft)
      problems.notice(reader.place(key), `programs keep the container's limit, which is ${soft}`);
  }
}

/** Also the program defaults that live in [tsinit]. */
export interface Globals {
  readonly global: GlobalSpec;
  readonly critical: boolean;
  readonly logLevelPrefix: boolean;
  readonly forwardSignals: ReadonlyMap<number, number>;
  /** `control=`: as written, null when not set. */
  readonly control: string | null;
}

export function readGlobals(
  section: Section,
  supervisord: SupervisordSpec,
  names: Names,
  context: Context,
): Globals {
  const reader = new SectionReader("tsinit", section, context);
  reader.checkKeys();
  const listen = reader.get("listen", names);
  // The output of a daemon goes nowhere else.
  const logFiles =
    supervisord.daemonizes && !reader.has("log_files") ? "also" : reader.get("log_files", names);
  const global: GlobalSpec = {
    listen: listen === null ? null : { ...listen, setByUser: reader.has("listen") },
    startGate: reader.get("start_gate", names),
    shutdownTimeout: reader.get("shutdown_timeout", names),
    drainSeconds: reader.get("drain_seconds", names),
    exitWhenDone: reader.get("exit_when_done", names),
    logFormat: reader.get("log_format", names),
    logPrefix: reader.get("log_prefix", names),
    logTimestamps: reader.get("log_timestamps", names),
    logColor: reader.get("log_color", names),
    logMaxLine: reader.get("log_max_line", names),
    logPartialTimeout: reader.get("log_partial_timeout", names),
    logKeys: reader.get("log_keys", names),
    logOverflow: reader.get("log_overflow", names),
    logBuffer: reader.get("log_buffer", names),
    logFiles,
    logHistory: reader.get("log_history", names),
    logLevel: supervisord.loglevel,
    silent: supervisord.silent,
    terminationLog: reader.get("termination_log", names),
    identifier: supervisord.identifier,
    stripAnsi: supervisord.stripAnsi,
    mainLog: readMainLog(supervisord, logFiles === "also", context),
    childlogdir: childLogDirectory(supervisord, context),
    nocleanup: supervisord.nocleanup,
  };
  if (
    global.shutdownTimeout !== null &&
    global.drainSeconds > 0 &&
    global.shutdownTimeout <= global.drainSeconds
  )
    context.problems.warning(
      reader.place("shutdown_timeout"),
      `${global.shutdownTimeout} s for the whole shutdown, of which drain_seconds takes ${global.drainSeconds}: programs are ` +
        "killed before they were asked to stop",
    );
  for (const key of ["log_max_line", "log_buffer", "log_history"] as const) {
    const least = key === "log_history" ? 0 : 1024;
    const bytes = reader.get(key, names);
    if (bytes < least) context.problems.error(reader.place(key), `${bytes} is below lower bound (${least})`);
  }
  return {
    global,
    critical: reader.get("critical", names),
    logLevelPrefix: reader.get("log_level_prefix", names),
    forwardSignals: reader.get("forward_signals", names),
    control: reader.get("control", names),
  };
}

function readMainLog(
  { logfile, logfileMaxbytes, logfileBackups }: SupervisordSpec,
  files: boolean,
  { host }: Context,
): GlobalSpec["mainLog"] {
  const syslog = logfile?.toLowerCase() === "syslog";
  const path = logfile === null || syslog || isDevice(logfile) ? null : logfile;
  const file = files && path !== null ? absolutePath(expandHome(path, host), host) : null;
  return { file, syslog, maxbytes: logfileMaxbytes, backups: logfileBackups };
}

function childLogDirectory({ childlogdir }: SupervisordSpec, { host }: Context): string {
  const path = childlogdir === null ? "/tmp" : absolutePath(expandHome(childlogdir, host), host);
  return host.isDirectory(path) ? path : "/tmp";
}

/**
 * `names`: `here` and every variable. supervisord knows `here` in two of the keys only; more does no harm.
 */
export function readCtl(section: Section, names: Names, context: Context): CtlSpec {
  const reader = new SectionReader("supervisorctl", section, context);
  reader.checkKeys();
  const { host } = context;
  const serverurl = reader.get("serverurl", names);
  const unixPath = serverurl?.startsWith("unix://") ? serverurl.slice("unix://".length) : null;
  const history = reader.get("history_file", names);
  return {
    serverurl: unixPath === null ? serverurl : `unix://${absolutePath(expandHome(unixPath, host), host)}`,
    username: reader.get("username", names),
    password: reader.get("password", names),
    prompt: reader.get("prompt", names),
    historyFile: history === null || history === "" ? null : absolutePath(expandHome(history, host), host),
  };
}

/** `[tsinit]` when nothing is set. */
export function defaultGlobals(): GlobalSpec {
  const host: Host = {
    accounts: new Accounts("", ""),
    cwd: "/",
    home: null,
    uid: 0,
    hostname: "",
    isDirectory: () => true,
    read: () => ({ errno: "ENOENT" }),
    limit: () => Number.POSITIVE_INFINITY,
  };
  const context = { document: new Document(), problems: new Problems(), host, here: "/" };
  const empty = (name: string): Section => ({ name, where: "", label: name, entries: new Map() });
  const names = new Names(new Map());
  return readGlobals(empty("tsinit"), readSupervisord(empty("supervisord"), names, context), names, context)
    .global;
}

/**
 * Whom a program runs as; null means tsinit's own user. The current user is a no-op, which also makes it work
 * without privileges; another one then cannot work, and that is known now, not when the program starts.
 */
export function credentialsOf(
  user: ResolvedUser,
  text: string,
  place: Place,
  context: Context,
): Credentials | null {
  const { host, problems } = context;
  if (user.uid === host.uid && (!user.groupGiven || host.uid !== 0)) {
    if (user.groupGiven) problems.warning(place, "the group is not changed: that needs root");
    return null;
  }
  if (host.uid !== 0) {
    problems.error(
      place,
      `Can't drop privilege as nonroot user: user=${text} is uid ${user.uid}, tsinit runs as uid ` +
        `${host.uid}; expected ` +
        `no user=, or a container that is started as root or with runAsUser: ${user.uid}`,
    );
    return null;
  }
  return { uid: user.uid, gid: user.gid, groups: user.groups, name: user.name, home: user.home };
}

/**
 * `[supervisord] user=`: supervisord becomes that user; PID 1 keeps its own and gives the user to the
 * programs.
 */
export function defaultUser(
  supervisord: SupervisordSpec,
  section: Section,
  context: Context,
): Credentials | null {
  const { host, problems } = context;
  const text = supervisord.user;
  if (text === null) return null;
  const place = new SectionReader("supervisord", section, context).place("user");
  const user = problems.attempt(place, () => host.accounts.resolve(text));
  if (user === null) return null;
  if (user.uid === 0 && host.uid !== 0) {
    problems.warning(
      place,
      `user=${text} while tsinit runs as uid ${host.uid}: it cannot become root and goes on as it is`,
    );
    return null;
  }
  const credentials = credentialsOf(user, text, place, context);
  if (credentials !== null) {
    problems.notice(
      place,
      `tsinit itself stays root as PID 1; programs without a user= of their own run as ${text}`,
    );
  }
  return credentials;
}
