/** The inits that are compared: where each is found, and how it is told to run a list of programs. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pm2System } from "./pm2.ts";
import { writeScript } from "./scratch.ts";

/** What an init shall run: a bare command, or a shell script. */
export type Program = {
  readonly name: string;
  /** It ends once and is not started again; s6 and runit tell this fifo `ended NAME CODE`, who have nobody to ask. */
  readonly endsOnce?: string;
  /** Further lines for its section in the INI. */
  readonly keys?: readonly string[];
} & ({ readonly command: readonly string[] } | { readonly script: string });

export type Setup = {
  readonly directory: string;
  readonly programs: readonly Program[];
  /** 127.0.0.1 port of tsinit's probes. */
  readonly port: number;
  /** Lines for [tsinit]. */
  readonly settings: readonly string[];
};

export type System = {
  readonly name: string;
  /** A supervisor runs many programs; a single init runs one command. */
  readonly kind: "supervisor" | "single";
  readonly path: string | null;
  /** What ends it in order. */
  readonly stopSignal: NodeJS.Signals;
  /** Process names of its own helpers below PID 1. */
  readonly helpers: readonly string[];
  /** Writes what it needs and returns its command line. */
  readonly prepare: (setup: Setup, path: string) => string[];
};

const dist = new URL("../../dist/tsinit", import.meta.url).pathname;

function findProgram(name: string): string | null {
  for (const directory of ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"]) {
    if (existsSync(join(directory, name))) return join(directory, name);
  }
  return null;
}

function commandOf(program: Program, directory: string): readonly string[] {
  if ("command" in program) return program.command;
  const path = join(directory, `${program.name}.sh`);
  writeScript(path, program.script);
  return ["/bin/sh", path];
}

/** One INI for supervisord and for tsinit: each ignores the section of the other. */
function writeIni(setup: Setup): string {
  const lines = [
    "[unix_http_server]",
    `file=${setup.directory}/control.sock`,
    "[supervisord]",
    "nodaemon=true",
    "logfile=/dev/null",
    "logfile_maxbytes=0",
    `pidfile=${setup.directory}/pid`,
    `childlogdir=${setup.directory}`,
    "minfds=8192",
    "user=root",
    "[rpcinterface:supervisor]",
    "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    "[tsinit]",
    `listen=127.0.0.1:${setup.port}`,
    ...setup.settings,
  ];
  for (const program of setup.programs) {
    lines.push(
      `[program:${program.name}]`,
      `command=${commandOf(program, setup.directory).join(" ")}`,
      ...(program.endsOnce === undefined
        ? ["autorestart=true"]
        : ["autorestart=false", "startsecs=0", "startretries=0"]),
      "stdout_logfile=/dev/fd/1",
      "stdout_logfile_maxbytes=0",
      "stderr_logfile=/dev/fd/2",
      "stderr_logfile_maxbytes=0",
      ...(program.keys ?? []),
    );
  }
  const path = join(setup.directory, "bench.ini");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/** One service directory a program, as s6 and runit want it. */
function writeServices(setup: Setup): string {
  const scan = join(setup.directory, "services");
  for (const program of setup.programs) {
    const service = join(scan, program.name);
    mkdirSync(service, { recursive: true });
    const script = "script" in program ? program.script : `exec ${program.command.join(" ")}`;
    if (program.endsOnce === undefined) writeScript(join(service, "run"), script);
    else {
      const mark = join(service, "ended");
      writeScript(join(service, "run"), `[ ! -e ${mark} ] || exec sleep 100000\n${script}`);
      // Both hand the exit code over as the first word.
      const tell = `echo ended ${program.name} $1 > ${program.endsOnce}`;
      writeScript(join(service, "finish"), `[ ! -e ${mark} ] || exit 0\n: > ${mark}\n${tell}`);
    }
  }
  return scan;
}

function single(name: string, before: readonly string[]): System {
  return {
    name,
    kind: "single",
    path: findProgram(name),
    stopSignal: "SIGTERM",
    helpers: [],
    prepare: (setup, path) => {
      const [program] = setup.programs;
      if (program === undefined) throw new Error("a single init needs one program");
      return [path, ...before, ...commandOf(program, setup.directory)];
    },
  };
}

export const tsinit: System = {
  name: "tsinit",
  kind: "supervisor",
  path: existsSync(dist) ? dist : null,
  stopSignal: "SIGTERM",
  helpers: [],
  prepare: (setup, path) => [path, "-c", writeIni(setup)],
};

/** The same executable in its one-command form, beside the single inits. */
export const tsinitMain: System = {
  ...tsinit,
  name: "tsinit -- cmd",
  kind: "single",
  prepare: (setup, path) => {
    const [program] = setup.programs;
    if (program === undefined) throw new Error("a single init needs one program");
    return [path, "--", ...commandOf(program, setup.directory)];
  },
};

export const supervisord: System = {
  name: "supervisord",
  kind: "supervisor",
  path: findProgram("supervisord"),
  stopSignal: "SIGTERM",
  helpers: [],
  prepare: (setup, path) => [path, "-n", "-c", writeIni(setup)],
};

export const runit: System = {
  name: "runit",
  kind: "supervisor",
  path: findProgram("runsvdir"),
  stopSignal: "SIGHUP",
  helpers: ["runsv"],
  prepare: (setup, path) => [path, writeServices(setup)],
};

export const s6: System = {
  name: "s6",
  kind: "supervisor",
  path: findProgram("s6-svscan"),
  stopSignal: "SIGTERM",
  helpers: ["s6-supervise"],
  prepare: (setup, path) => [path, "-c", "1100", writeServices(setup)],
};

export const tini = single("tini", ["--"]);
export const dumbInit = single("dumb-init", ["--"]);
export const catatonit = single("catatonit", ["--"]);

export const pm2 = pm2System(commandOf);
/** With its own prefix before each line. */
export const pm2Prefixed = pm2System(commandOf, "--formatted");

export const supervisors: readonly System[] = [tsinit, supervisord, runit, s6, pm2];
export const singles: readonly System[] = [tini, dumbInit, catatonit];
export const everyone: readonly System[] = [...supervisors, ...singles];
