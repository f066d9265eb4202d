/** The surroundings of the real kernel for tests: real children of this process, which therefore has no others. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Fd } from "../src/kernel/kernel.ts";
import * as libc from "../src/kernel/libc.ts";
import { fileLimit, setFileLimit } from "../src/kernel/libc.ts";
import { linuxKernel } from "../src/kernel/linux.ts";
import { Bench, exited, type Rig } from "./kernel-rig.ts";

assert.equal(
  process.getuid?.(),
  0,
  "the tests of the Linux kernel change users and limits: run them as root (in a container, or with sudo)",
);
// What the contract takes for ours.
process.umask(0o022);

const waiting: (() => void)[] = [];
process.on("SIGCHLD", () => {
  for (const resolve of waiting.splice(0)) resolve();
});

/** A folder of this test file's own, world-readable, removed at its end. */
export const scratch = mkdtempSync(join(tmpdir(), "tsinit-kernel-"));
chmodSync(scratch, 0o755);
after(() => {
  rmSync(scratch, { recursive: true });
  // What a failed test has left would keep our output open, and the test runner waiting.
  const kernel = linuxKernel();
  for (const pid of kernel.descendants() ?? []) kernel.kill(pid, 9);
});

const FILES = {
  plain: { text: "plain\n", mode: 0o644 },
  badInterpreter: { text: "#!/no/such/interpreter\n", mode: 0o755 },
  nonsense: { text: "neither a program nor a script\n", mode: 0o755 },
};

export function linuxRig(): Rig {
  for (const [name, { text, mode }] of Object.entries(FILES)) {
    writeFileSync(join(scratch, name), text);
    chmodSync(join(scratch, name), mode);
  }
  const rig: Rig = {
    kernel: linuxKernel(),
    programs: join(import.meta.dirname, "programs"),
    paths: {
      missing: join(scratch, "missing"),
      plain: join(scratch, "plain"),
      badInterpreter: join(scratch, "badInterpreter"),
      nonsense: join(scratch, "nonsense"),
    },
    receiveDatagrams,
    change: () => new Promise((resolve) => waiting.push(resolve)),
    turn: () => new Promise((resolve) => setTimeout(resolve, 2)),
    exhaustProcesses: async () => {
      // Ours, which a child as another user is measured by; root's own are not limited.
      await limitProcesses(rig, "0:");
      return () => limitProcesses(rig, "unlimited:");
    },
    exhaustFiles: () => exhaustFiles(rig),
  };
  return rig;
}

async function limitProcesses(rig: Rig, limit: string): Promise<void> {
  const bench = new Bench(rig);
  const soft = limit === "unlimited:" ? await hardProcessLimit(bench) : limit;
  const pid = bench.spawn("/usr/bin/prlimit", [`--pid=${process.pid}`, `--nproc=${soft}`]);
  assert.deepEqual(await bench.end(pid), exited(0), "prlimit (util-linux) sets our limit of processes");
}

async function hardProcessLimit(bench: Bench): Promise<string> {
  const { pid, input, output } = bench.talk("/usr/bin/prlimit", [
    `--pid=${process.pid}`,
    "--nproc",
    "--noheadings",
    "--output=HARD",
  ]);
  bench.kernel.close(input);
  const hard = (await bench.readAll(output)).trim();
  await bench.end(pid);
  return `${hard}:`;
}

const socket = libc.later("socket", { arguments: ["int32", "int32", "int32"], return: "int32" });
const bind = libc.later("bind", { arguments: ["int32", "pointer", "uint32"], return: "int32" });

function receiveDatagrams(): { path: string; fd: Fd } {
  const path = join(scratch, "log");
  rmSync(path, { force: true });
  // AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC.
  const fd = socket()(1, 0o2004002, 0);
  const address = Buffer.alloc(110);
  address.writeUInt16LE(1, 0);
  address.write(path, 2);
  assert.equal(bind()(fd, address, address.length), 0);
  return { path, fd };
}

function exhaustFiles({ kernel }: Rig): () => void {
  const { soft, hard } = fileLimit();
  setFileLimit(128n, hard);
  const taken: Fd[] = [];
  for (let pipe = kernel.pipe(); typeof pipe === "object"; pipe = kernel.pipe())
    taken.push(pipe.read, pipe.write);
  const last = kernel.open("/dev/null", "read");
  if (typeof last === "number") taken.push(last);
  return () => {
    setFileLimit(soft, hard);
    for (const fd of taken) kernel.close(fd);
  };
}
