/**
 * Reads the keys of one section by the table of options: expanded, parsed, or the default and an error at its
 * place.
 */
import type { Document, Entry, Section } from "./document.ts";
import { expand, expandTwice, type Names } from "./expand.ts";
import { findOption, OPTIONS, type Option, type Options, optionKeys, type SectionKind } from "./options.ts";
import { Invalid, type Place, type Problems } from "./problems.ts";
import { nearest } from "./text.ts";
import { type Host, TYPES, type ValueOf, type ValueType } from "./values.ts";

/** What reading a configuration needs to know and where its problems go. */
export interface Context {
  readonly document: Document;
  readonly host: Host;
  readonly problems: Problems;
  /** `here`: the directory of the main file. */
  readonly here: string;
}

/** A key without a default may be null. */
export type Value<O> =
  O extends Option<infer T, infer D> ? (D extends null ? ValueOf<T> | null : ValueOf<T>) : never;

type Rows<S extends SectionKind> = Options[S];

/** Values that may hold secrets: they are in no message. */
const SECRET = new Set(["environment", "password"]);

export class SectionReader<S extends SectionKind> {
  readonly section: Section;
  readonly #kind: S;
  readonly #context: Context;

  constructor(kind: S, section: Section, context: Context) {
    this.section = section;
    this.#kind = kind;
    this.#context = context;
  }

  /** The value of a key; its default when it is not set or not valid. */
  get<K extends keyof Rows<S> & string>(key: K, names: Names): Value<Rows<S>[K]> {
    const option = this.#option(key);
    const type: ValueType<unknown> = TYPES[option.type];
    const entry = this.entry(key);
    if (entry !== undefined) {
      try {
        const parsed = type.parse(this.#expand(key, entry.value, names, type), this.#context.host);
        if (isValue<Value<Rows<S>[K]>>(parsed)) return parsed;
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        const hint = error.message.includes("expected") ? "" : `; expected ${type.expected}`;
        this.#context.problems.error(this.place(key), error.message + hint);
      }
    }
    const fallback = option.fallback === null ? null : type.parse(option.fallback, this.#context.host);
    if (isValue<Value<Rows<S>[K]>>(fallback)) return fallback;
    throw new Error(`the option ${key} has no default of its type`);
  }

  /** The text of a key before expansion. */
  raw(key: keyof Rows<S> & string): string | null {
    return this.entry(key)?.value ?? this.#option(key).fallback;
  }

  has(key: keyof Rows<S> & string): boolean {
    return this.entry(key) !== undefined;
  }

  entry(key: string): Entry | undefined {
    return this.#context.document.get(this.section, key);
  }

  /** Where a key is set, or the section when it is not. */
  place(key: keyof Rows<S> & string): Place {
    return { where: this.entry(key)?.where ?? this.section.where, section: this.section.name, key };
  }

  /** Expands a text under the label of a key. Throws Invalid. */
  expandText(key: string, text: string, names: Names): string {
    return expand(text, names, key, SECRET.has(key));
  }

  /** Keys nobody knows. */
  checkKeys(): void {
    const { problems } = this.#context;
    for (const [key, entry] of this.section.entries) {
      const place = { where: entry.where, section: this.section.name, key };
      const option = findOption(this.#kind, key);
      if (option !== null) continue;
      const meant = nearest(key, optionKeys(this.#kind));
      const text = `no such key${meant === null ? "" : `; maybe ${meant}`}`;
      if (this.#kind === "tsinit") problems.error(place, `${text}${meant === null ? this.#allKeys() : ""}`);
      else problems.warning(place, `${text}; it is ignored`);
    }
  }

  #allKeys(): string {
    return `; expected one of ${optionKeys(this.#kind).join(", ")}`;
  }

  #option(key: keyof Rows<S> & string): Option {
    const option = findOption(this.#kind, key);
    if (option === null) throw new Error(`no option ${key} in ${this.#kind}`);
    return option;
  }

  #expand(key: string, text: string, names: Names, type: ValueType<unknown>): string {
    if (type.raw) return text;
    const label = key === "environment" ? key : `${this.section.name}.${key}`;
    const isTwice = type === TYPES.logfile || (this.#kind === "supervisord" && key === "environment");
    return (isTwice ? expandTwice : expand)(text, names, label, SECRET.has(key));
  }
}

/** The table pairs each key with its type, which the compiler cannot follow through a lookup by name. */
function isValue<T>(_value: unknown): _value is T {
  return true;
}

/** The kind of a section by its name; null when no such kind exists. */
export function sectionKind(name: string): SectionKind | "ctlplugin" | null {
  if (name.startsWith("unix_http_server")) return "unix_http_server";
  if (name.startsWith("inet_http_server")) return "inet_http_server";
  const colon = name.indexOf(":");
  const word = colon < 0 ? name : name.slice(0, colon);
  if (word === "ctlplugin" && colon >= 0) return "ctlplugin";
  const needsName = ["program", "group", "eventlistener", "fcgi-program", "rpcinterface"].includes(word);
  return isKind(word) && needsName === colon >= 0 ? word : null;
}

function isKind(word: string): word is SectionKind {
  return Object.hasOwn(OPTIONS, word);
}
