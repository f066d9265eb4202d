/** The words tests and harness share: what an init is started with and what comes of it; command lines of fixtures. */
import { join } from "node:path";
import { PYTHON } from "./probe.ts";

export const ROOT = join(import.meta.dirname, "../..");
export const BINARY = join(ROOT, "dist/tsinit");
export const FIXTURES = join(ROOT, "test/programs/container");
export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface InitOptions {
  /** Written to a file that is handed over with -c. `@DIR@`, here and in args and env, is the test's own directory. */
  readonly config?: string;
  readonly args?: readonly string[];
  /** All of the environment; PATH alone when left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly binary?: string;
  /** false: PID 1 is a shell and the init its child. */
  readonly pid1?: boolean;
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Shell lines run as root inside the namespaces, before the init. */
  readonly setup?: string;
  /** Redirections of the init alone, e.g. `<&-` or `7</dev/null`. */
  readonly redirect?: string;
  /** How the container's output is taken: a FIFO each, both on one, sockets, or a file each. */
  readonly output?: "pipes" | "merged" | "sockets" | "files";
  /** Nobody reads stdout until `releaseStdout()`. */
  readonly holdStdout?: boolean;
  /** The same of stderr, until `stderr.release()`. */
  readonly holdStderr?: boolean;
  /** Takes the bytes of a stream, of which nothing is kept then. */
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  readonly cwd?: string;
  /** Run on a terminal; `type()` types on it. */
  readonly terminal?: boolean;
  /** Put before the binary, e.g. a program that restricts it. */
  readonly wrapper?: readonly string[];
}

export interface ProgramEvent {
  readonly name: string;
  readonly event: string;
  /** Milliseconds on the system's monotonic clock. */
  readonly at: number;
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  readonly data: string;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From the start of the namespaces to their end. */
  readonly ms: number;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

/** Milliseconds on the clock that events and hrtime share. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Words of a `command=` that plays these steps and notes its events under `name` (see actor.py). */
export function actor(name: string, ...steps: readonly string[]): string {
  const words = steps.map((step) => (/[\s"'|%]/.test(step) ? `'${step}'` : step));
  return [PYTHON, "-I", "-S", join(FIXTURES, "actor.py"), "@DIR@/events", name, ...words].join(" ");
}

/** A terminal program's usual behaviour: ends with 0 on TERM. */
export const GENTLE = ["on:TERM=exit:0", "hold"] as const;

export const delay = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** What the promise gives, or undefined after so long. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
