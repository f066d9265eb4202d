import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCheckOptions, parseOptions, UsageError } from "./options.ts";

test("everything from the first other word on is the command", () => {
  assert.deepEqual(parseOptions(["-c", "a.ini", "serve", "-c", "x", "--y"]), {
    config: "a.ini",
    rest: ["serve", "-c", "x", "--y"],
  });
  assert.deepEqual(parseOptions(["--", "check"]), { config: null, rest: ["check"] });
  assert.deepEqual(parseOptions(["--config=a.ini"]), { config: "a.ini", rest: [] });
});

test("check takes -c, --format and --verbose", () => {
  assert.deepEqual(parseCheckOptions([]), { config: null, format: "text", verbose: false });
  assert.deepEqual(parseCheckOptions(["--format", "json", "--verbose", "-c", "a.ini"]), {
    config: "a.ini",
    format: "json",
    verbose: true,
  });
});

for (const [argv, message] of [
  [["my.ini"], "check takes no argument my.ini; a file is named with -c FILE"],
  [["-c", "a.ini", "b.ini"], "check takes no argument b.ini; a file is named with -c FILE"],
  [["-x"], "option -x not recognized"],
  [["--frmat", "json"], "option --frmat not recognized"],
  [["--toString"], /./],
  [["-c"], "option -c requires argument: the path of a configuration file"],
  [["-c", "a.ini", "-c", "b.ini"], "conflicting command line option '-c'"],
  [["--format", "xml"], "--format: xml is not a format, expected text or json"],
] as const) {
  test(`check refuses ${argv.join(" ")} and checks nothing else instead`, () => {
    assert.throws(
      () => parseCheckOptions(argv),
      (error) => error instanceof UsageError && (message instanceof RegExp || error.message === message),
    );
  });
}
