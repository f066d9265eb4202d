import assert from "node:assert/strict";
import { test } from "node:test";
import { config, loadText, notices, program, warnings } from "../../test/fakes/config.ts";

const TARGETS: [keys: string, stdout: string, stderr: string][] = [
  ["", "stdout", "stderr"],
  ["stdout_logfile=/dev/stdout\nstderr_logfile=/dev/stdout", "stdout", "stdout"],
  ["stdout_logfile=/dev/fd/1\nstderr_logfile=/proc/1/fd/2", "stdout", "stderr"],
  ["stdout_logfile=/proc/self/fd/1\nstderr_logfile=/dev/fd/2", "stdout", "stderr"],
  ["stdout_logfile=/dev/stderr\nstderr_logfile=auto", "stderr", "stderr"],
  ["stdout_logfile=NONE\nstderr_logfile=off", "discard", "discard"],
  ["stdout_logfile=\nstderr_logfile=/dev/null", "discard", "discard"],
  ["stdout_logfile=/tmp/x\nstderr_logfile=y.log", "stdout", "stderr"],
  ["stdout_logfile=syslog", "syslog", "stderr"],
  ["redirect_stderr=true", "stdout", "stdout"],
  ["redirect_stderr=true\nstdout_logfile=NONE\nstderr_logfile=/dev/stderr", "discard", "discard"],
];

for (const [keys, stdout, stderr] of TARGETS) {
  test(`output: ${keys.replaceAll("\n", ", ") || "nothing set"}`, () => {
    const spec = program(keys);
    assert.deepEqual([spec.stdout.target, spec.stderr.target], [stdout, stderr]);
  });
}

test("real log files are one notice however many programs name them; a missing directory is no error", () => {
  const text =
    "[program:a]\ncommand=a\nstdout_logfile=/var/log/none/a.log\n" +
    "[program:b]\ncommand=b\nstderr_logfile=/etc/b.log\n";
  assert.deepEqual(notices(text), [
    "log files of programs are not written, the output of a, b goes to stdout and stderr only",
  ]);
  assert.deepEqual(warnings(text), [
    "/etc/tsinit.ini:3: [program:a] stdout_logfile: The directory named as part of the path " +
      "/var/log/none/a.log does not " +
      "exist; the output goes to stdout",
  ]);
});

test("log_files=also: a path or AUTO is a file, a descriptor's name never; a missing directory is a warning", () => {
  const fileOf = (value: string): string | null => {
    const text = `[tsinit]\nlog_files=also\n[program:a]\ncommand=a\nstdout_logfile=${value}\n`;
    return config(loadText(text)).plan.programs[0]!.stdout.file;
  };
  assert.equal(fileOf("/tmp/a.log"), "/tmp/a.log");
  assert.equal(fileOf("AUTO"), "auto");
  const devices = [
    "/dev/stdin /dev/stdout /dev/stderr /dev/fd/1 /dev/fd/2 /dev/fd/17 /proc/self/fd/1 /proc/self/fd/9",
    "/proc/thread-self/fd/2 /proc/1/fd/1 /dev/null NONE off syslog",
  ];
  for (const device of devices.join(" ").split(" ")) assert.equal(fileOf(device), null, device);
  const text = "[tsinit]\nlog_files=also\n[program:a]\ncommand=a\nstdout_logfile=/var/log/none/a.log\n";
  assert.deepEqual(notices(text), []);
  assert.match(
    warnings(text).join(),
    /none\/a.log does not exist; the output goes to stdout alone until it does$/,
  );
});
