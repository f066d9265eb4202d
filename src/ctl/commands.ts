/** Every command of the client, as one table: its help, and what it does (supervisord.md 14.4). */
import { FAULTS } from "../api/faults.ts";
import { add, avail, remove, reread, update } from "./config-commands.ts";
import { ConnectionError, FaultError } from "./errors.ts";
import { fg } from "./fg-command.ts";
import { graph } from "./graph-command.ts";
import { helpTable } from "./print.ts";
import { clear, pid, restart, signal, start, status, stop } from "./process-commands.ts";
import { EXIT, type Session } from "./session.ts";
import { maintail, tail } from "./tail-commands.ts";

export interface Command {
  /** As supervisorctl prints it, tabs included; empty: not shown in the list. */
  readonly help: readonly string[];
  /** supervisorctl has no such command. */
  readonly own?: true;
  /** Says what went wrong and sets the session's exit code; throws what it has no words for. `text`: the words as typed. */
  readonly run: (
    session: Session,
    args: readonly string[],
    help: readonly string[],
    text: string,
  ) => Promise<void> | void;
}

/** A command that takes no arguments. */
function bare(name: string, help: readonly string[], run: Command["run"]): [string, Command] {
  return [
    name,
    {
      help,
      run(session, args) {
        if (args.length === 0) return run(session, args, help, "");
        session.say(`Error: ${name} accepts no arguments`, ...help);
        session.exitCode = EXIT.GENERIC;
      },
    },
  ];
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["add", { help: ["add <name> [...]\tActivates any updates in config for process/group"], run: add }],
  bare("avail", ["avail\t\t\tDisplay all configured processes"], avail),
  [
    "clear",
    {
      help: [
        "clear <name>\t\tClear a process' log files.",
        "clear <name> <name>\tClear multiple process' log files",
        "clear all\t\tClear all process' log files",
      ],
      run: clear,
    },
  ],
  ["fg", { help: ["fg <process>\tConnect to a process in foreground mode", "\t\tCtrl-C to exit"], run: fg }],
  ["exit", { help: ["exit\tExit the supervisor shell."], run: leave }],
  [
    "graph",
    {
      ...bare("graph", ["graph\t\t\tShow the start order with timings: what waited for what"], graph)[1],
      own: true,
    },
  ],
  [
    "maintail",
    {
      help: [
        "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)",
        "maintail -100\tlast 100 *bytes* of supervisord main log file",
        "maintail\tlast 1600 *bytes* of supervisor main log file",
        "",
      ],
      run: maintail,
    },
  ],
  [
    "open",
    {
      help: [
        "open <url>\tConnect to a remote supervisord process.",
        "\t\t(for UNIX domain socket, use unix:///socket/path)",
      ],
      run: open,
    },
  ],
  [
    "pid",
    {
      help: [
        "pid\t\t\tGet the PID of supervisord.",
        "pid <name>\t\tGet the PID of a single child process by name.",
        "pid all\t\t\tGet the PID of every child process, one per line.",
      ],
      run: pid,
    },
  ],
  ["quit", { help: ["quit\tExit the supervisor shell."], run: leave }],
  bare("reload", ["reload \t\tRestart the remote supervisord."], reload),
  ["remove", { help: ["remove <name> [...]\tRemoves process/group from active config"], run: remove }],
  bare("reread", ["reread \t\t\tReload the daemon's configuration files without add/remove"], reread),
  [
    "restart",
    {
      help: [
        "restart <name>\t\tRestart a process",
        "restart <gname>:*\tRestart all processes in a group",
        "restart <name> <name>\tRestart multiple processes or groups",
        "restart all\t\tRestart all processes",
        "Note: restart does not reread config files. For that, see reread and update.",
      ],
      run: restart,
    },
  ],
  bare("shutdown", ["shutdown \tShut the remote supervisord down."], shutdown),
  [
    "signal",
    {
      help: [
        "signal <signal name> <name>\t\tSignal a process",
        "signal <signal name> <gname>:*\t\tSignal all processes in a group",
        "signal <signal name> <name> <name>\tSignal multiple processes or groups",
        "signal <signal name> all\t\tSignal all processes",
      ],
      run: signal,
    },
  ],
  [
    "start",
    {
      help: [
        "start <name>\t\tStart a process",
        "start <gname>:*\t\tStart all processes in a group",
        "start <name> <name>\tStart multiple processes or groups",
        "start all\t\tStart all processes",
      ],
      run: start,
    },
  ],
  [
    "status",
    {
      help: [
        "status <name>\t\tGet status for a single process",
        "status <gname>:*\tGet status for all processes in a group",
        "status <name> <name>\tGet status for multiple named processes",
        "status\t\t\tGet all process status info",
      ],
      run: status,
    },
  ],
  [
    "stop",
    {
      help: [
        "stop <name>\t\tStop a process",
        "stop <gname>:*\t\tStop all processes in a group",
        "stop <name> <name>\tStop multiple processes or groups",
        "stop all\t\tStop all processes",
      ],
      run: stop,
    },
  ],
  [
    "tail",
    {
      help: [
        "tail [-f] <name> [stdout|stderr] (default stdout)",
        "Ex:",
        "tail -f <name>\t\tContinuous tail of named process stdout",
        "\t\t\tCtrl-C to exit.",
        "tail -100 <name>\tlast 100 *bytes* of process stdout",
        "tail <name> stderr\tlast 1600 *bytes* of process stderr",
      ],
      run: tail,
    },
  ],
  [
    "update",
    {
      help: [
        "update\t\t\tReload config and add/remove as necessary, and will restart affected programs",
        "update all\t\tReload config and add/remove as necessary, and will restart affected programs",
        "update <gname> [...]\tUpdate specific groups",
      ],
      run: update,
    },
  ],
  bare("version", ["version\t\t\tShow the version of the remote supervisord process"], version),
  ["help", { help: [], run: help }],
  ["EOF", { help: [], run: leave }],
]);

