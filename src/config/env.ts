/**
 * The TSINIT_* variables of the container (product 2.2): a configuration of their own, laid over the files.
 *
 * What Kubernetes injects for a Service named `tsinit` or `tsinit-…` looks alike. The rule: a name that ends
 * like one of those (`_SERVICE_HOST`, `_SERVICE_PORT[_NAME]`, `_PORT`,
 * `_PORT_<n>_<TCP|UDP|SCTP>[_PROTO|_PORT|_ADDR]`) is ignored; but where it could also define something of
 * ours (`TSINIT_PROGRAM_…`, `TSINIT_GROUP_…`, `TSINIT_EVENTLISTENER_…`), only when its value has the shape
 * that goes with the name as well (an address, a number, `tcp://…`), which no command has.
 */
import type { Document } from "./document.ts";
import { optionKeys } from "./options.ts";
import type { Problems } from "./problems.ts";
import { nearest, quote, strip } from "./text.ts";

export type Environment = readonly (readonly [name: string, value: string])[];

const PREFIX = "TSINIT_";
const KINDS = ["PROGRAM", "GROUP", "EVENTLISTENER"] as const;

/** What programs inherit: everything but TSINIT_*, in order. */
export function inheritedEnvironment(environment: Environment): Environment {
  return environment.filter(([name]) => !name.startsWith(PREFIX));
}

/** The first definition counts, as for getenv. null when unset. */
export function findVariable(environment: Environment, name: string): string | null {
  return environment.find(([candidate]) => candidate === name)?.[1] ?? null;
}

/** Whether any variable configures something: without a file it is then the configuration. */
export function hasVariables(environment: Environment): boolean {
  return environment.some(([name, value]) => {
    const kind = classify(name, value);
    return kind !== null && kind.type !== "unknown";
  });
}

/** Sets the keys that the variables name. Unknown names are warnings with the nearest known name. */
export function applyVariables(environment: Environment, document: Document, problems: Problems): void {
  const seen = new Set<string>();
  // A definition before its keys, so that a section is labelled by what defines it.
  const ordered = [...environment].sort(([a], [b]) => Number(a.includes("__")) - Number(b.includes("__")));
  for (const [name, value] of ordered) {
    if (seen.has(name)) continue;
    seen.add(name);
    const meaning = classify(name, value);
    const place = { where: name, section: null, key: null };
    if (meaning === null) continue;
    if (meaning.type === "unknown") {
      problems.warning(place, `nothing has this name, it is ignored; ${hintFor(name)}`);
      continue;
    }
    const label = meaning.name === null ? "tsinit" : `${PREFIX}${meaning.kind}_${meaning.name.toUpperCase()}`;
    const section = meaning.name === null ? "tsinit" : findSection(meaning.kind, meaning.name, document);
    if (Array.isArray(section)) {
      problems.error(place, `stands for more than one section: ${section.join(", ")}; rename one of them`);
      continue;
    }
    document
      .open(section, name, label)
      .entries.set(meaning.key, { value: strip(value), where: name, uncut: null });
  }
}

type Meaning =
  | { readonly type: "unknown" }
  | {
      readonly type: "key";
      readonly kind: (typeof KINDS)[number] | "TSINIT";
      /** Lower-cased; null for [tsinit]. */
      readonly name: string | null;
      readonly key: string;
    };

/** null: not ours, or not a key (TSINIT_CONFIG). */
function classify(variable: string, value: string): Meaning | null {
  if (!variable.startsWith(PREFIX) || variable === "TSINIT_CONFIG") return null;
  const rest = variable.slice(PREFIX.length);
  const kind = KINDS.find((candidate) => rest.startsWith(`${candidate}_`));
  if (kind === undefined) {
    const key = rest.toLowerCase();
    if (rest === rest.toUpperCase() && optionKeys("tsinit").includes(key)) {
      return { type: "key", kind: "TSINIT", name: null, key };
    }
    return serviceShape(variable) === null ? { type: "unknown" } : null;
  }
  if (serviceShape(variable)?.test(value)) return null;
  const body = rest.slice(kind.length + 1);
  // The last `__`: no key has one, a name may.
  const split = body.lastIndexOf("__");
  if (split < 0) {
    return kind === "PROGRAM" && body !== "" ? define(kind, body, "command") : { type: "unknown" };
  }
  const key = body.slice(split + 2).toLowerCase();
  return split === 0 || key === "" ? { type: "unknown" } : define(kind, body.slice(0, split), key);
}

function define(kind: (typeof KINDS)[number], name: string, key: string): Meaning {
  return { type: "key", kind, name: name.toLowerCase(), key };
}

const IP = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/;
const PORT = /^\d{1,5}$/;
const URL = /^(tcp|udp|sctp):\/\/\[?[0-9a-fA-F.:]+\]?:\d{1,5}$/;

/**
 * What the value of a service variable of this name looks like; null when no service variable is named so.
 */
function serviceShape(variable: string): RegExp | null {
  if (variable.endsWith("_SERVICE_HOST")) return IP;
  if (/_SERVICE_PORT(_[A-Z0-9_]+)?$/.test(variable)) return PORT;
  const suffix = /_PORT(_\d+_(?:TCP|UDP|SCTP)(?:_(PROTO|PORT|ADDR))?)?$/.exec(variable);
  if (suffix === null) return /^TSINIT_PORT_/.test(variable) ? URL : null;
  if (suffix[2] === "PROTO") return /^(tcp|udp|sctp)$/;
  if (suffix[2] === "PORT") return PORT;
  return suffix[2] === "ADDR" ? IP : URL;
}

/**
 * The section that a variable names: one of the file whose name is the same when lower-cased with `_` for
 * what a variable cannot hold (`celery-worker` is CELERY_WORKER), else a new one. Several: ambiguous.
 */
function findSection(kind: string, name: string, document: Document): string | string[] {
  const prefixes = kind === "PROGRAM" ? ["program:", "fcgi-program:"] : [`${kind.toLowerCase()}:`];
  for (const prefix of prefixes) {
    const sections = [...document.sections.keys()].filter((section) => section.startsWith(prefix));
    if (sections.includes(prefix + name)) return prefix + name;
    const alike = sections.filter((section) => plain(section.slice(prefix.length)) === name);
    if (alike.length > 1) return alike.map((section) => quote(section));
    if (alike[0] !== undefined) return alike[0];
  }
  return prefixes[0] + name;
}

function plain(name: string): string {
  return strip(name)
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, "_");
}

/** A name that begins like one of ours lacks its rest; any other may be misspelt. */
function hintFor(variable: string): string {
  const kind = KINDS.find((candidate) => variable.startsWith(`${PREFIX}${candidate}_`));
  if (kind !== undefined) {
    const form = `${PREFIX}${kind}_<NAME>`;
    return `expected ${kind === "PROGRAM" ? `${form} or ` : ""}${form}__<KEY>`;
  }
  const keys = optionKeys("tsinit").map((key) => PREFIX + key.toUpperCase());
  const meant = nearest(variable, ["TSINIT_CONFIG", ...keys]);
  return meant === null ? "expected TSINIT_PROGRAM_<NAME> or TSINIT_<KEY>" : `maybe ${meant}`;
}
