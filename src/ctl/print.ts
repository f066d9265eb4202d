/** supervisorctl's lines, column for column (supervisord.md 14.4). */
import { FAULTS } from "../api/faults.ts";
import { isStruct, type Value } from "../api/xmlrpc.ts";
import { ConnectionError, FaultError, StatusError } from "./client.ts";

/** A struct of a program that a call answered. */
export interface Info {
  readonly [key: string]: Value;
}

export function asInfos(value: Value): Info[] {
  return Array.isArray(value) ? value.filter((item): item is Info => isStruct(item)) : [];
}

/** `web` for `web:web`; `web:*` for a whole group. */
export function formatName(group: string, name: string | null): string {
  if (name === null) return `${group}:*`;
  return group === name ? name : `${group}:${name}`;
}

export function nameOf(info: Info): string {
  return formatName(String(info["group"]), String(info["name"]));
}

/** `web` → both; `group:*` and `group:` → name null, the whole group. */
export function splitName(text: string): { readonly group: string; readonly name: string | null } {
  const colon = text.indexOf(":");
  if (colon < 0) return { group: text, name: text };
  const name = text.slice(colon + 1);
  return { group: text.slice(0, colon), name: name === "" || name === "*" ? null : name };
}

export function statusLines(infos: readonly Info[]): string[] {
  const names = infos.map(nameOf);
  const width = Math.max(30, ...names.map((name) => name.length)) + 3;
  return infos.map((info, index) => {
    const state = String(info["statename"]).padEnd(10);
    return `${(names[index] ?? "").padEnd(width)}${state}${String(info["description"])}`;
  });
}

export function availLine(info: Info): string {
  const use = info["inuse"] ? "in use" : "avail";
  const start = info["autostart"] ? "auto" : "manual";
  const priority = `${String(info["group_prio"])}:${String(info["process_prio"])}`;
  return `${nameOf(info).padEnd(32)} ${use.padEnd(9)} ${start.padEnd(9)} ${priority}`;
}

export type Action = "started" | "stopped" | "signalled" | "cleared";

const START_ERRORS: Readonly<Record<number, string>> = {
  [FAULTS.BAD_NAME]: "no such process",
  [FAULTS.NO_FILE]: "no such file",
  [FAULTS.NOT_EXECUTABLE]: "file is not executable",
  [FAULTS.ALREADY_STARTED]: "already started",
  [FAULTS.SPAWN_ERROR]: "spawn error",
  [FAULTS.ABNORMAL_TERMINATION]: "abnormal termination",
};
const SIGNAL_ERRORS: Readonly<Record<number, string>> = {
  [FAULTS.BAD_NAME]: "no such process",
  [FAULTS.BAD_SIGNAL]: "bad signal name",
  [FAULTS.NOT_RUNNING]: "not running",
};
const ERRORS: Readonly<Record<Action, Readonly<Record<number, string>>>> = {
  started: START_ERRORS,
  stopped: SIGNAL_ERRORS,
  signalled: SIGNAL_ERRORS,
  cleared: { [FAULTS.BAD_NAME]: "no such process", [FAULTS.FAILED]: "failed" },
};

/** What became of one program. Throws where supervisorctl has no words for the code. */
export function resultLine(action: Action, name: string, status: number, description: string): string {
  if (status === FAULTS.SUCCESS) return `${name}: ${action}`;
  const error = ERRORS[action][status];
  if (error !== undefined) return `${name}: ERROR (${error})`;
  if (status === FAULTS.FAILED && ERRORS[action] === SIGNAL_ERRORS) return description;
  throw new RangeError(`Unknown result code ${status} for ${name}`);
}

/** `error: <class '…'>, <text>: file: … line: …`, as supervisorctl shows what it did not expect. */
export function errorLine(error: unknown, program: string): string {
  const [type, text] = describe(error);
  return `error: <class '${type}'>, ${text}: file: ${program} line: 0`;
}

function describe(error: unknown): [type: string, text: string] {
  if (error instanceof FaultError)
    return ["xmlrpc.client.Fault", `<Fault ${error.fault.code}: ${quote(error.fault.text)}>`];
  if (error instanceof StatusError)
    return [
      "xmlrpc.client.ProtocolError",
      `<ProtocolError for 127.0.0.1/RPC2: ${error.status} ${error.message}>`,
    ];
  if (error instanceof ConnectionError) {
    const known = PYTHON_ERRORS[error.code];
    return known ?? ["OSError", error.message];
  }
  if (error instanceof RangeError || error instanceof TypeError) return ["ValueError", error.message];
  return ["Exception", error instanceof Error ? error.message : String(error)];
}

const PYTHON_ERRORS: Readonly<Record<string, [type: string, text: string]>> = {
  ECONNREFUSED: ["ConnectionRefusedError", "[Errno 111] Connection refused"],
  ENOENT: ["FileNotFoundError", "[Errno 2] No such file or directory"],
  EACCES: ["PermissionError", "[Errno 13] Permission denied"],
  ECONNRESET: ["ConnectionResetError", "[Errno 104] Connection reset by peer"],
  EPIPE: ["BrokenPipeError", "[Errno 32] Broken pipe"],
};

/** Python's repr() of a string: single quotes, unless it has some and no double ones. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const inner = text.replace(/[\\\n\r\t]/g, (char) => escapes[char] ?? char);
  return mark + inner.replaceAll(mark, `\\${mark}`) + mark;
}

const WIDTH = 80;

/** The list of commands, in columns from top to bottom. */
export function helpTable(names: readonly string[]): string[] {
  const header = "default commands (type help <topic>):";
  return ["", header, "=".repeat(header.length), ...columns(names, WIDTH - 1), ""];
}

/** As few rows as fit, two blanks between columns; from top to bottom, then left to right. */
function columns(names: readonly string[], width: number): string[] {
  for (let rows = 1; rows < names.length; rows++) {
    const cells: string[][] = [];
    for (let at = 0; at < names.length; at += rows) cells.push(names.slice(at, at + rows));
    const widths = cells.map((column) => Math.max(...column.map((name) => name.length)));
    if (widths.reduce((sum, one) => sum + one + 2, -2) > width) continue;
    return Array.from({ length: rows }, (_, row) =>
      cells
        .filter((column) => row < column.length)
        .map((column, index) => (column[row] ?? "").padEnd(widths[index] ?? 0))
        .join("  "),
    );
  }
  return [...names];
}
