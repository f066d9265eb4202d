/** Output and where it can be read: tail, readLog, offsets, clear, /logtail, files. */
import { BASE, KEEP, type Scenario } from "../scenario.ts";
import { act, ctl, file, http, ownWords, rpc, told, until, untilFile, untilOutput } from "../steps.ts";

const TALK = `${BASE}
[program:talk]
command=sh -c "echo line 1; echo line 2; echo lïne 3; echo err 1 >&2; echo end; exec sleep 1000"
[program:both]
command=sh -c "echo out; echo err >&2; echo end; exec sleep 1000"
redirect_stderr=true
[program:quiet]
command=sleep 1000
[program:never]
command=sleep 1000
autostart=false
[program:nolog]
command=sh -c "echo x; exec sleep 1000"
stdout_logfile=NONE
stderr_logfile=NONE
`;

const SAID = [
  until("talk RUNNING, both RUNNING, quiet RUNNING, nolog RUNNING"),
  untilOutput("talk", /end/),
  untilOutput("both", /end/),
];

export const LOGS: readonly Scenario[] = [
  {
    title: "tail",
    config: TALK,
    steps: [
      ...SAID,
      ctl("tail talk"),
      ctl("tail talk stderr"),
      ctl("tail -4 talk"),
      ctl("tail -9 talk stdout"),
      ctl("tail both"),
      ctl("tail both stderr"),
      ctl("tail quiet"),
      ctl("tail never"),
      ctl("tail nolog"),
      ctl("tail nobody"),
      ctl("tail talk nowhere"),
      ctl("tail"),
      ctl("tail -x talk"),
      ctl("tail -f talk", { interrupt: 1.5 }),
      ctl("tail -f nobody", { interrupt: 1.5 }),
    ],
  },
  {
    title: "/dev/null is a log like another, always empty",
    config: `${BASE}
[program:void]
command=sh -c "echo x; echo y >&2; exec sleep 1000"
stdout_logfile=/dev/null
stderr_logfile=/dev/null
`,
    steps: [
      until("void RUNNING"),
      ctl("tail void"),
      ctl("tail void stderr"),
      ctl("tail -f void", { interrupt: 1.5 }),
      rpc("readProcessStdoutLog", ["void", 0, 0]),
      rpc("readProcessStderrLog", ["void", -10, 0]),
      rpc("tailProcessStdoutLog", ["void", 0, 100]),
      rpc("getProcessInfo", ["void"]),
    ],
  },
  {
    title: "a log file that cannot be opened",
    config: `[tsinit]\nlog_files=also\n${BASE}
[program:web]
command=sleep 1000
stdout_logfile=@DIR@/folder
startretries=0
`,
    files: { "folder/x": "" },
    steps: [
      act("settles", (side) =>
        side.until("FATAL or RUNNING", async () => {
          const { value } = await side.rpc("supervisor.getProcessInfo", ["web"]);
          return /FATAL|RUNNING/.test((value as { statename: string }).statename);
        }),
      ),
      ctl("status", { differs: "missing-log-folder:unopened" }),
    ],
  },
  {
    title: "reading by offset and length",
    config: TALK,
    steps: [
      ...SAID,
      rpc("readProcessStdoutLog", ["talk", 0, 0]),
      rpc("readProcessStdoutLog", ["talk", 5, 3]),
      rpc("readProcessStdoutLog", ["talk", -4, 0]),
      rpc("readProcessStdoutLog", ["talk", 1000, 0]),
      rpc("readProcessStdoutLog", ["talk", 3, 1000]),
      rpc("readProcessStdoutLog", ["talk", -4, 2]),
      rpc("readProcessStdoutLog", ["talk", 4, -2]),
      rpc("readProcessLog", ["talk", 0, 6]),
      rpc("readProcessStderrLog", ["talk", 0, 0]),
      rpc("readProcessStderrLog", ["both", 0, 0]),
      rpc("readProcessStdoutLog", ["nolog", 0, 0]),
      rpc("readProcessStdoutLog", ["nobody", 0, 0]),
      rpc("readProcessStdoutLog", ["never", 0, 0]),
      rpc("tailProcessStdoutLog", ["talk", 0, 0]),
      rpc("tailProcessStdoutLog", ["talk", 0, 100]),
      rpc("tailProcessStdoutLog", ["talk", 0, 4]),
      rpc("tailProcessStdoutLog", ["talk", 5, 4]),
      rpc("tailProcessStdoutLog", ["talk", 26, 4]),
      rpc("tailProcessStderrLog", ["talk", 0, 100]),
      rpc("tailProcessLog", ["talk", 7, 100]),
      rpc("tailProcessStdoutLog", ["nolog", 0, 10]),
      rpc("tailProcessStdoutLog", ["nobody", 0, 10]),
      rpc("readProcessStdoutLog", ["talk"]),
    ],
  },
  {
    title: "clear",
    config: TALK,
    steps: [
      ...SAID,
      ctl("clear talk"),
      ctl("tail talk"),
      rpc("tailProcessStdoutLog", ["talk", 0, 100]),
      ctl("clear nobody"),
      ctl("clear never"),
      ctl("clear"),
      rpc("clearProcessLogs", ["both"]),
      rpc("readProcessStdoutLog", ["both", 0, 0]),
      rpc("clearProcessLog", ["nobody"]),
    ],
  },
  {
    title: "bytes that supervisord cannot send: not UTF-8, escapes",
    config: `${BASE}
[program:bytes]
command=printf 'a\\377b\\n'
startsecs=0
autorestart=false
[program:colour]
command=printf '\\033[31mred\\033[0m\\n'
startsecs=0
autorestart=false
${KEEP}`,
    steps: [
      until("bytes EXITED, colour EXITED"),
      rpc("readProcessStdoutLog", ["bytes", 0, 0], { "clean-answers:bytes": /./ }),
      rpc("readProcessStdoutLog", ["colour", 0, 0], { "clean-answers:escapes": /./ }),
    ],
  },
  {
    title: "stripped of colours, in order with stderr",
    config: `${BASE.replace("[supervisord]", "[supervisord]\nstrip_ansi=true")}
[program:colour]
command=sh -c "printf '\\033[31mred\\033[0m plain\\n'; echo err >&2; echo end; exec sleep 1000"
redirect_stderr=true
`,
    steps: [
      until("colour RUNNING"),
      untilOutput("colour", /end/),
      ctl("tail colour"),
      rpc("tailProcessStdoutLog", ["colour", 0, 100]),
    ],
  },
  {
    title: "the output of the run before stays, and a program's last words",
    config: `${BASE}${KEEP}
[program:again]
command=sh -c "echo run; exec sleep 1000"
[program:last]
command=sh -c "sleep 0.3; printf 'without newline'; exit 3"
autorestart=false
startsecs=0
`,
    steps: [
      until("again RUNNING, last EXITED"),
      ctl("tail last"),
      untilOutput("again", /run/),
      ctl("restart again"),
      untilOutput("again", /run\nrun/),
      ctl("tail again"),
      ctl("stop again"),
      ctl("tail again"),
    ],
  },
  {
    title: "/logtail over HTTP",
    config: `${TALK}
[inet_http_server]
port=127.0.0.1:@PORT1@
`,
    steps: [
      ...SAID,
      http("/logtail/nobody"),
      http("/logtail/talk/nothing"),
      http("/logtail/talk", { method: "POST" }),
    ],
  },
  {
    title: "log files: off by default, with a notice",
    config: `${BASE}
[program:file]
command=sh -c "echo to a file; exec sleep 1000"
stdout_logfile=@DIR@/file.log
`,
    steps: [
      until("file RUNNING"),
      untilOutput("file", /file/),
      ctl("tail file"),
      file("file.log", "log-files"),
      rpc("getProcessInfo", ["file"], { "automatic-log-files:path": /stderr_logfile$/ }),
    ],
  },
  {
    title: "log files with log_files=also: written, rotated, cleared",
    config: `${BASE}
[tsinit]
log_files=also
[program:file]
command=sh -c "echo to a file; echo to another >&2; exec sleep 1000"
stdout_logfile=@DIR@/file.log
stderr_logfile=@DIR@/file.err
[program:round]
command=sh -c "for i in 1 2 3 4 5 6 7; do echo $i 3456789; until cat @DIR@/round.log* | grep -q ^$i; do sleep 0.02; done; done; exec sleep 1000"
stdout_logfile=@DIR@/round.log
stdout_logfile_maxbytes=20
stdout_logfile_backups=2
[program:one]
command=sh -c "echo out; sleep 0.1; echo err >&2; echo end; exec sleep 1000"
redirect_stderr=true
stdout_logfile=@DIR@/one.log
`,
    steps: [
      until("file RUNNING, round RUNNING, one RUNNING"),
      untilFile("file.log", /file/),
      untilFile("file.err", /another/),
      untilFile("one.log", /end/),
      file("file.log"),
      file("file.err"),
      file("one.log"),
      untilFile("round.log", /7 3456789/),
      file("round.log"),
      file("round.log.1"),
      file("round.log.2"),
      file("round.log.3"),
      ctl("tail file"),
      ctl("clear file"),
      untilFile("file.log", /^$/),
      file("file.log.1"),
      rpc("getProcessInfo", ["file"]),
    ],
  },
  {
    title: "the daemon's own lines at loglevel=debug: signals sent, waits, tries",
    config: `${BASE.replace("[supervisord]", "[supervisord]\nloglevel=debug")}${KEEP}
[program:web]
command=sleep 1000
stopsignal=INT
[program:workers]
command=sh -c "sleep 1000; true"
stopasgroup=true
killasgroup=true
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 1; done"
stopwaitsecs=3
[program:flaky]
command=sh -c "exit 7"
startsecs=5
startretries=20
`,
    steps: [
      until("web RUNNING, workers RUNNING, stubborn RUNNING, flaky BACKOFF"),
      ctl("stop flaky"),
      ctl("signal HUP web"),
      until("web RUNNING"),
      ctl("stop web workers stubborn"),
      told("web", false),
      told("workers", false),
      told("flaky", false),
      told("stubborn", true, { "kill-after:three": /^4$/ }),
      ownWords(/running as root|RPC interface|HTTP authentication/, "now", "own-words:start"),
      act("a hangup", async (side) => process.kill(side.pid, "SIGHUP")),
      ownWords(/SIGHUP indicating/, "await", "own-words:hup"),
    ],
  },
];
