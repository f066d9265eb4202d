/** What all commands share: the server, the output, the exit code so far; and how one line becomes a command. */
import { FAULTS } from "../api/faults.ts";
import { type Client, ConnectionError, createClient, FaultError, StatusError } from "./client.ts";
import type { Command } from "./commands.ts";
import { errorLine } from "./print.ts";

/** supervisorctl's exit codes (supervisord.md 14.5). */
export const EXIT = {
  OK: 0,
  GENERIC: 1,
  INVALID_ARGS: 2,
  NO_NAMESPACE: 3,
  STATUS_DOWN: 3,
  STATUS_UNKNOWN: 4,
  REFUSED: 4,
  OTHER_API: 5,
  NOT_RUNNING: 7,
} as const;

const API_VERSION = "3.0";

export interface SessionOptions {
  readonly serverUrl: string;
  readonly username: string | null;
  readonly password: string | null;
  /** For messages: `supervisorctl`. */
  readonly program: string;
  readonly out: (line: string) => void;
  /** Asks a person; null when nobody is there to ask. */
  readonly ask: ((question: string, hidden: boolean) => Promise<string>) | null;
}

export class Session {
  readonly options: SessionOptions;
  exitCode: number = EXIT.OK;
  /** `quit` was given. */
  done = false;
  #serverUrl: string;
  #username: string | null;
  #password: string | null;

  constructor(options: SessionOptions) {
    this.options = options;
    this.#serverUrl = options.serverUrl;
    this.#username = options.username;
    this.#password = options.password;
  }

  get serverUrl(): string {
    return this.#serverUrl;
  }

  /** The server of now; throws when its URL is not one. */
  get client(): Client {
    return createClient(this.#serverUrl, { username: this.#username, password: this.#password });
  }

  open(serverUrl: string): void {
    this.#serverUrl = serverUrl;
  }

  say(...lines: string[]): void {
    for (const line of lines) this.options.out(line);
  }

  /** Whether somebody said yes, or nobody is there to be asked. */
  async confirm(question: string): Promise<boolean> {
    const { ask } = this.options;
    return ask === null || /^y/i.test(await ask(question, false));
  }

  /** Talks to the server once before a command does; says what is wrong if it is not one of ours. */
  async isUp(): Promise<boolean> {
    try {
      const version = await this.client.call("getVersion");
      if (version === API_VERSION) return true;
      this.say(
        `Sorry, this version of supervisorctl expects to talk to a server with API version ${API_VERSION}, ` +
          `but the remote version is ${String(version)}.`,
      );
      this.exitCode = EXIT.OTHER_API;
      return false;
    } catch (error) {
      return this.#explain(error);
    }
  }

  #explain(error: unknown): false {
    if (error instanceof FaultError && error.fault.code === FAULTS.UNKNOWN_METHOD) {
      this.say(
        "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl " +
          "uses to control it.  Please check that the [rpcinterface:supervisor] section is enabled in the " +
          "configuration file (see sample.conf).",
      );
      this.exitCode = EXIT.NO_NAMESPACE;
    } else if (error instanceof ConnectionError && error.code === "ECONNREFUSED") {
      this.say(`${this.#serverUrl} refused connection`);
      this.exitCode = EXIT.REFUSED;
    } else if (error instanceof ConnectionError && error.code === "ENOENT") {
      this.say(`${this.#serverUrl} no such file`);
      this.exitCode = EXIT.NOT_RUNNING;
    } else throw error;
    return false;
  }

  /** One line as typed. Never rejects: what goes wrong is said and sets the exit code. */
  async run(line: string, commands: ReadonlyMap<string, Command>): Promise<void> {
    const text = line.trim();
    if (text === "") return;
    const words = text.startsWith("?") ? `help ${text.slice(1)}` : text;
    const [, name = "", rest = ""] = /^(\w*)([^]*)$/.exec(words) ?? [];
    const command = commands.get(name);
    if (!command) {
      this.say(`*** Unknown syntax: ${text}`);
      this.exitCode = EXIT.GENERIC;
      return;
    }
    try {
      await command.run(this, rest.split(/\s+/).filter(Boolean), command.help);
    } catch (error) {
      if (error instanceof StatusError && error.status === 401) return this.#logIn(error, line, commands);
      this.say(errorLine(error, this.options.program));
      this.exitCode = EXIT.GENERIC;
    }
  }

  async #logIn(error: StatusError, line: string, commands: ReadonlyMap<string, Command>): Promise<void> {
    const { ask, program } = this.options;
    this.say("Server requires authentication");
    if (ask === null) {
      this.say(errorLine(error, program));
      this.exitCode = EXIT.GENERIC;
      return;
    }
    this.#username = await ask("Username:", false);
    this.#password = await ask("Password:", true);
    this.say("");
    if (this.#username !== "") await this.run(line, commands);
  }
}
