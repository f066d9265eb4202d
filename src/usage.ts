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
  tsinit help [TOPIC]                   topics: tsinit, ctl, health, exit, supervisord

Called as supervisord or supervisorctl it is that tool.
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
  supervisord: `supervisord [-c FILE] [-n] [-u USER] [-l FILE] [-e LEVEL] [-j FILE] [-i NAME] …

tsinit under supervisord's name: takes its options and its configuration, and runs in the foreground.
  -c/--configuration FILE   -n/--nodaemon   -s/--silent   -v/--version   -h/--help
  -u/--user USER  -m/--umask MASK  -d/--directory DIR  -l/--logfile FILE  -y/--logfile_maxbytes BYTES
  -z/--logfile_backups N  -e/--loglevel LEVEL  -j/--pidfile FILE  -i/--identifier NAME  -q/--childlogdir DIR
  -k/--nocleanup  -a/--minfds N  -t/--strip_ansi  --minprocs N  --profile_options LIST
`,
};
