/** Whatever is in a file or a variable, loading answers: a plan, or errors that say where. No crash, no hang. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { renderCheck } from "../../src/config/check.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { fakeFiles, survey } from "../fakes/config.ts";
import { memoryHeld } from "../fakes/memory.ts";
import {
  environmentText,
  formatText,
  iniDocument,
  type Random,
  random,
  sequence,
  words,
} from "./generate.ts";
import { readCorpus } from "./python.ts";

const RUNS = 10_000;
const SEED = Number(process.env["SEED"] ?? 4711);
const corpus = readCorpus().map((file) => file.text);
const KEYS = Object.values(OPTIONS).flatMap((rows) => Object.keys(rows));
const VALUES = [
  "",
  "none",
  "-1",
  "0",
  "1",
  "99999999",
  "1e9",
  "true",
  "TERM",
  "a,b",
  "%",
  "%(here)s",
  "[::]:1",
  "~",
  "/x/y",
  "\0",
  "\udcff",
].concat([
  "nobody:",
  ":",
  "unix://",
  "%(process_num)1000d",
  "9".repeat(500),
  "🙂",
  "a\u2028b",
  "NONE",
  "syslog",
]);
const SECTIONS = [
  "tsinit",
  "supervisord",
  "program:a",
  "program:",
  "program:a:b",
  "group:g",
  "eventlistener:l",
  "fcgi-program:a",
].concat([
  "unix_http_server",
  "inet_http_server:x",
  "supervisorctl",
  "include",
  "rpcinterface:r",
  "DEFAULT",
  "__proto__",
  "a\0",
]);

function value(rng: Random): string {
  const kind = rng.below(6);
  if (kind === 0) return words(rng).replaceAll("\n", "\n  ");
  if (kind === 1) return formatText(rng);
  if (kind === 2) return environmentText(rng).replaceAll("\n", "\n  ");
  return rng.pick(VALUES);
}

/** Well-formed lines with values that may not be. */
function plausible(rng: Random): string {
  let text = "";
  for (let i = 0; i < 1 + rng.below(5); i++) {
    text += `[${rng.pick(SECTIONS)}]\n`;
    if (rng.chance(0.7)) text += "command=run\n";
    for (let j = 0; j < rng.below(6); j++) text += `${rng.pick(KEYS)}=${value(rng)}\n`;
  }
  return text;
}

/** A written file with parts cut out, doubled, replaced or moved. */
function mutated(rng: Random): string {
  let text = rng.pick(corpus);
  for (let i = 0; i < 1 + rng.below(6); i++) {
    const from = rng.below(text.length + 1);
    const to = Math.min(text.length, from + rng.below(40));
    const insert = rng.pick([
      "",
      "",
      text.slice(from, to).repeat(2),
      rng.pick(VALUES),
      sequence(rng, ["\n", " ", "[", "]", "=", '"', "%", "\0"], 5),
    ]);
    text = text.slice(0, from) + insert + text.slice(to);
  }
  return text;
}

function variables(rng: Random): [string, string][] {
  const prefix = [
    "TSINIT_PROGRAM_A",
    "TSINIT_GROUP_G",
    "TSINIT_EVENTLISTENER_L",
    "TSINIT",
    "TSINIT_PROGRAM_",
    "TSINIT_PROGRAM_A_PORT",
  ];
  return Array.from({ length: rng.below(4) }, () => [
    rng.pick(prefix) + rng.pick(["", "__", "_", "___"]) + rng.pick(["", rng.pick(KEYS).toUpperCase(), "X"]),
    value(rng),
  ]);
}

test("ten thousand broken configurations: an answer each, in time, with a place for every error", () => {
  const rng = random(SEED);
  let good = 0;
  let bad = 0;
  let held = 0;
  for (let i = 0; i < RUNS; i++) {
    // Once everything is compiled and cached.
    if (i === RUNS / 10) held = memoryHeld();
    const text = rng.pick([mutated, mutated, plausible, plausible, iniDocument])(rng);
    const files = fakeFiles({ "/etc/tsinit.ini": text, "/etc/conf.d/a.conf": iniDocument(rng) });
    const environment = variables(rng);
    const about = `seed ${SEED}, run ${i}: ${JSON.stringify([text, environment])}`;
    const started = process.hrtime.bigint();
    try {
      const surveyed = survey({
        files,
        environment,
        uid: rng.pick([0, 1000]),
        command: rng.chance(0.1) ? ["run"] : [],
      });
      const { loaded } = surveyed;
      renderCheck(surveyed, { format: "text", verbose: true });
      JSON.parse(renderCheck(surveyed, { format: "json", verbose: true }));
      for (const error of loaded.ok ? [] : loaded.errors)
        assert.notEqual(error.where, "", `${error.text} has no place`);
      if (loaded.ok) good++;
      else bad++;
      if (loaded.ok)
        assert.equal(
          new Set(loaded.config.plan.programs.map((spec) => spec.id)).size,
          loaded.config.plan.programs.length,
        );
    } catch (error) {
      throw new Error(about, { cause: error });
    }
    const millis = Number(process.hrtime.bigint() - started) / 1e6;
    assert(millis < 3000, `${millis} ms, ${about}`);
  }
  const grown = memoryHeld() - held;
  assert(grown < 16 * 1024 * 1024, `${grown} bytes were kept`);
  assert(good > 300 && bad > 300, `${good} good, ${bad} bad`);
});
