import assert from "node:assert/strict";
import { test } from "node:test";
import { getopt } from "./getopt.ts";
import { UsageError } from "./options.ts";

const GRAMMAR = {
  short: new Map([
    ["a", "flag"],
    ["b", "value"],
  ] as const),
  long: new Map([
    ["all", "flag"],
    ["base", "value"],
    ["base_dir", "value"],
  ] as const),
};

test("options in order, by their full names, then the rest", () => {
  assert.deepEqual(getopt(["-ab", "-a", "--al", "--base_=x=y", "--base", "--", "word", "-a"], GRAMMAR), {
    options: [
      ["-a", ""],
      ["-b", "-a"],
      ["--all", ""],
      ["--base_dir", "x=y"],
      ["--base", "--"],
    ],
    rest: ["word", "-a"],
  });
  assert.deepEqual(getopt(["-a", "--", "-a"], GRAMMAR), { options: [["-a", ""]], rest: ["-a"] });
  assert.deepEqual(getopt(["--base="], GRAMMAR), { options: [["--base", ""]], rest: [] });
});

test("what is wrong is told in Python's words", () => {
  for (const [words, text] of [
    [["-b"], "option -b requires argument"],
    [["-aé"], "option -é not recognized"],
    [["--base"], "option --base requires argument"],
    [["--ba=x", "--b"], "option --ba not a unique prefix"],
    [["--all="], "option --all must not have an argument"],
    [["--=x"], "option -- not a unique prefix"],
    [["--alls"], "option --alls not recognized"],
  ] as const)
    assert.throws(
      () => getopt(words, GRAMMAR),
      (error) => error instanceof UsageError && error.message === text,
      text,
    );
});
