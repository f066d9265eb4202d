/** Everything the bench leaves in the world, directories and processes, and how it is taken away again. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { children } from "./proc.ts";

const directories = new Set<string>();
const processes = new Set<ChildProcess>();

/** A fresh directory, removed by `cleanUp` or `discard`. */
export function makeDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-bench-"));
  // Programs that drop their privileges still have to enter it.
  chmodSync(path, 0o755);
  directories.add(path);
  return path;
}

/** Removes a directory of `makeDirectory`. */
export function discard(path: string): void {
  directories.delete(path);
  rmSync(path, { recursive: true, force: true });
}

/** Remembers a process until it ends, so that `cleanUp` can end it. */
export function track(child: ChildProcess): void {
  processes.add(child);
  child.once("exit", () => processes.delete(child));
}

/** Ends every process still tracked and removes every directory: for the end of the bench, and for ctrl-C. */
export function cleanUp(): void {
  for (const child of processes) {
    // A child of `unshare` that has not yet asked for its parent's death signal would outlive it. Stopped, it forks no more.
    child.kill("SIGSTOP");
    for (const pid of children(child.pid ?? 0)) process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
  }
  for (const path of directories) discard(path);
}

export function makeFifo(path: string): void {
  execFileSync("mkfifo", [path]);
}

export function writeScript(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** A TCP port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object"
          ? resolve(address.port)
          : reject(new Error("no port")),
      );
    });
  });
}
