/** What a program is given: words, environment, folder, masks, descriptors, ids, signals, its group. */
import { BASE, type Scenario } from "../scenario.ts";
import { act, ctl, file, killProgram, look, PROBE, probed, rpc, until, untilFile } from "../steps.ts";

/** Differs for every program, whatever its config. */
const ALWAYS = {
  "clean-signals": /^status\.SigIgn$/,
};

function probe(
  title: string,
  config: string,
  names: readonly string[],
  extra: Readonly<Record<string, RegExp>> = {},
  env: Readonly<Record<string, string>> = {},
): Scenario {
  return {
    title,
    config,
    files: PROBE,
    env,
    steps: names.map((name) => probed(name, { ...ALWAYS, ...extra })),
  };
}

export const PROGRAMS: readonly Scenario[] = [
  {
    ...probe(
      "limits: minfds",
      `${BASE.replace("[supervisord]", "[supervisord]\nminfds=300")}
[program:limits]
command=@DIR@/probe.sh limits
`,
      ["limits"],
      { "own-limits": /^nofile$/ },
    ),
    openFiles: 256,
  },
  probe(
    "a plain program: words, environment, folder, descriptors, signals, group, session",
    `${BASE}
[program:plain]
command=@DIR@/probe.sh plain "two words" 'single $HOME' back\\ slash "esc \\"aped\\"" "" x"y"z 100%% ; a comment
`,
    ["plain"],
  ),
  probe(
    "environment: every form of quoting, and what wins",
    `${BASE.replace("[supervisord]", '[supervisord]\nenvironment=GLOBAL="g",BOTH="global",PATH_LIKE=/a/b:/c.d+e')}
[program:env]
command=@DIR@/probe.sh env %(ENV_OUTSIDE)s %(ENV_GLOBAL)s %(ENV_OWN)s
environment=OWN="own",BOTH="program",BARE=bare,SINGLE='single, comma',EMPTY="",SPACES="  in  ",PERCENT="100%%",
  NEXT="on the next line" , AFTER = "blanks" ,
  URL="http://h/p?x=1&y=2",HASH="a#b",SEMI="a;b",HERE="%(here)s",NAME="%(program_name)s/%(group_name)s/%(process_num)d",SUPERVISOR_ENABLED="0"
`,
    ["env"],
    {},
    { OUTSIDE: "from outside", BOTH: "outside" },
  ),
  probe(
    "directory, umask, a folder that does not matter to the command",
    `${BASE}
[program:where]
command=@DIR@/probe.sh where
directory=@DIR@
umask=027
[program:tmp]
command=@DIR@/probe.sh tmp
directory=/tmp
[program:umask]
command=@DIR@/probe.sh umask
umask=0
`,
    ["where", "tmp", "umask"],
  ),
  probe(
    "redirect_stderr, log files, NONE: always pipes",
    `${BASE}
[program:redirected]
command=@DIR@/probe.sh redirected
redirect_stderr=true
[program:none]
command=@DIR@/probe.sh none
stdout_logfile=NONE
stderr_logfile=/dev/null
[program:file]
command=@DIR@/probe.sh file
stdout_logfile=@DIR@/file.log
`,
    ["redirected", "none", "file"],
  ),
  probe(
    "user: another one, by name and by number, and the one it is",
    `${BASE}
[program:root]
command=@DIR@/probe.sh root
user=root
`,
    ["root"],
  ),
  {
    title: "user: another one, who may not write here",
    config: `${BASE}
[program:nobody]
command=sh -c "id; umask; echo HOME=$HOME USER=$USER LOGNAME=$LOGNAME; exec sleep 1000"
user=nobody
[program:mail]
command=sh -c "id; exec sleep 1000"
user=8
environment=HOME="/x",USER="given"
`,
    env: { HOME: "/root", USER: "root", LOGNAME: "root" },
    steps: [
      until("nobody RUNNING, mail RUNNING"),
      ctl("tail nobody", { differs: { "user-variables": /^out\.2$/ } }),
      ctl("tail mail"),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "serverurl: AUTO, given, and the variables of a group",
    config: `${BASE}
[program:auto]
command=sh -c "env | grep ^SUPERVISOR | sort; exec sleep 1000"
[program:given]
command=sh -c "env | grep ^SUPERVISOR | sort; exec sleep 1000"
serverurl=http://example.org:9001
numprocs=2
process_name=p%(process_num)d
[group:crew]
programs=given
`,
    steps: [
      until("auto RUNNING, crew:p0 RUNNING, crew:p1 RUNNING"),
      ctl("tail auto"),
      ctl("tail crew:p0"),
      ctl("tail crew:p1"),
    ],
  },
  {
    title: "PATH: the program's own finds its command, else the daemon's",
    config: `${BASE}
[program:own]
command=tool one
environment=PATH="@DIR@/bin:/usr/bin:/bin"
[program:absent]
command=tool two
startretries=0
`,
    files: { "bin/tool": "#!/bin/sh\necho found $0 $1 with $PATH\nexec sleep 1000\n" },
    steps: [until("own RUNNING, absent FATAL"), ctl("tail own"), ctl("status")],
  },
  {
    title: "stopasgroup and killasgroup reach the children, their absence does not",
    config: `${BASE}
[program:group]
command=@DIR@/family.sh group
stopasgroup=true
[program:killed]
command=@DIR@/deaf.sh killed
killasgroup=true
stopwaitsecs=1
[program:leader]
command=@DIR@/family.sh leader
`,
    files: {
      // The child notes the signal itself.
      "family.sh": `#!/bin/sh
sh -c 'trap "echo $1 child >> @DIR@/got; exit" TERM; echo up >> @DIR@/up; while :; do sleep 0.1; done' x $1 &
trap "exit 0" TERM
wait
`,
      "deaf.sh": `#!/bin/sh
trap "" TERM
sh -c 'trap "" TERM; echo $$ > @DIR@/deaf.pid; while :; do sleep 0.1; done' &
while :; do sleep 0.1; done
`,
    },
    steps: [
      until("group RUNNING, killed RUNNING, leader RUNNING"),
      untilFile("up", /up\nup/),
      ctl("stop group"),
      ctl("stop killed"),
      ctl("stop leader"),
      untilFile("got", /group/),
      file("got", "whole-group"),
      look("the child of killed is gone", async (side) => {
        const pid = Number(side.read("deaf.pid"));
        await side.until("it to be gone", () => {
          try {
            return process.kill(pid, 0) && false;
          } catch {
            return true;
          }
        });
        return true;
      }),
    ],
  },
  {
    title: "a signal goes to the program alone; what it does then is its own",
    config: `${BASE}
[program:trap]
command=@DIR@/trap.sh
`,
    files: {
      "trap.sh": `#!/bin/sh
for s in HUP USR1 USR2 WINCH; do trap "echo got $s" $s; done
while :; do sleep 0.1; done
`,
    },
    steps: [
      until("trap RUNNING"),
      ctl("signal HUP trap"),
      act("seen", (side) =>
        side.until("HUP", async () =>
          /got HUP/.test(String((await side.rpc("supervisor.readProcessStdoutLog", ["trap", 0, 0])).value)),
        ),
      ),
      ctl("signal SIGUSR1 trap"),
      act("seen", (side) =>
        side.until("USR1", async () =>
          /got USR1/.test(String((await side.rpc("supervisor.readProcessStdoutLog", ["trap", 0, 0])).value)),
        ),
      ),
      ctl("signal 12 all"),
      act("seen", (side) =>
        side.until("USR2", async () =>
          /got USR2/.test(String((await side.rpc("supervisor.readProcessStdoutLog", ["trap", 0, 0])).value)),
        ),
      ),
      ctl("tail trap"),
      killProgram("SIGSTOP", "trap"),
      ctl("status trap"),
      killProgram("SIGCONT", "trap"),
    ],
  },
];
