/**
 * The INI dialect, the word grammars, % and globs give what Python gives, on generated and on written text.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expand, Names } from "../../src/config/expand.ts";
import { fnmatch } from "../../src/config/glob.ts";
import { parseIni } from "../../src/config/ini.ts";
import { Invalid } from "../../src/config/problems.ts";
import { parseEnvironment, splitCommand } from "../../src/config/words.ts";
import {
  environmentText,
  fileName,
  formatText,
  globPattern,
  iniDocument,
  random,
  words,
} from "./generate.ts";
import { askPython, readCorpus } from "./python.ts";

const SEED = Number(process.env["SEED"] ?? 20260712);

type Pairs = [string, string][];

/** Our reading in the form that ini.py writes. */
function readOurs(text: string): unknown {
  const { sections, problems } = parseIni(text);
  const lines = problems.map((problem) => problem.line);
  if (problems[0]?.kind === "no-section") return { kind: "no-section", lines: lines.slice(0, 1) };
  if (problems.length > 0) return { kind: "parsing", lines };
  const pairs = (name: string): Pairs =>
    [...(sections.get(name)?.entries ?? [])].map(([key, { value }]) => [key, value]);
  const names = [...sections.keys()].filter((name) => name !== "DEFAULT");
  return { kind: "ok", sections: names.map((name) => [name, pairs(name)]), defaults: pairs("DEFAULT") };
}

function asList(value: unknown): unknown[] {
  assert(Array.isArray(value));
  return value;
}

test("INI: generated and written documents read as ConfigParser reads them", () => {
  const rng = random(SEED);
  const generated = Array.from({ length: 3000 }, () => iniDocument(rng));
  const corpus = readCorpus().map((file) => file.text);
  assert(corpus.length >= 30, `${corpus.length} written files`);
  const documents = [...generated, ...corpus];
  const answers = asList(askPython("ini.py", documents));
  const kinds = new Map<unknown, number>();
  for (const [i, document] of documents.entries()) {
    const answer = answers[i];
    assert.deepEqual(readOurs(document), answer, `seed ${SEED}, document ${i}: ${JSON.stringify(document)}`);
    const kind: unknown = Object(answer).kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  // The generator is worth nothing if it does not reach every outcome.
  for (const kind of ["ok", "parsing", "no-section"])
    assert((kinds.get(kind) ?? 0) > 100, `${kind}: ${kinds.get(kind)}`);
});

test("INI: every value has the line of its key, every error its own line", () => {
  for (const { name, text } of readCorpus()) {
    const lines = text.split(/\r\n|\n|\r/);
    for (const section of parseIni(text).sections.values()) {
      for (const [key, entry] of section.entries) {
        const line = (lines[entry.line - 1] ?? "").toLowerCase();
        assert(line.trimStart().startsWith(key), `${name}:${entry.line} is not the line of ${key}: ${line}`);
      }
    }
  }
});

interface Answer {
  readonly ok?: unknown;
  readonly error?: string;
}

interface Answers {
  readonly command: Answer[];
  readonly posix: Answer[];
  readonly legacy: Answer[];
  readonly format: Answer[];
  readonly match: boolean[];
}

function attempt(read: () => unknown): Answer {
  try {
    return { ok: read() };
  } catch (error) {
    if (error instanceof Invalid) return { error: error.message };
    throw error;
  }
}

const NAMES = { s: "text", n: 7, ENV_A: "x%y" };

function isAnswers(value: unknown): value is Answers {
  return typeof value === "object" && value !== null && "posix" in value;
}

const rng = random(SEED + 1);
const question = {
  command: Array.from({ length: 1500 }, () => words(rng)),
  environment: Array.from({ length: 1500 }, () => environmentText(rng)),
  format: Array.from({ length: 2000 }, () => [formatText(rng), NAMES] as const),
  match: Array.from({ length: 2000 }, () => [globPattern(rng), fileName(rng)] as const),
};
let cached: Answers | null = null;

/** One run of Python for all of them. */
function answers(): Answers {
  if (cached === null) {
    const answer = askPython("words.py", question);
    assert(isAnswers(answer));
    cached = answer;
  }
  return cached;
}

test("command: words and errors are those of shlex.split", () => {
  for (const [i, text] of question.command.entries()) {
    const theirs = answers().command[i] ?? {};
    const ours = attempt(() => splitCommand(text));
    const expected =
      theirs.error === undefined ? theirs : { error: theirs.error.replace("ValueError: ", "") };
    assert.deepEqual(ours, expected, JSON.stringify(text));
  }
});

test("environment: POSIX quoting where it can be read so, the older grammar where only that reads it", () => {
  let legacyOnly = 0;
  for (const [i, text] of question.environment.entries()) {
    const posix = answers().posix[i] ?? {};
    const legacy = answers().legacy[i] ?? {};
    const ours = attempt(() => [...parseEnvironment(text)]);
    const isBadName = (answer: Answer): boolean =>
      answer.error === undefined && asList(answer.ok).some((pair) => /^$|=/.test(String(asList(pair)[0])));
    // Names that no environment can hold are refused, which Python leaves to execve.
    const accepted = [posix, legacy].find((answer) => answer.error === undefined && !isBadName(answer));
    if (accepted === legacy) legacyOnly++;
    if (accepted === undefined) assert.notEqual(ours.error, undefined, JSON.stringify(text));
    else assert.deepEqual(ours, accepted, JSON.stringify(text));
  }
  assert(legacyOnly > 10, `${legacyOnly} texts that only the older grammar reads`);
});

test("%: expansion is Python's, but for a bare conversion", () => {
  const names = new Names(new Map<string, string | number>(Object.entries(NAMES)));
  for (const [i, [text]] of question.format.entries()) {
    const theirs = answers().format[i] ?? {};
    const ours = attempt(() => expand(text, names, "a.b"));
    // A conversion without a name would print the whole mapping; Python allows it once.
    const isBare = /mapping|\{'s'|without a name/.test(JSON.stringify([theirs, ours]));
    if (theirs.error === undefined && !isBare) assert.deepEqual(ours, theirs, JSON.stringify(text));
    else
      assert.notEqual(ours.error, undefined, `${JSON.stringify(text)} is refused: ${JSON.stringify(theirs)}`);
    const known = /unsupported format character.*$|incomplete format( key)?$/.exec(theirs.error ?? "")?.[0];
    if (known !== undefined && !isBare) assert(ours.error?.includes(known), `${ours.error} has not ${known}`);
  }
});

test("globs match as fnmatch does", () => {
  let matched = 0;
  for (const [i, [pattern, name]] of question.match.entries()) {
    const theirs = answers().match[i];
    assert.equal(fnmatch(pattern)(name), theirs, JSON.stringify([pattern, name]));
    if (theirs) matched++;
  }
  assert(matched > 50, `${matched} matches`);
});
