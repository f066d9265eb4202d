/** Event listeners, as Python's childutils reads them, and fcgi sockets. */
import { BASE, KEEP, type Scenario, type Step } from "../scenario.ts";
import { ctl, exits, file, kill, look, rpc, said, sortedFile, until, untilFile, write } from "../steps.ts";

/** Writes each event as a line: header without serials, payload; what it does with the result is its first word. */
const LISTENER = `import os, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from supervisor import childutils
out = open("@DIR@/" + sys.argv[1], "a", buffering=1)
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    out.write("%s %s %r\\n" % (headers["eventname"], headers["pool"], payload))
    if "kill" in sys.argv[2:]:
        import signal; os.kill(os.getppid(), signal.SIGQUIT)
    childutils.listener.ok(sys.stdout)
`;

const FILES = { "listener.py": LISTENER };

function listener(name: string, events: string, extra = ""): string {
  return `[eventlistener:${name}]\ncommand=python3 -u @DIR@/listener.py ${name}.events\nevents=${events}\nstartsecs=0\n${extra}\n`;
}

/** The events about one thing: those of the start depend on when the listener was up. */
function events(name: string, about: RegExp, differs?: string): Step {
  return look(
    `events of ${name} about ${about}`,
    async (side) =>
      (side.read(`${name}.events`) ?? "")
        .split("\n")
        .filter((line) => about.test(line))
        .map((line) => line.replace(/pid:[1-9]\d*/g, "pid:PID")),
    differs,
  );
}

