/** A small Python helper inside a container's namespaces that asks its HTTP ports and control socket for us. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Measured inside, without the way to the helper. */
  readonly ms: number;
}

interface Pending {
  resolve(value: Record<string, unknown>): void;
  reject(error: Error): void;
}

export class Probe {
  readonly #helper: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  /** `entry` is the command and arguments that enter the namespaces. */
  constructor(entry: readonly string[], script: string) {
    const [command = "", ...words] = entry;
    this.#helper = spawn(command, [...words, PYTHON, "-I", "-S", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (this.#helper.stdout === null) throw new Error("the probe has no stdout");
    this.#helper.stdin?.on("error", () => undefined);
    createInterface({ input: this.#helper.stdout }).on("line", (line) => this.#answer(line));
    this.#helper.once("exit", () => {
      for (const waiting of this.#pending.values())
        waiting.reject(new Error("the probe ended: no such container"));
      this.#pending.clear();
    });
  }

  ask(request: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
    this.#pending.set(id, { resolve, reject });
    this.#helper.stdin?.write(`${JSON.stringify({ id, timeout: 10, ...request })}\n`);
    return promise;
  }

  close(): void {
    this.#helper.kill("SIGKILL");
  }

  #answer(line: string): void {
    const answer = JSON.parse(line) as Record<string, unknown>;
    const id = Number(answer["id"]);
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    waiting?.resolve(answer);
  }
}

/** The interpreter for fixtures: the system's own, because wrappers in PATH cost a tenth of a second each. */
export const PYTHON = "/usr/bin/python3";
