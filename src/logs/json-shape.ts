/**
 * What the names in a line that is an object mean to a preset. Nearly all lines of a program have the same names in the same
 * order, so this is found out once for all of them. Pure.
 */
import { ALIASES, type Preset } from "./json-presets.ts";
import { parseKey } from "./json-scan.ts";

export type Role = "time" | "level" | "message";

interface Alias {
  readonly role: Role;
  /** The lowest one that is of use wins. */
  readonly rank: number;
}

/** A name of ours, with the object of a line that may be put into ours. */
export interface Names {
  readonly key: string;
  readonly names: ReadonlySet<string>;
}

export interface Slot {
  readonly name: string;
  /** The same name comes again, and the last one counts. */
  readonly repeated: boolean;
  readonly alias: Alias | null;
  /** The standard name under which it stays at the top of the line. */
  readonly top: string | null;
  /** The section of ours that it goes into if it is an object. */
  readonly section: number;
  /** `"name":` when it has to have another name than its own. */
  readonly renamed: string | null;
  readonly isLevelNumber: boolean;
  /** It may tell the time in a way of the preset's reader alone. */
  readonly isTime: boolean;
}

export interface Shape {
  readonly rawKeys: readonly string[];
  readonly slots: readonly Slot[];
  /** Names of the line and those given here. */
  readonly names: ReadonlyMap<string, number>;
}

/** A name with `_` at its end, as often as it takes. */
export function freeName(key: string, isTaken: (name: string) => boolean): string {
  let name = `${key}_`;
  while (isTaken(name)) name += "_";
  return name;
}

export class Shapes {
  readonly #preset: Preset;
  readonly #aliases = new Map<string, Alias>();
  readonly #tops = new Map<string, string>();
  readonly #sections: readonly Names[];
  /** Names that are ours where fields of a line go. */
  readonly #ours: ReadonlySet<string>;

  /** `top`: names that are ours at the top of a line. */
  constructor(preset: Preset, top: ReadonlySet<string>, sections: readonly Names[]) {
    this.#preset = preset;
    this.#sections = sections;
    for (const role of ["time", "level", "message"] as const) {
      const names = new Set<string>([preset[role], ...ALIASES[role]]);
      for (const [rank, name] of [...names].entries()) this.#aliases.set(name, { role, rank });
    }
    for (const [name, others] of Object.entries(preset.top))
      for (const other of [name, ...others]) this.#tops.set(other, name);
    this.#ours = sections.find(({ key }) => key === preset.rest)?.names ?? top;
  }

  /** Of a line with these keys, as they are written. */
  make(rawKeys: readonly string[]): Shape {
    const keys = rawKeys.map(parseKey);
    const names = new Map(keys.map((key, index) => [key, index]));
    const slots = keys.map((name, index) => this.#slot(name, index, names));
    return { rawKeys, slots, names };
  }

  #slot(name: string, index: number, names: Map<string, number>): Slot {
    const { levelNumber, timeFields } = this.#preset;
    const repeated = names.get(name) !== index;
    let renamed: string | null = null;
    if (!repeated && this.#ours.has(name)) {
      const free = freeName(name, (each) => this.#ours.has(each) || names.has(each));
      names.set(free, -1);
      renamed = `${JSON.stringify(free)}:`;
    }
    const top = this.#tops.get(name);
    return {
      name,
      repeated,
      alias: this.#aliases.get(name) ?? null,
      // Its standard name, where the line has that as well, is the better one.
      top: top === undefined || (top !== name && names.has(top)) ? null : top,
      section: this.#sections.findIndex(({ key }) => key === name),
      renamed,
      isLevelNumber: name === levelNumber,
      isTime: timeFields.includes(name),
    };
  }
}
