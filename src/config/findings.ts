/** What `tsinit check` has to say of a configuration, beside its errors: each with its place. */
import { type Config, type Problem, renderProblem } from "./config.ts";
import type { Document, Entry, Section } from "./document.ts";
import type { SectionKind } from "./options.ts";
import { sectionKind } from "./reader.ts";

/** honoured: means what it means to supervisord. differs: does not, or not quite. advice: could be better in a container. */
export type FindingKind = "error" | "warning" | "notice" | "differs" | "advice" | "honoured";

export interface Finding extends Problem {
  readonly kind: FindingKind;
}

/** A key as it is set. */
export interface SetKey {
  readonly section: Section;
  readonly kind: SectionKind;
  readonly key: string;
  readonly entry: Entry;
}

/** A configuration with what it was made of, for whoever has something to say of it. */
export class Survey {
  readonly config: Config;
  readonly #document: Document;

  constructor(config: Config, document: Document) {
    this.config = config;
    this.#document = document;
  }

  /** In the order of the files, those of [DEFAULT] as of a program, which is what they are there for. */
  *keys(): Iterable<SetKey> {
    const entries = this.#document.defaults;
    const inherited: Section = { name: "DEFAULT", where: "", label: "DEFAULT", entries };
    for (const [key, entry] of entries) yield { section: inherited, kind: "program", key, entry };
    for (const section of this.#document.sections.values()) {
      const kind = sectionKind(section.name);
      if (kind === null || kind === "ctlplugin") continue;
      for (const [key, entry] of section.entries) yield { section, kind, key, entry };
    }
  }

  /** A section by what its programs call it: the name, or the prefix of its variables. */
  section(label: string): Section | undefined {
    for (const section of this.#document.sections.values())
      if (section.label === label || section.name === label) return section;
    return undefined;
  }

  /** How a key is set, [DEFAULT] included; undefined when it is not. */
  entry(label: string, key: string): Entry | undefined {
    const section = this.section(label);
    return section && this.#document.get(section, key);
  }

  /** Something to say of a key; at the section where the key is not set. */
  finding(kind: FindingKind, label: string, key: string | null, text: string): Finding {
    const section = this.section(label);
    const entry = key === null ? undefined : this.entry(label, key);
    return { kind, where: entry?.where ?? section?.where ?? "", section: section?.name ?? label, key, text };
  }
}

/** By file in the order read, then line; what has no place comes last. */
export function sortByPlace(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const rank = ({ where }: Finding): readonly [number, number] => {
    const { file, line } = placeOf(where);
    const index = file === null ? -1 : files.indexOf(file);
    return [index < 0 ? files.length : index, line ?? Number.MAX_SAFE_INTEGER];
  };
  return findings.toSorted((one, other) => {
    const [file, line] = rank(one);
    const [otherFile, otherLine] = rank(other);
    return file - otherFile || line - otherLine;
  });
}

/** Places that are listed under one text; more only say how many. */
const MAX_PLACES = 8;

/** One line each; what is the same for several places is said once, with the places below. */
export function renderFindings(findings: readonly Finding[]): string[] {
  const byText = new Map<string, Finding[]>();
  for (const finding of findings) {
    // What is as it always was is told key by key.
    const title = finding.kind === "honoured" ? renderProblem(finding) : finding.text;
    byText.set(title, [...(byText.get(title) ?? []), finding]);
  }
  return [...byText.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    if (same.length === 1) return [renderProblem(first)];
    const places = same.slice(0, MAX_PLACES).map((finding) => `  ${renderPlace(finding)}`);
    const rest = same.length - places.length;
    const head = renderProblem({ ...first, where: "", section: null, key: null });
    return [`${head}:`, ...places, ...(rest > 0 ? [`  … and ${rest} more`] : [])];
  });
}

function renderPlace({ where, section, key }: Finding): string {
  return renderProblem({ where, section, key: null, text: key ?? "" }).trimEnd();
}

/** `FILE:LINE` taken apart; a variable or nothing is a file without a line. */
export function placeOf(where: string): { readonly file: string | null; readonly line: number | null } {
  const [, file, line] = /^(.*):(\d+)$/s.exec(where) ?? [];
  if (file === undefined) return { file: where === "" ? null : where, line: null };
  return { file, line: Number(line) };
}