export const EVENTS: readonly Scenario[] = [
  {
    title: "states of a program",
    config: `${BASE}${listener("all", "PROCESS_STATE")}
[program:web]
command=sleep 1000
autostart=false
[program:flaky]
command=sh -c "exit 3"
startsecs=5
startretries=1
autostart=false
[program:short]
command=sh -c "sleep 0.4; exit 5"
startsecs=0
autorestart=false
autostart=false
[program:missing]
command=/nowhere/x
startretries=1
`,
    files: FILES,
    steps: [
      until("all RUNNING, missing FATAL"),
      ctl("status"),
      ctl("start web"),
      ctl("stop web"),
      untilFile("all.events", /STOPPED .*web/),
      ctl("start flaky"),
      ctl("start short"),
      untilFile("all.events", /FATAL .*flaky/),
      untilFile("all.events", /EXITED .*short/),
      untilFile("all.events", /FATAL .*missing/),
      events("all", /:web /),
      events("all", /:flaky /),
      events("all", /:short /),
      events("all", /:missing /),
    ],
  },
  {
    title: "groups that come and go, remote communication, the state of the daemon",
    config: `${BASE}${listener("all", "PROCESS_GROUP,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE")}
[program:web]
command=sleep 1000
`,
    files: FILES,
    steps: [
      until("web RUNNING"),
      rpc("sendRemoteCommEvent", ["hello", "world\nsecond line"]),
      rpc("sendRemoteCommEvent", ["empty", ""]),
      write(
        "supervisord.conf",
        `${BASE}${listener("all", "PROCESS_GROUP,REMOTE_COMMUNICATION,SUPERVISOR_STATE_CHANGE")}[program:new]\ncommand=sleep 1000\n`,
      ),
      ctl("update"),
      untilFile("all.events", /ADDED .*new/),
      events("all", /REMOTE_COMM/),
      events("all", /GROUP_(ADDED|REMOVED) all '(groupname:(new|web))/),
      kill("SIGTERM"),
      exits(),
      // Of the end its listener hears as much as it can read before it is stopped itself.
      events("all", /SUPERVISOR_STATE_CHANGE_RUNNING/),
    ],
  },
  {
    title: "PROCESS_LOG and PROCESS_COMMUNICATION",
    config: `${BASE}${listener("logs", "PROCESS_LOG")}${listener("comm", "PROCESS_COMMUNICATION")}
[program:talk]
command=sh -c "sleep 1.5; echo outside; sleep 0.3; echo err >&2; sleep 0.3; printf '<!--XSUPERVISOR:BEGIN-->captured text<!--XSUPERVISOR:END-->after some more text that is long\\n'; echo done > @DIR@/done; exec sleep 1000"
stdout_events_enabled=true
stderr_events_enabled=true
stdout_capture_maxbytes=1MB
`,
    files: FILES,
    steps: [
      untilFile("done", /done/),
      untilFile("comm.events", /captured/),
      untilFile("logs.events", /err/),
      events("comm", /./),
      events("logs", /STDERR/),
      events("logs", /side/),
      ctl("tail talk"),
    ],
  },
  {
    title: "stop-supervisor at FATAL: the listener ends the daemon",
    config: `${BASE}
[eventlistener:stop-supervisor]
command=python3 -u @DIR@/listener.py stop.events kill
events=PROCESS_STATE_FATAL
startsecs=0
[program:bad]
command=sh -c "sleep 1.2; exit 6"
startsecs=5
startretries=0
[program:web]
command=sleep 1000
`,
    files: FILES,
    steps: [exits("sticky-code"), sortedFile("stop.events"), said("web")],
  },
  {
    title: "listeners that break the protocol, end, or refuse",
    config: `${BASE}${KEEP}
[eventlistener:silent]
command=sleep 1000
events=TICK_5
startsecs=0
[eventlistener:babble]
command=sh -c "echo NONSENSE AND MORE; exec sleep 1000"
events=EVENT
startsecs=0
[eventlistener:gone]
command=sh -c "exit 0"
events=EVENT
startsecs=0
autorestart=false
`,
    steps: [
      until("silent RUNNING, babble RUNNING, gone EXITED"),
      ctl("status"),
      ctl("avail"),
      ctl("stop babble"),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "a rejected event comes again; a result line is known by its length, as some listeners write it",
    config: `${BASE}
[eventlistener:again]
command=python3 -u @DIR@/answers.py again "RESULT 4|FAIL" "RESULT 2|OK" "RESULT 2|OK"
events=REMOTE_COMMUNICATION
startsecs=0
[eventlistener:stranger]
command=python3 -u @DIR@/answers.py stranger "RESULT 2|OK" "RESULT 2|OK"
events=TICK_3600
startsecs=0
[eventlistener:free]
command=python3 -u @DIR@/answers.py free "RESULT:2|OK" "result 2|OK" "BANANA!2|OK"
events=REMOTE_COMMUNICATION
startsecs=0
priority=7
`,
    files: {
      "answers.py": `import sys
out = open("@DIR@/" + sys.argv[1] + ".got", "a", buffering=1)
for answer in sys.argv[2:]:
    sys.stdout.write("READY\\n"); sys.stdout.flush()
    header = dict(each.split(":") for each in sys.stdin.readline().split())
    out.write("%s %s\\n" % (header["eventname"], sys.stdin.read(int(header["len"])).replace("\\n", " ")))
    sys.stdout.write(answer.replace("|", "\\n")); sys.stdout.flush()
sys.stdin.read()
`,
    },
    steps: [
      until("again RUNNING, stranger RUNNING, free RUNNING"),
      rpc("sendRemoteCommEvent", ["one", "1"]),
      untilFile("again.got", /one.*\n.*one/),
      untilFile("free.got", /one/),
      look(
        "what one gets that asked for nothing of it",
        async (side) => {
          // There it has been given to all pools by then, in the same pass.
          if (side.name === "real") await side.until("it", () => side.read("stranger.got") !== "");
          return (side.read("stranger.got") ?? "").split(" ")[0] || "nothing";
        },
        "rejected-events",
      ),
      rpc("sendRemoteCommEvent", ["two", "2"]),
      untilFile("again.got", /two/),
      untilFile("free.got", /two/),
      rpc("sendRemoteCommEvent", ["three", "3"]),
      untilFile("free.got", /three/),
      file("free.got"),
      ctl("status"),
    ],
  },
  {
    title: "the length of an event that is not ASCII",
    config: `${BASE}
[eventlistener:raw]
command=python3 -u @DIR@/raw.py
events=REMOTE_COMMUNICATION
startsecs=0
`,
    files: {
      "raw.py": `import sys
sys.stdout.write("READY\\n")
header = sys.stdin.buffer.readline().decode()
payload = b""
while not payload.endswith(b"END"): payload += sys.stdin.buffer.read(1)
open("@DIR@/length", "w").write("%s for %d bytes" % (header.split()[-1], len(payload)))
sys.stdin.read()
`,
    },
    steps: [
      until("raw RUNNING"),
      rpc("sendRemoteCommEvent", ["t", "größer END"]),
      untilFile("length", /bytes/),
      file("length", "event-length"),
    ],
  },
  {
    title: "a pool of two",
    config: `${BASE}${listener("pool", "REMOTE_COMMUNICATION", "numprocs=2\nprocess_name=%(program_name)s_%(process_num)s\n")}`,
    files: FILES,
    steps: [
      until("pool:pool_0 RUNNING, pool:pool_1 RUNNING"),
      ctl("status"),
      rpc("sendRemoteCommEvent", ["a", "1"]),
      rpc("sendRemoteCommEvent", ["b", "2"]),
      rpc("sendRemoteCommEvent", ["c", "3"]),
      untilFile("pool.events", /type:a/),
      untilFile("pool.events", /type:b/),
      untilFile("pool.events", /type:c/),
      sortedFile("pool.events"),
    ],
  },
  {
    title: "fcgi: the socket is fd 0, kept over restarts, shared by all",
    config: `${BASE}
[fcgi-program:app]
command=python3 -u @DIR@/app.py
socket=unix://@DIR@/app.sock
socket_mode=0770
numprocs=2
process_name=%(program_name)s_%(process_num)d
[fcgi-program:tcp]
command=python3 -u @DIR@/app.py
socket=tcp://127.0.0.1:@PORT1@
`,
    files: {
      "app.py": `import socket, stat, os, time
s = socket.socket(fileno=os.dup(0))
print("fd 0 is a socket:", stat.S_ISSOCK(os.fstat(0).st_mode), s.family.name, "listening", s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN), flush=True)
while True:
    c, _ = s.accept()
    c.sendall(b"served\\n"); c.close()
`,
      "ask.py": `import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect("@DIR@/app.sock"); print(s.recv(100).decode(), end="")
s = socket.socket(); s.connect(("127.0.0.1", int("@PORT1@"))); print(s.recv(100).decode(), end="")
`,
    },
    steps: [
      until("app:app_0 RUNNING, app:app_1 RUNNING, tcp RUNNING"),
      ctl("status"),
      ctl("tail app:app_0"),
      ctl("tail tcp"),
      look("an answer", async (side) => ({ ...(await side.run("python3", ["@DIR@/ask.py"])) })),
      ctl("restart app:app_0"),
      look("an answer after a restart", async (side) => ({
        ...(await side.run("python3", ["@DIR@/ask.py"])),
      })),
      look(
        "mode of the socket",
        async (side) => (await side.run("stat", ["-c", "%a %F", "@DIR@/app.sock"])).stdout,
      ),
      rpc("getAllConfigInfo", [], { "automatic-log-files:config": /logfile$/ }),
    ],
  },
  {
    title: "sendProcessStdin",
    config: `${BASE}
[program:cat]
command=cat
[program:off]
command=cat
autostart=false
`,
    steps: [
      until("cat RUNNING"),
      rpc("sendProcessStdin", ["cat", "hällo\n"]),
      rpc("sendProcessStdin", ["off", "x"]),
      rpc("sendProcessStdin", ["nobody", "x"]),
      rpc("sendProcessStdin", ["cat", 5], { "faults:type": /fault\.1/ }),
      look("what it got", async (side) => {
        await side.until("the echo", async () =>
          /llo/.test(String((await side.rpc("supervisor.readProcessStdoutLog", ["cat", 0, 0])).value)),
        );
        return true;
      }),
      ctl("tail cat"),
      file("nothing"),
    ],
  },
];
