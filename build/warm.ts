/** The code cache of a start: what tsinit runs until its programs are up is compiled here and not in every container. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TIMEOUT_MS = 30_000;

/**
 * A start as most are: supervisord's usual sections, probes, programs that say something, stay or end. A function that no
 * start of this kind calls is compiled at its first call, as ever.
 */
const typicalStart = (directory: string): string => `
[unix_http_server]
file=${directory}/control.sock
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=${directory}/pid
childlogdir=${directory}
minfds=1024
user=root
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${directory}/control.sock
[include]
files=${directory}/*.conf
[tsinit]
listen=127.0.0.1:0
termination_log=${directory}/none
[program:web]
command=/bin/sh -c "echo started; exec sleep 60"
environment=NAME="%(program_name)s",HOST="%(host_node_name)s"
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true
autorestart=true
[program:worker]
command=sleep 60
process_name=%(program_name)s-%(process_num)d
numprocs=2
stderr_logfile=/dev/fd/2
stderr_logfile_maxbytes=0
[program:once]
command=/bin/sh -c "exit 0"
startsecs=0
autorestart=unexpected
[group:all]
programs=web,worker
priority=10
`;

/** Ends tsinit once it can be asked for something, which is the end of its start. */
const lastProgram = (directory: string): string => `
[program:last]
command=/bin/sh -c "until test -S control.sock; do sleep 0.01; done; kill -TERM $PPID"
directory=${directory}
`;

/** The bundle as the script that start.ts runs: a function that is given what a CommonJS module finds. */
export function asScript(bundle: string): string {
  return `(function(require,module){${bundle}\n})`;
}

/** `recorder`: the executable of record.ts. Writes the file `cache`; throws when V8 would not take it. */
export function recordCache(recorder: string, cache: string): void {
  // Not below `cache`: the name of a socket has to be short.
  const directory = mkdtempSync(join(tmpdir(), "tsinit-start-"));
  const run = (...words: string[]): void => {
    execFileSync(recorder, words, {
      // With a variable that steers Node tsinit would replace itself by another one.
      env: { PATH: process.env["PATH"] },
      // Pipes, as in a container; what they say is in the error when there is one.
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
    });
  };
  try {
    const config = join(directory, "start.ini");
    writeFileSync(config, typicalStart(directory));
    writeFileSync(join(directory, "last.conf"), lastProgram(directory));
    run("record", cache, "-c", config);
    run("check", cache);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
