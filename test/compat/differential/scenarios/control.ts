/** What clients ask and get: groups, names, numprocs, results, faults, every way of status. */
import { BASE, type Scenario } from "../scenario.ts";
import { ctl, ownCtl, rpc, sorted, until } from "../steps.ts";

const AUTO = { "automatic-log-files:path": /logfile$/ };

const CREW = `${BASE}
[program:web]
command=sleep 1000
[program:idle]
command=sleep 1000
autostart=false
[program:worker]
command=sleep 1000
process_name=%(program_name)s_%(process_num)02d
numprocs=3
numprocs_start=5
[program:a]
command=sleep 1000
priority=20
[program:b]
command=sleep 1000
priority=10
[group:crew]
programs=a,b
priority=5
[program:missing]
command=/nowhere/x
autostart=false
[program:locked]
command=@DIR@
autostart=false
`;

const UP = "web RUNNING, worker:worker_05 RUNNING, worker:worker_07 RUNNING, crew:a RUNNING, crew:b RUNNING";

export const CONTROL: readonly Scenario[] = [
  {
    title: "status in all its ways, and their exit codes",
    config: CREW,
    steps: [
      until(UP),
      ctl("status"),
      ctl("status all"),
      ctl("status web"),
      ctl("status crew:*"),
      ctl("status crew:"),
      ctl("status worker:*"),
      ctl("status idle"),
      ctl("status web nobody"),
      ctl("status nobody:*"),
      ctl("status a"),
      ctl("status web web"),
      ctl("status crew:nobody"),
      ctl("pid"),
      ctl("pid web"),
      ctl("pid idle"),
      ctl("pid all"),
      ctl("pid nobody"),
      ctl("version"),
      ctl("avail"),
      ctl("help"),
      ctl("help status"),
      ctl("nonsense"),
      ctl("version x"),
      ownCtl("status"),
      ownCtl("avail"),
      ownCtl("status nobody"),
      ownCtl("pid"),
    ],
  },
  {
    title: "start, stop, restart, signal: names, groups, errors",
    config: CREW,
    steps: [
      until(UP),
      ctl("start web"),
      ctl("start idle missing locked nobody"),
      ctl("start nobody:*"),
      ctl("start"),
      ctl("stop"),
      ctl("stop idle web"),
      ctl("stop web"),
      sorted(ctl("stop crew:*")),
      sorted(ctl("stop crew:*")),
      ctl("start crew:*"),
      ctl("restart crew:a"),
      sorted(ctl("restart worker:*")),
      ctl("stop worker:worker_06"),
      ctl("start worker:"),
      ctl("signal HUP web"),
      ctl("start web"),
      ctl("signal HUP web"),
      ctl("signal FOO web"),
      ctl("signal"),
      ctl("signal USR1 nobody"),
      ctl("stop nobody:*"),
      sorted(ctl("stop all")),
      ctl("status"),
      sorted(ctl("start all")),
      sorted(ctl("restart all")),
      sorted(ctl("stop all")),
    ],
  },
  {
    title: "the RPC interface: values, structs, faults",
    config: CREW,
    steps: [
      until(UP),
      rpc("getAPIVersion"),
      rpc("getVersion"),
      rpc("getSupervisorVersion"),
      rpc("getIdentification"),
      rpc("getState"),
      rpc("getAllProcessInfo", [], AUTO),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
      rpc("startProcess", ["web"]),
      rpc("startProcess", ["nobody"]),
      rpc("startProcess", ["crew:nobody"]),
      rpc("startProcess", ["nobody:x"]),
      rpc("startProcess", ["missing"]),
      rpc("startProcess", ["locked"]),
      rpc("stopProcess", ["idle"]),
      rpc("stopProcess", ["crew:a"]),
      rpc("startProcess", ["crew:a", false]),
      rpc("stopProcess", ["crew:b", false]),
      until("crew:b STOPPED"),
      rpc("startProcessGroup", ["crew"]),
      sorted(rpc("stopProcessGroup", ["worker"])),
      rpc("startProcessGroup", ["worker", false]),
      rpc("startProcessGroup", ["nobody"]),
      rpc("startProcess", ["worker:*"]),
      sorted(rpc("stopProcess", ["worker:*"])),
      rpc("signalProcess", ["web", "HUP"]),
      rpc("signalProcess", ["web", 0]),
      rpc("signalProcess", ["crew:a", 18]),
      rpc("signalProcess", ["crew:a", "18"]),
      rpc("signalProcess", ["crew:a", "nosuch"]),
      rpc("signalProcess", ["idle", "TERM"]),
      rpc("signalProcessGroup", ["crew", "CONT"]),
      rpc("signalProcessGroup", ["nobody", "CONT"]),
      rpc("signalAllProcesses", ["CONT"]),
      rpc("getProcessInfo", ["nobody"]),
      rpc("getProcessInfo", ["crew:*"]),
      rpc("getProcessInfo", [""]),
      rpc("getProcessInfo", []),
      rpc("getProcessInfo", ["web", "x"]),
      rpc("nothing"),
      rpc("system.listMethods"),
      rpc("system.methodSignature", ["supervisor.startProcess"]),
      rpc("system.methodSignature", ["supervisor.nothing"]),
      rpc("system.methodHelp", ["supervisor.getState"], "method-help"),
      rpc("system.methodHelp", ["supervisor.nothing"]),
      rpc("nospace.nothing"),
      sorted(rpc("stopAllProcesses")),
      sorted(rpc("startAllProcesses")),
      sorted(rpc("stopAllProcesses", [false])),
    ],
  },
  {
    title: "the client's section has a variable that the daemon does not have",
    config: `${BASE}serverurl=unix://@DIR@/%(ENV_CLIENTS_ONLY)s
[program:web]
command=sleep 1000
`,
    steps: [until("web RUNNING"), rpc("getState"), ctl("status", { options: ["-s", "unix://@DIR@/s.sock"] })],
  },
  {
    title: "multicall",
    config: CREW,
    steps: [
      until(UP),
      rpc("system.multicall", [
        [
          { methodName: "supervisor.getAPIVersion", params: [] },
          { methodName: "supervisor.getVersion" },
          { methodName: "supervisor.nothing", params: [] },
          { methodName: "supervisor.getProcessInfo", params: ["nobody"] },
          { methodName: "supervisor.stopProcess", params: ["web"] },
          { methodName: "supervisor.startProcess", params: ["web"] },
          { methodName: "system.multicall", params: [[]] },
          { params: [] },
          { methodName: "supervisor.startProcess", params: [] },
        ],
      ]),
      rpc("system.multicall", [[]]),
      rpc("system.multicall", []),
      rpc("system.multicall", ["x"], { "faults:multicall": /fault|error/ }),
    ],
  },
  {
    title: "interactive: status first, a line each, exit code 0",
    config: CREW,
    steps: [
      until(UP),
      ctl("", { stdin: "status web\n\nfoo\nstop web\nstart nobody\npid nobody\nhelp stop\nquit\n" }),
      ctl("", { stdin: "shutdown\nn\nreload\nno\n" }),
      ctl("-i", { stdin: "version\n" }),
    ],
  },
  {
    title: "nobody there, and a wrong server",
    config: CREW,
    steps: [
      ctl("status", { options: ["-s", "unix://@DIR@/nowhere.sock"] }),
      ctl("start web", { options: ["-s", "unix://@DIR@/nowhere.sock"] }),
      ctl("status", { options: ["-c", "@DIR@/nowhere.conf"] }),
      ctl("pid", { options: ["-s", "unix://@DIR@/s.sock"] }),
    ],
  },
  {
    title:
      "names: a group of the name of a program, one program in two groups, a program called as another's group",
    config: `${BASE}
[program:x]
command=sleep 1000
[program:y]
command=sleep 1000
[group:one]
programs=x,y
[group:two]
programs=y
[program:größe]
command=sleep 1000
[program:dotted.name-1]
command=sleep 1000
`,
    steps: [
      until("one:x RUNNING, one:y RUNNING, two:y RUNNING, größe RUNNING, dotted.name-1 RUNNING"),
      ctl("status"),
      ctl("status größe"),
      ctl("stop two:y dotted.name-1"),
      ctl("stop y"),
      rpc("getAllProcessInfo", [], AUTO),
    ],
  },
  {
    title: "numprocs with expansions, a start above 0, none at all",
    config: `${BASE}
[program:q]
command=sh -c "echo %(process_num)d of %(numprocs)d in %(group_name)s as %(program_name)s; exec sleep 1000"
process_name=%(group_name)s-%(process_num)03d
numprocs=2
numprocs_start=7
[program:zero]
command=sleep 1000
numprocs=0
[group:empty]
programs=
[group:crew]
programs=q
`,
    steps: [
      until("crew:crew-007 RUNNING, crew:crew-008 RUNNING"),
      ctl("status"),
      ctl("tail crew:crew-008"),
      ctl("avail"),
      ctl("start zero:*"),
      ctl("stop zero"),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "everything of getAllConfigInfo",
    config: `${BASE}
[program:full]
command=sleep 1000 # not a comment ; one
process_name=renamed
priority=17
autostart=false
startsecs=9
startretries=8
autorestart=true
exitcodes=0,2, 17
stopsignal=USR2
stopwaitsecs=77
stopasgroup=true
redirect_stderr=true
stdout_logfile=@DIR@/full.log
stdout_logfile_maxbytes=3MB
stdout_logfile_backups=4
stdout_capture_maxbytes=2KB
stdout_events_enabled=true
stderr_logfile=NONE
stderr_logfile_maxbytes=17
stderr_capture_maxbytes=5
stderr_events_enabled=true
directory=/tmp
umask=077
serverurl=http://example.org:1
environment=A="1"
[program:plain]
command=sleep 1000
autostart=false
`,
    steps: [
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
      rpc("getProcessInfo", ["full:renamed"]),
      ctl("avail"),
      ctl("status"),
    ],
  },
];
