/** tail and maintail. Following (-f) needs a stream, which this API does not have. */
import { FAULTS } from "../api/faults.ts";
import type { Value } from "../api/xmlrpc.ts";
import { FaultError } from "./client.ts";
import { quote } from "./print.ts";
import { type Help, refuse } from "./process-commands.ts";
import { EXIT, type Session } from "./session.ts";

const DEFAULT_BYTES = 1600;

export async function tail(session: Session, args: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (args.length < 1) return refuse(session, help, "too few arguments");
  if (args.length > 3) return refuse(session, help, "too many arguments");
  const modifier = args[0]?.startsWith("-") ? args[0] : null;
  const [name, channel = "stdout"] = modifier === null ? args : args.slice(1);
  if (name === undefined) return fail(session, "Error: tail requires process name");
  const stream = channel.toLowerCase();
  if (stream !== "stdout" && stream !== "stderr") return fail(session, `Error: bad channel ${quote(stream)}`);
  const bytes = parseBytes(modifier);
  if (bytes === null) return fail(session, `Error: bad argument ${modifier}`);
  const method = stream === "stdout" ? "readProcessStdoutLog" : "readProcessStderrLog";
  await show(session, name, () => session.client.call(method, name, -bytes, 0));
}

export async function maintail(session: Session, args: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (args.length > 1) return refuse(session, help, "too many arguments");
  const bytes = parseBytes(args[0] ?? null);
  if (bytes === null) return fail(session, `Error: bad argument ${args[0]}`);
  await show(session, "supervisord", () => session.client.call("readLog", -bytes, 0));
}

/** `-100` → 100; nothing → the default; null for anything else. */
function parseBytes(modifier: string | null): number | null {
  if (modifier === null) return DEFAULT_BYTES;
  return /^-\d{1,15}$/.test(modifier) ? Number(modifier.slice(1)) : null;
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
