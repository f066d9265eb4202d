/** Commands about the configuration: avail, reread, update, add, remove. */
import { FAULTS } from "../api/faults.ts";
import type { Value } from "../api/xmlrpc.ts";
import { FaultError } from "./errors.ts";
import { asInfos, availLine } from "./print.ts";
import { EXIT, type Session } from "./session.ts";

/** Says the words for the fault's code, or throws the error on. */
function explain(session: Session, error: unknown, words: Readonly<Record<number, string>>): void {
  session.exitCode = EXIT.GENERIC;
  const line = error instanceof FaultError ? words[error.fault.code] : undefined;
  if (line === undefined) throw error;
  session.say(line);
}

export async function avail(session: Session): Promise<void> {
  try {
    session.say(...asInfos(await session.client.call("getAllConfigInfo")).map(availLine));
  } catch (error) {
    explain(session, error, { [FAULTS.SHUTDOWN_STATE]: "ERROR: supervisor shutting down" });
  }
}

interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** `[[added, changed, removed]]`. */
function parseChanges(value: Value): Changes {
  const lists = Array.isArray(value) && Array.isArray(value[0]) ? value[0] : [];
  const [added, changed, removed] = [0, 1, 2].map((index) => {
    const list: unknown = lists[index];
    return Array.isArray(list) ? list.map(String) : [];
  });
  return { added: added ?? [], changed: changed ?? [], removed: removed ?? [] };
}

export async function reread(session: Session): Promise<void> {
  let changes: Changes;
  try {
    changes = parseChanges(await session.client.call("reloadConfig"));
  } catch (error) {
    const text = error instanceof FaultError ? error.fault.text : "";
    return explain(session, error, {
      [FAULTS.SHUTDOWN_STATE]: "ERROR: supervisor shutting down",
      [FAULTS.CANT_REREAD]: `ERROR: ${text}`,
    });
  }
  const words = new Map<string, string>();
  for (const name of changes.added) words.set(name, "available");
  for (const name of changes.changed) words.set(name, "changed");
  for (const name of changes.removed) words.set(name, "disappeared");
  if (words.size === 0) return session.say("No config updates to processes");
  session.say(...[...words.keys()].sort().map((name) => `${name}: ${words.get(name)}`));
}

/** Group by group: stop and remove what is gone or other, add what is other or new. */
export async function update(session: Session, args: readonly string[]): Promise<void> {
  const { client } = session;
  let changes: Changes;
  try {
    changes = parseChanges(await client.call("reloadConfig"));
  } catch (error) {
    return explain(session, error, { [FAULTS.SHUTDOWN_STATE]: "ERROR: already shutting down" });
  }
  const wanted = new Set(args.includes("all") ? [] : args);
  if (wanted.size > 0) await checkGroups(session, wanted, changes.added);
  const chosen = (names: readonly string[]): string[] =>
    names.filter((name) => wanted.size === 0 || wanted.has(name));
  for (const group of chosen(changes.removed)) {
    const results = asInfos(await client.call("stopProcessGroup", group));
    session.say(`${group}: stopped`);
    if (results.some((result) => result["status"] === FAULTS.FAILED)) {
      session.say(`${group}: has problems; not removing`);
      session.exitCode = EXIT.GENERIC;
      continue;
    }
    await client.call("removeProcessGroup", group);
    session.say(`${group}: removed process group`);
  }
  for (const group of chosen(changes.changed)) {
    await client.call("stopProcessGroup", group);
    session.say(`${group}: stopped`);
    await client.call("removeProcessGroup", group);
    await client.call("addProcessGroup", group);
    session.say(`${group}: updated process group`);
  }
  for (const group of chosen(changes.added)) {
    await client.call("addProcessGroup", group);
    session.say(`${group}: added process group`);
  }
}

async function checkGroups(
  session: Session,
  wanted: ReadonlySet<string>,
  added: readonly string[],
): Promise<void> {
  const known = new Set(added);
  for (const info of asInfos(await session.client.call("getAllProcessInfo")))
    known.add(String(info["group"]));
  for (const group of wanted) {
    if (known.has(group)) continue;
    session.say(`ERROR: no such group: ${group}`);
    session.exitCode = EXIT.GENERIC;
  }
}

export async function add(session: Session, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await session.client.call("addProcessGroup", name);
      session.say(`${name}: added process group`);
    } catch (error) {
      // The one that does not count as a failure.
      if (error instanceof FaultError && error.fault.code === FAULTS.ALREADY_ADDED) {
        session.say("ERROR: process group already active");
        continue;
      }
      explain(session, error, {
        [FAULTS.SHUTDOWN_STATE]: "ERROR: shutting down",
        [FAULTS.BAD_NAME]: `ERROR: no such process/group: ${name}`,
      });
    }
  }
}

export async function remove(session: Session, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await session.client.call("removeProcessGroup", name);
      session.say(`${name}: removed process group`);
    } catch (error) {
      explain(session, error, {
        [FAULTS.STILL_RUNNING]: `ERROR: process/group still running: ${name}`,
        [FAULTS.BAD_NAME]: `ERROR: no such process/group: ${name}`,
      });
    }
  }
}