/** Those that somebody has who calls the client by this name. */
export function commandsOf(program: string): ReadonlyMap<string, Command> {
  if (program !== "supervisorctl") return COMMANDS;
  return new Map(Array.from(COMMANDS).filter(([, { own }]) => own === undefined));
}

const HELP_ON_HELP = ["help\t\tPrint a list of available actions", "help <action>\tPrint help for <action>"];

function help(session: Session, _args: readonly string[], _help: readonly string[], topic: string): void {
  const known = commandsOf(session.options.program);
  if (topic === "help") return session.say(...HELP_ON_HELP);
  if (topic === "") {
    const shown = Array.from(known).filter(([, command]) => command.help.length > 0);
    return session.say(...helpTable(shown.map(([name]) => name).sort()));
  }
  const lines = known.get(topic)?.help ?? [];
  session.say(...(lines.length > 0 ? lines : [`*** No help on ${topic}`]));
}

function leave(session: Session): void {
  session.say("");
  session.done = true;
}

async function open(
  session: Session,
  _args: readonly string[],
  _help: readonly string[],
  url: string,
): Promise<void> {
  if (!/^(?:http|unix):/i.test(url)) {
    session.say("ERROR: url must be http:// or unix://");
    session.exitCode = EXIT.GENERIC;
    return;
  }
  session.open(url);
  const before = session.exitCode;
  await status(session, []);
  session.exitCode = before;
}

async function version(session: Session): Promise<void> {
  if (await session.isUp()) session.say(String(await session.client.call("getSupervisorVersion")));
}

async function shutdown(session: Session): Promise<void> {
  if (!(await session.confirm("Really shut the remote supervisord process down y/N? "))) return;
  try {
    await session.client.call("shutdown");
    session.say("Shut down");
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === FAULTS.SHUTDOWN_STATE) {
      session.say("ERROR: already shutting down");
      return;
    }
    const what = error instanceof ConnectionError ? GONE[error.code] : undefined;
    if (what === undefined) throw error;
    session.say(`ERROR: ${session.serverUrl} ${what} (already shut down?)`);
    session.exitCode = EXIT.GENERIC;
  }
}

const GONE: Readonly<Record<string, string>> = { ECONNREFUSED: "refused connection", ENOENT: "no such file" };

async function reload(session: Session): Promise<void> {
  if (!(await session.confirm("Really restart the remote supervisord process y/N? "))) return;
  try {
    await session.client.call("restart");
    session.say("Restarted supervisord");
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== FAULTS.SHUTDOWN_STATE) throw error;
    session.say("ERROR: already shutting down");
    session.exitCode = EXIT.GENERIC;
  }
}
