/** The one Python of a test file: real supervisorctl and xmlrpc.client without a start of the interpreter for each call. */
import { type ChildProcess, spawn } from "node:child_process";
import { createConnection } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { supervisorPython } from "../python.ts";

export interface CtlAnswer {
  readonly code: number;
  readonly out: string;
}

export interface RpcAnswer {
  readonly value?: unknown;
  readonly fault?: readonly [code: number, text: string];
  /** HTTP status or the kind of failure. */
  readonly error?: string;
}

export interface RpcCall {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly method: string;
  readonly params: readonly unknown[];
}

export class Helper {
  readonly #socket: string;
  readonly #process: ChildProcess;

  private constructor(socket: string, process: ChildProcess) {
    this.#socket = socket;
    this.#process = process;
  }

  static async start(folder: string): Promise<Helper> {
    const python = supervisorPython();
    if (python === null) throw new Error("needs a Python with the supervisor package");
    const socket = `${folder}/helper.sock`;
    const child = spawn(python, [`${import.meta.dirname}/helper.py`, socket], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", TERM: "dumb", COLUMNS: "80" },
    });
    const helper = new Helper(socket, child);
    for (const deadline = performance.now() + 20_000; ; await delay(20)) {
      const error = await helper.#ask({ do: "rpc", ...NOWHERE }).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) return helper;
      if (performance.now() > deadline || child.exitCode !== null) throw error;
    }
  }

  ctl(args: readonly string[], stdin = "", interrupt = 0): Promise<CtlAnswer> {
    return this.#ask({ do: "ctl", args, stdin, interrupt }) as Promise<CtlAnswer>;
  }

  /** supervisord with a config that it refuses. */
  refusal(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<CtlAnswer> {
    return this.#ask({ do: "refusal", args, cwd, env }) as Promise<CtlAnswer>;
  }

  rpc(call: RpcCall): Promise<RpcAnswer> {
    return this.#ask({ do: "rpc", ...call }) as Promise<RpcAnswer>;
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }

  #ask(question: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = createConnection(this.#socket);
      socket.setTimeout(60_000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(question)}`)));
      socket.on("error", reject);
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (text === "") reject(new Error(`no answer to ${JSON.stringify(question)}`));
        else resolve(JSON.parse(text));
      });
      socket.write(`${JSON.stringify(question)}\n`);
    });
  }
}

/** A call that only shows that somebody answers. */
const NOWHERE: RpcCall = {
  url: "unix:///nowhere",
  username: "",
  password: "",
  method: "supervisor.getState",
  params: [],
};
