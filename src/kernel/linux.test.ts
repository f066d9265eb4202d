/** What only Linux can show: descriptors, limits, credentials, faults, terminals, and that nothing leaks. */
import assert from "node:assert/strict";
import { dlopen } from "node:ffi";
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { linuxRig, scratch } from "../../test/kernel-linux-rig.ts";
import { Bench, exited, killedBy, NOBODY, pipeOf } from "../../test/kernel-rig.ts";
import type { ExitStatus } from "../core/states.ts";
import type { Fd } from "./kernel.ts";
import { fileLimit, setFileLimit } from "./libc.ts";
import { decodeStatus, linuxKernel } from "./linux.ts";
import { parseStat } from "./processes.ts";

const PROBE = join(import.meta.dirname, "../../test/programs/kernel-probe.ts");
const NODE = ["--disable-warning=ExperimentalWarning"];

interface Probed {
  readonly output: string;
  readonly status: ExitStatus;
}

/** Runs a command line to its end. */
async function run(
  bench: Bench,
  words: readonly string[],
  environment = ["PATH=/usr/bin:/bin"],
): Promise<Probed> {
  const [file = "", ...rest] = words;
  const { pid, input, output } = bench.talk(file, rest, { environment });
  bench.kernel.close(input);
  const text = await bench.readAll(output);
  return { output: text, status: await bench.end(pid) };
}

function probe(
  bench: Bench,
  what: string,
  environment?: string[],
  flags: readonly string[] = [],
): Promise<Probed> {
  return run(bench, [process.execPath, ...NODE, ...flags, PROBE, what], environment);
}

const shownAs = (shown: string, key: string) => new RegExp(`^${key} (.*)$`, "m").exec(shown)?.[1];

test("the environment is raw, in order, and what was stashed is back in its place", async () => {
  const bench = new Bench(linuxRig());
  const given = [
    "B=2",
    "TSINIT_STASH_LD_PRELOAD=/x.so",
    "A=caf\uDCE9 =x=",
    "EMPTY=",
    "TSINIT_STASH_=kept",
    "nothing",
  ];
  const { output } = await probe(bench, "environment", given);
  assert.deepEqual(JSON.parse(output), [
    ["B", "2"],
    ["LD_PRELOAD", "/x.so"],
    ["A", "caf\uDCE9 =x="],
    ["EMPTY", ""],
    ["TSINIT_STASH_", "kept"],
  ]);
});

test("stdio is right in any permutation, also of our own 0, 1 and 2", async () => {
  const bench = new Bench(linuxRig());
  const extra = pipeOf(bench.kernel);
  const sources: Fd[] = [0, 1, 2, extra.read];
  const linkOf = (pid: number | "self", fd: Fd) => readlinkSync(`/proc/${pid}/fd/${fd}`);
  const ours = new Map(sources.map((fd) => [fd, linkOf("self", fd)]));
  for (const a of sources) {
    for (const b of sources) {
      for (const c of sources) {
        const pid = bench.spawn("/bin/sleep", ["1000"], { stdio: [a, b, c] });
        // Only these: the spawn is over a moment before the child's close-on-exec descriptors are gone.
        const links = [0, 1, 2].map((fd) => linkOf(pid, fd));
        bench.kernel.kill(pid, 9);
        assert.deepEqual(links, [ours.get(a), ours.get(b), ours.get(c)], `${a} ${b} ${c}`);
        assert.deepEqual(await bench.end(pid), killedBy(9));
      }
    }
  }
  bench.kernel.close(extra.read);
  bench.kernel.close(extra.write);
});

test("descriptors that were open when we started do not reach programs (15)", async () => {
  const bench = new Bench(linuxRig());
  const command = `exec 5</dev/null 9</dev/null; exec "$0" "$@"`;
  const words = ["/bin/sh", "-c", command, process.execPath, ...NODE, PROBE, "show-child"];
  const { output, status } = await run(bench, words);
  assert.deepEqual(status, exited(0));
  assert.equal(shownAs(output, "fds"), "0 1 2");
});

test("programs get the soft limit of files that the container gave, we get the hard one", async () => {
  const rig = linuxRig();
  const before = fileLimit();
  for (const soft of [64n, 20n]) {
    setFileLimit(soft, before.hard);
    const bench = new Bench({ ...rig, kernel: linuxKernel() });
    bench.kernel.raiseFileLimit();
    assert.equal(fileLimit().soft, before.hard);
    // The pipes that the program gets have numbers beyond its own limit.
    const many = Array.from({ length: 20 }, () => pipeOf(bench.kernel));
    assert.ok((many.at(-1)?.write ?? 0) > 20);
    assert.equal((await bench.showSelf()).get("nofile"), `${soft}`);
    assert.equal(fileLimit().soft, before.hard);
    for (const { read, write } of many) {
      bench.kernel.close(read);
      bench.kernel.close(write);
    }
  }
  setFileLimit(before.soft, before.hard);
});

