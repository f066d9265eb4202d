/** Which log files there are with `log_files=also`: one for each path, whoever writes to it; names for `AUTO`. */
import { fstatSync } from "node:fs";
import type { GlobalSpec, LogFileSpec, ProgramId, ProgramSpec } from "../core/spec.ts";
import { identityOf, removeAutomatic } from "./disk.ts";
import { LogFile, type LogFileHost, type Rotation } from "./log-file.ts";
import type { StreamName } from "./logs.ts";
import { Slots } from "./slots.ts";

const STREAMS: readonly StreamName[] = ["stdout", "stderr"];
const AUTOMATIC_MODE = 0o600;
/** What Python's tempfile draws from. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_";

/** What the files ask of the log path. */
export type FilesHost = Pick<LogFileHost, "now" | "after" | "say" | "onProgress"> & {
  global(): GlobalSpec;
  /** The container's stdout and stderr. */
  readonly console: readonly number[];
};

export class LogFiles {
  readonly #host: LogFileHost;
  readonly #global: () => GlobalSpec;
  readonly #files = new Map<string, LogFile>();
  /** Paths of `AUTO`, kept over restarts of their program. */
  readonly #automatic = new Map<string, string>();
  readonly #mode = 0o666 & ~process.umask();
  readonly #cleaned: Promise<void>;

  constructor(host: FilesHost) {
    const console = new Set(host.console.map(identityOfFd));
    this.#global = host.global;
    this.#host = {
      slots: new Slots(),
      now: host.now,
      after: host.after,
      say: host.say,
      onProgress: host.onProgress,
      limit: () => host.global().logBuffer,
      overflow: () => host.global().logOverflow,
      isConsole: (identity) => console.has(identity),
    };
    this.#cleaned = this.#clean();
  }

  get idle(): boolean {
    for (const file of this.#files.values()) if (!file.idle) return false;
    return true;
  }

  /** New programs get their automatic files at once; what nobody names and nobody writes any more is forgotten. */
  configure(programs: readonly ProgramSpec[]): void {
    const automatic = new Set<string>();
    const paths = new Set<string>();
    for (const spec of programs) {
      for (const stream of STREAMS) {
        if (spec[stream].file === "auto") automatic.add(key(spec.id, stream));
        const path = this.#pathOf(spec, stream);
        if (path !== null) paths.add(path);
      }
    }
    for (const name of this.#automatic.keys()) if (!automatic.has(name)) this.#automatic.delete(name);
    for (const [path, file] of this.#files) if (!paths.has(path) && !file.used) this.#files.delete(path);
  }

  /** The file of a program's stream, open for it until it calls `release`; null: it has none. */
  open(spec: ProgramSpec, stream: StreamName): LogFile | null {
    const path = this.#pathOf(spec, stream);
    if (path === null) return null;
    return this.openPath(path, spec[stream], spec[stream].file === "auto");
  }

  openPath(path: string, rotation: Rotation, automatic = false): LogFile {
    const file = this.#at(path, automatic);
    file.acquire({ maxbytes: rotation.maxbytes, backups: rotation.backups });
    return file;
  }

  /** The path made up for `AUTO`; empty: the stream has no such file. */
  automatic(id: ProgramId, stream: StreamName): string {
    return this.#automatic.get(key(id, stream)) ?? "";
  }

  clear(spec: ProgramSpec): void {
    for (const stream of STREAMS) {
      const path = this.#pathOf(spec, stream);
      if (path !== null) this.#at(path, spec[stream].file === "auto").clear();
    }
  }

  reopen(): void {
    for (const file of this.#files.values()) file.reopen();
  }

  #at(path: string, automatic: boolean): LogFile {
    let file = this.#files.get(path);
    if (!file) {
      const mode = automatic ? AUTOMATIC_MODE : this.#mode;
      file = new LogFile(this.#host, { path, mode, ready: automatic ? this.#cleaned : null });
      this.#files.set(path, file);
    }
    return file;
  }

  #pathOf(spec: ProgramSpec, stream: StreamName): string | null {
    const { file } = spec[stream];
    if (file !== "auto") return file;
    const name = key(spec.id, stream);
    let path = this.#automatic.get(name);
    if (path === undefined) {
      const { childlogdir, identifier } = this.#global();
      path = `${childlogdir}/${spec.name.replaceAll("/", "_")}-${stream}---${identifier}-${randomLetters()}.log`;
      this.#automatic.set(name, path);
      // It is there even if the program never starts.
      const made = this.openPath(path, spec[stream], true);
      made.release();
    }
    return path;
  }

  async #clean(): Promise<void> {
    const { childlogdir, identifier, nocleanup } = this.#global();
    if (nocleanup) return;
    const left = await removeAutomatic(childlogdir, identifier);
    if (left === null) this.#host.say("warn", `Could not clear childlog dir ${childlogdir}`);
    else for (const path of left) this.#host.say("warn", `Failed to clean up '${path}'`);
  }
}

/** Whether any program or tsinit itself writes a file. */
export function wantsFiles(global: GlobalSpec, programs: readonly ProgramSpec[]): boolean {
  const has = (log: LogFileSpec): boolean => log.file !== null;
  return global.mainLog.file !== null || programs.some(({ stdout, stderr }) => has(stdout) || has(stderr));
}

function key(id: ProgramId, stream: StreamName): string {
  return `${id} ${stream}`;
}

function randomLetters(): string {
  const letter = () => LETTERS[Math.floor(Math.random() * LETTERS.length)];
  return Array.from({ length: 8 }, letter).join("");
}

function identityOfFd(fd: number): string {
  try {
    return identityOf(fstatSync(fd));
  } catch {
    return "";
  }
}
