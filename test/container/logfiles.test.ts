/** Log files, syslog and the main log of the built executable, beside what supervisord itself writes for the same input. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import { boxed } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { actor, FIXTURES, GENTLE, within } from "./scene.ts";

const SUPERVISORD = "/usr/bin/supervisord";
/** /tmp is not this test's alone: supervisord's way is to remove automatic files there. */
const ALSO = "[tsinit]\nlog_files=also\n[supervisord]\nchildlogdir=@DIR@\n";
const MAIN_LINE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO) /;

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};

/** Every file whose name begins like this, with what is in it. */
function filesOf(directory: string, begin: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name.startsWith(begin));
  return Object.fromEntries(names.sort().map((name) => [name, read(join(directory, name))]));
}

/** Runs a configuration on the real supervisord until its main log has that line. */
async function onSupervisord(directory: string, programs: string, line: RegExp): Promise<void> {
  const main = join(directory, "main.log");
  const own = `[supervisord]\nlogfile=${main}\npidfile=${join(directory, "pid")}\nchildlogdir=${directory}\n`;
  writeFileSync(join(directory, "supervisord.conf"), own + programs.replaceAll("@DIR@", directory));
  const words = ["-n", "-c", join(directory, "supervisord.conf")];
  const child = spawn(SUPERVISORD, words, { stdio: "ignore", cwd: directory });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  try {
    const deadline = performance.now() + 20_000;
    while (!line.test(read(main))) {
      assert.ok(performance.now() < deadline, `supervisord does not say ${line}:\n${read(main)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    child.kill("SIGTERM");
    await within(15_000, ended);
  }
}

const PIECES = `${PYTHON} -I -S ${join(FIXTURES, "pieces.py")}`;

describe("log files", { concurrency: 2 }, () => {
  for (const [maxbytes, backups] of [
    [100, 3],
    [64, 0],
    [0, 5],
    [1, 1],
  ]) {
    boxed(
      `rotation at ${maxbytes} bytes with ${backups} backups is supervisord's, byte for byte`,
      async (box) => {
        const programs =
          `[program:p]\ncommand=${PIECES}\nautorestart=false\nstartsecs=0\nstdout_logfile=@DIR@/p.log\n` +
          `stdout_logfile_maxbytes=${maxbytes}\nstdout_logfile_backups=${backups}\n`;
        const theirs = mkdtempSync(join(tmpdir(), "tsinit-theirs-"));
        try {
          const init = await box.init({ config: ALSO + programs });
          const [ending] = await Promise.all([
            init.exit(),
            onSupervisord(theirs, programs, /exited: p \(exit status 0; expected\)/),
          ]);
          assert.equal(ending.code, 0);
          const files = filesOf(init.dir, "p.log");
          assert.ok(Object.keys(files).length > 0);
          assert.deepEqual(files, filesOf(theirs, "p.log"));
          assert.equal(ending.stderr.includes("ERRO"), false, ending.stderr);
        } finally {
          rmSync(theirs, { recursive: true });
        }
      },
    );
  }

  boxed("off: one notice, no file; descriptors are never files", async (box) => {
    const init = await box.init({
      config: `[program:a]\ncommand=${actor("a", "out:x", ...GENTLE)}\nstdout_logfile=@DIR@/a.log`,
    });
    await init.line(/^a +\| x$/);
    assert.deepEqual(filesOf(init.dir, "a.log"), {});
    await init.line(/log files of programs are not written/);
    assert.equal(init.own().filter((text) => /log files of programs are not written/.test(text)).length, 1);
  });

  boxed(
    "bytes as they are, both streams in one file, shared by programs, mode 0666 less the umask",
    async (box) => {
      const program = (name: string, ...steps: string[]) =>
        `[program:${name}]\ncommand=${actor(name, ...steps, ...GENTLE)}\numask=077\n` +
        "stdout_logfile=@DIR@/all.log\nstderr_logfile=@DIR@/all.log\n";
      const init = await box.init({
        config: ALSO + program("a", "raw:a no newline", "err:a err") + program("b", "out:b out"),
      });
      await init.until("the file", () => read(join(init.dir, "all.log")).length === 24);
      const text = read(join(init.dir, "all.log"));
      for (const part of ["a no newline", "a err\n", "b out\n"]) assert.ok(text.includes(part), text);
      assert.equal(statSync(join(init.dir, "all.log")).mode & 0o777, 0o644);
      await init.line(/^a +\| a no newline/);
      await init.line(/^b +\| b out$/);
    },
  );

  boxed(
    "a full disk stops the file, not the program nor the console; said once, and when it works again",
    async (box) => {
      const init = await box.init({
        setup: "mkdir -p @DIR@/small; mount -t tmpfs -o size=64k tmpfs @DIR@/small",
        config:
          `${ALSO}[program:a]\ncommand=${PYTHON} -I -S -c "import sys,time;` +
          '[(print(str(i).zfill(999),flush=True),time.sleep(0.01)) for i in range(10**9)]"\n' +
          "stdout_logfile=@DIR@/small/a.log\nstdout_logfile_maxbytes=0\n",
      });
      await init.line(/ERRO cannot write the log file \S+a\.log: ENOSPC \(the disk is full\)/);
      const shown = init.stdout.lines.length;
      await init.until("the console to go on", () => init.stdout.lines.length > shown + 150);
      assert.equal(init.own().filter((text) => text.includes("ENOSPC")).length, 1);
      await init.run("sh", "-c", "rm @DIR@/small/a.log");
      await init.line(/INFO the log file \S+ is written again; \d{4,} bytes are missing in it/);
      await init.until(
        "new lines in it",
        async () => (await init.run("cat", "@DIR@/small/a.log")).stdout.length > 999,
      );
      const numbers = init.stdout.lines.map((line) => Number(line.text.replace(/^a +\| /, "")));
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index),
      );
    },
  );

  boxed("USR2 after a rename: new lines in a new file; programs still get the signal", async (box) => {
    const init = await box.init({
      config:
        `${ALSO}[supervisord]\nlogfile=@DIR@/main.log\n` +
        `[program:a]\ncommand=${actor("a", "on:HUP=out:again", "on:USR2=", "out:first", "hold")}\n` +
        "forward_signals=HUP,USR2\nstdout_logfile=@DIR@/a.log",
    });
    const file = join(init.dir, "a.log");
    await init.until("the first line", () => read(file) === "first\n");
    await init.run("mv", "@DIR@/a.log", "@DIR@/a.old");
    await init.run("mv", "@DIR@/main.log", "@DIR@/main.old");
    init.signal("SIGUSR2");
    await init.line(/INFO supervisord logreopen/);
    await init.event("a", "USR2");
    await init.until("both anew", () => statSync(file, { throwIfNoEntry: false }) !== undefined);
    await init.rpc("signalProcess", "a", "HUP");
    await init.until("the new line", () => read(file) === "again\n");
    assert.equal(read(`${init.dir}/a.old`), "first\n");
    const old = read(`${init.dir}/main.old`);
    assert.match(
      old,
      /INFO received SIGUSR2 indicating log reopen request\n.* INFO supervisord logreopen\n$/,
    );
    init.signal("SIGTERM");
    await init.exit();
    const main = read(`${init.dir}/main.log`);
    assert.match(main, / WARN received SIGTERM indicating exit request\n/);
    assert.match(main, / INFO exit 0: .*\n$/, "flushed at the end");
    for (const line of (old + main).trimEnd().split("\n")) assert.match(line, MAIN_LINE);
  });

  boxed(
    "AUTO as somebody who is not root; what an earlier run left is removed; a directory that is not his",
    async (box) => {
      const init = await box.init({
        user: { uid: 1234, gid: 1234 },
        setup:
          "chmod 777 /run; mkdir @DIR@/logs; touch @DIR@/logs/x-stdout---mine-abcdefgh.log; chown -R 1234 @DIR@/logs; mkdir @DIR@/root",
        config:
          `${ALSO}[supervisord]\nchildlogdir=@DIR@/logs\nidentifier=mine\n` +
          `[program:a]\ncommand=${actor("a", "out:x\x1b[1m", ...GENTLE)}\n` +
          `[program:b]\ncommand=${actor("b", "out:y", ...GENTLE)}\nstdout_logfile=@DIR@/root/b.log\nautorestart=true`,
      });
      const names = () => readdirSync(join(init.dir, "logs")).sort();
      await init.line(/ERRO cannot write the log file \S+\/root\/b\.log: EACCES/);
      await init.line(/^b +\| y$/);
      await init.until("the line", () => {
        const [, name = ""] = names();
        return name.startsWith("a-stdout") && read(join(init.dir, "logs", name)) === "x\x1b[1m\n";
      });
      const [err = "", out = "", third = "", ...more] = names();
      assert.match(`${err} ${out}`, /^a-stderr---mine-[a-z0-9_]{8}\.log a-stdout---mine-[a-z0-9_]{8}\.log$/);
      assert.match(third, /^b-stderr---mine-/);
      assert.deepEqual(more, []);
      assert.partialDeepStrictEqual(await init.rpc("getProcessInfo", "a"), {
        stdout_logfile: join(init.dir, "logs", out),
        stderr_logfile: join(init.dir, "logs", err),
      });
      assert.equal(statSync(join(init.dir, "logs", out)).mode & 0o777, 0o600);
      await init.rpc("stopProcess", "b");
      await init.rpc("startProcess", "b");
      assert.equal(init.own().filter((text) => text.includes("EACCES")).length, 1, "said once");
    },
  );

  boxed(
    "strip_ansi on console and file; clear empties the files; tail reads from the beginning",
    async (box) => {
      const init = await box.init({
        config:
          `${ALSO}[supervisord]\nstrip_ansi=true\n[program:a]\n` +
          `command=${actor("a", "raw:\x1b[31", "sleep:0.2", "raw:mred\x1b[0m", "out:", "on:HUP=out:more", "hold")}\n` +
          "stdout_logfile=@DIR@/a.log",
      });
      await init.line(/^a +\| red$/);
      await init.until("the file", () => read(`${init.dir}/a.log`) === "red\n");
      assert.equal(await init.rpc("clearProcessLogs", "a"), true);
      await init.until(
        "an empty file",
        () => statSync(`${init.dir}/a.log`, { throwIfNoEntry: false })?.size === 0,
      );
      await init.rpc("signalProcess", "a", "HUP");
      await init.until("the new line", () => read(`${init.dir}/a.log`) === "more\n");
      assert.deepEqual(await init.rpc("tailProcessStdoutLog", "a", 0, 100), ["more\n", 5, false]);
    },
  );
});

