/** The life of a program: starting, running, ending, trying again, giving up. */
import { BASE, KEEP, type Scenario } from "../scenario.ts";
import { act, ctl, killProgram, rpc, said, sorted, until, untilFile } from "../steps.ts";

const AUTO = { "automatic-log-files:path": /logfile$/ };

export const STATES: readonly Scenario[] = [
  {
    title: "one program that runs",
    config: `${BASE}
[program:web]
command=sleep 1000
`,
    steps: [
      until("web RUNNING"),
      ctl("status"),
      ctl("status web"),
      rpc("getProcessInfo", ["web"], AUTO),
      rpc("getAllProcessInfo", [], AUTO),
      rpc("getState"),
      ctl("stop web"),
      ctl("status"),
      rpc("getProcessInfo", ["web"], AUTO),
      ctl("start web"),
      ctl("status web"),
      ctl("restart web"),
      said("web"),
    ],
  },
  {
    title: "spawn errors of every kind go BACKOFF, then FATAL",
    config: `${BASE}${KEEP}
[program:missing]
command=/nowhere/x
startretries=0
[program:lost]
command=no-such-command-anywhere
startretries=0
[program:folder]
command=@DIR@
startretries=0
[program:locked]
command=@DIR@/locked.txt
startretries=0
[program:quotes]
command=sh -c "unclosed
startretries=0
[program:nothing]
command=
startretries=0
`,
    files: {
      "locked.txt": "not executable\n",
    },
    steps: [
      until("missing FATAL, lost FATAL, folder FATAL, locked FATAL, quotes FATAL, nothing FATAL"),
      ctl("status"),
      rpc("getProcessInfo", ["missing"], AUTO),
      ctl("start missing"),
      ctl("start lost"),
      ctl("start folder"),
      ctl("start locked"),
      ctl("start quotes"),
      ctl("start nothing"),
      rpc("startProcess", ["quotes"]),
      rpc("startProcess", ["folder", false]),
      sorted(ctl("start all")),
    ],
  },
  {
    title: "what fails after the fork: supervisord sees an exit, tsinit knows why",
    config: `${BASE}${KEEP}
[program:interpreter]
command=@DIR@/interpreter.sh
startsecs=5
startretries=0
[program:noexec]
command=@DIR@/empty.sh
startsecs=5
startretries=0
[program:cwd]
command=sleep 1000
directory=/nowhere
startsecs=5
startretries=0
`,
    files: { "interpreter.sh": "#!/nowhere/sh\n", "empty.sh": "#!\n" },
    steps: [
      until("interpreter FATAL, noexec FATAL, cwd FATAL"),
      ctl("status", { differs: { "exec-errors:description": /^out\.[0-9]$/ } }),
      rpc("getProcessInfo", ["cwd"], {
        ...AUTO,
        "exec-errors:spawnerr": /^(spawnerr|description)$/,
        "exec-errors:stop": /^stop$/,
      }),
      ctl("start interpreter", { differs: { "exec-errors:code": /code/, "exec-errors:result": /out/ } }),
      ctl("start cwd", { differs: { "exec-errors:code": /code/, "exec-errors:result": /out/ } }),
    ],
  },
  {
    title: "retries: one more than startretries, waiting 1, 2 … seconds",
    config: `${BASE}${KEEP}
[program:flaky]
command=sh -c "echo try >> @DIR@/tries; exit 7"
startsecs=5
startretries=3
[program:never]
command=sh -c "exit 0"
startsecs=5
startretries=1
`,
    steps: [
      // The third wait is long enough to be asked in.
      untilFile("tries", /(try\n){3}/),
      until("flaky BACKOFF"),
      ctl("status flaky"),
      ctl("start flaky"),
      until("flaky FATAL, never FATAL"),
      ctl("status"),
      said("flaky"),
      said("never"),
      act("count", async (side) => side.write("count", `${(side.read("tries") ?? "").split("\n").length}`)),
      rpc("getProcessInfo", ["flaky"], AUTO),
      ctl("start flaky"),
    ],
  },
  {
    title: "a stop out of BACKOFF",
    config: `${BASE}${KEEP}
[program:flaky]
command=sh -c "exit 7"
startsecs=5
startretries=20
`,
    steps: [until("flaky BACKOFF"), ctl("stop flaky"), ctl("status flaky"), rpc("stopProcess", ["flaky"])],
  },
  {
    title: "autorestart true, false, unexpected; exitcodes",
    config: `${BASE}${KEEP}
[program:always]
command=sh -c "echo run >> @DIR@/always; if [ $(wc -l < @DIR@/always) -ge 3 ]; then exec sleep 1000; fi; sleep 0.3; exit 0"
startsecs=0
autorestart=true
[program:never]
command=sh -c "sleep 0.3; exit 3"
startsecs=0
autorestart=false
[program:expected]
command=sh -c "sleep 0.3; exit 0"
startsecs=0
[program:listed]
command=sh -c "sleep 0.3; exit 4"
startsecs=0
exitcodes=0, 4
autorestart=unexpected
[program:unlisted]
command=sh -c "echo run >> @DIR@/unlisted; if [ $(wc -l < @DIR@/unlisted) -ge 3 ]; then exec sleep 1000; fi; sleep 0.3; exit 5"
startsecs=0
exitcodes=0,4
autorestart=unexpected
[program:none]
command=sh -c "sleep 0.3; exit 0"
startsecs=0
exitcodes=
autorestart=false
`,
    steps: [
      until("never EXITED, expected EXITED, listed EXITED, none EXITED"),
      act("settle", (side) =>
        side.until("third runs", () =>
          ["always", "unlisted"].every((name) => side.read(name)?.split("\n").length === 4),
        ),
      ),
      until("always RUNNING, unlisted RUNNING"),
      ctl("status"),
      said("always"),
      said("never"),
      said("expected"),
      said("listed"),
      said("unlisted"),
      said("none"),
      rpc("getAllProcessInfo", [], AUTO),
      ctl("status always unlisted"),
      ctl("start never"),
      ctl("stop expected"),
    ],
  },
  {
    title: "an end too early is a failed start, one in time is not",
    config: `${BASE}${KEEP}
[program:early]
command=sh -c "sleep 0.2; exit 0"
startsecs=3
startretries=0
[program:late]
command=sh -c "sleep 2.4; exit 1"
startsecs=1
autorestart=false
`,
    steps: [
      until("early FATAL, late EXITED"),
      ctl("status"),
      said("early"),
      said("late"),
      rpc("getProcessInfo", ["late"], AUTO),
    ],
  },
  {
    title: "killed by a signal from outside: never expected",
    config: `${BASE}${KEEP}
[program:victim]
command=sleep 1000
exitcodes=0,143,15
autorestart=false
startsecs=0
[program:again]
command=sleep 1000
startsecs=0
`,
    steps: [
      until("victim RUNNING, again RUNNING"),
      killProgram("SIGTERM", "victim"),
      killProgram("SIGKILL", "again"),
      until("victim EXITED"),
      ctl("status victim"),
      said("victim"),
      rpc("getProcessInfo", ["victim"], AUTO),
      until("again RUNNING"),
    ],
  },
  {
    title: "stopsignal, stopwaitsecs, then KILL",
    config: `${BASE}
[program:quit]
command=@DIR@/trap.sh quit
stopsignal=QUIT
[program:int]
command=@DIR@/trap.sh int
stopsignal=2
[program:usr]
command=@DIR@/trap.sh usr
stopsignal=SIGUSR1
[program:stubborn]
command=@DIR@/stubborn.sh
stopwaitsecs=1
`,
    files: {
      "trap.sh": `#!/bin/sh
for s in TERM INT QUIT USR1 HUP; do trap "echo $1 $s >> @DIR@/got; kill \\$child; exit 9" $s; done
sleep 1000 & child=$!
wait $child
`,
      "stubborn.sh": `#!/bin/sh
trap '' TERM
while :; do sleep 0.2; done
`,
    },
    steps: [
      until("quit RUNNING, int RUNNING, usr RUNNING, stubborn RUNNING"),
      ctl("stop quit int usr"),
      ctl("stop stubborn"),
      ctl("status"),
      said("quit"),
      said("stubborn", { "kill-after:line": /2/ }),
      rpc("getProcessInfo", ["quit"], AUTO),
      rpc("getProcessInfo", ["stubborn"], AUTO),
    ],
  },
  {
    title: "startsecs=0 runs at once, long startsecs stays STARTING",
    config: `${BASE}
[program:slow]
command=sleep 1000
startsecs=60
[program:off]
command=sleep 1000
startsecs=60
autostart=false
`,
    steps: [
      until("slow STARTING"),
      ctl("status"),
      rpc("getProcessInfo", ["slow"], AUTO),
      ctl("start slow"),
      rpc("startProcess", ["off", false]),
      ctl("status off"),
      ctl("stop off"),
      ctl("status"),
      ctl("signal HUP slow"),
    ],
  },
];
