import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSupervisord } from "./supervisord.ts";

test("short options may be bundled, long ones shortened, values attached", () => {
  assert.deepEqual(
    parseSupervisord(["-nc", "/etc/a.conf", "-lfoo.log", "--logl", "debug", "--pidf=/run/p"]),
    {
      show: "run",
      config: "/etc/a.conf",
      overrides: { logfile: "foo.log", loglevel: "debug", pidfile: "/run/p", nodaemon: "true" },
    },
  );
});

test("values that look like numbers or options stay text", () => {
  assert.deepEqual(parseSupervisord(["-u", "007", "-m", "022", "-i", "-x"]), {
    show: "run",
    config: null,
    overrides: { user: "007", umask: "022", identifier: "-x" },
  });
});

test("-v, -h and -? ask for a text", () => {
  for (const [word, show] of [
    ["-v", "version"],
    ["-h", "help"],
    ["-?", "help"],
    ["--version", "version"],
  ] as const) {
    assert.deepEqual(parseSupervisord([word]), { show, config: null, overrides: {} });
  }
});

test("what supervisord refuses is refused in its words", () => {
  assert.deepEqual(parseSupervisord(["foo"]), { error: "positional arguments are not supported: ['foo']" });
  assert.deepEqual(parseSupervisord(["--badopt"]), { error: "option --badopt not recognized" });
  assert.deepEqual(parseSupervisord(["-w"]), { error: "option -w not recognized" });
  assert.deepEqual(parseSupervisord(["-e", "info", "-e", "warn"]), {
    error: "conflicting command line option '-e'",
  });
  assert.deepEqual(parseSupervisord(["-c"]), { error: "option --configuration requires argument" });
});
