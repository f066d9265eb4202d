/** tail and maintail: the end of a log, or with -f all that comes. */
import { FAULTS } from "../api/faults.ts";
import type { Value } from "../api/xmlrpc.ts";
import { FaultError, Interrupted, PythonError, quote } from "./errors.ts";
import { type Help, refuse } from "./process-commands.ts";
import { EXIT, type Session } from "./session.ts";

const DEFAULT_BYTES = 1600;
/** XML-RPC's integers have 32 bits. */
const MAX_INT = 2 ** 31;

export async function tail(session: Session, args: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (args.length < 1) return refuse(session, help, "too few arguments");
  if (args.length > 3) return refuse(session, help, "too many arguments");
  const modifier = args[0]?.startsWith("-") ? args[0] : null;
  const words = modifier === null ? args : args.slice(1);
  const [name] = words;
  // With three words the middle one goes unread.
  const stream = words.length === 1 ? "stdout" : words.at(-1)?.toLowerCase();
  if (name === undefined) return fail(session, "Error: tail requires process name");
  if (stream !== "stdout" && stream !== "stderr")
    return fail(session, `Error: bad channel ${quote(stream ?? "")}`);
  const amount = parseAmount(modifier);
  if (amount === null) return fail(session, `Error: bad argument ${modifier}`);
  if (amount === "follow") return follow(session, logPath(name, stream));
  const method = stream === "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog";
  await show(session, name, () => session.client.call(method, name, fromEnd(amount), 0));
}

export async function maintail(session: Session, args: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (args.length > 1) return refuse(session, help, "too many arguments");
  const [modifier = null] = args;
  const amount = modifier === null || modifier.startsWith("-") ? parseAmount(modifier) : null;
  if (amount === null) return fail(session, `Error: bad argument ${modifier}`);
  if (amount === "follow") return follow(session, "/mainlogtail");
  await show(session, "supervisord", () => session.client.call("readLog", fromEnd(amount), 0));
}

/** Where the server gives a program's log as it grows. The server undoes the escapes. */
export function logPath(name: string, stream: "stdout" | "stderr"): string {
  return `/logtail/${encodeURIComponent(name).replace(/%3A/g, ":").replace(/%2A/g, "*")}/${stream}`;
}

async function follow(session: Session, path: string): Promise<void> {
  session.say("==> Press Ctrl-C to exit <==");
  try {
    await session.options.interrupts.during((signal) => session.follow(path, signal));
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    session.say("");
  }
}

/** `-100` → 100, `-f` → follow; nothing → the default; null for anything else. Digits as Python's int() takes them. */
function parseAmount(modifier: string | null): number | "follow" | null {
  if (modifier === null) return DEFAULT_BYTES;
  const text = modifier.slice(1);
  if (text === "f") return "follow";
  return /^[-+]?\d+(?:_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : null;
}

function fromEnd(amount: number): number {
  if (amount > MAX_INT || amount <= -MAX_INT)
    throw new PythonError("OverflowError", "int exceeds XML-RPC limits");
  // Not -0, which has no place in XML-RPC.
  return 0 - amount;
}

function fail(session: Session, line: string): void {
  session.say(line);
  session.exitCode = EXIT.GENERIC;
}

const READ_ERRORS: Readonly<Record<number, string>> = {
  [FAULTS.NO_FILE]: "no log file",
  [FAULTS.FAILED]: "unknown error reading log",
  [FAULTS.BAD_NAME]: "no such process name",
};

async function show(session: Session, name: string, read: () => Promise<Value>): Promise<void> {
  try {
    session.say(String(await read()));
  } catch (error) {
    const words = error instanceof FaultError ? READ_ERRORS[error.fault.code] : undefined;
    if (words === undefined) throw error;
    fail(session, `${name}: ERROR (${words})`);
  }
}
