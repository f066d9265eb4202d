/** Starts an init as PID 1 of its own pid namespace and hands out what the rows need of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { Bell } from "./bell.ts";
import { children, comm, descendants } from "./proc.ts";
import { discard, freePort, makeDirectory, track } from "./scratch.ts";
import type { Program, System } from "./systems.ts";
import { until, within } from "./wait.ts";

const START_MS = 30_000;

export type RunOptions = {
  /** The programs, given the path of the bell that they may ring. */
  readonly programs: (bell: string) => readonly Program[];
  readonly settings?: readonly string[];
  /** A file that the init's stdout goes to; /dev/null when not given. */
  readonly stdout?: string;
};

/** The words before a command that make it PID 1 of a new namespace which ends with us. */
export function namespaceCommand(): string[] {
  const words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
  return process.getuid?.() === 0 ? words : [...words, "--user", "--map-root-user"];
}

export class Running {
  readonly system: System;
  readonly bell: Bell;
  readonly directory: string;
  readonly port: number;
  /** The init's pid as seen from outside. */
  readonly pid: number;
  /** performance.now() of the moment before the init was executed. */
  readonly startedAt: number;
  readonly #shell: ChildProcess;
  readonly #exited: Promise<number | null>;

  constructor(fields: {
    system: System;
    bell: Bell;
    directory: string;
    port: number;
    pid: number;
    startedAt: number;
    shell: ChildProcess;
    exited: Promise<number | null>;
  }) {
    this.system = fields.system;
    this.bell = fields.bell;
    this.directory = fields.directory;
    this.port = fields.port;
    this.pid = fields.pid;
    this.startedAt = fields.startedAt;
    this.#shell = fields.shell;
    this.#exited = fields.exited;
  }

  get socket(): string {
    return `${this.directory}/control.sock`;
  }

  /** PID 1 and the helpers of a system that is made of several processes. */
  ownProcesses(): number[] {
    const { helpers } = this.system;
    const below =
      helpers.length === 0 ? [] : descendants(this.pid).filter((pid) => helpers.includes(comm(pid)));
    return [this.pid, ...below];
  }

  /** Sends the stop signal and returns the milliseconds until the namespace is gone. */
  async stop(ms: number): Promise<number> {
    const since = performance.now();
    process.kill(this.pid, this.system.stopSignal);
    await within(ms, `end of ${this.system.name}`, this.#exited);
    return performance.now() - since;
  }

  /** The init's exit code, once it has ended by itself. */
  exitCode(ms: number): Promise<number | null> {
    return within(ms, `end of ${this.system.name}`, this.#exited);
  }

  /** Ends everything without asking and removes the files. */
  async end(): Promise<void> {
    // PID 1, not `unshare`: that one then returns when the whole namespace is gone, and the next sample has the machine.
    if (this.#shell.exitCode === null && isThere(this.#shell, this.pid)) process.kill(this.pid, "SIGKILL");
    await within(START_MS, "end of the namespace", this.#exited);
    this.bell.close();
    discard(this.directory);
  }
}

/** PID 1 is only a child of `unshare` as long as it has not been waited for; after that its number may be anybody's. */
function isThere(unshare: ChildProcess, pid: number): boolean {
  return children(unshare.pid ?? 0).includes(pid);
}

/** Starts `system` and returns once it has been executed; its programs may not run yet. */
export async function start(system: System, options: RunOptions): Promise<Running> {
  if (system.path === null) throw new Error(`${system.name} is absent`);
  const directory = makeDirectory();
  const bell = new Bell(directory);
  const port = await freePort();
  const setup = { directory, port, programs: options.programs(bell.path), settings: options.settings ?? [] };
  const command = system.prepare(setup, system.path);
  const out = openSync(options.stdout ?? "/dev/null", "w");
  const errors = openSync(`${directory}/stderr`, "w");
  const [file = "", ...before] = namespaceCommand();
  const shell = spawn(
    file,
    [...before, "/bin/sh", "-c", 'echo exec > "$0"; exec "$@"', bell.path, ...command],
    {
      stdio: ["ignore", out, errors],
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    },
  );
  closeSync(out);
  closeSync(errors);
  track(shell);
  const exited = new Promise<number | null>((resolve) => shell.once("close", (code) => resolve(code)));
  const started = await bell.wait("exec", 0, START_MS);
  const [pid] = children(shell.pid ?? 0);
  if (pid === undefined)
    throw new Error(`${system.name} ended at once: ${readFileSync(`${directory}/stderr`)}`);
  return new Running({ system, bell, directory, port, pid, startedAt: started.at, shell, exited });
}

/** Runs `use` on a started init and ends it whatever happens; a failure carries what the init wrote. */
export async function withInit<T>(
  system: System,
  options: RunOptions,
  use: (running: Running) => Promise<T>,
): Promise<T> {
  const running = await start(system, options);
  try {
    return await use(running);
  } catch (error) {
    const said = readFileSync(`${running.directory}/stderr`, "utf8").trim().split("\n").slice(-3).join(" / ");
    throw new Error(`${error instanceof Error ? error.message : error}; its stderr: ${said}`, {
      cause: error,
    });
  } finally {
    await running.end();
  }
}

/** `count` programs that only sleep. */
export function sleepers(count: number): Program[] {
  return Array.from({ length: count }, (_, index) => ({ name: `p${index}`, command: ["sleep", "100000"] }));
}

/** A script that rings the bell with its name and its own pid, then sleeps. */
export function ringer(name: string, bell: string): Program {
  return { name, script: `echo ${name} $$ > ${bell}\nexec sleep 100000` };
}

/** Milliseconds since the init was executed until `count` programs have executed `sleep`. */
export async function allAsleep(running: Running, count: number, ms = 60_000): Promise<number> {
  const asleep = new Set<number>();
  const isDone = (): boolean => {
    const { pid, system } = running;
    const found = system.helpers.length === 0 ? children(pid) : descendants(pid);
    for (const child of found) if (!asleep.has(child) && comm(child) === "sleep") asleep.add(child);
    return asleep.size >= count;
  };
  return until(`${count} programs`, ms, isDone, 2, running.startedAt);
}
