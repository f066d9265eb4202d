/** The command-line client: `tsinit ctl`, and `supervisorctl` for those who call it that. */
import { EXIT_USAGE } from "../core/exit-codes.ts";
import { ConnectionError, exchange } from "./client.ts";
import { COMMANDS } from "./commands.ts";
import { parseCtlOptions } from "./options.ts";
import { Session } from "./session.ts";
import { openShell, type Terminal } from "./shell.ts";

/** What the configuration says about the client. */
export interface CtlSettings {
  /** `[supervisorctl] serverurl`, or where the configuration puts the server; null: look at `candidates`. */
  readonly serverUrl: string | null;
  /** Paths of control sockets, the likeliest first. */
  readonly candidates: readonly string[];
  readonly username: string | null;
  readonly password: string | null;
  readonly prompt: string;
  readonly historyFile: string | null;
}

export interface CtlIo extends Terminal {
  out(text: string): void;
  err(text: string): void;
  /** The settings, with the file of `-c` or the one found; or what is wrong, a line each. */
  settings(
    configFile: string | null,
  ):
    | { readonly ok: true; readonly settings: CtlSettings }
    | { readonly ok: false; readonly errors: readonly string[] };
}

function usage(name: string): string {
  return `${name} -- control the programs of a running tsinit from the command line.

Usage: ${name} [options] [action [arguments]]

Options:
-c/--configuration FILENAME -- configuration file path (searched for if not given)
-h/--help -- print usage message and exit
-i/--interactive -- start an interactive shell after executing commands
-s/--serverurl URL -- URL on which the server is listening
     (unix:///run/tsinit.sock or http://host:port)
-u/--username USERNAME -- username to use for authentication with server
-p/--password PASSWORD -- password to use for authentication with server
-r/--history-file -- keep a readline history (if readline is available)

action [arguments] -- see below

Actions are commands like "tail" or "stop".  If -i is specified or no action is
specified on the command line, a "shell" interpreting actions typed
interactively is started.  Use the action "help" to find out about available
actions.
`;
}

/** The exit code; `name` is what the user called. Never rejects for what a server or a user does. */
export async function runCtl(argv: readonly string[], name: string, io: CtlIo): Promise<number> {
  const options = parseCtlOptions(argv);
  if ("error" in options) {
    io.err(`Error: ${options.error}\nFor help, use ${name} -h\n`);
    return EXIT_USAGE;
  }
  if (options.help) {
    io.out(usage(name));
    return 0;
  }
  const found = io.settings(options.configFile);
  // Who says where the server is needs no configuration, and a broken one is often why the client is used.
  const isNeeded = options.serverUrl === null || options.configFile !== null;
  if (!found.ok && isNeeded) {
    for (const error of found.errors) io.err(`${error}\n`);
    return EXIT_USAGE;
  }
  const settings = found.ok ? found.settings : NO_SETTINGS;
  const given = {
    username: options.username ?? settings.username,
    password: options.password ?? settings.password,
  };
  const serverUrl = options.serverUrl ?? settings.serverUrl ?? (await findServer(settings.candidates));
  const shared = { ...given, serverUrl, program: name, out: (line: string) => io.out(`${line}\n`) };
  if (options.words.length > 0) {
    const session = new Session({ ...shared, ask: null });
    await session.run(options.words.join(" "), COMMANDS);
    return session.exitCode;
  }
  return runShell(io, settings.prompt, shared);
}

const NO_SETTINGS: CtlSettings = {
  serverUrl: null,
  candidates: [],
  username: null,
  password: null,
  prompt: "supervisor",
  historyFile: null,
};

/** The first socket that somebody answers on; if there is none, the first, so that its error is told. */
async function findServer(candidates: readonly string[]): Promise<string> {
  const [first = "/run/tsinit.sock"] = candidates;
  for (const path of candidates) {
    try {
      await exchange(
        { socketPath: path },
        { username: null, password: null },
        { method: "GET", path: "/livez" },
      );
      return `unix://${path}`;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }
  return `unix://${first}`;
}

/** Always 0: what one command did says nothing about the whole. */
async function runShell(
  io: CtlIo,
  prompt: string,
  shared: Omit<ConstructorParameters<typeof Session>[0], "ask">,
): Promise<number> {
  const shell = openShell(io);
  const ask = async (question: string, hidden: boolean): Promise<string> =>
    (await (hidden ? shell.askHidden(question) : shell.ask(question))) ?? "";
  const session = new Session({ ...shared, ask });
  await session.run("status", COMMANDS);
  while (!session.done) {
    const line = await shell.ask(`${prompt}> `);
    if (line === null) {
      session.say("");
      break;
    }
    await session.run(line, COMMANDS);
  }
  shell.close();
  return 0;
}
