import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeFiles } from "../test/fakes/config.ts";
import { readHost } from "./config/load.ts";
import { UsageError } from "./options.ts";
import { checkUser, parseSupervisord } from "./supervisord.ts";

const machine = (uid: number) =>
  readHost({ cwd: "/srv", environment: [["HOME", "/root"]], uid }, fakeFiles({}, ["/srv", "/run", "/root"]));
const HOST = machine(0);

function parse(...words: string[]) {
  return parseSupervisord(words, HOST);
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "taken";
}

test("short options may be bundled, long ones shortened, values attached", () => {
  assert.deepEqual(parse("-nc", "/etc/a.conf", "-lfoo.log", "--logl", "debug", "--pidf=/run/p"), {
    show: "run",
    config: "/etc/a.conf",
    overrides: { nodaemon: "true", logfile: "foo.log", loglevel: "debug", pidfile: "/run/p" },
  });
});

test("values that look like numbers or options stay text", () => {
  assert.deepEqual(parse("-u", "007", "-m", "022", "-i", "-x", "--"), {
    show: "run",
    config: null,
    overrides: { user: "007", umask: "022", identifier: "-x" },
  });
});

test("every option sets its key of [supervisord]", () => {
  const words = "-nskt -u app -m 027 -d /srv -l x -y 5MB -z 3 -e WARN -j ~/p -i me -q /run -a 64";
  assert.deepEqual(parse(...words.split(" "), "--minprocs=9", "--profile_options=calls"), {
    show: "run",
    config: null,
    overrides: {
      nodaemon: "true",
      silent: "true",
      nocleanup: "true",
      strip_ansi: "true",
      user: "app",
      umask: "027",
      directory: "/srv",
      logfile: "x",
      logfile_maxbytes: "5MB",
      logfile_backups: "3",
      loglevel: "WARN",
      pidfile: "~/p",
      identifier: "me",
      childlogdir: "/run",
      minfds: "64",
      minprocs: "9",
    },
  });
});

test("-v, -h and -? ask for a text, when they are reached", () => {
  for (const [word, show] of [
    ["-v", "version"],
    ["-h", "help"],
    ["-?", "help"],
    ["--version", "version"],
    ["-nv", "version"],
  ] as const)
    assert.deepEqual(parse(word), { show });
  assert.deepEqual(parse("-h", "-e", "warning"), { show: "help" });
  assert.match(
    refusal(() => parse("-e", "warning", "-h")),
    /^invalid value/,
  );
});

test("what supervisord refuses is refused in its words", () => {
  for (const [line, text] of [
    ["foo 'b", `positional arguments are not supported: ['foo', "'b"]`],
    ["-", "positional arguments are not supported: ['-']"],
    ["--badopt", "option --badopt not recognized"],
    ["-nw", "option -w not recognized"],
    ["--no", "option --no not a unique prefix"],
    ["--logfile_", "option --logfile_ not a unique prefix"],
    ["--nodaemon=1", "option --nodaemon must not have an argument"],
    ["-c", "option -c requires argument"],
    ["--conf", "option --configuration requires argument"],
    ["-n --nodaemon", "conflicting command line option '--nodaemon'"],
    ["-e info -e warn", "conflicting command line option '-e'"],
    ["-e warning", "invalid value for -e 'warning': bad logging level name 'warning'"],
    ["--umask 9", "invalid value for --umask '9': 9 can not be converted to an octal type"],
    ["-z x", "invalid value for -z 'x': invalid literal for int() with base 10: 'x'"],
    ["-y xKB", "invalid value for -y 'xKB': invalid literal for int() with base 10: 'x'"],
    ["-d /no", "invalid value for -d '/no': /no is not an existing directory"],
    [
      "-l ~/no/x",
      "invalid value for -l '~/no/x': The directory named as part of the path ~/no/x does not exist",
    ],
  ] as const)
    assert.equal(
      refusal(() => parse(...line.split(" "))),
      text,
      line,
    );
});

test("-u names somebody we can become", () => {
  const check = (user: string, uid: number) => refusal(() => checkUser({ user }, machine(uid)));
  assert.equal(check("nosuch", 0), "Invalid user name nosuch");
  assert.equal(check("app", 1001), "Can't drop privilege as nonroot user");
  for (const [user, uid] of [
    ["app", 0],
    ["app", 1000],
    ["4242", 0],
    // A warning later.
    ["root", 1000],
  ] as const)
    assert.equal(check(user, uid), "taken", user);
});
