/** Listening sockets: those of fcgi programs, and the control socket before anything runs (supervisord.md 11, 12.3). */
import assert from "node:assert/strict";
import { join } from "node:path";
import { boxed } from "./harness.ts";
import type { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { BINARY, FIXTURES } from "./scene.ts";

const ACCEPT = `${PYTHON} -I -S ${join(FIXTURES, "accept.py")}`;
const ASK = join(FIXTURES, "ask.py");
const SLEEP = "/bin/sleep 1000";

/** `PID socket:[INODE]`, one for each connection. */
async function ask(init: Init, address: string, count: number): Promise<string[]> {
  const { stdout } = await init.run(PYTHON, "-I", "-S", ASK, address, String(count));
  return stdout.trimEnd().split("\n");
}

async function running(init: Init, ...names: string[]): Promise<number[]> {
  const pids: number[] = [];
  for (const name of names) pids.push(Number((await init.state(name, "RUNNING"))["pid"]));
  return pids;
}

const inodes = (answers: string[]): string[] => [...new Set(answers.map((line) => line.split(" ")[1] ?? ""))];

/** What was answered. The one connection that had been accepted when its process was killed may be lost with it. */
function answered(answers: string[], count: number): string[] {
  assert.equal(answers.length, count);
  const good = answers.filter((line) => /^\d+ socket:\[\d+\]$/.test(line));
  assert.ok(good.length >= count - 1, answers.filter((line) => !good.includes(line)).join("\n"));
  assert.ok(!answers.includes("ConnectionRefusedError") && !answers.includes("FileNotFoundError"));
  return good;
}

boxed("two processes on one socket: one killed, requests are answered all along", async (box) => {
  const init = await box.init({
    config: [
      "[supervisord]\nnodaemon=true",
      "[fcgi-program:php]",
      `command=${ACCEPT}`,
      "socket=unix:///run/php.sock",
      "socket_owner=33:33\nsocket_mode=0770\nsocket_backlog=64",
      "numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d",
    ].join("\n"),
  });
  const [first = 0] = await running(init, "php:php_00", "php:php_01");
  await init.line(/accepting blocking/);
  const file = await init.run("stat", "-c", "%a %u:%g %F", "/run/php.sock");
  assert.equal(file.stdout, "770 33:33 socket\n");
  const asking = ask(init, "/run/php.sock", 600);
  process.kill(init.outer(first), "SIGKILL");
  await init.line(/exited: php_00 \(terminated by SIGKILL/);
  assert.equal(inodes(answered(await asking, 600)).length, 1, "it is the same socket");
  const [again] = await running(init, "php:php_00", "php:php_01");
  assert.notEqual(again, first);
  init.signal("SIGTERM");
  assert.equal((await init.exit()).code, 0);
  assert.equal(init.own().filter((line) => line.endsWith("Creating socket unix:///run/php.sock")).length, 1);
  assert.equal(init.own().filter((line) => line.endsWith("Closing socket unix:///run/php.sock")).length, 1);
});

boxed("in a group too; kept over a restart and a reload, closed when it has left the file", async (box) => {
  const config = (extra: string): string =>
    `[supervisord]\nnodaemon=true\n[program:other]\ncommand=${SLEEP}\n${extra}`;
  const php = `[fcgi-program:php]\ncommand=${ACCEPT}\nsocket=tcp://localhost:9000\n[group:web]\nprograms=php,other\n`;
  const init = await box.init({ config: config(php) });
  await running(init, "web:php");
  const [before] = inodes(await ask(init, "9000", 1));
  assert.match(before ?? "", /^socket/);
  const restarting = init.ctl("restart", "web:php");
  const during = await ask(init, "9000", 100);
  assert.equal((await restarting).code, 0);
  assert.deepEqual(inodes(answered(during, 100)), [before], during.join("\n"));
  init.writeConfig(config(php.replace("socket=", "stopwaitsecs=3\nsocket=")));
  init.signal("SIGHUP");
  await init.line(/reload|updated|changed/i);
  assert.deepEqual(inodes(await ask(init, "9000", 5)), [before]);
  const after = init.lines.length;
  init.writeConfig(config(""));
  init.signal("SIGHUP");
  await init.line(/Closing socket tcp:\/\/localhost:9000/, { after });
  assert.deepEqual(await ask(init, "9000", 1), ["ConnectionRefusedError"]);
  init.signal("SIGTERM");
  assert.equal((await init.exit()).code, 0);
});

boxed("other values: the port is never given up, the path gets them at once", async (box) => {
  const config = (backlog: number, mode: string): string =>
    [
      "[supervisord]\nnodaemon=true",
      `[fcgi-program:a]\ncommand=${ACCEPT}\nsocket=tcp://127.0.0.1:9000\nsocket_backlog=${backlog}`,
      `[fcgi-program:b]\ncommand=${ACCEPT}\nsocket=unix:///run/b.sock\nsocket_mode=${mode}`,
    ].join("\n");
  const init = await box.init({ config: config(5, "0700") });
  const before = await running(init, "a", "b");
  const [socket] = inodes(await ask(init, "9000", 1));
  init.writeConfig(config(6, "0766"));
  init.signal("SIGHUP");
  await init.until("new processes", async () => {
    const now = await running(init, "a", "b");
    return now.every((pid, index) => pid !== before[index]);
  });
  assert.deepEqual(inodes(await ask(init, "9000", 1)), [socket]);
  assert.equal((await init.run("stat", "-c", "%a", "/run/b.sock")).stdout, "766\n");
  assert.match((await ask(init, "/run/b.sock", 1))[0] ?? "", /socket/);
  init.signal("SIGTERM");
  assert.equal((await init.exit()).code, 0);
});

boxed(
  "what cannot be had is told before anything starts, all of it, and nothing is left behind",
  async (box) => {
    const ending = await box.run({
      setup: `${PYTHON} -c 'import socket,time; s=socket.create_server(("127.0.0.1",9000)); time.sleep(1000)' & sleep 0.5`,
      config: [
        "[unix_http_server]\nfile=@DIR@/control.sock",
        `[fcgi-program:a]\ncommand=${ACCEPT}\nsocket=tcp://localhost:9000`,
        `[fcgi-program:b]\ncommand=${ACCEPT}\nsocket=unix:///run/none/b.sock`,
        `[fcgi-program:c]\ncommand=${ACCEPT}\nsocket=unix://@DIR@/c.sock`,
      ].join("\n"),
    });
    assert.equal(ending.code, 2);
    assert.match(
      ending.stderr,
      /\[fcgi-program:a\] socket: .*tcp:\/\/localhost:9000: another program is listening/,
    );
    assert.match(ending.stderr, /\[fcgi-program:b\] socket: .*the directory \/run\/none does not exist/);
    assert.doesNotMatch(ending.stderr, /spawned/);
  },
);

boxed("at a reload: the program says why and tries again, nothing else suffers", async (box) => {
  const other = `[supervisord]\nnodaemon=true\n[program:other]\ncommand=${SLEEP}\n`;
  const init = await box.init({ config: other });
  const [pid] = await running(init, "other");
  init.writeConfig(
    `${other}[fcgi-program:php]\ncommand=${ACCEPT}\nsocket=unix:///run/php/php.sock\nstartretries=20\n`,
  );
  init.signal("SIGHUP");
  await init.line(
    /spawnerr: Could not create FastCGI socket unix:\/\/\/run\/php\/php.sock: .*does not exist/,
  );
  assert.equal((await init.run("mkdir", "/run/php")).code, 0);
  await running(init, "php");
  assert.match((await ask(init, "/run/php/php.sock", 1))[0] ?? "", /socket/);
  assert.deepEqual(await running(init, "other"), [pid]);
  init.signal("SIGTERM");
  assert.equal((await init.exit()).code, 0);
});

boxed("the first program finds the control socket, is answered, and is told where it is", async (box) => {
  const call = [
    "import os, socket; s = socket.socket(socket.AF_UNIX)",
    "u = os.environ['SUPERVISOR_SERVER_URL']; s.connect(u[7:])",
    "s.sendall(b'GET /livez HTTP/1.0\\r\\n\\r\\n'); print(u, s.recv(99).split(b'\\r\\n')[0], flush=True)",
  ].join("; ");
  const config = `[program:first]\ncommand=${PYTHON} -I -S -c "${call}"\nautorestart=false\nstartsecs=0\n`;
  for (const [head, url] of [
    ["", "/run/tsinit.sock"],
    ["[unix_http_server]\nfile=/run/own.sock\n", "/run/own.sock"],
  ]) {
    const ending = await box.run({ config: `${head}${config}` });
    assert.match(ending.stdout, new RegExp(`unix://${url} b'HTTP/1.1 200 OK'`), ending.stderr);
    assert.equal(ending.code, 0);
  }
  // The default one's fallback.
  const setup = "mount -t tmpfs -o ro tmpfs /run; mount -t tmpfs -o mode=1777 tmpfs /dev/shm";
  const ending = await box.run({ config, setup, user: { uid: 54_321, gid: 54_321 } });
  assert.match(ending.stdout, /unix:\/\/\/(tmp|dev\/shm)\/tsinit.sock b'HTTP\/1.1 200 OK'/, ending.stderr);
});

boxed(
  "a second one on the same socket ends with supervisord's sentence; a stale one is replaced",
  async (box) => {
    const php = `[fcgi-program:php]\ncommand=${ACCEPT}\nsocket=unix:///run/php.sock\n`;
    const config = `[unix_http_server]\nfile=/run/own.sock\n[program:a]\ncommand=${SLEEP}\n${php}`;
    const setup = `${PYTHON} -c 'import socket; socket.socket(1).bind("/run/own.sock")'`;
    const init = await box.init({ config, setup });
    await init.line(/Unlinking stale socket \/run\/own.sock/);
    await init.line(/success: a entered RUNNING/);
    const second = await init.run(BINARY, "-c", init.configPath);
    assert.equal(second.code, 2);
    assert.match(
      second.stderr,
      /\[unix_http_server\] file: \/run\/own.sock: another program is listening there/,
    );
    assert.ok(
      second.stderr.includes(
        "Another program is already listening on a port that one of our HTTP servers is configured to use.  " +
          "Shut this program down first before starting supervisord.",
      ),
    );
    assert.doesNotMatch(second.stderr, /spawned/);
    const status = await init.run(BINARY, "ctl", "-s", "unix:///run/own.sock", "status");
    assert.match(status.stdout, /^a +RUNNING/);
    assert.match((await ask(init, "/run/php.sock", 1))[0] ?? "", /socket/, "nor has it lost its others");
    assert.match((await init.run("ls", "/run")).stdout, /^own\.sock\nphp\.sock\n$/m);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  },
);
