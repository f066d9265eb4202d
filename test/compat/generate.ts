/**
 * Seeded generators of INI documents, commands, environments and formats that touch every corner of the
 * grammars.
 */

import { mulberry32 } from "../fakes/random.ts";

export interface Random {
  /** 0 ≤ n < bound. */
  below(bound: number): number;
  pick<T>(items: readonly T[]): T;
  chance(share: number): boolean;
}

export function random(seed: number): Random {
  const next = mulberry32(seed);
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    below,
    chance: (share) => next() < share,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
  };
}

export function sequence(rng: Random, atoms: readonly string[], most: number): string {
  return Array.from({ length: rng.below(most) }, () => rng.pick(atoms)).join("");
}

// Blanks that Python knows and JavaScript does not, and the reverse, among them.
const ATOMS = (
  "a b Key x.y [ ] [] = : ; # ' \" \\ \\; % %(here)s %% true false null __proto__ constructor é 😀 " +
  "program:web " +
  "DEFAULT $ $X} 0 \\n ſ İ Σ"
)
  .split(" ")
  .concat([
    " ;",
    " #",
    "; ",
    "# ",
    " ",
    "  ",
    "\t",
    "\u2028",
    "\u0085",
    "\x1c",
    "\xa0",
    "\ufeff",
    "\x0b",
    "\x0c",
    "\0",
  ]);
const ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n  \n"];
const HEADERS = [
  "program:a",
  "program:a.b",
  "supervisord",
  "group:x",
  "__proto__",
  "DEFAULT",
  "a]b",
  "true",
  "x\\.y",
];
const KEYS = ["command", "Environment", "a[]", "x.y", "__proto__", "k", "toString", "K", "1", ""];

function iniLine(rng: Random): string {
  const kind = rng.below(100);
  if (kind < 22)
    return `[${rng.pick([...HEADERS, '"q"', " s "])}]${rng.pick(["", "", "", " ", " ; c", " junk", ";c"])}`;
  if (kind < 60)
    return rng.pick(KEYS) + rng.pick(["=", " = ", ":", " : ", "==", "=:"]) + sequence(rng, ATOMS, 6);
  if (kind < 72) return rng.pick([" ", "  ", "\t", "    "]) + sequence(rng, ATOMS, 5);
  if (kind < 80) return rng.pick(["", "  ", "; c", "# c", "  ; c", "\t# c"]);
  return sequence(rng, ATOMS, 7);
}

/** A small document; about one in three has an error. No byte order mark at its start. */
export function iniDocument(rng: Random): string {
  let text = rng.chance(0.9) ? `[supervisord]${rng.pick(ENDS)}` : "";
  const lines = 1 + rng.below(8);
  for (let i = 0; i < lines; i++)
    text += iniLine(rng) + (i === lines - 1 && rng.chance(0.3) ? "" : rng.pick(ENDS));
  return text.replace(/^\ufeff/, "");
}

const WORD_ATOMS = [
  "a",
  "B1",
  "=",
  ",",
  ";",
  "'",
  '"',
  "\\",
  " ",
  "  ",
  "\n",
  "\t",
  "#",
  "@",
  "?",
  "é",
  "😀",
  "/x.y-(z):",
  "+",
];

/** Half of them all quotes and backslashes, where the states of the lexer meet. */
export function words(rng: Random): string {
  if (rng.chance(0.5)) return sequence(rng, ["a", '"', '"', "'", "\\", "\\", " ", "=", "#"], 10);
  return sequence(rng, WORD_ATOMS, 12);
}

/** Mostly well-formed pairs. */
export function environmentText(rng: Random): string {
  if (rng.chance(0.3)) return words(rng);
  const value = (): string =>
    rng.pick([
      "1",
      '"x,y"',
      "'a b'",
      '""',
      "a/b.c:1",
      '"q\\"q"',
      "it's",
      '"C:\\dir\\"',
      'a"b c"d',
      "a\\ b",
      sequence(rng, WORD_ATOMS, 4),
    ]);
  const pairs = Array.from(
    { length: 1 + rng.below(4) },
    () => rng.pick(["A", "B_2", "A-B", "é"]) + rng.pick(["=", " = "]) + value(),
  );
  return pairs.join(rng.pick([",", ", ", "\n,", ";", " ", ",\n"])) + rng.pick(["", ",", " "]);
}

const FORMAT_ATOMS = [
  "%",
  "%%",
  "%(s)s",
  "%(n)d",
  "%(n)03d",
  "%(n)-4d|",
  "%(n)+d",
  "%(n)x",
  "%(n)#06X",
  "%(n)o",
  "%(s)10s",
  "%(s).2s",
]
  .concat([
    "%(n)s",
    "%(s)r",
    "%(n)e",
    "%(n).2f",
    "%(n)g",
    "%(s)d",
    "%(none)s",
    "%(n)Y",
    "%(n",
    "%(n)",
    "%d",
    "%x",
    "%*d",
    "%5%",
  ])
  .concat([
    "a",
    " ",
    "(",
    ")",
    "d",
    "%(n) d",
    "%(n)ld",
    "%(n)c",
    "%(n)i",
    "%(n)G",
    "%(n)+08.3f",
    "%(s)c",
    "%(n)#o",
    "%(n).3d",
    "%(n)05s",
  ]);

export function formatText(rng: Random): string {
  return sequence(rng, FORMAT_ATOMS, 6);
}

const MATCH_ATOMS = [
  "*",
  "?",
  "[",
  "]",
  "[a-c]",
  "[!a]",
  "[]]",
  "[!]]",
  "[a-]",
  "[c-a]",
  "a",
  "b",
  "-",
  "!",
  ".conf",
  "é",
  "\\",
  "^",
];

export function globPattern(rng: Random): string {
  return sequence(rng, MATCH_ATOMS, 6);
}

export function fileName(rng: Random): string {
  return sequence(rng, ["a", "b", "c", "-", "]", "[", "!", ".conf", "é", "\\", "^"], 6);
}