test("memory that was freed goes back to the system", () => {
  const { functions: c } = dlopen(null, {
    malloc: { arguments: ["uint64"], return: "pointer" },
    free: { arguments: ["pointer"], return: "void" },
    memset: { arguments: ["pointer", "int32", "uint64"], return: "pointer" },
  });
  const privateBytes = (): number => {
    const [, kilobytes = ""] = /^RssAnon:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return Number(kilobytes) * 1024;
  };
  // Small enough to come from the heap, whose end the last one then holds fast.
  const size = 16n * 1024n;
  const blocks = Array.from({ length: 4000 }, () => c.malloc(size));
  for (const block of blocks) c.memset(block, 1, size);
  const last = blocks.pop() ?? 0n;
  for (const block of blocks) c.free(block);
  const before = privateBytes();
  linuxKernel().releaseMemory();
  const given = before - privateBytes();
  c.free(last);
  assert.ok(given > 50e6, `${given} bytes of 65 MB`);
});

test("where Node has raised the limit before us, programs get the usual one", async () => {
  const { hard } = fileLimit();
  const { output } = await probe(new Bench(linuxRig()), "show-child");
  assert.equal(shownAs(output, "nofile"), `${hard < 1024n ? hard : 1024n}`);
});

test("nothing of root is left in another user's program, and all of it in us", async () => {
  const bench = new Bench(linuxRig());
  const status = () => readFileSync("/proc/self/status", "utf8").replace(/^(?!Uid|Gid|Groups|Cap).*\n/gm, "");
  const before = status();
  const shown = await bench.showSelf({ user: NOBODY });
  for (const key of ["CapPrm", "CapEff", "CapAmb"])
    assert.equal(Number.parseInt(shown.get(key) ?? "x", 16), 0, key);
  assert.equal(status(), before);
  assert.equal(readFileSync("/proc/self/environ").length > 0, true, "still dumpable");
  assert.ok(readFileSync("/etc/shadow").length > 0, "the threads of Node's pool are as before too");
});

test("ambient capabilities do not follow into another user's program", async () => {
  const bench = new Bench(linuxRig());
  const words = ["/usr/bin/setpriv", "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"];
  const { output, status } = await run(bench, [...words, process.execPath, ...NODE, PROBE, "as-nobody"]);
  assert.deepEqual(status, exited(0), output);
  assert.equal(shownAs(output, "Uid"), "65534 65534 65534 65534");
  for (const key of ["CapPrm", "CapEff", "CapAmb"])
    assert.equal(Number.parseInt(shownAs(output, key) ?? "", 16), 0);
});

test("without root our own uid is no change, another one is refused (60)", async () => {
  const bench = new Bench(linuxRig());
  const asNobody = [
    "/usr/bin/setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    process.execPath,
    ...NODE,
  ];
  const same = await run(bench, [...asNobody, PROBE, "same-user"]);
  assert.deepEqual(same.status, exited(0), same.output);
  assert.equal(shownAs(same.output, "Uid"), "65534 65534 65534 65534");
  const other = await run(bench, [...asNobody, PROBE, "other-user"]);
  assert.deepEqual(JSON.parse(other.output), { ok: false, step: "user", errno: "EPERM" });
});

test("a directory that only its user may not enter is a fault of the directory", () => {
  const bench = new Bench(linuxRig());
  const directory = join(scratch, "private");
  mkdirSync(directory, { mode: 0o700 });
  const request = bench.request("exit.sh", ["0"], { directory, user: NOBODY });
  assert.deepEqual(bench.kernel.spawn(request), { ok: false, step: "directory", errno: "EACCES" });
  chmodSync(directory, 0o755);
  const inside = bench.request(join(scratch, "private/none"), [], { directory, user: NOBODY });
  assert.deepEqual(bench.kernel.spawn(inside), { ok: false, step: "exec", errno: "ENOENT" });
});

test("a fault signal that is sent is handled each time; a real fault ends the process", async () => {
  const bench = new Bench(linuxRig());
  const sent = await probe(bench, "sent-faults");
  assert.deepEqual(sent, { output: '{"seen":3,"isDefault":false}\n', status: exited(0) });
  // 10 s of processor time would end a process that loops in its handler, with another signal.
  const flags = `ulimit -c 0; ulimit -t 10; exec "$0" "$@"`;
  const real = await run(bench, ["/bin/sh", "-c", flags, process.execPath, ...NODE, PROBE, "real-fault"]);
  assert.deepEqual(real.status, killedBy(11));
});

test("dispositions, the mask, the name and the exit are the main thread's", async () => {
  const bench = new Bench(linuxRig());
  assert.deepEqual(JSON.parse((await probe(bench, "defaults")).output), [true, false, false]);
  const { output } = await probe(bench, "unblocked", undefined, ["--disable-sigusr1"]);
  assert.deepEqual(JSON.parse(output), { seen: "SIGUSR1" });
  assert.equal(JSON.parse((await probe(bench, "name")).output), "tsinit");
  assert.deepEqual(await probe(bench, "exit"), { output: "", status: exited(7) });
});

