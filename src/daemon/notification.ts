/** The text of an sd_notify datagram → what is understood of it (sd_notify(3)). Pure. */
import type { Millis, Pid } from "../core/states.ts";

export interface Notification {
  /** In this order when a message has several. */
  readonly states: readonly ("reloading" | "ready" | "stopping")[];
  /** One printable line; empty takes the last one back. */
  readonly status: string | null;
  readonly mainPid: Pid | null;
  readonly watchdog: "alive" | "trigger" | null;
  readonly extend: Millis | null;
}

/** Characters of STATUS= that are kept. */
const STATUS_LENGTH = 200;

/** null: no list of assignments. What is not known in it, or makes no sense, is passed over, as systemd does. */
export function parseNotification(bytes: Uint8Array): Notification | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("utf8")
    .replace(/\0+$/, "");
  if (text.includes("\0")) return null;
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const equals = line.indexOf("=");
    const key = line.slice(0, Math.max(0, equals));
    if (key !== "" && !values.has(key)) values.set(key, line.slice(equals + 1));
  }
  if (values.size === 0) return null;
  const has = (key: string): boolean => values.get(key) === "1";
  const status = values.get("STATUS");
  const watchdog = values.get("WATCHDOG");
  const micros = wholeNumber(values.get("EXTEND_TIMEOUT_USEC"));
  return {
    states: [
      ...(has("RELOADING") ? (["reloading"] as const) : []),
      ...(has("READY") ? (["ready"] as const) : []),
      ...(has("STOPPING") ? (["stopping"] as const) : []),
    ],
    status: status === undefined ? null : printable(status),
    mainPid: wholeNumber(values.get("MAINPID")),
    watchdog: watchdog === "1" ? "alive" : watchdog === "trigger" ? "trigger" : null,
    extend: micros === null ? null : micros / 1000,
  };
}

/** null for what is none, for 0, and for more than a double holds. */
function wholeNumber(text: string | undefined): number | null {
  const number = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
  return number === 0 ? null : number;
}

/** It goes to terminals and into logs: control characters, line ends of any kind and changes of direction are escaped. */
function printable(text: string): string {
  const short = text.length > STATUS_LENGTH ? `${text.slice(0, STATUS_LENGTH)}…` : text;
  return short
    .toWellFormed()
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}
