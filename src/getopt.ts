/** Python's `getopt.getopt`: its rules and its sentences, for the tools that are called by supervisor's names. */
import { UsageError } from "./options.ts";

/** What a command may be told: short letters and long names, each with whether a value follows. */
export interface Grammar {
  readonly short: ReadonlyMap<string, "flag" | "value">;
  readonly long: ReadonlyMap<string, "flag" | "value">;
}

export interface Parsed {
  /** In order, by its full name: `-c`, `--configuration`. Empty text for a flag. */
  readonly options: readonly (readonly [name: string, value: string])[];
  /** From the first word that is no option. */
  readonly rest: readonly string[];
}

/**
 * Short options may be bundled and have their value attached (`-nc FILE`, `-lFILE`); long ones may be shortened to a
 * unique beginning and take `--x=y` or `--x y`. The first other word, `-` included, ends the options, `--` too.
 * Throws UsageError.
 */
export function getopt(words: readonly string[], grammar: Grammar): Parsed {
  const options: [string, string][] = [];
  let at = 0;
  /** The word after this one, as the value of `name`. */
  const next = (name: string): string => {
    const value = words[++at];
    if (value === undefined) throw new UsageError(`option ${name} requires argument`);
    return value;
  };
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") return { options, rest: words.slice(at + 1) };
    if (!word.startsWith("-") || word === "-") break;
    if (word.startsWith("--")) options.push(readLong(word.slice(2), grammar, next));
    else options.push(...readShort(word.slice(1), grammar, next));
  }
  return { options, rest: words.slice(at) };
}

function readLong(text: string, grammar: Grammar, next: (name: string) => string): [string, string] {
  const equals = text.indexOf("=");
  const typed = equals < 0 ? text : text.slice(0, equals);
  const attached = equals < 0 ? null : text.slice(equals + 1);
  const long = completeLong(typed, grammar);
  if (grammar.long.get(long) === "value") return [`--${long}`, attached ?? next(`--${long}`)];
  if (attached !== null) throw new UsageError(`option --${long} must not have an argument`);
  return [`--${long}`, ""];
}

function completeLong(typed: string, grammar: Grammar): string {
  if (grammar.long.has(typed)) return typed;
  const [first, ...others] = [...grammar.long.keys()].filter((name) => name.startsWith(typed));
  if (first === undefined) throw new UsageError(`option --${typed} not recognized`);
  if (others.length > 0) throw new UsageError(`option --${typed} not a unique prefix`);
  return first;
}

function readShort(letters: string, grammar: Grammar, next: (name: string) => string): [string, string][] {
  const options: [string, string][] = [];
  const characters = Array.from(letters);
  for (const [at, letter] of characters.entries()) {
    const kind = grammar.short.get(letter);
    if (kind === undefined) throw new UsageError(`option -${letter} not recognized`);
    if (kind === "value") {
      const attached = characters.slice(at + 1).join("");
      options.push([`-${letter}`, attached === "" ? next(`-${letter}`) : attached]);
      break;
    }
    options.push([`-${letter}`, ""]);
  }
  return options;
}
