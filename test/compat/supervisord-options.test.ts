/**
 * The command line of the real supervisord and ours, side by side: the same words must print the same and end alike. The
 * last option of a line that is fine names a file that is not there, so that neither starts.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { quote } from "../container/launch.ts";
import { BINARY } from "../container/scene.ts";

const THEIRS = "/usr/bin/supervisord";
const NOBODY = 65534;

const directory = mkdtempSync(join(tmpdir(), "tsinit-options-"));
after(() => rmSync(directory, { recursive: true, force: true }));
chmodSync(directory, 0o755);
mkdirSync(join(directory, "usr/bin"), { recursive: true });
const OURS = join(directory, "usr/bin/supervisord");
symlinkSync(BINARY, OURS);
mkdirSync(join(directory, "cwd"));
const good = "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\n[program:a]\ncommand=/bin/true\n";
writeFileSync(join(directory, "cwd/good.conf"), good);
writeFileSync(join(directory, "cwd/secret.conf"), good, { mode: 0o600 });
mkdirSync(join(directory, "cwd/folder"));
symlinkSync("nowhere", join(directory, "cwd/dangling.conf"));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** In a mount namespace where no configuration of this machine is to be found. */
function run(program: string, words: readonly string[], uid: number): Ended {
  const line = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", program, ...words];
  const script = [
    "[ ! -d /etc/supervisor ] || mount -t tmpfs -o mode=755 tmpfs /etc/supervisor",
    `cd ${quote(join(directory, "cwd"))}`,
    `exec env -i PATH=/usr/bin:/bin HOME=/nonexistent ${line.map(quote).join(" ")}`,
  ].join("\n");
  const ended = spawnSync("unshare", ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(ended.error, undefined);
  // Python warns of its own accord, with a path and a line of its source.
  const err = ended.stderr.replace(/^.*UserWarning: Supervisord is running as root.*\n.*\n/m, "");
  return { code: ended.status, out: ended.stdout, err: err.replaceAll(program, "PROGRAM") };
}

function compare(words: readonly string[], uid = 0): Ended {
  const theirs = run(THEIRS, words, uid);
  assert.deepEqual(run(OURS, words, uid), theirs, words.join(" "));
  return theirs;
}

/** Each is refused before a file is looked for. */
const REFUSED: readonly (readonly string[])[] = [
  ["foo"],
  ["foo", "it's", 'say "x"'],
  ["-"],
  ["-n", "foo", "-e", "warning"],
  ["-n", "--", "-n"],
  ["--badopt"],
  ["--badopt=x"],
  ["-w"],
  ["-nsw"],
  ["-:"],
  ["--no"],
  ["--log"],
  ["--logfile_"],
  ["--min"],
  ["--=x"],
  ["--nodaemon=yes"],
  ["--hel=x"],
  ["-c"],
  ["-nc"],
  ["--configuration"],
  ["--conf"],
  ["--logl"],
  ["-n", "-n"],
  ["-n", "--nodaemon"],
  ["--nod", "-n"],
  ["-c", "a", "-c", "b"],
  ["-s", "--silent"],
  ["-i", "a", "--identifier", "b"],
  ["-e", "warning"],
  ["--loglevel=warning"],
  ["-e", ""],
  ["-e", "info", "-e", "warn"],
  ["-m", "9"],
  ["-m", "rwx"],
  ["-y", "5 apples"],
  ["-y", "xMB"],
  ["-y", ""],
  ["-z", "1.5"],
  ["-z", "many"],
  ["-a", "1e3"],
  ["--minfds", ""],
  ["--minprocs=x"],
  ["-d", "/nonexistent"],
  ["-d", "good.conf"],
  ["-d", ""],
  ["-q", "/nonexistent/x"],
  ["-l", "/nonexistent/x.log"],
  ["--logfile=~/x.log"],
  ["-j", "nonexistent/x.pid"],
  ["-e", "warning", "-h"],
];

/** Each is taken, whereupon the missing file is told. */
const TAKEN: readonly (readonly string[])[] = [
  [],
  ["-n"],
  ["-nskt"],
  ["-nl", "x.log"],
  ["-lx.log"],
  ["--logfile=x.log", "--logfile_m", "1KB", "--logfile_b=0"],
  ["--nod", "--noc", "--strip"],
  ["-e", "WARN"],
  ["--logl=blather"],
  ["-y", "5gb", "-z", "+1_0"],
  ["-m", "0o17"],
  ["-a", " 64 ", "--minp", "64"],
  ["-i", "-x"],
  ["-u", "nosuch"],
  ["-d", ".", "-q", "/tmp"],
  ["-j", "", "-l", ""],
  ["--profile_options", "cumulative,callers"],
  ["--prof=", "--id", ""],
];

test("what is refused, and in which words", () => {
  for (const words of REFUSED) assert.equal(compare(words).code, 2, words.join(" "));
});

test("what is taken", () => {
  for (const words of TAKEN) {
    const { code, err } = compare([...words, "-c", "missing.conf"]);
    assert.deepEqual(
      [code, err],
      [2, "Error: could not find config file missing.conf\nFor help, use PROGRAM -h\n"],
    );
  }
});

test("files that cannot be had", () => {
  for (const file of ["missing.conf", "folder", "dangling.conf", "good.conf/x", "/dev/null/x", "~/x"])
    assert.equal(compare(["-n", "-c", file]).code, 2, file);
  assert.match(compare(["-n", "-c", "secret.conf"], NOBODY).err, /could not read config file secret\.conf/);
});

test("no file at the places where one is looked for", () => {
  const prefix = join(directory, "usr");
  const listed = (ended: Ended, from: string): string => ended.err.replaceAll(from, "PREFIX");
  const theirs = run(THEIRS, ["-n"], NOBODY);
  const ours = run(OURS, ["-n"], NOBODY);
  assert.match(theirs.err, /No config file found at default paths/);
  assert.equal(listed(ours, `${prefix}/`), listed(theirs, "/usr/"));
  assert.deepEqual([ours.code, ours.out], [theirs.code, theirs.out]);
});

test("the user: unknown, or not ours to become", () => {
  assert.match(compare(["-n", "-c", "good.conf", "-u", "nosuch"]).err, /Invalid user name nosuch/);
  assert.match(
    compare(["-n", "-c", "good.conf", "-u", "daemon"], NOBODY).err,
    /Can't drop privilege as nonroot user/,
  );
});

test("-v prints the version, -h and -? the same options", () => {
  for (const words of [["-v"], ["--version"], ["-nv"], ["--vers"], ["-v", "-h"]])
    assert.deepEqual(compare(words), { code: 0, out: "4.2.5\n", err: "" });
  for (const words of [["-h"], ["-?"], ["--he"], ["-h", "-e", "warning"]]) {
    const [theirs, ours] = [run(THEIRS, words, 0), run(OURS, words, 0)];
    assert.deepEqual([ours.code, ours.err], [theirs.code, theirs.err]);
    const options = ({ out }: Ended) => [...out.matchAll(/^(-\S+.*?) +-- /gm)].map((match) => match[1]);
    assert.ok(options(theirs).length === 20);
    assert.deepEqual(options(ours), options(theirs));
    const usage = (ended: Ended, program: string) =>
      /^Usage: .*/m.exec(ended.out)?.[0].replace(program, "PROGRAM");
    assert.equal(usage(ours, OURS), usage(theirs, THEIRS));
  }
});

test("by its bare name it is the same as by its path", () => {
  const path = `PATH=${join(directory, "usr/bin")}:/bin`;
  const ended = spawnSync("env", ["-i", path, "supervisord", "-c", "missing.conf"], {
    encoding: "utf8",
    cwd: directory,
    timeout: 60_000,
  });
  assert.equal(ended.stderr, `Error: could not find config file missing.conf\nFor help, use ${OURS} -h\n`);
});
