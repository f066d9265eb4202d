/** Commands about programs: status, pid, start, stop, restart, signal, clear. */
import { FAULTS } from "../api/faults.ts";
import { isStruct, type Value } from "../api/xmlrpc.ts";
import { FaultError } from "./errors.ts";
import {
  type Action,
  asInfos,
  formatName,
  type Info,
  nameOf,
  resultLine,
  splitName,
  statusLines,
} from "./print.ts";
import { EXIT, type Session } from "./session.ts";

/** The lines of the command's own help. */
export type Help = readonly string[];

const DOWN = new Set(["STOPPED", "EXITED", "FATAL", "UNKNOWN"]);
const DEAD: readonly number[] = [FAULTS.SPAWN_ERROR, FAULTS.ABNORMAL_TERMINATION, FAULTS.NOT_RUNNING];

export async function status(session: Session, names: readonly string[]): Promise<void> {
  if (!(await session.isUp())) {
    session.exitCode = EXIT.STATUS_UNKNOWN;
    return;
  }
  const all = asInfos(await session.client.call("getAllProcessInfo"));
  const shown =
    names.length === 0 || names.includes("all") ? all : names.flatMap((name) => find(session, all, name));
  session.say(...statusLines(shown));
  if (shown.some((info) => DOWN.has(String(info["statename"])))) session.exitCode = EXIT.STATUS_DOWN;
}

function find(session: Session, all: readonly Info[], text: string): Info[] {
  const { group, name } = splitName(text);
  const found = all.filter((info) => info["group"] === group && (name === null || info["name"] === name));
  if (found.length > 0) return found;
  session.say(name === null ? `${group}: ERROR (no such group)` : `${text}: ERROR (no such process)`);
  session.exitCode = EXIT.STATUS_UNKNOWN;
  return [];
}

export async function pid(session: Session, names: readonly string[]): Promise<void> {
  if (!(await session.isUp())) return;
  const { client } = session;
  if (names.length === 0) return session.say(String(await client.call("getPID")));
  if (names.includes("all"))
    return session.say(...asInfos(await client.call("getAllProcessInfo")).map((info) => String(info["pid"])));
  for (const name of names) {
    try {
      const info = await client.call("getProcessInfo", name);
      const value = isStruct(info) ? info["pid"] : 0;
      session.say(String(value));
      if (value === 0) session.exitCode = EXIT.NOT_RUNNING;
    } catch (error) {
      session.exitCode = EXIT.GENERIC;
      if (!(error instanceof FaultError) || error.fault.code !== FAULTS.BAD_NAME) throw error;
      session.say(`No such process ${name}`);
    }
  }
}

interface Verb {
  readonly action: Action;
  readonly one: string;
  readonly group: string;
  readonly all: string;
  /** A result that is no failure. */
  readonly harmless: number | null;
  readonly noSuchGroup: number;
}

const START: Verb = {
  action: "started",
  one: "startProcess",
  group: "startProcessGroup",
  all: "startAllProcesses",
  harmless: FAULTS.ALREADY_STARTED,
  noSuchGroup: EXIT.INVALID_ARGS,
};
const STOP: Verb = {
  action: "stopped",
  one: "stopProcess",
  group: "stopProcessGroup",
  all: "stopAllProcesses",
  harmless: FAULTS.NOT_RUNNING,
  noSuchGroup: EXIT.GENERIC,
};
const SIGNAL: Verb = {
  action: "signalled",
  one: "signalProcess",
  group: "signalProcessGroup",
  all: "signalAllProcesses",
  harmless: null,
  noSuchGroup: EXIT.GENERIC,
};

export async function start(session: Session, names: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (names.length === 0) return refuse(session, help, "start requires a process name", EXIT.INVALID_ARGS);
  await apply(session, START, names);
}

export async function stop(session: Session, names: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (names.length === 0) return refuse(session, help, "stop requires a process name");
  await apply(session, STOP, names);
}

export async function restart(session: Session, names: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (names.length === 0) return refuse(session, help, "restart requires a process name");
  await stop(session, names, help);
  await start(session, names, help);
}

export async function signal(session: Session, args: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  const [word, ...names] = args;
  if (word === undefined || names.length === 0)
    return refuse(session, help, "signal requires a signal name and a process name");
  await apply(session, SIGNAL, names, word);
}

/** An error about the arguments, and the command's help. */
export function refuse(session: Session, help: Help, text: string, code: number = EXIT.GENERIC): void {
  session.say(`Error: ${text}`, ...help);
  session.exitCode = code;
}

/** The names one after the other, each to its end. */
async function apply(
  session: Session,
  verb: Verb,
  names: readonly string[],
  ...extra: Value[]
): Promise<void> {
  const { client } = session;
  if (names.includes("all")) return report(session, verb, await client.call(verb.all, ...extra));
  for (const text of names) {
    const { group, name } = splitName(text);
    try {
      if (name === null) report(session, verb, await client.call(verb.group, group, ...extra));
      else {
        await client.call(verb.one, text, ...extra);
        session.say(resultLine(verb.action, formatName(group, name), FAULTS.SUCCESS, ""));
      }
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      const { code, text: description } = error.fault;
      if (name !== null) settle(session, verb, formatName(group, name), code, description);
      else if (code === FAULTS.BAD_NAME) {
        session.say(`${group}: ERROR (no such group)`);
        session.exitCode = verb.noSuchGroup;
      } else throw error;
    }
  }
}

function report(session: Session, verb: Verb, results: Value): void {
  for (const info of asInfos(results))
    settle(session, verb, nameOf(info), Number(info["status"]), String(info["description"]));
}

function settle(
  session: Session,
  { action, harmless }: Verb,
  name: string,
  code: number,
  description: string,
): void {
  const why = session.isSupervisorctl ? null : reasonIn(description, name);
  if (code === FAULTS.ABNORMAL_TERMINATION && why !== null)
    session.say(`${name}: ERROR (not started: ${why})`);
  else if (code === FAULTS.SHUTDOWN_STATE && !session.isSupervisorctl)
    session.say(`${name}: ERROR (tsinit is shutting down)`);
  else session.say(resultLine(action, name, code, description));
  if (code === FAULTS.SUCCESS || code === harmless) return;
  session.exitCode = DEAD.includes(code) ? EXIT.NOT_RUNNING : EXIT.GENERIC;
}

/** What tsinit says behind the name, where supervisord's fault ends: `ABNORMAL_TERMINATION: app: waiting for redis to start`. */
function reasonIn(description: string, name: string): string | null {
  const before = `: ${name}: `;
  const at = description.indexOf(before);
  return at < 0 ? null : description.slice(at + before.length);
}

export async function clear(session: Session, names: readonly string[], help: Help): Promise<void> {
  if (!(await session.isUp())) return;
  if (names.length === 0) return refuse(session, help, "clear requires a process name");
  const verb: Verb = {
    ...STOP,
    action: "cleared",
    one: "clearProcessLogs",
    all: "clearAllProcessLogs",
    harmless: null,
  };
  if (names.includes("all")) return report(session, verb, await session.client.call(verb.all));
  for (const text of names) {
    const { group, name } = splitName(text);
    // supervisorctl knows no groups here, and says so in these words.
    const shown = name === null ? `${group}:None` : formatName(group, name);
    try {
      await session.client.call(verb.one, text);
      settle(session, verb, shown, FAULTS.SUCCESS, "");
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      settle(session, verb, shown, error.fault.code, error.fault.text);
    }
  }
}
