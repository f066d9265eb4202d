import assert from "node:assert/strict";
import { test } from "node:test";
import { type CtlOptions, parseCtlOptions } from "./options.ts";

const NONE: CtlOptions = {
  configFile: null,
  serverUrl: null,
  username: null,
  password: null,
  historyFile: null,
  interactive: false,
  help: false,
  words: [],
};

test("options end where the command begins, and its words stay as they are", () => {
  assert.deepEqual(parseCtlOptions([]), NONE);
  assert.deepEqual(parseCtlOptions(["tail", "-100", "web"]), { ...NONE, words: ["tail", "-100", "web"] });
  assert.deepEqual(parseCtlOptions(["-c", "f.ini", "start", "007", "-c"]), {
    ...NONE,
    configFile: "f.ini",
    words: ["start", "007", "-c"],
  });
  assert.deepEqual(parseCtlOptions(["--", "-x"]), { ...NONE, words: ["-x"] });
});

test("short and long, apart and together", () => {
  const expected = {
    ...NONE,
    serverUrl: "unix:///x.sock",
    username: "u",
    password: "0123",
    historyFile: "h",
    interactive: true,
  };
  assert.deepEqual(parseCtlOptions(["-s", "unix:///x.sock", "-uu", "-p0123", "-i", "-r", "h"]), expected);
  const long = [
    "--serverurl=unix:///x.sock",
    "--username",
    "u",
    "--password=0123",
    "--interactive",
    "--history-file",
    "h",
  ];
  assert.deepEqual(parseCtlOptions(long), expected);
  assert.deepEqual(parseCtlOptions(["-s", "a", "-s", "b"]), { ...NONE, serverUrl: "b" });
  assert.deepEqual(parseCtlOptions(["-cdir/f.conf", "status"]), {
    ...NONE,
    configFile: "dir/f.conf",
    words: ["status"],
  });
});

test("what is no option is said", () => {
  assert.deepEqual(parseCtlOptions(["-z"]), { error: "option -z not recognized" });
  assert.deepEqual(parseCtlOptions(["--nothing", "x"]), { error: "option --nothing not recognized" });
  assert.deepEqual(parseCtlOptions(["-s"]), { error: "option -s requires argument" });
  assert.ok("error" in parseCtlOptions(["--toString=1"]));
  for (const word of ["-h", "--help", "-?"])
    assert.deepEqual(parseCtlOptions([word]), { ...NONE, help: true });
});
