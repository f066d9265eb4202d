/**
 * One init as PID 1 of fresh PID, mount and network namespaces with an exact environment, watched from outside: its
 * output, its processes, its probes, what its programs noted. Every wait has a deadline and says on failure what was
 * written until then.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { launchScript } from "./launch.ts";
import { type HttpAnswer, Probe, PYTHON } from "./probe.ts";
import { childrenOf, listProcesses, outerPid, type Process, readText } from "./processes.ts";
import {
  BINARY,
  type CommandResult,
  delay,
  type Ending,
  FIXTURES,
  type InitOptions,
  PATH,
  type ProgramEvent,
  within,
} from "./scene.ts";
import { closeQuietly, type Line, makePipe, Recording } from "./streams.ts";

const PROBE = join(FIXTURES, "probe.py");

export class Init {
  readonly dir: string;
  readonly lines: Line[] = [];
  readonly stdout: Recording;
  readonly stderr: Recording;
  readonly startedAt: number;
  /** The init's id out here; 0 until `ready` or when it ended first. */
  pid = 0;
  /** The namespaces' PID 1 out here: the init itself but for `pid1: false`. */
  first = 0;
  readonly #options: InitOptions;
  readonly #unshare: ChildProcess;
  readonly #ended: Promise<Ending>;
  #ending: Ending | null = null;
  #probe: Probe | null = null;

  constructor(options: InitOptions) {
    this.#options = options;
    this.dir = mkdtempSync(join(tmpdir(), "tsinit-test-"));
    chmodSync(this.dir, 0o755);
    writeFileSync(join(this.dir, "events"), "");
    chmodSync(join(this.dir, "events"), 0o666);
    this.stdout = new Recording("stdout", this.lines, options.onStdout);
    this.stderr = new Recording("stderr", this.lines, options.onStderr);
    const args = (options.args ?? []).map((word) => this.fill(word));
    if (options.config !== undefined) {
      this.writeConfig(options.config);
      args.unshift("-c", this.configPath);
    }
    const env = Object.entries(options.env ?? { PATH });
    const script = launchScript({
      command: [...(options.wrapper ?? []), options.binary ?? BINARY, ...args],
      environment: env.map(([name, value]) => `${name}=${this.fill(value)}`),
      pid1: options.pid1 ?? true,
      user: options.user,
      setup: this.fill(options.setup ?? ""),
      redirect: options.redirect ?? "",
      cwd: this.fill(options.cwd ?? "/"),
      terminal: options.terminal ?? false,
    });
    this.startedAt = performance.now();
    this.#unshare = this.#spawn(script);
    this.#ended = this.#watch();
  }

  get configPath(): string {
    return join(this.dir, "tsinit.ini");
  }

  get binary(): string {
    return this.#options.binary ?? BINARY;
  }

  fill(text: string): string {
    return text.replaceAll("@DIR@", this.dir);
  }

  writeConfig(text: string): void {
    writeFileSync(this.configPath, this.fill(text));
  }

  /** Resolves when the binary itself runs (or all has ended already). */
  async ready(): Promise<this> {
    const binary = this.#options.binary ?? BINARY;
    await this.until(
      "the binary to run",
      () => {
        if (this.#ending !== null) return true;
        const outer = this.#unshare.pid ?? 0;
        this.first =
          childrenOf(this.#options.terminal === true ? (childrenOf(outer)[0] ?? 0) : outer)[0] ?? 0;
        const candidates = this.#options.pid1 === false ? childrenOf(this.first) : [this.first];
        const found = candidates.find((pid) => {
          const [command, script] = (readText(`/proc/${pid}/cmdline`) ?? "").split("\0");
          // An interpreter has its script in the second word; a replaced init goes by its bare name.
          return (
            command === binary || command === basename(binary) || (script === binary && command !== "env")
          );
        });
        this.pid = found ?? 0;
        return found !== undefined;
      },
      20_000,
      2,
    );
    return this;
  }

  /** Polls until `probe` gives something true; fails with what was awaited and all output. */
  async until<T>(
    what: string,
    probe: () => T | Promise<T>,
    timeout = 20_000,
    every = 10,
  ): Promise<Exclude<T, false | null | undefined>> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const value = await probe();
      if (value !== false && value !== null && value !== undefined) {
        return value as Exclude<T, false | null | undefined>;
      }
      if (performance.now() > deadline) throw new Error(`waited ${timeout} ms for ${what}\n${this.report()}`);
      await delay(every);
    }
  }

  /** The first line of either stream that matches, at index `after` or later. */
  line(pattern: RegExp, options: { after?: number; timeout?: number } = {}): Promise<Line> {
    const find = (): Line | undefined =>
      this.lines.slice(options.after ?? 0).find((each) => pattern.test(each.text));
    return this.until(`a line like ${pattern}`, find, options.timeout);
  }

  /** tsinit's own lines on stderr, without the prefix. */
  own(): string[] {
    return this.stderr.lines
      .filter((line) => /^tsinit +\| /.test(line.text))
      .map((line) => line.text.replace(/^tsinit +\| /, ""));
  }

  events(name?: string, event?: string): ProgramEvent[] {
    const text = readFileSync(join(this.dir, "events"), "latin1");
    const all = text
      .split("\n")
      .slice(0, -1)
      .map((line): ProgramEvent => {
        const [who = "", what = "", at = "", pid = "", group = "", session = "", data = ""] =
          line.split("\t");
        return {
          name: who,
          event: what,
          at: Number(at) / 1e6,
          pid: Number(pid),
          group: Number(group),
          session: Number(session),
          data,
        };
      });
    return all.filter((each) => (name ?? each.name) === each.name && (event ?? each.event) === each.event);
  }

  /** Waits for the count-th such event. */
  event(
    name: string,
    event: string,
    options: { count?: number; timeout?: number } = {},
  ): Promise<ProgramEvent> {
    const count = options.count ?? 1;
    return this.until(
      `${name} to note ${event} × ${count}`,
      () => this.events(name, event)[count - 1],
      options.timeout,
    );
  }

  /** Everything that runs inside, by the ids it has there; our own helper is left out. */
  processes(): Process[] {
    return listProcesses(`/proc/${this.first}/root/proc`).filter((each) => !each.command.includes(PROBE));
  }

  outer(inner: number): number {
    const found = outerPid(this.first, inner);
    if (found === null) throw new Error(`no process ${inner} inside\n${this.report()}`);
    return found;
  }

  /** Signals the init itself. */
  signal(signal: NodeJS.Signals | number): void {
    if (this.pid === 0) throw new Error(`the init does not run\n${this.report()}`);
    process.kill(this.pid, signal);
  }

  type(text: string): void {
    this.#unshare.stdin?.write(text);
  }

  /** Its terminal is gone. */
  hangUp(): void {
    this.#unshare.kill("SIGUSR1");
  }

  releaseStdout(bytesPerSecond?: number): void {
    this.stdout.release(bytesPerSecond);
  }

  async http(
    path: string,
    options: { port?: number; headers?: Record<string, string> } = {},
  ): Promise<HttpAnswer> {
    const answer = await this.#ask({ kind: "http", host: "127.0.0.1", port: 9180, path, ...options });
    if (answer["error"] !== undefined) throw new Error(`GET ${path}: ${answer["error"]}\n${this.report()}`);
    return answer as unknown as HttpAnswer;
  }

  /** Waits until the path answers with this status; refused connections are tried again. */
  async httpStatus(path: string, status: number, timeout = 20_000): Promise<HttpAnswer> {
    return this.until(
      `${path} to answer ${status}`,
      async () => {
        const answer = await this.#ask({ kind: "http", host: "127.0.0.1", port: 9180, path });
        return answer["status"] === status ? (answer as unknown as HttpAnswer) : null;
      },
      timeout,
    );
  }

  /** A call over the control socket: its value, or `fault CODE TEXT`. */
  async rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const ask = () =>
      this.#ask({
        kind: "rpc",
        socket: "/run/tsinit.sock",
        method: method.includes(".") ? method : `supervisor.${method}`,
        params,
        timeout: 60,
      });
    // The control socket opens a moment after the first programs were started.
    const answer = await this.until("the control socket", async () => {
      const tried = await ask();
      return String(tried["error"]).startsWith("FileNotFoundError") ? null : tried;
    });
    if (answer["error"] !== undefined) throw new Error(`${method}: ${answer["error"]}\n${this.report()}`);
    return answer["fault"] === undefined ? answer["value"] : `fault ${answer["fault"]} ${answer["text"]}`;
  }

  /** Waits until a program is in this state; resolves to what getProcessInfo says. */
  state(name: string, wanted: string, timeout?: number): Promise<Record<string, unknown>> {
    return this.until(
      `${name} to be ${wanted}`,
      async () => {
        const answer = await this.#ask({
          kind: "rpc",
          socket: "/run/tsinit.sock",
          method: "supervisor.getProcessInfo",
          params: [name],
        });
        const info = answer["value"] as Record<string, unknown> | undefined;
        return info?.["statename"] === wanted ? info : null;
      },
      timeout,
      25,
    );
  }

  /** A client that sends a piece of a request, stays for so many seconds, and is gone. */
  dropped(where: { port: number } | { socket: string }, text: string, stay: number): Promise<string> {
    return this.#ask({ kind: "drop", text, stay, ...where }).then((answer) =>
      String(answer["value"] ?? answer["error"]),
    );
  }

  connectAs(uid: number, socket: string): Promise<string> {
    return this.#ask({ kind: "connect", socket, uid }).then((answer) => String(answer["value"]));
  }

  /** As in `rpc`: asked before the control socket is open, the client finds none and is run again. */
  ctl(...args: readonly string[]): Promise<CommandResult> {
    return this.until("the control socket", async () => {
      const result = await this.run(this.#options.binary ?? BINARY, "ctl", ...args);
      const isEarly = result.stdout.startsWith("unix:///run/tsinit.sock no such file");
      return isEarly && this.#ending === null ? null : result;
    });
  }

  /** Runs a command inside, as `docker exec` does. */
  run(command: string, ...args: readonly string[]): Promise<CommandResult> {
    const began = performance.now();
    const words = [
      ...this.entry(),
      "env",
      "-i",
      `PATH=${PATH}`,
      command,
      ...args.map((word) => this.fill(word)),
    ];
    return new Promise((resolve) => {
      const child = execFile(
        words[0] ?? "",
        words.slice(1),
        { timeout: 60_000 },
        (_error, stdout, stderr) => {
          resolve({ code: child.exitCode ?? -1, stdout, stderr, ms: performance.now() - began });
        },
      );
    });
  }

  /** The words that enter the container's namespaces. */
  entry(): string[] {
    return ["nsenter", "--target", String(this.first), "--mount", "--net", "--pid", "--"];
  }

  async exit(timeout = 20_000): Promise<Ending> {
    return await this.until("the container to end", () => this.#ending, timeout);
  }

  /** Ends it by force if need be and removes every trace. */
  async close(): Promise<void> {
    this.#probe?.close();
    if (this.#ending === null) {
      const pids = [this.first, this.#unshare.pid ?? 0].filter((pid) => pid !== 0);
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // gone by itself
        }
      }
      this.stdout.release();
      this.stderr.release();
      await within(5000, this.#ended);
    }
    this.stdout.destroy();
    this.stderr.destroy();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Both outputs and what the programs noted, cut to a readable size. */
  report(): string {
    const tail = (text: string): string => (text.length > 6000 ? `…${text.slice(-6000)}` : text);
    const events = this.events().map(
      (each) => `${each.at.toFixed(0)} ${each.name} ${each.event} pid ${each.pid}`,
    );
    const processes = this.processes().map(
      (p) => `${p.pid} ppid ${p.parent} ${p.state} ${p.command || p.name}`,
    );
    return [
      `--- ending: ${this.#ending === null ? "still running" : `${this.#ending.code} ${this.#ending.signal}`}`,
      `--- stdout\n${tail(this.stdout.text())}`,
      `--- stderr\n${tail(this.stderr.text())}`,
      `--- events\n${tail(events.join("\n"))}`,
      `--- processes\n${tail(processes.join("\n"))}`,
    ].join("\n");
  }

  #ask(request: Record<string, unknown>): Promise<Record<string, unknown>> {
    this.#probe ??= new Probe(this.entry(), PROBE);
    return this.#probe.ask(request);
  }

  #spawn(script: string): ChildProcess {
    const words = [
      "unshare",
      "--pid",
      "--fork",
      "--mount",
      "--mount-proc",
      "--net",
      "--kill-child",
      "sh",
      "-c",
      script,
    ];
    const env = { PATH };
    if (this.#options.terminal === true) {
      const child = spawn(PYTHON, ["-I", "-S", join(FIXTURES, "terminal.py"), ...words], { env });
      this.stdout.follow(child.stdout, false);
      this.stderr.follow(child.stderr, false);
      return child;
    }
    const command = words[0] ?? "";
    const rest = words.slice(1);
    const held = this.#options.holdStdout ?? false;
    const heldErr = this.#options.holdStderr ?? false;
    switch (this.#options.output ?? "pipes") {
      case "sockets": {
        const child = spawn(command, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
        this.stdout.follow(child.stdout, held);
        this.stderr.follow(child.stderr, heldErr);
        return child;
      }
      case "files": {
        const fds = ["stdout", "stderr"].map((name) => openSync(join(this.dir, name), "a", 0o666));
        const child = spawn(command, rest, { env, stdio: ["ignore", fds[0], fds[1]] });
        for (const fd of fds) closeQuietly(fd);
        return child;
      }
      default: {
        const out = makePipe(this.dir, "stdout");
        const err = this.#options.output === "merged" ? null : makePipe(this.dir, "stderr");
        const child = spawn(command, rest, { env, stdio: ["ignore", out.writer, (err ?? out).writer] });
        closeQuietly(out.writer);
        this.stdout.follow(out.source, held);
        if (err !== null) {
          closeQuietly(err.writer);
          this.stderr.follow(err.source, heldErr);
        }
        return child;
      }
    }
  }

  async #watch(): Promise<Ending> {
    const { promise, resolve } = Promise.withResolvers<[number | null, NodeJS.Signals | null]>();
    this.#unshare.once("exit", (code, signal) => resolve([code, signal]));
    const [code, signal] = await promise;
    const ms = performance.now() - this.startedAt;
    await within(10_000, Promise.all([this.stdout.ended, this.stderr.ended]));
    this.#ending = { code, signal, stdout: this.stdout.text(), stderr: this.stderr.text(), ms };
    return this.#ending;
  }
}
