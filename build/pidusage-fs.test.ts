import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

type Done<T> = (error: Error | null, value: T) => void;
interface Stand {
  open(path: string, flags: string, done: Done<number>): void;
  read(fd: number, into: Buffer, offset: number, length: number, position: number, done: Done<number>): void;
}
const stand = createRequire(import.meta.url)("./pidusage-fs.cjs") as Stand;

const open = (path: string): Promise<number> =>
  new Promise((resolve, reject) =>
    stand.open(path, "r", (error, fd) => (error ? reject(error) : resolve(fd))),
  );
const read = (fd: number): Promise<number> =>
  new Promise((resolve, reject) =>
    stand.read(fd, Buffer.alloc(1024), 0, 1024, 0, (error, count) =>
      error ? reject(error) : resolve(count),
    ),
  );

async function openStatOf(body: (fd: number, end: () => Promise<void>) => Promise<void>): Promise<void> {
  const child = spawn("sleep", ["100"]);
  const exited = once(child, "exit");
  const fd = await open(`/proc/${child.pid}/stat`);
  await body(fd, async () => {
    child.kill("SIGKILL");
    await exited;
  });
}

/** Closing is the thread pool's, and a moment later. */
async function isClosedSoon(fd: number): Promise<boolean> {
  for (let turn = 0; turn < 1000; turn++) {
    try {
      fstatSync(fd);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}

test("a process that ends before its file was read leaves no descriptor open", async () => {
  await openStatOf(async (fd, end) => {
    await end();
    await assert.rejects(read(fd), { code: "ESRCH" });
    assert.ok(await isClosedSoon(fd));
  });
});

test("a descriptor that was read is left to pidusage, which closes it itself", async () => {
  await openStatOf(async (fd, end) => {
    assert.ok((await read(fd)) > 0);
    await end();
    await assert.rejects(read(fd), { code: "ESRCH" });
    assert.ok(fstatSync(fd).isFile());
    closeSync(fd);
  });
});
