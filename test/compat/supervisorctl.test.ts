/**
 * Every command of supervisorctl, theirs and ours, each on a server of its own, the real supervisord and tsinit: what they
 * print on either stream and the exit code must be equal. Needs Debian's supervisor.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { type Box, boxed } from "../container/harness.ts";
import {
  compare,
  compareLines,
  compareUrl,
  ourClient,
  runClient,
  SERVER_SECTIONS,
  SERVERS,
  type ServerName,
  startTwins,
  urlOf,
} from "./clients.ts";

const PROGRAMS = `
[program:web]
command=/bin/sh -c 'echo out 1; echo out 2; echo err >&2; exec sleep 100000'
startsecs=0
stdout_logfile=@DIR@/web.out
stderr_logfile=@DIR@/web.err
[program:num]
command=sleep 100000
numprocs=3
process_name=n%(process_num)s
startsecs=0
[program:idle]
command=sleep 100000
startsecs=0
autostart=false
[program:missing]
command=/no/such/file
autostart=false
[program:locked]
command=/etc/passwd
autostart=false
[program:brief]
command=/bin/sh -c 'exit 3'
autostart=false
startsecs=1
startretries=0
[program:done]
command=/bin/true
startsecs=0
autorestart=false
[program:alpha]
command=sleep 100000
startsecs=0
redirect_stderr=true
[program:beta]
command=sleep 100000
startsecs=0
autostart=false
[group:crew]
programs=alpha,beta
`;

/** A test for each server; the servers named are the two that `twins` are made of. */
function onBoth(title: string, body: (box: Box, server: ServerName) => Promise<void>): void {
  for (const server of Object.keys(SERVERS) as ServerName[])
    boxed(`on ${server}: ${title}`, (box) => body(box, server));
}

onBoth("status, pid, start, stop, restart, signal", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  await Promise.all(
    [twins.theirs, twins.ours].map((init) =>
      init.until("done to be done", async () =>
        /EXITED/.test(
          (await runClient(`${init.dir}/supervisorctl`, ["-s", `unix://${init.dir}/s`, "status", "done"]))
            .stdout,
        ),
      ),
    ),
  );
  await compareLines(
    twins,
    `3: status
     3: status all
     0: status web
     0: status num:* web web
     0: status num: num:n1
     4: status nobody no:* num num:nx web
     3: status nobody idle
     3: status done
     4: status -x
     0: pid
     0: pid web num:n1 num:n1
     0: pid all
     7: pid idle web
     1: pid idle nobody
     1: pid num:*
     2: start
     0: start idle
     0: start web idle
     0: start num:*
     0: start crew:*
     1: start missing
     1: start locked
     7: start brief
     1: start nobody num
     2: start nobody:*
     0: start idle idle
     1: stop
     0: stop idle web
     0: stop idle
     1: stop nobody num
     1: stop nobody:* num:nx
     0~ stop num: num:
     0~ stop crew:alpha crew:*
     0: start crew: num:*
     1: restart
     0: restart web
     0~ restart num:* web
     1: restart nobody
     2: restart nobody:*
     0: restart crew:beta crew:beta
     1: signal
     1: signal HUP
     0: signal CONT web
     0: signal SIGCONT web num:n0
     0: signal cont num:* crew:*
     7: signal CONT idle
     1: signal CONT nobody
     1: signal CONT nobody:*
     1: signal BADNAME web
     1: signal BADNAME num:*
     signal BADNAME all
     0: signal CONT all
     7: signal CONT web idle`,
  );
});

onBoth("logs", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  await compareLines(
    twins,
    `1: tail
     1: tail -f
     1: tail -5
     1: tail a b c d
     1: tail web nowhere
     1: tail - web
     1: tail -x web
     1: tail nobody
     1: tail -20 nobody stderr
     1: tail num:*
     tail web
     tail -6 web
     tail -6 web STDOUT
     tail web stderr
     tail -3 web stderr
     tail web x stdout
     tail -0 web
     tail --3 web
     tail -1_0 web
     tail -+3 web
     1: tail -99999999999 web
     tail crew:alpha stderr
     0: tail -f nobody
     0: tail -f nobody stderr
     1: maintail x
     1: maintail -x
     1: maintail -
     1: maintail a b
     1: clear
     0: clear web
     tail web
     0: clear num:n0 num:n1 idle
     1: clear num:*
     1: clear num nobody
     1: fg
     1: fg web idle
     1: fg nobody
     1: fg idle
     1: fg num:*`,
  );
});

