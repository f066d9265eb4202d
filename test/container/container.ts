/** A container that runc runs: what an engine would do with an image, with its output, its ports and its end at hand. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Bundle } from "./bundle.ts";
import { type HttpAnswer, Probe } from "./probe.ts";
import { FIXTURES } from "./scene.ts";
import { type Line, Recording } from "./streams.ts";

const POLL_MILLIS = 50;

export class Container {
  /** Both streams, in the order they came. */
  readonly lines: Line[] = [];
  readonly #stdout = new Recording("stdout", this.lines);
  readonly #stderr = new Recording("stderr", this.lines);
  readonly #id: string;
  readonly #bundle: Bundle;
  readonly #runtime: ChildProcess;
  readonly #ended: Promise<number | null>;
  #probe: Probe | null = null;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    this.#id = bundle.directory.split("/").at(-1) ?? "";
    this.#runtime = spawn("runc", ["run", "--bundle", bundle.directory, this.#id], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (!this.#runtime.stdout || !this.#runtime.stderr) throw new Error("runc has no output");
    this.#stdout.follow(this.#runtime.stdout, false);
    this.#stderr.follow(this.#runtime.stderr, false);
    this.#ended = new Promise((resolve, reject) => {
      this.#runtime.once("error", reject);
      this.#runtime.once("exit", resolve);
    });
  }

  /** Its exit code, once all it wrote has been read. */
  async exitCode(): Promise<number | null> {
    const code = await this.#ended;
    await Promise.all([this.#stdout.ended, this.#stderr.ended]);
    return code;
  }

  async http(port: number, path: string, request: Record<string, unknown> = {}): Promise<HttpAnswer> {
    this.#probe ??= new Probe(["nsenter", "-t", String(this.#pid()), "-n"], join(FIXTURES, "probe.py"));
    const answer = await this.#probe.ask({ kind: "http", host: "127.0.0.1", port, path, ...request });
    if (answer["error"] !== undefined) throw new Error(`${path}: ${String(answer["error"])}`);
    return answer as unknown as HttpAnswer;
  }

  /** POSTs JSON and gives back what came. */
  async post(port: number, path: string, value: unknown): Promise<{ status: number; value: unknown }> {
    const headers = { "Content-Type": "application/json" };
    const { status, body } = await this.http(port, path, {
      method: "POST",
      headers,
      body: JSON.stringify(value),
    });
    return { status, value: JSON.parse(body) as unknown };
  }

  /** Runs a command inside, as `docker exec` does. */
  exec(...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync("runc", ["exec", this.#id, ...argv], { encoding: "utf8", timeout: 30_000 });
  }

  signal(name: string): void {
    execFileSync("runc", ["kill", this.#id, name]);
  }

  /** The first line from the `from`th on that matches; its number. */
  async line(pattern: RegExp, limitMillis: number, from = 0): Promise<number> {
    const found = () => this.lines.findIndex(({ text }, index) => index >= from && pattern.test(text));
    await this.until(`line ${pattern}`, limitMillis, () => found() >= 0);
    return found();
  }

  /** Asks again and again until the answer is true; an error counts as not yet. */
  async until(what: string, limitMillis: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + limitMillis;
    for (;;) {
      let problem = "";
      try {
        if (await isTrue()) return;
      } catch (error) {
        problem = `: ${error instanceof Error ? error.message : String(error)}`;
      }
      if (performance.now() > end)
        throw new Error(`no ${what} within ${limitMillis} ms${problem}\n${this.report()}`);
      await delay(POLL_MILLIS);
    }
  }

  report(): string {
    return this.lines.map(({ stream, text }) => `${stream}: ${text}`).join("\n");
  }

  async close(): Promise<void> {
    this.#probe?.close();
    spawnSync("runc", ["kill", this.#id, "KILL"], { stdio: "ignore" });
    await this.#ended;
    spawnSync("runc", ["delete", "--force", this.#id], { stdio: "ignore" });
    this.#bundle.remove();
  }

  #pid(): number {
    const state = JSON.parse(execFileSync("runc", ["state", this.#id], { encoding: "utf8" })) as {
      pid: number;
    };
    return state.pid;
  }
}
