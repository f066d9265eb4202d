/** The command-line client: `tsinit ctl`, and `supervisorctl` for those who call it that. */
import { EXIT_USAGE } from "../core/exit-codes.ts";
import { type Client, exchange } from "./client.ts";
import { commandsOf } from "./commands.ts";
import { ConnectionError, Interrupted } from "./errors.ts";
import { Interrupts, type ListenForInterrupts } from "./interrupts.ts";
import { asInfos, type Info } from "./print.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { Completer, Shell, Terminal } from "./shell.ts";

/** What the command line says. */
export interface CtlOptions {
  readonly configFile: string | null;
  readonly serverUrl: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly historyFile: string | null;
  readonly interactive: boolean;
  readonly help: boolean;
  /** The command and its arguments. */
  readonly words: readonly string[];
}

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
  readonly onInterrupt: ListenForInterrupts;
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
-r/--history_file FILENAME -- keep the lines typed in this file

action [arguments] -- see below

Actions are commands like "tail" or "stop".  If -i is specified or no action is
specified on the command line, a "shell" interpreting actions typed
interactively is started.  Use the action "help" to find out about available
actions.
`;
}

/** The exit code; `name` is what the user called. Never rejects for what a server or a user does. */
export async function runCtl(options: CtlOptions, name: string, io: CtlIo): Promise<number> {
  if (options.help) {
    io.out(usage(name));
    return 0;
  }
  const found = io.settings(options.configFile);
  // Who says where the server is needs no configuration, and a broken one is often why the client is used.
  const isNeeded = options.serverUrl === null || options.configFile !== null;
  if (!found.ok && isNeeded) {
    for (const error of found.errors) io.err(`Error: ${error}\n`);
    io.err(`For help, use ${name} -h\n`);
    return EXIT_USAGE;
  }
  const settings = found.ok ? found.settings : NO_SETTINGS;
  const interrupts = new Interrupts(io.onInterrupt);
  const shared = {
    username: options.username ?? settings.username,
    password: options.password ?? settings.password,
    serverUrl: options.serverUrl ?? settings.serverUrl ?? (await findServer(settings.candidates)),
    program: name,
    out: (line: string) => io.out(`${line}\n`),
    err: (line: string) => io.err(`${line}\n`),
    write: (chunk: Buffer) => writeAll(io.output, chunk),
    interrupts,
  };
  if (options.words.length > 0) return runOnce(io, options, shared);
  const { prompt, historyFile } = settings;
  return interrupts.during((signal) =>
    runShell(io, { prompt, historyFile: options.historyFile ?? historyFile }, { ...shared, signal }),
  );
}

/** What a shell answers for a command that SIGINT ended. */
const EXIT_INTERRUPTED = 130;

type Shared = Omit<SessionOptions, "interactive" | "person">;

/** One command; with -i questions are asked. */
async function runOnce(io: CtlIo, { words, interactive }: CtlOptions, shared: Shared): Promise<number> {
  let shell: Shell | null = null;
  const person = async (): Promise<Shell> => {
    const { openShell } = await import("./shell.ts");
    const { openHistory } = await import("./history.ts");
    const history = openHistory(null, () => {});
    const complete = async (line: string): Promise<[string[], string]> => [[], line];
    const { signal } = new AbortController();
    shell ??= openShell({ ...io, history, complete, signal });
    return shell;
  };
  const session = new Session({ ...shared, interactive, person });
  try {
    await session.run(words.join(" "), commandsOf(shared.program));
    return session.exitCode;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    session.say("");
    return EXIT_INTERRUPTED;
  } finally {
    (shell as Shell | null)?.close();
  }
}

/** Resolves when the reader has taken enough of it: somebody slow must not fill our memory. */
function writeAll(output: NodeJS.WritableStream, chunk: Buffer): Promise<void> {
  if (output.write(chunk)) return Promise.resolve();
  return new Promise((resolve) => output.once("drain", () => resolve()));
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

const COMPLETION_TIMEOUT_MS = 3000;

/** Always 0: what one command did says nothing about the whole. */
async function runShell(
  io: CtlIo,
  { prompt, historyFile }: Pick<CtlSettings, "prompt" | "historyFile">,
  shared: Shared & { readonly signal: AbortSignal },
): Promise<number> {
  const { openShell } = await import("./shell.ts");
  const { openHistory } = await import("./history.ts");
  const history = openHistory(historyFile, (reason) => io.err(`history is not kept: ${reason}\n`));
  const actions = Array.from(commandsOf(shared.program).keys()).filter((name) => name !== "EOF");
  const completion = await completer(actions, () =>
    session.clientUntil(shared.signal, COMPLETION_TIMEOUT_MS),
  );
  const shell = openShell({ ...io, history, signal: shared.signal, complete: completion.complete });
  const session = new Session({ ...shared, interactive: true, person: async () => shell });
  const commands = commandsOf(shared.program);
  try {
    await session.run("status", commands);
    while (!session.done) {
      const line = await shell.command(`${prompt}> `);
      completion.forget();
      await session.run(line ?? "EOF", commands);
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    session.say("");
  } finally {
    shell.close();
  }
  return 0;
}

/** Programs are asked for once per line: the key may be hit often. A server that does not answer offers nothing. */
async function completer(
  actions: readonly string[],
  client: () => Client,
): Promise<{ complete: Completer; forget(): void }> {
  const { candidates, kindAt, wordOf } = await import("./complete.ts");
  let known: readonly Info[] | null = null;
  const infos = async (): Promise<readonly Info[]> => {
    try {
      known ??= asInfos(await client().call("getAllProcessInfo"));
    } catch {
      return [];
    }
    return known;
  };
  return {
    async complete(line) {
      const word = wordOf(line);
      const kind = kindAt(line);
      if (kind === null) return [[], word];
      return [candidates(kind, word, actions, kind === "action" ? [] : await infos()), word];
    },
    forget() {
      known = null;
    },
  };
}