onBoth("the configuration", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  const write = (config: string): void => {
    for (const init of [twins.theirs, twins.ours]) writeFileSync(init.configPath, init.fill(config));
  };
  await compareLines(
    twins,
    `0: reread
     0: update
     0: avail
     0: add
     0: add web
     1: add nobody
     1: add web nobody
     0: remove
     1: remove web
     1: remove nobody
     0: remove idle
     0: add idle
     1: update nobody
     1: reread x
     1: avail x
     1: version x
     1: shutdown x
     1: reload x`,
  );
  const changed = PROGRAMS.replace(/\[program:done\][^[]*/, "")
    .replace(/\[program:idle\][^[]*/, "")
    .replace("numprocs=3", "numprocs=2");
  write(`${SERVER_SECTIONS}${changed}[program:fresh]\ncommand=sleep 100000\nstartsecs=0\n`);
  await compareLines(
    twins,
    `0: reread
     0: avail
     1: update nobody
     0: update fresh
     1: update web nobody done
     0: update all
     0: update
     0: reread`,
  );
  write(`${SERVER_SECTIONS}${changed}[program:fresh]\nstartsecs=0\n`);
  // What is wrong with the file is told in the server's words, which are long.
  assert.match((await compare(twins, ["reread"])).stdout, /^ERROR: CANT_REREAD: /);
  assert.match(
    (await compare(twins, ["update"])).stdout,
    /^error: <class 'xmlrpc.client.Fault'>, <Fault 92: /,
  );
});

onBoth("help, words that are none, options, lines from a pipe", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  await compareLines(
    twins,
    `0: help
     0: help help
     0: help nothing at all
     0: help EOF
     0: ?
     0: ?start
     0: EOF
     0: quit
     0: exit now
     0: version
     1: !ls
     1: foo
     1: foo bar
     1: .
     0: open unix://@DIR@/s
     0: open unix://@DIR@/nobody
     1: open
     1: open foo
     1: open HTTP://x
     1: open https://x
     2: -z
     2: -i -i pid
     2: --h
     2: --interactive=1
     2: -u
     2: --user`,
  );
  const topics =
    "add avail clear exit fg maintail open pid quit reload remove reread restart shutdown signal start status stop tail update version";
  await compare(twins, [], topics.replace(/(\w+) ?/g, "help $1\n"));
  await compare(twins, [], "status web\n\n  version  \nfoo\nstart idle\nfg\n?pid\nhelp  fg\nquit\npid\n");
  await compare(twins, [], "shutdown\nno\nreload\n\nversion\nshutdown");
  await compare(twins, ["-i", "version"]);
  await compare(twins, ["-i", "shutdown"], "n\n");
  await compare(twins, ["-i", "reload"]);
});

boxed("nobody there, or somebody else", async (box) => {
  const twins = await startTwins(box, "supervisord", PROGRAMS);
  const urls = `unix://@DIR@/nobody unix://@DIR@/main.log unix://./s http://127.0.0.1:1 http://u:p@127.0.0.1:1
    http://nobody.invalid https://x foo foo: x:y http://127.0.0.1:abc http://127.0.0.1:99999 unix:// http://
    unix:///${"x".repeat(200)}`;
  for (const url of urls.split(/\s+/)) {
    for (const command of ["status", "pid", "reread", "shutdown"]) await compareUrl(twins, url, command);
    // Without a host Python stumbles over what it has made of it.
    if (url !== "http://") await compare(twins, ["open", url]);
  }
});

onBoth("reload", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  assert.equal((await compare(twins, ["reload"])).stdout, "Restarted supervisord\n");
  for (const init of [twins.theirs, twins.ours])
    await init.until("the server to be back", async () => {
      const { stdout } = await runClient(ourClient(init), ["-s", urlOf(init), "status", "web"]);
      return /RUNNING/.test(stdout);
    });
  await compareLines(twins, "0: status web num:*");
});

onBoth("shutdown", async (box, server) => {
  const twins = await startTwins(box, server, PROGRAMS);
  await compareLines(twins, "0: shutdown");
  await Promise.all([twins.theirs.exit(), twins.ours.exit()]);
  await compareLines(
    twins,
    `1: shutdown
     7: version
     4: status`,
  );
});