/** A /dev of the test's own, so that /dev/log is nobody else's. */
const OWN_DEV = [
  "mkdir /run/dev; mount -t tmpfs -o mode=755 tmpfs /run/dev",
  "mknod -m 666 /run/dev/null c 1 3; mknod -m 666 /run/dev/urandom c 1 9",
  "ln -s /proc/self/fd /run/dev/fd; ln -s fd/1 /run/dev/stdout; ln -s fd/2 /run/dev/stderr",
  "mount --move /run/dev /dev",
].join("\n");

const RECEIVER =
  `[program:syslogd]\ncommand=${PYTHON} -I -S -c "import socket,os;os.path.exists('/dev/log') and os.unlink('/dev/log');` +
  "s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind('/dev/log');print('bound',flush=True);f=open('@DIR@/syslog','ab',0);" +
  "[f.write(s.recv(65536)+b'~') for i in iter(int,1)]\"\npriority=1\n";

async function syslogged(init: Init, pattern: RegExp): Promise<string[]> {
  const lines = () => read(join(init.dir, "syslog")).split("~").slice(0, -1);
  await init.until(`syslog to have ${pattern}`, () => lines().some((line) => pattern.test(line)));
  return lines();
}

describe("syslog", () => {
  boxed(
    "*_syslog beside the console, *_logfile=syslog instead of it; a syslogd that is restarted",
    async (box) => {
      const init = await box.init({
        setup: OWN_DEV,
        config:
          `[supervisord]\nlogfile=syslog\n${RECEIVER}` +
          `[program:a]\ncommand=${actor("a", "out:one", "out:two", "on:HUP=out:again", "hold")}\nstdout_syslog=true\n` +
          `[program:b]\ncommand=${actor("b", "out:alone", "on:HUP=out:shown", "hold")}\nstdout_logfile=syslog\n`,
      });
      const lines = await syslogged(init, /: b alone$/);
      await syslogged(init, /: a two$/);
      for (const line of lines)
        assert.match(line, /^<14>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d supervisord: /);
      await init.line(/^a +\| two$/);
      await syslogged(init, /supervisord: \d{4}-\d\d-\d\d \S+ INFO success: a entered RUNNING/);
      assert.equal(
        init.stdout.lines.some((line) => /alone/.test(line.text)),
        false,
      );
      const missing = () => init.own().filter((text) => /no syslog at \/dev\/log/.test(text)).length;
      const before = missing();
      await init.rpc("stopProcess", "syslogd");
      await init.rpc("signalProcess", "b", "HUP");
      await init.line(/^b +\| shown$/);
      assert.equal(missing(), before + 1);
      await init.rpc("startProcess", "syslogd");
      await init.until(
        "the new syslogd",
        () => init.stdout.lines.filter((line) => /bound/.test(line.text)).length === 2,
      );
      await init.until("syslog again", async () => {
        await init.rpc("signalProcess", "a", "HUP");
        return /: a again~/.test(read(join(init.dir, "syslog")));
      });
      await init.line(/INFO syslog is there again at \/dev\/log/);
    },
  );

  boxed("without a /dev/log: one warning, and the output is on the console", async (box) => {
    const init = await box.init({
      setup: OWN_DEV,
      config: `[program:b]\ncommand=${actor("b", "out:one", "sleep:1.2", "out:two", ...GENTLE)}\nstdout_logfile=syslog\nstderr_syslog=true`,
    });
    await init.line(/^b +\| one$/);
    await init.line(/^b +\| two$/);
    assert.equal(init.own().filter((text) => /WARN no syslog/.test(text)).length, 1);
  });
});
