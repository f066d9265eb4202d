import assert from "node:assert/strict";
import { test } from "node:test";
import type { CtlOptions } from "./ctl/main.ts";
import { parseSupervisorctl } from "./supervisorctl.ts";

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
  assert.deepEqual(parseSupervisorctl([]), NONE);
  assert.deepEqual(parseSupervisorctl(["tail", "-100", "web"]), { ...NONE, words: ["tail", "-100", "web"] });
  assert.deepEqual(parseSupervisorctl(["-c", "f.ini", "start", "007", "-c"]), {
    ...NONE,
    configFile: "f.ini",
    words: ["start", "007", "-c"],
  });
  assert.deepEqual(parseSupervisorctl(["--", "-x"]), { ...NONE, words: ["-x"] });
});

test("short and long, apart, together and shortened", () => {
  const expected = {
    ...NONE,
    serverUrl: "unix:///x.sock",
    username: "u",
    password: "0123",
    historyFile: "h",
    interactive: true,
  };
  const ways = [
    "-s unix:///x.sock -uu -p0123 -i -r h",
    "-is unix:///x.sock -uu -p0123 -rh",
    "--serverurl=unix:///x.sock --username u --password=0123 --interactive --history-file h",
    "--serv unix:///x.sock --user=u --pass 0123 --int --history_file=h",
  ];
  for (const way of ways) assert.deepEqual(parseSupervisorctl(way.split(" ")), expected, way);
  assert.deepEqual(parseSupervisorctl(["-cdir/f.conf", "status"]), {
    ...NONE,
    configFile: "dir/f.conf",
    words: ["status"],
  });
  assert.deepEqual(parseSupervisorctl(["-u", ""]), { ...NONE, username: "" });
  for (const word of ["-h", "--help", "-?"])
    assert.deepEqual(parseSupervisorctl([word, "-s", "x"]), { ...NONE, help: true });
});

test("what is no option is told in getopt's words", () => {
  const refused: readonly [line: string, message: string][] = [
    ["-z", "option -z not recognized"],
    ["-iz", "option -z not recognized"],
    ["--nothing x", "option --nothing not recognized"],
    ["--toString=1", "option --toString not recognized"],
    ["--h", "option --h not a unique prefix"],
    ["--interactive=1", "option --interactive must not have an argument"],
    ["-s", "option -s requires argument"],
    ["--user", "option --username requires argument"],
    ["-s foo", "invalid value for -s 'foo': value 'foo' is not a URL"],
    ["--serverurl=unix://", "invalid value for --serverurl 'unix://': value 'unix://' is not a URL"],
    ["-i -i", "conflicting command line option '-i'"],
    ["-u a --username b", "conflicting command line option '--username'"],
  ];
  for (const [line, message] of refused)
    assert.throws(() => parseSupervisorctl(line.split(" ")), { message }, line);
});
