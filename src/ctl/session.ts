/** What all commands share: the server, the output, the exit code so far; and how one line becomes a command. */
import { FAULTS } from "../api/faults.ts";
import { type Client, createClient, exchange, type HttpAnswer, receive } from "./client.ts";
import type { Command } from "./commands.ts";
import {
  ConnectionError,
  describeError,
  errorLine,
  FaultError,
  faultLine,
  Interrupted,
  PythonError,
  StatusError,
} from "./errors.ts";
import type { Interrupts } from "./interrupts.ts";
import { parseServerUrl } from "./server-url.ts";

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

/** The person at the other end. Both reject with Interrupted at Ctrl-C; null: nothing more will be typed. */
export interface Person {
  ask(question: string, hidden: boolean): Promise<string | null>;
  /** What is typed from now on is for a program: no key is lost before or between its lines. */
  attend(): void;
  /** A line for the program. */
  readLine(signal: AbortSignal): Promise<string | null>;
}

export interface SessionOptions {
  readonly serverUrl: string;
  readonly username: string | null;
  readonly password: string | null;
  /** For messages: `supervisorctl`. */
  readonly program: string;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Bytes of a program; resolves when more may be written. */
  readonly write: (chunk: Buffer) => Promise<void>;
  /** Questions are asked: before what ends things, and for a login. */
  readonly interactive: boolean;
  readonly person: () => Promise<Person>;
  readonly interrupts: Interrupts;
  /** Breaks off every call. */
  readonly signal?: AbortSignal;
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
    return this.clientUntil(this.options.signal);
  }

  /** The same for calls that end with something shorter than the session. Milliseconds. */
  clientUntil(signal: AbortSignal | undefined, timeout?: number): Client {
    return createClient(
      this.#serverUrl,
      this.#credentials,
      timeout === undefined ? { signal } : { signal, timeout },
    );
  }

  get #credentials() {
    return { username: this.#username, password: this.#password };
  }

  /**
   * Copies a log that grows to the output until the server ends it or somebody breaks it off. Never rejects but with Interrupted: what is wrong is said on stderr.
   */
  async follow(path: string, signal: AbortSignal): Promise<void> {
    const { write, err } = this.options;
    const url = this.#serverUrl + path;
    try {
      const take = (chunk: Buffer, { status }: { readonly status: number }): Promise<void> =>
        status === 200 ? write(chunk) : Promise.resolve();
      const endpoint = parseServerUrl(this.#serverUrl);
      const { status } = await receive(endpoint, this.#credentials, { method: "GET", path, signal }, take);
      if (status !== 200) err(`${url} Cannot read, status code ${status}`);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      // A server that goes away ends the log.
      if (error instanceof ConnectionError && error.message === "aborted") return;
      const { type, text } = describeError(error);
      err(`${url} Cannot connect, error: <class '${type}'> (${text})`);
    }
  }

  /** A page of the server. Rejects with ConnectionError or Interrupted. */
  get(path: string): Promise<HttpAnswer> {
    const { signal } = this.options;
    return exchange(parseServerUrl(this.#serverUrl), this.#credentials, { method: "GET", path, signal });
  }

  open(serverUrl: string): void {
    this.#serverUrl = serverUrl;
  }

  say(...lines: string[]): void {
    for (const line of lines) this.options.out(line);
  }

  /** Whether somebody said yes, or nobody is there to be asked. */
  async confirm(question: string): Promise<boolean> {
    return !this.options.interactive || /^y/i.test(await this.#ask(question, false));
  }

  async #ask(question: string, hidden: boolean): Promise<string> {
    const answer = await (await this.options.person()).ask(question, hidden);
    if (answer === null) throw new PythonError("EOFError", "EOF when reading a line");
    return answer;
  }

  /** Called by that name it says nothing that supervisorctl would not. */
  get isSupervisorctl(): boolean {
    return this.options.program === "supervisorctl";
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

  /** One line as typed. What goes wrong is said and sets the exit code; rejects with Interrupted alone. */
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
      await this.#perform(command, rest.trim(), line, commands);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      const { program } = this.options;
      const isOurs = error instanceof FaultError && !this.isSupervisorctl;
      this.say(isOurs ? faultLine(error.fault) : errorLine(error, program));
      this.exitCode = EXIT.GENERIC;
    }
  }

  async #perform(
    command: Command,
    argument: string,
    line: string,
    commands: ReadonlyMap<string, Command>,
  ): Promise<void> {
    try {
      await command.run(this, argument.split(/\s+/).filter(Boolean), command.help, argument);
    } catch (error) {
      if (!(error instanceof StatusError && error.status === 401)) throw error;
      this.say("Server requires authentication");
      if (!this.options.interactive) throw error;
      this.#username = await this.#ask("Username:", false);
      this.#password = await this.#ask("Password:", true);
      this.say("");
      await this.run(line, commands);
    }
  }
}
