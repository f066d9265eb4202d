/** What the kernel contract works with: a kernel with its surroundings, and the ways to start and follow programs on it. */
import assert from "node:assert/strict";
import type { Credentials } from "../src/core/spec.ts";
import type { ExitStatus, Pid } from "../src/core/states.ts";
import type { Fd, Kernel, Reaped, SpawnRequest, SpawnResult } from "../src/kernel/kernel.ts";

export interface Rig {
  readonly kernel: Kernel;
  /** The folder of the fixture programs. */
  readonly programs: string;
  readonly paths: {
    readonly missing: string;
    /** A file without the x bit. */
    readonly plain: string;
    /** Its `#!` names a file that does not exist. */
    readonly badInterpreter: string;
    /** Executable, but neither a program nor a script. */
    readonly nonsense: string;
  };
  /** Resolves when a child may have changed its state, or may have written. */
  change(): Promise<void>;
  /** Resolves after a turn of the event loop. */
  turn(): Promise<void>;
  /** A unix socket for datagrams: `read` takes one, "EAGAIN" when there is none. The path stays when it is closed. */
  receiveDatagrams(): { readonly path: string; readonly fd: Fd };
  /** From now on no process can be made for `NOBODY`; the answer makes it possible again. */
  exhaustProcesses(): Promise<() => Promise<void>>;
  /** From now on no descriptor is left; the answer gives them back. */
  exhaustFiles(): () => void;
}

export const NOBODY: Credentials = { uid: 65534, gid: 65533, groups: [65533, 27], name: null, home: null };
export class Bench {
  readonly rig: Rig;
  readonly kernel: Kernel;

  constructor(rig: Rig) {
    this.rig = rig;
    this.kernel = rig.kernel;
  }

  request(program: string, words: readonly string[], change: Partial<SpawnRequest> = {}): SpawnRequest {
    const file = program.startsWith("/") ? program : `${this.rig.programs}/${program}`;
    return {
      file,
      argv: [file, ...words],
      environment: ["PATH=/usr/bin:/bin", "PROBE=with spaces"],
      directory: null,
      stdio: [0, 1, 2],
      user: null,
      umask: null,
      foreground: false,
      ...change,
    };
  }

  spawn(program: string, words: readonly string[] = [], change: Partial<SpawnRequest> = {}): Pid {
    return pidOf(this.kernel.spawn(this.request(program, words, change)));
  }

  /** With pipes for stdin and stdout. */
  talk(program: string, words: readonly string[] = [], change: Partial<SpawnRequest> = {}) {
    const input = pipeOf(this.kernel);
    const output = pipeOf(this.kernel);
    const pid = this.spawn(program, words, { stdio: [input.read, output.write, 2], ...change });
    this.kernel.close(input.read);
    this.kernel.close(output.write);
    return { pid, input: input.write, output: output.read };
  }

  async readLine(fd: Fd): Promise<string> {
    let line = "";
    while (!line.endsWith("\n")) {
      const piece = await this.#read(fd, 1);
      assert.notEqual(piece, "", `the output ended after ${JSON.stringify(line)}`);
      line += piece;
    }
    return line.trimEnd();
  }

  /** Until the end, which closes it. */
  async readAll(fd: Fd): Promise<string> {
    let text = "";
    for (;;) {
      const piece = await this.#read(fd, 4096);
      if (piece === "") break;
      text += piece;
    }
    this.kernel.close(fd);
    return text;
  }

  async #read(fd: Fd, size: number): Promise<string> {
    const into = Buffer.alloc(size);
    for (;;) {
      const count = this.kernel.read(fd, into);
      if (typeof count === "number") return into.toString("utf8", 0, count);
      assert.equal(count, "EAGAIN");
      await this.rig.change();
    }
  }

  async reapNext(): Promise<Reaped> {
    for (;;) {
      const reaped = this.kernel.reap();
      assert.notEqual(reaped, "childless", "there is no child to wait for");
      if (typeof reaped === "object") return reaped;
      await this.rig.change();
    }
  }

  async end(pid: Pid): Promise<ExitStatus> {
    const reaped = await this.reapNext();
    assert.equal(reaped.pid, pid);
    return reaped.status;
  }

  /** What show-self.sh says under such conditions. */
  async showSelf(change: Partial<SpawnRequest> = {}): Promise<Map<string, string>> {
    const { pid, input, output } = this.talk("show-self.sh", [], change);
    this.kernel.close(input);
    const lines = (await this.readAll(output)).trimEnd().split("\n");
    assert.deepEqual(await this.end(pid), exited(0));
    const shown = new Map(
      lines.map((line) => [line.split(" ", 1)[0] ?? "", line.slice(line.indexOf(" ") + 1)]),
    );
    assert.equal(shown.get("pid"), `${pid}`);
    return shown;
  }
}

export const exited = (code: number): ExitStatus => ({ kind: "exited", code });
export const killedBy = (signal: number): ExitStatus => ({ kind: "signalled", signal, coreDumped: false });

export function pidOf(result: SpawnResult): Pid {
  assert.ok(result.ok, `spawn failed: ${JSON.stringify(result)}`);
  return result.pid;
}

export function pipeOf(kernel: Kernel): { read: Fd; write: Fd } {
  const pipe = kernel.pipe();
  if (typeof pipe === "string") assert.fail(`pipe: ${pipe}`);
  return pipe;
}
