/**
 * Where tsinit differs from supervisord on purpose. docs/supervisord.md is made of this, and the suite asserts both sides of
 * every line of `seen`: a comparison may differ only in the name of one of them.
 */

export interface Observed {
  /** What supervisord is seen to give; `absent` where it gives nothing. */
  readonly supervisord: RegExp;
  readonly tsinit: RegExp;
}

/** In the order of the page. */
export const TOPICS = ["Configuration", "Start and stop", "Programs", "Logs", "Control"] as const;

export interface Difference {
  readonly topic: (typeof TOPICS)[number];
  readonly supervisord: string;
  readonly tsinit: string;
  readonly reason: string;
  /** By case; a difference that shows in one way only has one. */
  readonly seen: Readonly<Record<string, Observed>>;
}

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "automatic-log-files": {
    topic: "Logs",
    supervisord:
      "Without `*_logfile` every program gets files in `childlogdir` (`AUTO`), and clients are told their paths",
    tsinit:
      "no files: the output is on the container's stdout and stderr and, for `tail`, in memory; the paths are empty",
    reason: "Nobody collects files inside a container, and they fill its disk.",
    seen: {
      path: { supervisord: /^@DIR@\/\S+-std(out|err)---supervisor-\S+\.log$/, tsinit: /^$/ },
      config: { supervisord: /^@DIR@\/\S+-std(out|err)---supervisor-\S+\.log$/, tsinit: /^auto$/ },
    },
  },
  "exec-errors": {
    topic: "Programs",
    supervisord:
      "What fails after the fork (`directory=`, `user=`, the interpreter of a script) looks like a program that exited " +
      "too quickly; the reason is a line in its stderr log",
    tsinit: "is a spawn error: status, `start` and the log say what it was",
    reason: "The reason is what one looks for.",
    seen: {
      description: {
        supervisord: /FATAL {5}Exited too quickly \(process log may have details\)$/,
        tsinit: /FATAL {5}couldn't (chdir to|exec) \S+: E\w+ \(.+\)$/,
      },
      spawnerr: {
        supervisord: /^Exited too quickly \(process log may have details\)$/,
        tsinit: /^couldn't chdir to \/nowhere: ENOENT \(directory=\)$/,
      },
      stop: { supervisord: /^STOP$/, tsinit: /^0$/ },
      code: { supervisord: /^7$/, tsinit: /^1$/ },
      result: {
        supervisord: /^\w+: ERROR \(spawn error\)$/,
        tsinit: /^\w+: ERROR \((no such file|file is not executable)\)$/,
      },
    },
  },
  "kill-after": {
    topic: "Start and stop",
    supervisord: "`killing 'x' (PID) with SIGKILL`",
    tsinit: "adds after how many seconds",
    reason: "Whether `stopwaitsecs` or an impatient person killed it is what one asks then.",
    seen: {
      line: {
        supervisord: /^WARN killing '\w+' \(PID\) with SIGKILL$/,
        tsinit: /^WARN killing '\w+' \(PID\) with SIGKILL after 1 second$/,
      },
      three: {
        supervisord: /^WARN killing '\w+' \(PID\) with SIGKILL$/,
        tsinit: /^WARN killing '\w+' \(PID\) with SIGKILL after 3 seconds$/,
      },
      five: {
        supervisord: /^WARN killing '\w+' \(PID\) with SIGKILL$/,
        tsinit: /^WARN killing '\w+' \(PID\) with SIGKILL after 5 seconds$/,
      },
    },
  },
  "own-words": {
    topic: "Logs",
    supervisord:
      "Says at its start that it is root, that the RPC interface is initialized, which files were included and that a unix " +
      "socket has no password; that HUP is a `restart request`; `reaped unknown pid` at info; at debug what programs write, " +
      "and which descriptors Python closes",
    tsinit:
      "says none of that at its start (`tsinit check` names the files), but for a port without a password; HUP is a `reload " +
      "request`, `reaped unknown pid` is told at debug, and output only once. All other lines are supervisord's, at its levels",
    reason: "Root and orphans are what a container has, and the socket is its owner's alone.",
    seen: {
      start: {
        supervisord:
          /^(CRIT Supervisor is running as root\..*|INFO RPC interface .*|CRIT Server 'unix_http_server' running .*|absent)$/,
        tsinit: /^(\[\]|absent)$/,
      },
      hup: {
        supervisord: /^WARN received SIGHUP indicating restart request$/,
        tsinit: /^WARN received SIGHUP indicating reload request$/,
      },
    },
  },
  "method-help": {
    topic: "Control",
    supervisord: "`system.methodHelp` gives the Python docstring",
    tsinit: "a sentence of its own, with the same `@param` and `@return` tags without their prose",
    reason: "People read it, nothing parses it.",
    seen: {
      text: { supervisord: /./, tsinit: /^(The state of tsinit\.|@return struct|absent)$/ },
    },
  },
  faults: {
    topic: "Control",
    supervisord: "Answers HTTP 500 to a call or a login that its Python code trips over",
    tsinit: "gives a fault, or 401; the fault for an argument of a wrong type has one text for all methods",
    reason: "The client learns what was wrong.",
    seen: {
      multicall: { supervisord: /^(HTTP 500|absent)$/, tsinit: /^(absent|2|INCORRECT_PARAMETERS.*)$/ },
      type: { supervisord: /^INCORRECT_PARAMETERS: 5$/, tsinit: /^INCORRECT_PARAMETERS$/ },
      login: { supervisord: /^500$/, tsinit: /^401$/ },
    },
  },
  "clean-signals": {
    topic: "Programs",
    supervisord: "Programs inherit that SIGPIPE and SIGXFSZ are ignored, as Python has it",
    tsinit: "programs start with every signal at its default",
    reason: "`yes | head` in a shell that ignores SIGPIPE writes errors. (product.md 3.6)",
    seen: { mask: { supervisord: /^0000000001001000$/, tsinit: /^0000000000000000$/ } },
  },
  "own-limits": {
    topic: "Programs",
    supervisord:
      "Raises the limits of open files and processes to `minfds` and `minprocs`, programs inherit that",
    tsinit: "programs have the limits that the container has",
    reason: "Limits are set where the container is started. (product.md 3.6)",
    seen: { files: { supervisord: /^300$/, tsinit: /^256$/ } },
  },
  "user-variables": {
    topic: "Programs",
    supervisord: "`user=` leaves HOME, USER and LOGNAME as they were: root's",
    tsinit: "sets them to that user's, unless `environment` gives them",
    reason: "Programs write to $HOME, which they may not with root's. (product.md 3.6)",
    seen: {
      line: {
        supervisord: /^HOME=\/root USER=root LOGNAME=root$/,
        tsinit: /^HOME=\S+ USER=nobody LOGNAME=nobody$/,
      },
    },
  },
  "config-errors": {
    topic: "Configuration",
    supervisord: "Ends at the first error: `Error: …`",
    tsinit:
      "tells every error, each as `FILE:LINE: [section] key: what is wrong; what is expected`, in supervisord's words " +
      "where the place does not say it already; a value that may be a secret is not shown",
    reason: "One build of the image finds them all. (product.md 2.1)",
    seen: {
      environment: {
        supervisord: /^Unexpected end of key\/value pairs in value 'A=1 B=2'$/,
        tsinit: /\[program:web\] environment: Unexpected end of key\/value pairs in value, after A=…$/,
      },
      socket: {
        supervisord: /^\('Bad socket format %s', 'udp:\/\/x:1'\)/,
        tsinit: /\[fcgi-program:f\] socket: Bad socket format udp:\/\/x:1/,
      },
      port: {
        supervisord: /^not a valid port number: '65536'$/,
        tsinit: /\[inet_http_server\] port: 65536 is above upper bound \(65535\)/,
      },
      group: {
        supervisord: /^\[group:g\] names unknown program or fcgi-program nobody$/,
        tsinit: /\[group:g\] programs: names unknown program or fcgi-program nobody; expected one of web$/,
      },
      line: {
        supervisord:
          /^(Source contains parsing errors: '@DIR@\/supervisord\.conf'|\t\[line \d+\]: .*|absent)$/,
        tsinit:
          /^(@DIR@\/supervisord\.conf:\d+: Source contains parsing errors: '.*'; expected key=value.*|absent)$/,
      },
      section: {
        supervisord: /^(File contains no section headers\.|file: '.*', line: 1|'key=value\\n'|absent)$/,
        tsinit:
          /^(@DIR@\/supervisord\.conf:1: File contains no section headers: 'key=…'; expected .*|absent)$/,
      },
      reread: {
        supervisord:
          /^ERROR: CANT_REREAD: not a valid boolean value: 'maybe' in section 'program:new' \(file: '@DIR@\/supervisord\.conf'\)$/,
        tsinit:
          /^ERROR: CANT_REREAD: @DIR@\/supervisord\.conf:\d+: \[program:new\] autostart: not a valid boolean value: 'maybe'; /,
      },
      update: {
        supervisord:
          /^error: <class 'xmlrpc\.client\.Fault'>, <Fault 92: "CANT_REREAD: not a valid boolean value: /,
        tsinit:
          /^error: <class 'xmlrpc\.client\.Fault'>, <Fault 92: "CANT_REREAD: @DIR@\/supervisord\.conf:\d+: \[program:new\] autostart: /,
      },
      fault: {
        supervisord: /^CANT_REREAD: not a valid boolean value: 'maybe' in section/,
        tsinit:
          /^CANT_REREAD: @DIR@\/supervisord\.conf:\d+: \[program:new\] autostart: not a valid boolean value: 'maybe'; /,
      },
    },
  },
  "missing-log-folder": {
    topic: "Logs",
    supervisord:
      "Does not start when the folder of a log file does not exist, and a program whose log file cannot be opened goes FATAL",
    tsinit: "warns; the output is on the container's stdout anyway",
    reason: "Images that lose the supervisor package lose /var/log/supervisor.",
    seen: {
      code: { supervisord: /^2$/, tsinit: /^0$/ },
      unopened: {
        supervisord: /^(3|web {30}FATAL {5}unknown error making dispatchers for 'web': EISDIR)$/,
        tsinit: /^(0|web {30}RUNNING {3}pid PID, uptime T)$/,
      },
    },
  },
  "whole-group": {
    topic: "Start and stop",
    supervisord: "Without `stopasgroup` a program's own children live on when it has been stopped",
    tsinit:
      "the program alone gets the stop signal; what is left of its group when it has ended gets it then, and SIGKILL " +
      "after `stopwaitsecs`; only then the program is STOPPED",
    reason: "Orphans keep ports and files of the next start.",
    seen: { child: { supervisord: /^(|absent)$/, tsinit: /^(leader child|)$/ } },
  },
  "tail-of-devices": {
    topic: "Logs",
    supervisord: "Cannot `tail` a program whose log is /dev/stdout or /dev/fd/1",
    tsinit: "serves it from memory",
    reason: "That is how logs are set in containers.",
    seen: {
      answer: {
        supervisord: /^(1|gunicorn: ERROR \(.*\)|absent|)$/,
        tsinit: /^(0|gunicorn app:app --bind 127\.0\.0\.1:8000|)$/,
      },
    },
  },
  "stop-together": {
    topic: "Start and stop",
    supervisord: "Stops one group after the other, those of one priority too",
    tsinit: "stops all programs of one priority at the same time",
    reason: "The grace of `docker stop` is ten seconds for all of them. (product.md 3.4)",
    seen: { order: { supervisord: /^(a|b) (asked|ended)$/, tsinit: /^(a|b) (asked|ended)$/ } },
  },
  "start-gate": {
    topic: "Start and stop",
    supervisord: "Spawns all programs at once, in the order of their priorities",
    tsinit:
      "spawns a priority when the one before it is RUNNING, done or given up; `start_gate = spawned` is supervisord's way",
    reason: "Who writes priorities means an order. (product.md 2.3)",
    seen: { order: { supervisord: /^(first|second|third)$/, tsinit: /^(first|second|third)$/ } },
  },
  "second-signal": {
    topic: "Start and stop",
    supervisord: "A second TERM or INT changes nothing",
    tsinit: "it kills what is left, now",
    reason: "A person who presses ^C twice means it. (product.md 3.3)",
    seen: { took: { supervisord: /^the four seconds$/, tsinit: /^no time$/ } },
  },
  "exit-when-done": {
    topic: "Start and stop",
    supervisord: "Stays when no program is left that could run",
    tsinit:
      "ends: 0 when all are done, 1 when one is FATAL, and with no program at all it does not start; " +
      "`exit_when_done = false` is supervisord's way",
    reason: "A container in which nothing runs looks healthy and does nothing. (product.md 2.3)",
    seen: {
      success: { supervisord: /^stays$/, tsinit: /^ends with 0$/ },
      failure: { supervisord: /^stays$/, tsinit: /^ends with 1$/ },
    },
  },
  "other-signals": {
    topic: "Start and stop",
    supervisord: "Dies of USR1, ALRM and the like and leaves its programs running",
    tsinit: "no signal ends it but TERM, INT and QUIT; others go where `forward_signals` says",
    reason: "PID 1 ends the container. (product.md 3.3)",
    seen: { state: { supervisord: /^ended by SIGUSR1$/, tsinit: /^runs$/ } },
  },
  "live-changes": {
    topic: "Configuration",
    supervisord: "Every changed key restarts the whole group",
    tsinit: "keys that need no restart (log, restart policy, priority) are applied to the running program",
    reason: "An update costs what it must.",
    seen: {
      pid: { supervisord: /^new$/, tsinit: /^kept$/ },
    },
  },
  "update-members": {
    topic: "Configuration",
    supervisord: "A changed member restarts the whole group",
    tsinit: "the other members keep their pids",
    reason: "An update costs what it must.",
    seen: {
      pid: { supervisord: /^new$/, tsinit: /^kept$/ },
    },
  },
  "stopped-by-hand": {
    topic: "Configuration",
    supervisord: "`update` starts a changed program again that was stopped by hand",
    tsinit: "it stays stopped",
    reason: "Who stopped it had a reason.",
    seen: {
      state: { supervisord: /^RUNNING$/, tsinit: /^STOPPED$/ },
    },
  },
  hup: {
    topic: "Configuration",
    supervisord: "HUP stops everything, reads the files and starts everything",
    tsinit: "reads the files and restarts what changed; unchanged programs keep their pids",
    reason: "A reload is no outage. (product.md 3.3)",
    seen: { pid: { supervisord: /^new$/, tsinit: /^kept$/ } },
  },
  "broken-reload": {
    topic: "Configuration",
    supervisord: "HUP with a broken file ends everything with 2",
    tsinit: "says what is wrong and goes on as before",
    reason: "A slip in a file must not end the container. (product.md 3.5)",
    seen: { state: { supervisord: /^ends with 2$/, tsinit: /^runs$/ } },
  },
  "clean-answers": {
    topic: "Logs",
    supervisord:
      "Cannot send output that is not UTF-8 (HTTP 500) or has escapes in it (XML that no client can read)",
    tsinit: "replaces what XML cannot carry by U+FFFD",
    reason: "Coloured output is what people tail.",
    seen: {
      bytes: { supervisord: /^(HTTP 500|absent)$/, tsinit: /^(a\ufffdb||absent)$/ },
      escapes: { supervisord: /^(ExpatError|absent)$/, tsinit: /^(\ufffd\[31mred\ufffd\[0m||absent)$/ },
    },
  },
  "log-files": {
    topic: "Logs",
    supervisord: "Writes `*_logfile=PATH`",
    tsinit:
      "only with `log_files = also`; without it there is one notice at start, and the output is on the container's stdout",
    reason: "Files inside a container fill its disk and nobody reads them. (product.md 2.3)",
    seen: { file: { supervisord: /^(to a file||absent)$/, tsinit: /^(absent|null)$/ } },
  },
  "sticky-code": {
    topic: "Start and stop",
    supervisord:
      "Ends with 0 whatever happened to the programs, also when a listener ends it because one is FATAL",
    tsinit:
      "ends with the program's code when it was critical, and non-zero when a listener ends it after a FATAL",
    reason: "The restart policy of the container must see it. (product.md 1)",
    seen: { code: { supervisord: /^0$/, tsinit: /^[1-9]\d*$/ } },
  },
  "console-lines": {
    topic: "Logs",
    supervisord: "Passes bytes to /dev/stdout as they come, its own log lines with time and level among them",
    tsinit:
      "writes whole lines behind the name of their program, its own ones on stderr behind `tsinit`; `log_format = raw`: " +
      "no names",
    reason: "One sees who said what, and no line is broken by another. (product.md 4)",
    seen: {
      line: { supervisord: /^console line(: notice)?$/, tsinit: /^\S+ +\| console line(: notice)?$/ },
    },
  },
  "web-page": {
    topic: "Control",
    supervisord:
      "Has buttons on its web page that are links (`/?action=stop&processname=x`), and the end of a log at `/tail.html`",
    tsinit:
      "shows on `/` what runs, and acts on nothing there; logs are at `/logtail/NAME`, whatever acts is a POST to `/RPC2`",
    reason: "Any page in a browser could stop programs by an image of that address.",
    seen: {
      action: {
        supervisord: /^(301|http:\/\/127\.0\.0\.1:@PORT1@\/\?message=Process%20web%20stopped)$/,
        tsinit: /^(200|null)$/,
      },
      tail: { supervisord: /^200$/, tsinit: /^404$/ },
    },
  },
  "rejected-events": {
    topic: "Control",
    supervisord:
      "Gives an event that a listener rejects, or ends with, to every pool with a listener of the same priority, subscribed or not",
    tsinit: "it goes back to the pool that it came from",
    reason: "Who did not ask for an event cannot read it.",
    seen: {
      stranger: { supervisord: /^REMOTE_COMMUNICATION$/, tsinit: /^nothing$/ },
    },
  },
  "event-length": {
    topic: "Control",
    supervisord:
      "`len` of an event counts characters, though bytes are sent: a listener that counts bytes reads too little",
    tsinit:
      "`len` counts bytes. A listener that reads characters (childutils on Python's `sys.stdin`) waits for more after an " +
      "event that is not ASCII: give it `sys.stdin` in latin-1, or bytes",
    reason: "A length by which the bytes of a pipe cannot be cut is none.",
    seen: { length: { supervisord: /^len:17 for 19 bytes$/, tsinit: /^len:19 for 19 bytes$/ } },
  },
  "supervisor-stdout": {
    topic: "Logs",
    supervisord:
      "Loads the Python code of `result_handler`; with supervisor_stdout a listener runs that prints what programs write",
    tsinit:
      "does itself what supervisor_stdout does and starts no listener for it; any other handler is a config error",
    reason: "There is no Python in it, and lines have their program's name anyway. (product.md 4)",
    seen: {
      list: {
        supervisord: /^restarted \[\('stdout', 'stdout', 'RUNNING'\), \('web', 'web', 'RUNNING'\)\]$/,
        tsinit: /^restarted \[\('web', 'web', 'RUNNING'\)\]$/,
      },
      status: {
        supervisord: /^(stdout {27}RUNNING .*|watch {28}EXITED .*|web {30}RUNNING .*|)$/,
        tsinit: /^(watch {28}EXITED .*|web {30}RUNNING .*||absent)$/,
      },
    },
  },
};

/** `ID` or `ID:CASE`. Throws where there is none of that name. */
export function observedOf(reference: string): Observed {
  const [id = "", name] = reference.split(":");
  const difference = DIFFERENCES[id];
  if (difference === undefined) throw new Error(`no difference ${id} in differences.ts`);
  const cases = Object.entries(difference.seen);
  const found = name === undefined ? (cases.length === 1 ? cases[0]?.[1] : undefined) : difference.seen[name];
  if (found === undefined) throw new Error(`no case ${name ?? "(it must be named)"} of difference ${id}`);
  return found;
}

/** Every `ID:CASE` there is. */
export function allReferences(): string[] {
  return Object.entries(DIFFERENCES).flatMap(([id, { seen }]) =>
    Object.keys(seen).map((name) => `${id}:${name}`),
  );
}

/** `ID` as `ID:CASE`. */
export function fullReference(reference: string): string {
  if (reference.includes(":")) return reference;
  return `${reference}:${Object.keys(DIFFERENCES[reference]?.seen ?? {})[0] ?? "?"}`;
}
