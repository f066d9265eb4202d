/** One daemon under test in a folder of its own, what it wrote, and what can be asked of it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CtlAnswer, Helper, RpcAnswer } from "./helper.ts";
import type { Scenario, Seen } from "./scenario.ts";

const BINARY = join(import.meta.dirname, "../../../dist/tsinit");
const SUPERVISORD = "/usr/bin/supervisord";
const PORTS = ["@PORT1@", "@PORT2@"];

export type SideName = "real" | "ours";

export class Side {
  readonly name: SideName;
  readonly dir: string;
  readonly helper: Helper;
  readonly scenario: Scenario;
  #refusal = "";
  readonly #copies: ChildProcess[] = [];
  #process: ChildProcess | null = null;
  #exit: number | string | null = null;
  #ports = new Map<string, number>();

  constructor(name: SideName, folder: string, scenario: Scenario, helper: Helper) {
    this.name = name;
    this.dir = join(folder, name);
    this.scenario = scenario;
    this.helper = helper;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get stdout(): string {
    return this.read("daemon.stdout") ?? "";
  }

  get stderr(): string {
    return this.read("daemon.stderr") ?? this.#refusal;
  }

  get url(): string {
    return `unix://${this.dir}/s.sock`;
  }

  async prepare(): Promise<void> {
    mkdirSync(this.dir);
    chmodSync(this.dir, 0o755);
    for (const port of PORTS) if (this.#mentions(port)) this.#ports.set(port, await freePort());
    for (const name of ["supervisord", "supervisorctl", "pidproxy"])
      symlinkSync(BINARY, join(this.dir, name));
    this.write("supervisord.conf", this.scenario.config);
    for (const [name, text] of Object.entries(this.scenario.files ?? {})) this.write(name, text);
  }

  /** Starts it; resolves when it answers, or at once where it is to refuse. */
  async start(): Promise<void> {
    const args = (this.scenario.args ?? ["-n", "-c", "@DIR@/supervisord.conf"]).map((word) =>
      this.fill(word),
    );
    const env = this.#environment();
    if (this.name === "real" && this.scenario.refused === true) {
      // The same code, without the start of an interpreter for each of many configs.
      const { code, out } = await this.helper.refusal(args, this.dir, env);
      this.#exit = code;
      this.#refusal = out;
      return;
    }
    const binary = this.name === "real" ? SUPERVISORD : join(this.dir, "supervisord");
    const { openFiles } = this.scenario;
    const words = [binary, ...args];
    if (openFiles !== undefined) words.unshift("/bin/sh", "-c", `ulimit -Sn ${openFiles}; exec "$@"`, "sh");
    const [command = "", ...rest] = words;
    const streams = ["stdout", "stderr"].map((name) => this.#pipe(name));
    this.#process = spawn(command, rest, {
      cwd: this.dir,
      stdio: ["ignore", ...streams.map((each) => each.writeEnd)],
      env,
    });
    for (const { writeEnd } of streams) closeSync(writeEnd);
    this.#process.on("close", (code, signal) => {
      // What it wrote may still be on its way.
      void Promise.race([Promise.all(streams.map((each) => each.copied)), delay(1000)]).then(() => {
        this.#exit = code ?? signal;
      });
    });
    this.#process.on("error", (error) => {
      this.#exit = error.message;
    });
    if (this.scenario.refused === true) return;
    await this.until("the control socket", async () => {
      if (this.#exit !== null) throw new Error(`it ended with ${this.#exit}\n${this.report()}`);
      const { error = "HTTP" } = await this.rpc("supervisor.getState");
      return error.startsWith("HTTP");
    });
  }

  /** As a container has it: a pipe that can be opened again by /dev/stdout (Node's are sockets), and what comes out in a file. */
  #pipe(name: string): { writeEnd: number; copied: Promise<unknown> } {
    const path = join(this.dir, `${name}.pipe`);
    spawnSync("mkfifo", [path]);
    // Read and write, or it would wait for a reader.
    const writeEnd = openSync(path, "r+");
    const readEnd = openSync(path, "r");
    const file = openSync(join(this.dir, `daemon.${name}`), "a");
    const copy = spawn("cat", [], { stdio: [readEnd, file, "ignore"] });
    for (const each of [readEnd, file]) closeSync(each);
    this.#copies.push(copy);
    return { writeEnd, copied: new Promise((resolve) => copy.on("close", resolve)) };
  }

  #environment(): Record<string, string> {
    const given = Object.entries(this.scenario.env ?? {}).map(([name, value]) => [name, this.fill(value)]);
    return {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      ...Object.fromEntries(given),
      // Marks what this scenario started; and many run at once, so the port of the probes is left alone.
      DIFFERENTIAL: this.dir,
      ...(this.name === "ours" ? { TSINIT_LISTEN: "none" } : {}),
    };
  }

  /** Its exit code, or the name of the signal that ended it. */
  async exit(): Promise<number | string> {
    await this.until("its end", () => this.#exit !== null, 30_000);
    return this.#exit ?? "";
  }

  async until(what: string, probe: () => boolean | Promise<boolean>, timeout = 20_000): Promise<void> {
    const deadline = performance.now() + timeout;
    while (!(await probe())) {
      if (performance.now() > deadline)
        throw new Error(`${this.name}: waited ${timeout} ms for ${what}\n${this.report()}`);
      await delay(40);
    }
  }

  rpc(
    method: string,
    params: readonly unknown[] = [],
    login: { url?: string; username?: string; password?: string } = {},
  ): Promise<RpcAnswer> {
    const { url = this.url, username = "", password = "" } = login;
    const filled = JSON.parse(this.fill(JSON.stringify(params))) as unknown[];
    return this.helper.rpc({ url: this.fill(url), username, password, method, params: filled });
  }

  ctl(args: readonly string[], stdin: string, interrupt: number): Promise<CtlAnswer> {
    return this.helper.ctl(
      args.map((word) => this.fill(word)),
      stdin,
      interrupt,
    );
  }

  /** A process of the user beside the daemon: a client or a script. */
  run(
    command: string,
    args: readonly string[],
    stdin = "",
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(
        this.fill(command),
        args.map((word) => this.fill(word)),
        {
          cwd: this.dir,
          timeout: 30_000,
          env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", TERM: "dumb", DIFFERENTIAL: this.dir },
        },
      );
      const out = { stdout: "", stderr: "" };
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out.stdout += text;
      });
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        out.stderr += text;
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? -1, ...out }));
      // A command that reads nothing may have gone.
      child.stdin.on("error", () => {});
      child.stdin.end(stdin);
    });
  }

  write(name: string, text: string): void {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.fill(text));
    if (text.startsWith("#!")) chmodSync(path, 0o755);
  }

  /** Null: there is none. */
  read(name: string): string | null {
    try {
      return readFileSync(join(this.dir, name), "utf8");
    } catch {
      return null;
    }
  }

  fill(text: string): string {
    let filled = text.replaceAll("@DIR@", this.dir);
    for (const [name, port] of this.#ports) filled = filled.replaceAll(name, String(port));
    return filled;
  }

  /** What differs from run to run, out: this folder, ports, pids, times, places in Python's files. */
  normalise(seen: Seen, key = ""): Seen {
    if (typeof seen === "number") return TIMES.has(key) && seen > 0 ? key.toUpperCase() : seen;
    if (typeof seen === "string") return this.#normaliseText(seen);
    if (seen === null || typeof seen === "boolean") return seen;
    if (isList(seen)) return seen.map((each) => this.normalise(each));
    return Object.fromEntries(Object.entries(seen).map(([name, each]) => [name, this.normalise(each, name)]));
  }

  #normaliseText(text: string): string {
    let plain = text.replaceAll(this.dir, "@DIR@");
    for (const [name, port] of this.#ports) plain = plain.replaceAll(String(port), name);
    return plain
      .replace(/\bpid:? ?\d{2,}/g, "pid PID")
      .replace(/^\d{2,7}$/gm, (line) => (line === String(this.pid) ? "THE DAEMON'S PID" : "NUMBER"))
      .replace(/uptime (?:\d+ days?, )?\d+:\d\d:\d\d/g, "uptime T")
      .replace(/\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M/g, "TIME")
      .replace(/: file: .* line: \d+/g, ": file: F line: N");
  }

  #mentions(word: string): boolean {
    return JSON.stringify([this.scenario.config, this.scenario.files ?? {}]).includes(word);
  }

  /** The last it wrote. */
  report(): string {
    const last = (text: string): string => text.split("\n").slice(-25).join("\n");
    return `--- ${this.name} stdout\n${last(this.stdout)}--- ${this.name} stderr\n${last(this.stderr)}---`;
  }

  /** Ends whatever this scenario started and still lives, found by the mark in its environment. */
  cleanUp(): void {
    for (const copy of this.#copies) copy.kill("SIGKILL");
    const mark = `DIFFERENTIAL=${this.dir}\0`;
    for (let round = 0; round < 3; round++) {
      const left = readdirSync("/proc").filter(
        (pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(mark),
      );
      for (const pid of left) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // Gone meanwhile.
        }
      }
      if (left.length === 0) return;
    }
  }
}

const TIMES = new Set(["pid", "start", "stop", "now"]);

export function isList(seen: Seen): seen is readonly Seen[] {
  return Array.isArray(seen);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
