import assert from "node:assert/strict";
import { test } from "node:test";
import { expand, expandTwice, Names } from "./expand.ts";
import { Invalid } from "./problems.ts";

const names = new Names(new Map<string, string | number>([["program_name", "web"]]))
  .with({ process_num: 3, numprocs: 4 })
  .withVariables([
    ["PCT", "50%d"],
    ["X", "x"],
    ["X", "second"],
  ]);

const refusal = (text: string, secret = false): string => {
  try {
    expand(text, names, "program:web.command", secret);
  } catch (error) {
    if (error instanceof Invalid) return error.message;
    throw error;
  }
  return "not refused";
};

test("names, numbers and percent signs", () => {
  assert.equal(
    expand("%(program_name)s_%(process_num)02d of %(numprocs)d 100%%", names, "l"),
    "web_03 of 4 100%",
  );
  assert.equal(expand("%(ENV_PCT)s", names, "l"), "50%d", "what was inserted is not expanded again");
  assert.equal(expand("%(ENV_X)s", names, "l"), "x", "the first of two variables counts");
});

test("supervisord's words for what cannot be expanded", () => {
  assert.match(
    refusal("%(nope)s"),
    /^Format string '%\(nope\)s' for 'program:web\.command' contains names \('nope'\) which cannot be expanded\. /,
  );
  assert.match(refusal("%(nope)s"), /Available names: ENV_PCT, ENV_X, numprocs, process_num, program_name;/);
  assert.match(refusal("%(ENV_MISSING)s"), /MISSING is not in the environment/);
  assert.match(refusal("date +%Y"), /badly formatted: unsupported format character 'Y' \(0x59\) at index 7/);
  assert.match(refusal("100%"), /badly formatted: incomplete format/);
  assert.match(refusal("%d"), /%d format: a real number is required, not dict/);
  assert.match(refusal("%(program_name)d"), /%d format: a real number is required, not str/);
});

test("a bare %s is refused: it would insert every variable", () => {
  assert.match(refusal("%s"), /whole environment/);
  assert.match(refusal("%(program_name)s %s"), /whole environment/);
});

test("a field as wide as the memory is refused", () => {
  assert.match(refusal("%(program_name)999999999999s"), /width too big/);
  assert.match(refusal("%(process_num).999999999d"), /width too big/);
});

test("a secret is not in the message", () => {
  assert.doesNotMatch(refusal("PW=hunter2 %(nope)s", true), /hunter2/);
});

test("log file names: a percent sign may be written %% or, as supervisord needs it, %%%%", () => {
  assert.equal(expandTwice("/l/%%%%.log", names, "l"), "/l/%.log");
  assert.equal(expandTwice("/l/%%.log", names, "l"), "/l/%.log");
  assert.equal(expandTwice("/l/%%d-%(program_name)s", names, "l"), "/l/%d-web");
  assert.equal(expandTwice("%%(program_name)s", names, "l"), "web", "supervisord expands twice");
});
