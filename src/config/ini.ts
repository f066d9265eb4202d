/**
 * supervisord's INI dialect: Python's RawConfigParser(strict=False, inline_comment_prefixes=(";", "#")).
 *
 * npm `ini` does the parsing, but its own dialect differs (it cuts at every `;`, unquotes, nests at dots,
 * knows no continuation lines, reports nothing). So the lines are first rewritten by ConfigParser's grammar
 * into the one form that `ini` reads without loss, `[nNAME]` and `nKEY="JSON"`; that pass also finds the
 * errors and line numbers.
 */
import { parse } from "ini";
import { indentOf, isBlank, strip, stripEnd } from "./text.ts";

export interface IniEntry {
  /** Lines joined with `\n`. */
  readonly value: string;
  /** Line of the key, from 1. */
  readonly line: number;
  /** The value's lines with their inline comments, null when no comment was cut off. */
  readonly uncut: readonly string[] | null;
}

export interface IniSection {
  /** First header of this name, from 1. */
  readonly line: number;
  readonly entries: Map<string, IniEntry>;
}

/**
 * no-section: text before the first header; no-delimiter: neither `=` nor `:`; empty-key: nothing before it.
 */
export interface IniProblem {
  readonly kind: "no-section" | "no-delimiter" | "empty-key";
  readonly line: number;
  readonly text: string;
}

export interface IniDocument {
  readonly sections: Map<string, IniSection>;
  readonly problems: readonly IniProblem[];
}

interface Draft {
  readonly line: number;
  readonly values: string[];
  readonly uncut: string[];
  isCut: boolean;
}

interface DraftSection {
  readonly line: number;
  readonly entries: Map<string, Draft>;
}

/** Never throws. A byte order mark is dropped (Python would refuse the file). Keys are lower-cased. */
export function parseIni(text: string): IniDocument {
  const { sections, problems } = readLines(text.startsWith("\ufeff") ? text.slice(1) : text);
  const parsed: Record<string, Record<string, unknown>> = parse(renderCanonical(sections));
  const out = new Map<string, IniSection>();
  for (const [name, section] of sections) {
    const values = parsed[escapeName(name)] ?? {};
    const entries = new Map<string, IniEntry>();
    for (const [key, draft] of section.entries) {
      const uncut = draft.isCut ? draft.uncut : null;
      // String(): `ini` turns true, false and null into what they look like.
      entries.set(key, { value: String(values[escapeName(key)]), line: draft.line, uncut });
    }
    out.set(name, { line: section.line, entries });
  }
  return { sections: out, problems };
}

/** ConfigParser._read: which lines are headers, options, continuations, comments or mistakes. */
function readLines(text: string): { sections: Map<string, DraftSection>; problems: IniProblem[] } {
  const sections = new Map<string, DraftSection>();
  const problems: IniProblem[] = [];
  let section: DraftSection | null = null;
  let option: Draft | null = null;
  let indent = 0;
  for (const [number, line] of splitLines(text)) {
    const comment = commentStart(line);
    const value = strip(comment < 0 ? line : line.slice(0, comment));
    if (value === "") {
      if (comment < 0 && option !== null) append(option, "", "");
      continue;
    }
    const lead = indentOf(line);
    if (option !== null && lead > indent) {
      append(option, value, strip(line));
      continue;
    }
    indent = lead;
    // Greedy: `[a]b]` is section `a]b`; what follows the last bracket is ignored.
    const header = /^\[([^]+)\]/.exec(value)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? { line: number, entries: new Map() };
      sections.set(header, section);
      option = null;
    } else if (section === null) {
      if (problems.length === 0) problems.push({ kind: "no-section", line: number, text: line });
    } else {
      const delimiter = value.search(/[=:]/);
      if (delimiter < 0) {
        problems.push({ kind: "no-delimiter", line: number, text: line });
        continue;
      }
      const key = strip(value.slice(0, delimiter)).toLowerCase();
      if (key === "") {
        problems.push({ kind: "empty-key", line: number, text: line });
        option = null; // Python tests the name for truth, so nothing continues an empty one
        continue;
      }
      option = { line: number, values: [], uncut: [], isCut: false };
      const whole = strip(line);
      append(option, strip(value.slice(delimiter + 1)), strip(whole.slice(whole.search(/[=:]/) + 1)));
      section.entries.set(key, option);
    }
  }
  return { sections, problems };
}

function append(option: Draft, value: string, uncut: string): void {
  option.values.push(value);
  option.uncut.push(uncut);
  if (value !== uncut) option.isCut = true;
}

/** Python's universal newlines: \n, \r\n and \r end a line, nothing else does. Numbers from 1. */
function* splitLines(text: string): Generator<[number, string]> {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === "") lines.pop();
  for (const [index, line] of lines.entries()) yield [index + 1, line];
}

/**
 * Where the comment of a line begins, or -1. ConfigParser's own search, with its oddity: the k-th `;` and the
 * k-th `#` are looked at together, and it stops at the first k where one of them follows a blank (`a;b ;c #d`
 * keeps `;c`).
 */
function commentStart(line: string): number {
  if (!line.includes(";") && !line.includes("#")) return -1;
  const first = line[indentOf(line)];
  if (first === ";" || first === "#") return 0;
  let live: [string, number][] = [
    [";", -1],
    ["#", -1],
  ];
  while (live.length > 0) {
    const found: [string, number][] = [];
    let start = Number.POSITIVE_INFINITY;
    for (const [prefix, from] of live) {
      const at = line.indexOf(prefix, from + 1);
      if (at < 0) continue;
      found.push([prefix, at]);
      if (at === 0 || isBlank(line[at - 1])) start = Math.min(start, at);
    }
    if (start !== Number.POSITIVE_INFINITY) return start;
    live = found;
  }
  return -1;
}

/** The text that `ini` reads without loss. */
function renderCanonical(sections: ReadonlyMap<string, DraftSection>): string {
  let out = "";
  for (const [name, section] of sections) {
    out += `[${escapeName(name)}]\n`;
    for (const [key, draft] of section.entries) {
      out += `${escapeName(key)}=${escapeValue(stripEnd(draft.values.join("\n")))}\n`;
    }
  }
  return out;
}

/**
 * The leading `n` disarms `__proto__`, `true` and names that look like integers; `%HHHH` is a UTF-16 unit.
 */
function escapeName(name: string): string {
  const hex = (unit: string): string => `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `n${name.replace(/[^A-Za-z0-9:_-]/g, hex)}`;
}

/** `ini` matches lines with `.`, which stops at U+2028 and U+2029; JSON.stringify leaves them bare. */
function escapeValue(value: string): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
}
