/** supervisorctl's lines, column for column (supervisord.md 14.4). */
import { FAULTS } from "../api/faults.ts";
import { isStruct, type Value } from "../api/xmlrpc.ts";
import { PythonError } from "./errors.ts";

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
  const width = Math.max(30, ...names.map(lengthOf)) + 3;
  return infos.map((info, index) => {
    const state = pad(String(info["statename"]), 10);
    return `${pad(names[index] ?? "", width)}${state}${String(info["description"])}`;
  });
}

/** In characters, as Python counts them. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - lengthOf(text)));
}

export function availLine(info: Info): string {
  const use = info["inuse"] ? "in use" : "avail";
  const start = info["autostart"] ? "auto" : "manual";
  const priority = `${String(info["group_prio"])}:${String(info["process_prio"])}`;
  return `${pad(nameOf(info), 32)} ${use.padEnd(9)} ${start.padEnd(9)} ${priority}`;
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
  throw new PythonError("ValueError", `Unknown result code ${status} for ${name}`);
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
