/** Leaving the foreground, and pidproxy: the real tools and ours go through the same shell script and must tell the same. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BINARY } from "../container/scene.ts";

const directory = mkdtempSync(join(tmpdir(), "tsinit-daemon-"));
after(() => rmSync(directory, { recursive: true, force: true }));
chmodSync(directory, 0o755);
for (const name of ["supervisord", "pidproxy"]) symlinkSync(BINARY, join(directory, name));

type Side = "theirs" | "ours";

/** What the script printed. `$TOOL` is the program, `$D` a fresh folder, PID 1 the shell; `await COMMAND` waits. */
function play(side: Side, tool: string, script: string): string {
  const program = side === "theirs" ? `/usr/bin/${tool}` : join(directory, tool);
  const folder = mkdtempSync(join(directory, `${side}-`));
  const file = join(folder, "script.sh");
  const prelude =
    'await() { tries=0; while ! eval "$1"; do tries=$((tries+1)); [ $tries -lt 400 ] || { echo "not: $1"; exit 99; }; sleep 0.05; done; }';
  writeFileSync(file, `${prelude}\nmount -t tmpfs tmpfs /run\nip link set lo up\ncd "$D"\n${script}\n`);
  const environment = [
    "env",
    "-i",
    "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    "PYTHONUNBUFFERED=1",
    `TOOL=${program}`,
    `D=${folder}`,
  ];
  const unshare = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net"];
  const ended = spawnSync("unshare", [...unshare, ...environment, "sh", file], {
    encoding: "utf8",
    timeout: 60_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  assert.equal(ended.error, undefined);
  const own = (text: string) => text.replaceAll(folder, "FOLDER").replaceAll(program, "TOOL");
  assert.equal(ended.status, 0, own(`${ended.stdout}${ended.stderr}`));
  return own(ended.stdout);
}

function same(tool: string, script: string): string {
  const theirs = play("theirs", tool, script);
  assert.equal(play("ours", tool, script), theirs);
  return theirs;
}

const CONFIG = `
cat > s.conf <<END
[supervisord]
[tsinit]
listen=none
[unix_http_server]
file=$D/s.sock
[program:a]
command=/bin/sh -c 'pwd > $D/seen; umask >> $D/seen; exec sleep 1000'
END
mkdir work`;

test("the daemon: its session, descriptors, umask, directory, pidfile; its end", () => {
  const told = same(
    "supervisord",
    `${CONFIG}
"$TOOL" -c s.conf -d "$D/work" -m 027; echo "code $?"
await '[ -s supervisord.pid ]'
pid=$(cat supervisord.pid)
await '[ "$(wc -l < seen)" = 2 ]'
[ "$(cut -d' ' -f6 /proc/$pid/stat)" = $pid ] && echo "leads a session"
for fd in 0 1 2; do readlink /proc/$pid/fd/$fd; done
grep Umask /proc/$pid/status
cat /proc/$pid/comm
[ -S s.sock ] && echo "a socket"
cat seen
kill -TERM $pid
await '[ ! -e supervisord.pid ] && [ ! -e s.sock ]'
await '! pgrep sleep > /dev/null'`,
  );
  assert.equal(
    told,
    `code 0\nleads a session\n${"/dev/null\n".repeat(3)}Umask:\t0027\nsupervisord\na socket\nFOLDER/work\n0027\n`,
  );
});

test("relative log files of programs are in the daemon's directory, its own and its pidfile where it was started", () => {
  const told = same(
    "supervisord",
    `${CONFIG}
sed -i "s/^command=.*/command=\\/bin\\/sh -c 'echo said; exec sleep 1000'\\nstdout_logfile=own.log/; s/^.supervisord./&\\ndirectory=work\\nlogfile=main.log/" s.conf
"$TOOL" -c s.conf; echo "code $?"
await '[ -s supervisord.pid ] && grep -qs said own.log work/own.log'
find . -name '*.log' | sort
kill -TERM $(cat supervisord.pid)
await '[ ! -e supervisord.pid ]'`,
  );
  assert.equal(told, "code 0\n./main.log\n./work/own.log\n");
});

test("with nodaemon, in the file or as -n, it stays; umask and directory are left alone", () => {
  for (const [option, line] of [
    ["-n", ""],
    ["", "echo nodaemon=true | sed -i '1r /dev/stdin' s.conf"],
  ]) {
    const told = same(
      "supervisord",
      `${CONFIG}
sed -i 1d s.conf; sed -i '1i [supervisord]' s.conf; ${line}
"$TOOL" ${option} -c s.conf -d "$D/work" -m 027 -j "$D/pid" > out 2>&1 &
await '[ -s pid ]'; await '[ "$(wc -l < seen)" = 2 ]'
[ "$(cat pid)" = $! ] && echo "the same process"
cat seen
kill -TERM $!; wait $!; echo "code $?"`,
    );
    assert.equal(told, "the same process\nFOLDER\n0022\ncode 0\n");
  }
});

test("what is wrong is told in the foreground, with 2: the file, the port", () => {
  const told = same(
    "supervisord",
    `${CONFIG}
echo autostart=perhaps >> s.conf
"$TOOL" -c s.conf 2> err; echo "code $?"; [ -s err ] && echo "with words"
sed -i '$d' s.conf
printf '[inet_http_server]\\nport=127.0.0.1:9977\\n' >> s.conf
sed 's/s.sock/t.sock/' s.conf > t.conf
"$TOOL" -c s.conf; echo "code $?"
await '[ -s supervisord.pid ]'; pid=$(cat supervisord.pid)
await '[ -s seen ]'
"$TOOL" -c t.conf -j "$D/t.pid" 2> err; echo "code $?"; [ -s err ] && echo "with words"
[ -e t.pid ] || echo "no pidfile"
kill $pid
await '[ ! -e supervisord.pid ]'`,
  );
  assert.equal(told, "code 2\nwith words\ncode 0\ncode 2\nwith words\nno pidfile\n");
});

test("ours returns when it can be talked to", () => {
  const told = play(
    "ours",
    "supervisord",
    `${CONFIG}
for i in 1 2 3; do
  "$TOOL" -c s.conf && [ -S s.sock ] && [ -s supervisord.pid ] && echo up
  kill -TERM $(cat supervisord.pid); await '[ ! -e supervisord.pid ]'
done
cd "$D/work"; "$TOOL" -c ../s.conf && [ -s supervisord.pid ] && echo relative
env | grep -c TSINIT; tr '\\0' '\\n' < /proc/$(pgrep sleep)/environ | grep TSINIT
kill -HUP $(cat supervisord.pid); await 'kill -0 $(cat supervisord.pid)'; echo alive`,
  );
  assert.equal(told, "up\nup\nup\nrelative\n0\nalive\n");
});

/** Notes the signals it gets. Not a shell: one in the background can have no handler for INT and QUIT. */
const CATCHER = `
cat > catcher.py <<'END'
import os, signal
def note(number, frame):
    with open("got", "a") as got: got.write(signal.Signals(number).name + "\\n")
for name in ("TERM", "HUP", "INT", "USR1", "USR2", "QUIT"): signal.signal(getattr(signal, "SIG" + name), note)
with open("pid.new", "w") as pid: pid.write("%d\\n" % os.getpid())
os.rename("pid.new", "pid")
while True: signal.pause()
END
/usr/bin/python3 catcher.py &
await '[ -s pid ]'`;

test("pidproxy: what it does with each signal, and how it ends", () => {
  const told = same(
    "pidproxy",
    `${CATCHER}
for signal in HUP USR1 USR2 TERM INT QUIT; do
  "$TOOL" "$D/pid" /bin/sh -c "touch $D/runs; exec sleep 1000" > out & proxy=$!
  await '[ -e runs ]'; rm runs; sleep 0.3
  : > got
  kill -$signal $proxy
  await '[ -s got ]'; cat got
  case $signal in HUP|USR*) kill -0 $proxy && echo "goes on"; kill -TERM $proxy;; esac
  wait $proxy; echo "code $?"
  pkill -x sleep
done
kill -9 $(cat pid)`,
  );
  assert.match(
    told,
    /^SIGHUP\ngoes on\ncode 0\nSIGUSR1\ngoes on\ncode 0\nSIGUSR2\ngoes on\ncode 0\nSIGTERM\ncode 0\n/,
  );
});

test("pidproxy: a pidfile that is none, a pid that is gone, a command that ends", () => {
  const told = same(
    "pidproxy",
    `for words in "" "$D/pid"; do "$TOOL" $words > out; echo "code $?"; grep '^Usage:' out; done
"$TOOL" "$D/pid" /bin/sh -c 'touch runs; exec sleep 1000' >> out & proxy=$!
await '[ -e runs ]'; sleep 0.3
for text in "" nonsense; do
  echo "$text" > pid; : > out; kill -TERM $proxy; await '[ -s out ]'; cat out; kill -0 $proxy && echo "goes on"
done
echo 999999 > pid; kill -TERM $proxy 2> /dev/null; wait $proxy; echo "code $?"
"$TOOL" "$D/pid" /bin/sh -c 'ps -o pgid= -p $PPID > parent; ps -o pgid= -p $$ > child; exit 3'; echo "code $?"
cmp parent child && echo "one group"`,
  );
  assert.match(told, /code 1\nUsage: TOOL <pidfile name> <command> \[<cmdarg1> \.\.\.\]\ncode 1\n/);
  assert.match(
    told,
    /Can't read child pidfile FOLDER\/pid!\ngoes on\n.*\ngoes on\ncode 1\ncode 0\none group\n$/s,
  );
});

test("our pidproxy says what the real one keeps to itself, and never signals a whole group", () => {
  const told = play(
    "ours",
    "pidproxy",
    `"$TOOL" "$D/pid" /nonexistent 2>&1; echo "code $?"
"$TOOL" "$D/pid" true 2>&1; echo "code $?"
"$TOOL" "$D/pid" "$D" 2>&1; echo "code $?"
"$TOOL" "$D/pid" /bin/sh -c 'touch runs; exec sleep 1000' >> out 2>&1 & proxy=$!
await '[ -e runs ]'
for text in -1 0 "1 2" 99999999999999; do
  echo "$text" > pid; : > out; kill -TERM $proxy; await '[ -s out ]'; cat out
done
kill -0 $proxy && echo "goes on"`,
  );
  const unread = "Can't read child pidfile FOLDER/pid!\n";
  assert.equal(
    told,
    "pidproxy: cannot run /nonexistent: ENOENT\ncode 127\npidproxy: cannot run true: ENOENT\ncode 127\n" +
      `pidproxy: cannot run FOLDER: EACCES\ncode 126\n${unread.repeat(4)}goes on\n`,
  );
  assert.ok(readFileSync("/usr/bin/pidproxy", "utf8").startsWith("#!"), "the real one is still the real one");
});
