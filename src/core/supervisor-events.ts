/**
 * What event listeners are told: supervisord's event types, who is subscribed to what, and the payloads byte for byte
 * (supervisord.md 10.1). Text that comes from a program is passed on as it is when it is UTF-8, else as supervisord
 * shows it, `Undecodable: b'…'`.
 */
import type { JournalEntry } from "./effect.ts";
import type { Blame } from "./event.ts";
import type { ProgramId } from "./spec.ts";

/** An event's concrete name, as in the header `eventname`. */
export type EventName =
  | `PROCESS_STATE_${Extract<JournalEntry, { type: "state" }>["to"]["name"]}`
  | `PROCESS_COMMUNICATION_${"STDOUT" | "STDERR"}`
  | `PROCESS_LOG_${"STDOUT" | "STDERR"}`
  | "REMOTE_COMMUNICATION"
  | `SUPERVISOR_STATE_CHANGE_${"RUNNING" | "STOPPING"}`
  | TickName
  | `PROCESS_GROUP_${"ADDED" | "REMOVED"}`;

export type TickName = "TICK_5" | "TICK_60" | "TICK_3600";

export interface SupervisorEvent {
  readonly name: EventName;
  readonly payload: Uint8Array;
  /** Set where a listener that asks for a shutdown does it because of this. */
  readonly blame: Blame | null;
}

/** Who a program is, for payloads. */
export interface Names {
  readonly name: string;
  readonly group: string;
}

/** A process and what it wrote. */
export interface Output extends Names {
  readonly pid: number;
  readonly stream: "stdout" | "stderr";
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
/** As strict as Python's; a byte order mark is text like any other. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A subscription stands for its own name and all below it. */
export function isSubscribed(subscriptions: readonly string[], name: string): boolean {
  return subscriptions.some((each) => each === "EVENT" || each === name || name.startsWith(`${each}_`));
}

/** What an entry means to listeners; null: nothing. */
export function eventOfEntry(entry: JournalEntry, namesOf: (id: ProgramId) => Names): SupervisorEvent | null {
  switch (entry.type) {
    case "state":
      return eventOfState(entry, namesOf(entry.id));
    case "stopping":
      return event("SUPERVISOR_STATE_CHANGE_STOPPING", "");
    case "group-added":
      return groupEvent("ADDED", entry.group);
    case "group-removed":
      return groupEvent("REMOVED", entry.group);
    default:
      return null;
  }
}

function eventOfState(entry: Extract<JournalEntry, { type: "state" }>, names: Names): SupervisorEvent {
  const { from, to, ended } = entry;
  const head = `processname:${names.name} groupname:${names.group} from_state:${from}`;
  const text = (more: string): string => (more === "" ? head : `${head} ${more}`);
  switch (to.name) {
    case "STARTING":
    case "BACKOFF":
      return event(`PROCESS_STATE_${to.name}`, text(`tries:${to.tries}`));
    case "RUNNING":
    case "STOPPING":
      return event(`PROCESS_STATE_${to.name}`, text(`pid:${to.pid}`));
    case "STOPPED":
      return event("PROCESS_STATE_STOPPED", text(`pid:${ended?.pid ?? 0}`));
    case "EXITED": {
      const expected = `expected:${to.expected ? 1 : 0} pid:${ended?.pid ?? 0}`;
      const blame = to.expected ? null : { id: entry.id, state: to };
      return event("PROCESS_STATE_EXITED", text(expected), blame);
    }
    case "FATAL":
      return event("PROCESS_STATE_FATAL", text(""), { id: entry.id, state: to });
    case "UNKNOWN":
      return event("PROCESS_STATE_UNKNOWN", text(""));
  }
}

export function groupEvent(what: "ADDED" | "REMOVED", group: string): SupervisorEvent {
  return event(`PROCESS_GROUP_${what}`, `groupname:${group}\n`);
}

export function runningEvent(): SupervisorEvent {
  return event("SUPERVISOR_STATE_CHANGE_RUNNING", "");
}

/** `when`: seconds since 1970, a multiple of the period. */
export function tickEvent(name: TickName, when: number): SupervisorEvent {
  return event(name, `when:${when}`);
}

/** What a client sent with sendRemoteCommEvent. */
export function remoteEvent(type: string, data: string): SupervisorEvent {
  return event("REMOTE_COMMUNICATION", `type:${type}\n${data}`);
}

/** A chunk as it was read. */
export function logEvent({ name, group, pid, stream, bytes }: Output): SupervisorEvent {
  const head = `processname:${name} groupname:${group} pid:${pid} channel:${stream}\n`;
  return withData(stream === "stdout" ? "PROCESS_LOG_STDOUT" : "PROCESS_LOG_STDERR", head, bytes);
}

/** What stood between the tags. */
export function communicationEvent({ name, group, pid, stream, bytes }: Output): SupervisorEvent {
  const eventName = stream === "stdout" ? "PROCESS_COMMUNICATION_STDOUT" : "PROCESS_COMMUNICATION_STDERR";
  return withData(eventName, `processname:${name} groupname:${group} pid:${pid}\n`, bytes);
}

function event(name: EventName, text: string, blame: Blame | null = null): SupervisorEvent {
  return { name, payload: encoder.encode(text), blame };
}

function withData(name: EventName, head: string, bytes: Uint8Array): SupervisorEvent {
  const start = encoder.encode(head);
  const data = isUtf8(bytes) ? bytes : encoder.encode(decodeText(bytes));
  // A copy: the chunk is only valid during the call.
  const payload = new Uint8Array(start.length + data.length);
  payload.set(start);
  payload.set(data, start.length);
  return { name, payload, blame: null };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** supervisord's way to show bytes: as text, or `Undecodable: b'…'`. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return `Undecodable: ${renderBytes(bytes)}`;
  }
}

const ESCAPES: Readonly<Record<number, string>> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };

/** Python's repr() of bytes. */
export function renderBytes(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = "";
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (ESCAPES[byte] !== undefined) text += ESCAPES[byte];
    else if (char === quote) text += `\\${char}`;
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else text += char;
  }
  return `b${quote}${text}${quote}`;
}
