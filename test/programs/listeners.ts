/** What tests of event listeners share: the Python listener's command line, and what it noted. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One event as a listener was told, or what else it noted. */
export interface Note {
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
  readonly started?: number;
  readonly parent?: number;
  readonly uid?: number;
  readonly state?: string;
  readonly name?: string;
  readonly restarted?: readonly [before: number, after: number, state: string];
}

/** Debian's, which knows the package supervisor. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = join(import.meta.dirname, "listeners/listener.py");

/** A `command=`; notes go to `@DIR@/<file>`. See listener.py. */
export function listenerCommand(role: string, file: string, ...words: readonly string[]): string {
  return [PYTHON, "-I", SCRIPT, role, `@DIR@/${file}`, ...words].join(" ");
}

/** What was noted so far; a line in the making is left out. */
export function readNotes(dir: string, file: string): Note[] {
  let text = "";
  try {
    text = readFileSync(join(dir, file), "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Note);
}

/** `EVENTNAME payload` of each event. */
export function readEvents(dir: string, file: string): string[] {
  return readNotes(dir, file).flatMap(({ headers, payload }) =>
    headers === undefined ? [] : [`${headers["eventname"]} ${payload ?? ""}`.trimEnd()],
  );
}
