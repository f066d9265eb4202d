/** A line as a JSON object. Pure. */
import type { GlobalSpec } from "../core/spec.ts";
import type { Level, StreamName } from "./logs.ts";

export interface JsonRecord {
  readonly time: string;
  readonly level: Level;
  readonly program: string;
  readonly group: string;
  readonly pid: number;
  readonly stream: StreamName;
}

export interface JsonPart {
  /** Earlier pieces of this line were written. */
  readonly continued: boolean;
  /** More of this line follows or may follow. */
  readonly partial: boolean;
}

/** What each field is called. One set of names for each value of `log_keys`. */
export type JsonKeys = Readonly<Record<keyof JsonRecord | "message", string>>;

const PLAIN: JsonKeys = {
  time: "time",
  level: "level",
  program: "program",
  group: "group",
  pid: "pid",
  stream: "stream",
  message: "message",
};

export function jsonKeys(_preset: GlobalSpec["logKeys"]): JsonKeys {
  return PLAIN;
}

/** A line may speak for itself about these; who wrote it is ours to say. */
const LINE_WINS: ReadonlySet<keyof JsonRecord> = new Set(["time", "level"]);

function parseObject(text: string): Record<string, unknown> | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/**
 * One line, newline included. A whole line that is a JSON object is merged: its text is kept to the letter behind our
 * fields, its own time and level win, and a field of it that is called like one of ours (`pid`) is renamed (`pid_`).
 */
export function renderJson(keys: JsonKeys, record: JsonRecord, text: string, part: JsonPart | null): string {
  const own = part ? null : parseObject(text);
  const fields: string[] = [];
  const clashes: string[] = [];
  for (const field of Object.keys(record) as (keyof JsonRecord)[]) {
    const key = keys[field];
    if (own && Object.hasOwn(own, key)) {
      if (LINE_WINS.has(field)) continue;
      clashes.push(key);
    }
    fields.push(`${JSON.stringify(key)}:${JSON.stringify(record[field])}`);
  }
  const head = fields.join(",");
  if (!own) {
    const flags = part
      ? `${part.continued ? ',"continued":true' : ""}${part.partial ? ',"partial":true' : ""}`
      : "";
    return `{${head},${JSON.stringify(keys.message)}:${JSON.stringify(text)}${flags}}\n`;
  }
  if (clashes.length > 0) {
    const renamed = Object.entries(own).map(([key, value]) => [
      clashes.includes(key) ? `${key}_` : key,
      value,
    ]);
    return `{${head},${JSON.stringify(Object.fromEntries(renamed)).slice(1)}\n`;
  }
  const body = text.trim().slice(1).trimStart();
  return body === "}" ? `{${head}}\n` : `{${head},${body}\n`;
}
