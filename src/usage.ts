/** What `tsinit help` prints, by topic. */
export const USAGE: Readonly<Record<string, string>> = {
  tsinit: `tsinit - the PID 1 of a container that runs more than one program

  tsinit [-c FILE]                      run the programs of the configuration and of TSINIT_* variables
  tsinit [-c FILE] [--] COMMAND [ARG…]  the same, and the program main; with no configuration as tini does
  tsinit ctl [-s URL] [COMMAND…]        status, start, stop, restart, signal, reread, update, shutdown … (help ctl)
  tsinit check [-c FILE] [--format text|json] [--verbose]
                                        check the configuration, show the plan, what differs from supervisord and
                                        what a container would want changed; exit 0, or 2 on errors
  tsinit health [live|ready|startup] [PROGRAM]
                                        probe: exit 0 healthy, 1 not, with the reason
  tsinit version
  tsinit help [TOPIC]                   topics: tsinit, ctl, health, exit, supervisord, pidproxy

Called as supervisord, supervisorctl or pidproxy it is that tool.
`,
  ctl: `tsinit ctl [-c FILE] [-s URL] [-u USER] [-p PASSWORD] [COMMAND…]

Talks to a running tsinit over its control socket. Same commands, output and exit codes as supervisorctl;
"tsinit ctl help" lists the commands. URL: unix:///run/tsinit.sock or http://host:port.
`,
  health: `tsinit health [live|ready|startup] [PROGRAM]

Asks a running tsinit: HEALTHCHECK CMD ["/sbin/tsinit", "health"], or an exec probe. Default: ready.
Prints why; exit 0 healthy, 1 not healthy or not reachable.
`,
  exit: `Exit codes of the init

  0     asked to stop and stopped, or every program is done and ended as expected
  N     a critical program went FATAL, or main ended: its exit code, 128+n for signal n,
        127 not found, 126 not executable (1 for a critical program where that would be 0)
  1     everything is done, but a program that is not critical is FATAL
  2     usage or configuration error; nothing was started
  70    tsinit itself failed; the programs were stopped first
`,
  supervisord: supervisordUsage("supervisord"),
  pidproxy: pidproxyUsage("pidproxy"),
};

/** `supervisord -h`. */
export function supervisordUsage(path: string): string {
  return `supervisord -- tsinit under supervisord's name: takes its options and its configuration.

Usage: ${path} [options]

Options:
-c/--configuration FILENAME -- the configuration file (looked for if not given)
-n/--nodaemon -- stay in the foreground (nodaemon=true); PID 1 always does
-s/--silent -- none of its own lines on stderr but errors (silent=true)
-h/--help -- print this text and exit
-v/--version -- print the version of supervisord that it stands for and exit
-u/--user USER -- programs without a user of their own run as this one
-m/--umask UMASK -- umask when it daemonizes (default 022)
-d/--directory DIRECTORY -- where programs start when it daemonizes
-l/--logfile FILENAME -- its own lines go here too (with log_files=also, or daemonized)
-y/--logfile_maxbytes BYTES -- size of the logfile before it is rotated
-z/--logfile_backups NUM -- how many rotated logfiles are kept
-e/--loglevel LEVEL -- debug, info, warn, error or critical
-j/--pidfile FILENAME -- its pid is written here
-i/--identifier STR -- its name to clients and listeners
-q/--childlogdir DIRECTORY -- where automatic log files of programs are made
-k/--nocleanup -- keep automatic log files of an earlier run
-a/--minfds NUM -- accepted: programs keep the limit that the container has
-t/--strip_ansi -- take escape sequences out of the output of programs
--minprocs NUM -- accepted, as minfds
--profile_options OPTIONS -- accepted, without effect

A long option may be shortened as far as it stays unique. Without -n, and where it is not PID 1, it goes into the
background: its log is in logfile (supervisord.log), its pid in pidfile (supervisord.pid).
`;
}

/** `pidproxy` without its words. */
export function pidproxyUsage(path: string): string {
  return `pidproxy -- runs a command and passes signals on to the process whose pid is in a file.

HUP, USR1 and USR2 go to that process. So do TERM, INT and QUIT, and pidproxy ends with 0. It ends with 0 as well when
the command ends. COMMAND is a path: it is not looked for in PATH.

Usage: ${path} <pidfile name> <command> [<cmdarg1> ...]
`;
}
