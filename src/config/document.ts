/** Every file and variable of one configuration laid over each other; each value knows where it came from. */

import type { IniDocument, IniProblem } from "./ini.ts";
import type { Problems } from "./problems.ts";
import { beginningOf } from "./secrets.ts";
import { quote } from "./text.ts";

export interface Entry {
  readonly value: string;
  /** `FILE:LINE`, or a variable's name. */
  readonly where: string;
  /** See IniEntry. */
  readonly uncut: readonly string[] | null;
}

export interface Section {
  readonly name: string;
  readonly where: string;
  /** How messages call it: its name, or `TSINIT_PROGRAM_WEB`. */
  readonly label: string;
  readonly entries: Map<string, Entry>;
}

const HERE = "%(here)s";

export class Document {
  readonly sections = new Map<string, Section>();
  /** `[DEFAULT]`: every section inherits these. It is not a section itself. */
  readonly defaults = new Map<string, Entry>();

  /** Later files win key by key (supervisord.md 1.3). */
  merge(ini: IniDocument, file: string, problems: Problems): void {
    for (const problem of ini.problems) reportSyntax(problem, file, problems);
    for (const [name, section] of ini.sections) {
      const headerPlace = { where: `${file}:${section.line}`, section: null, key: null };
      if (name.includes("\0")) {
        problems.error(headerPlace, "the name of a section has a NUL byte in it; expected text");
        continue;
      }
      const entries = name === "DEFAULT" ? this.defaults : this.open(name, headerPlace.where).entries;
      for (const [key, entry] of section.entries) {
        const where = `${file}:${entry.line}`;
        if (key.includes("\0") || entry.value.includes("\0")) {
          problems.error(
            { where, section: name, key: null },
            `${quote(key)} has a NUL byte in it; expected text`,
          );
        } else entries.set(key, { value: entry.value, where, uncut: entry.uncut });
      }
    }
  }

  /** Written for tsinit and nobody else. */
  get isNative(): boolean {
    return this.sections.has("tsinit") && !this.sections.has("supervisord");
  }

  /** The section, made if it is not there. */
  open(name: string, where: string, label = name): Section {
    const section = this.sections.get(name) ?? { name, where, label, entries: new Map<string, Entry>() };
    this.sections.set(name, section);
    return section;
  }

  get(section: Section, key: string): Entry | undefined {
    return section.entries.get(key) ?? this.defaults.get(key);
  }

  /**
   * What supervisord does after each file once there is an `[include]`: the text `%(here)s` becomes that
   * file's directory, an inherited value thereby the section's own.
   */
  expandHere(here: string): void {
    for (const section of this.sections.values()) {
      for (const [key, entry] of [...this.defaults, ...section.entries]) {
        const current = section.entries.get(key) ?? entry;
        if (!current.value.includes(HERE)) continue;
        const uncut = current.uncut?.map((line) => line.replaceAll(HERE, () => here)) ?? null;
        section.entries.set(key, { ...current, value: current.value.replaceAll(HERE, () => here), uncut });
      }
    }
  }
}

function reportSyntax(problem: IniProblem, file: string, problems: Problems): void {
  const place = { where: `${file}:${problem.line}`, section: null, key: null };
  const line = quote(beginningOf(problem.text));
  if (problem.kind === "no-section") {
    problems.error(
      place,
      `File contains no section headers: ${line}; expected a [section] before the first key`,
    );
  } else if (problem.kind === "no-delimiter") {
    problems.error(
      place,
      `Source contains parsing errors: ${line}; expected key=value, or more indentation to continue ` +
        `the line above`,
    );
  } else {
    problems.error(place, `Source contains parsing errors: ${line}; expected a key before the delimiter`);
  }
}