test("a program asked for in the foreground owns the terminal; without one it just starts", async () => {
  const bench = new Bench(linuxRig());
  const command = [process.execPath, ...NODE, PROBE, "foreground"].join(" ");
  const { output, status } = await run(bench, ["/usr/bin/script", "-qefc", command, "/dev/null"]);
  assert.deepEqual(status, exited(0), output);
  const shown = output.replaceAll("\r", "");
  assert.equal(shownAs(shown, "foreground"), shownAs(shown, "pid"));
  const without = await probe(bench, "foreground");
  assert.deepEqual(without.status, exited(0));
  assert.equal(shownAs(without.output, "group"), shownAs(without.output, "pid"));
});

test("a /proc of other processes than ours is not believed", async () => {
  const bench = new Bench(linuxRig());
  const words = ["/usr/bin/unshare", "--pid", "--fork", process.execPath, ...NODE, PROBE, "descendants"];
  const { output, status } = await run(bench, words);
  assert.deepEqual(status, exited(0), "unshare(1) makes a pid namespace: needs CAP_SYS_ADMIN");
  assert.equal(JSON.parse(output), null);
});

test("last words do not wait for a reader that does not read, nor die of one that is gone", () => {
  const kernel = linuxKernel();
  const full = pipeOf(kernel);
  kernel.writeNow(full.write, "x".repeat(1 << 20));
  assert.equal(kernel.readable(full.read), true);
  kernel.close(full.read);
  kernel.writeNow(full.write, "nobody");
  kernel.close(full.write);
  kernel.writeNow(full.write, "closed");
  const pipe = pipeOf(kernel);
  kernel.writeNow(pipe.write, "a \uDCFF ü");
  const into = Buffer.alloc(16);
  assert.equal(kernel.read(pipe.read, into), 6);
  assert.deepEqual(into.subarray(0, 6), Buffer.from([0x61, 0x20, 0xff, 0x20, 0xc3, 0xbc]));
  kernel.close(pipe.read);
  kernel.close(pipe.write);
});

test("10,000 spawns leave no memory, no descriptor and no zombie, and a spawn is quick", {
  timeout: 120_000,
}, () => {
  const bench = new Bench(linuxRig());
  const { kernel } = bench;
  const requests = [
    bench.request("/bin/true", []),
    bench.request("/bin/true", ["x".repeat(5000)], { directory: "/tmp", umask: 0o077 }),
    bench.request(bench.rig.paths.missing, [], {
      user: NOBODY,
      environment: Array(100).fill("KEY=some value"),
    }),
    bench.request("/bin/true", [], { directory: bench.rig.paths.missing, stdio: [2, 0, 1] }),
  ];
  const quickest = { millis: Number.POSITIVE_INFINITY };
  const spawnMany = (count: number) => {
    for (let i = 0; i < count; i++) {
      const request = requests[i % requests.length];
      assert.ok(request);
      const start = performance.now();
      const result = kernel.spawn({ ...request, environment: [...request.environment] });
      if (result.ok) quickest.millis = Math.min(quickest.millis, performance.now() - start);
      while (typeof kernel.reap() === "object");
    }
  };
  const descriptors = () => readdirSync("/proc/self/fd").length;
  spawnMany(1000);
  const fds = descriptors();
  const rss = process.memoryUsage.rss();
  spawnMany(10_000);
  while (kernel.reap() !== "childless");
  assert.equal(descriptors(), fds);
  const grown = (process.memoryUsage.rss() - rss) / 2 ** 20;
  assert.ok(grown < 24, `${grown.toFixed(1)} MiB more resident memory`);
  assert.ok(quickest.millis < 1, `the quickest spawn took ${quickest.millis.toFixed(2)} ms`);
});

test("wait statuses and stat lines are read as documented", () => {
  assert.deepEqual(decodeStatus(0), exited(0));
  assert.deepEqual(decodeStatus(0xff00), exited(255));
  assert.deepEqual(decodeStatus(9), killedBy(9));
  assert.deepEqual(decodeStatus(0x80 | 11), { kind: "signalled", signal: 11, coreDumped: true });
  assert.deepEqual(decodeStatus(64), killedBy(64));
  const rest = (state: string, threads: number) =>
    `${state} 41 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 ${threads} 0 100`;
  const stat = (state: string, threads: number) => parseStat(`42 (a) Z 1 (b)) ${rest(state, threads)}\n`);
  const found = { pid: 42, parent: 41, group: 42, session: 42, startedAt: 100, alive: true };
  assert.deepEqual(stat("S", 1), found);
  assert.deepEqual(stat("Z", 1), { ...found, alive: false });
  assert.deepEqual(stat("Z", 3), found, "only its first thread has ended");
  assert.equal(parseStat(""), null);
});
