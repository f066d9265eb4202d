/** fg: what a program writes, and what is typed goes to it. */
import { FAULTS } from "../api/faults.ts";
import { isStruct, type Value } from "../api/xmlrpc.ts";
import type { Client } from "./client.ts";
import { FaultError, faultText, Interrupted } from "./errors.ts";
import type { Help } from "./process-commands.ts";
import { EXIT, type Person, type Session } from "./session.ts";
import { logPath } from "./tail-commands.ts";

export async function fg(session: Session, names: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  const [name] = names;
  if (name === undefined) return refuse(session, "ERROR: no process name supplied", ...help);
  if (names.length > 1) return refuse(session, "ERROR: too many process names supplied");
  let info: Value;
  try {
    info = await session.client.call("getProcessInfo", name);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    if (error.fault.code === FAULTS.BAD_NAME) return refuse(session, "ERROR: bad process name supplied");
    return session.say(`ERROR: ${faultText(error.fault)}`);
  }
  if (!isRunning(info)) return refuse(session, "ERROR: process not running");
  const person = await session.options.person();
  person.attend();
  session.say("==> Press Ctrl-C to exit <==");
  await session.options.interrupts.during((signal) => attend(session, person, name, signal));
}

function refuse(session: Session, ...lines: string[]): void {
  session.say(...lines);
  session.exitCode = EXIT.GENERIC;
}

function isRunning(info: Value): boolean {
  return isStruct(info) && info["statename"] === "RUNNING";
}

/** Until somebody leaves or the program is found not to run, which is looked at after each line. */
async function attend(session: Session, person: Person, name: string, signal: AbortSignal): Promise<void> {
  const streams = new AbortController();
  const until = AbortSignal.any([signal, streams.signal]);
  const copies = (["stdout", "stderr"] as const).map((stream) =>
    session.follow(logPath(name, stream), until),
  );
  const copied = Promise.allSettled(copies);
  try {
    const client = session.clientUntil(signal);
    for (;;) {
      const line = await person.readLine(signal);
      const trouble = line === null ? [] : await send(client, name, `${line}\n`);
      if (trouble === null) continue;
      session.say(...trouble, "Exiting foreground");
      return;
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    session.say("Exiting foreground");
  } finally {
    streams.abort();
    await copied;
  }
}

/** What to say because it is over, or null. */
async function send(client: Client, name: string, text: string): Promise<string[] | null> {
  try {
    await client.call("sendProcessStdin", name, text);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return [
      error.fault.code === FAULTS.NOT_RUNNING ? "Process got killed" : `ERROR: ${faultText(error.fault)}`,
    ];
  }
  return isRunning(await client.call("getProcessInfo", name)) ? null : ["Process got killed"];
}
