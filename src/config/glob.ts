/**
 * Python's glob.glob, not recursive, as `[include] files=` uses it: over a view of the files, sorted by code
 * point.
 */
import { compareText } from "./text.ts";

export interface Directories {
  /** Names in a directory; null when it cannot be read. */
  list(path: string): readonly string[] | null;
  isDirectory(path: string): boolean;
  /** Something has this name, a dangling link included. */
  exists(path: string): boolean;
}

const MAGIC = /[*?[]/;

/**
 * Paths that match, sorted. Names with a leading dot only match a pattern that begins with one. No `**`, no
 * `~`.
 */
export function glob(pattern: string, files: Directories): string[] {
  return [...new Set(matches(pattern, files))].sort(compareText);
}

function* matches(pattern: string, files: Directories): Generator<string> {
  const [directory, name] = splitPath(pattern);
  if (!MAGIC.test(pattern)) {
    if (name === "" ? files.isDirectory(directory) : files.exists(pattern)) yield pattern;
    return;
  }
  const parents = directory !== pattern && MAGIC.test(directory) ? matches(directory, files) : [directory];
  for (const parent of parents) {
    const prefix = parent === "" || parent.endsWith("/") ? parent : `${parent}/`;
    if (!MAGIC.test(name)) {
      if (name === "" ? files.isDirectory(parent) : files.exists(prefix + name)) yield prefix + name;
      continue;
    }
    const wanted = fnmatch(name);
    for (const entry of files.list(parent === "" ? "." : parent) ?? []) {
      if ((name.startsWith(".") || !entry.startsWith(".")) && wanted(entry)) yield prefix + entry;
    }
  }
}

/** `os.path.split`. */
function splitPath(path: string): [directory: string, name: string] {
  const at = path.lastIndexOf("/") + 1;
  const head = path.slice(0, at);
  return [/^\/*$/.test(head) ? head : head.replace(/\/+$/, ""), path.slice(at)];
}

type Piece = { readonly star: true } | { readonly star: false; test(char: string): boolean };

/**
 * `fnmatch.fnmatchcase`. Written as a matcher, not as a regular expression: one with many stars would
 * backtrack without end on a long name.
 */
export function fnmatch(pattern: string): (name: string) => boolean {
  const pieces = parsePattern(Array.from(pattern));
  return (name) => {
    const chars = Array.from(name);
    let at = 0;
    let piece = 0;
    let star = -1;
    let resume = 0;
    while (at < chars.length) {
      const current = pieces[piece];
      if (current?.star) {
        star = piece++;
        resume = at;
      } else if (current?.test(chars[at] ?? "")) {
        piece++;
        at++;
      } else if (star >= 0) {
        piece = star + 1;
        at = ++resume;
      } else return false;
    }
    while (pieces[piece]?.star) piece++;
    return piece === pieces.length;
  };
}

function parsePattern(chars: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? "";
    const close = char === "[" ? closing(chars, i) : -1;
    if (char === "*") pieces.push({ star: true });
    else if (char === "?") pieces.push({ star: false, test: () => true });
    else if (close >= 0) {
      pieces.push({ star: false, test: parseSet(chars.slice(i + 1, close)) });
      i = close;
    } else pieces.push({ star: false, test: (c) => c === char });
  }
  return pieces;
}

/**
 * The `]` that ends a set; one right behind `[` or `[!` belongs to the set. -1: the bracket is an ordinary
 * character.
 */
function closing(chars: readonly string[], open: number): number {
  let i = open + 1;
  if (chars[i] === "!") i++;
  if (chars[i] === "]") i++;
  return chars.indexOf("]", i);
}

function parseSet(chars: readonly string[]): (char: string) => boolean {
  const negated = chars[0] === "!";
  const set = negated ? chars.slice(1) : chars;
  const ranges: [string, string][] = [];
  for (let i = 0; i < set.length; i++) {
    const low = set[i] ?? "";
    const isRange = set[i + 1] === "-" && i + 2 < set.length;
    ranges.push([low, isRange ? (set[i + 2] ?? "") : low]);
    if (isRange) i += 2;
  }
  return (char) =>
    ranges.some(([low, high]) => compareText(low, char) <= 0 && compareText(char, high) <= 0) !== negated;
}
