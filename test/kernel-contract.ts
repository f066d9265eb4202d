/**
 * What every Kernel does, run on the fake and on Linux with the same programs (test/programs), so that tests on the fake
 * mean something. Numbers in brackets are those of the conformance list.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExitStatus, Pid } from "../src/core/states.ts";
import type { Reaped } from "../src/kernel/kernel.ts";
import { Bench, exited, killedBy, NOBODY, pidOf, pipeOf, type Rig } from "./kernel-rig.ts";

const TERM = 15;
const KILL = 9;
/** Outside of the range that the system gives out. */
const PORT = 23_517;

type Case = (bench: Bench) => Promise<void> | void;

export function kernelContract(name: string, createRig: () => Rig): void {
  for (const [title, run] of [...ENDINGS, ...FAILURES, ...INHERITANCE, ...GROUPS, ...FILES]) {
    test(`${name}: ${title}`, { timeout: 60_000 }, async () => {
      const bench = new Bench(createRig());
      await run(bench);
      assert.equal(bench.kernel.reap(), "childless", "nothing is left behind");
    });
  }
}

const ENDINGS: [title: string, run: Case][] = [
  [
    "exit codes are exact",
    async (bench) => {
      for (const code of [0, 1, 2, 7, 126, 127, 128, 254, 255]) {
        const pid = bench.spawn("exit.sh", [`${code}`]);
        assert.deepEqual(await bench.end(pid), exited(code));
      }
    },
  ],
  [
    "signals are exact",
    async (bench) => {
      for (const signal of [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 31]) {
        const pid = bench.spawn("die.sh", [`${signal}`]);
        assert.deepEqual(await bench.end(pid), killedBy(signal));
      }
    },
  ],
  [
    "a child that has not ended is none; the last one leaves us childless; its pid is ESRCH then",
    async (bench) => {
      const { pid, input, output } = bench.talk("wait.sh");
      bench.kernel.close(input);
      assert.equal(await bench.readLine(output), "ready");
      bench.kernel.close(output);
      assert.equal(bench.kernel.reap(), "none");
      assert.equal(bench.kernel.kill(pid, 0), null);
      assert.equal(bench.kernel.kill(pid, TERM), null);
      assert.deepEqual(await bench.end(pid), killedBy(TERM));
      assert.equal(bench.kernel.kill(pid, 0), "ESRCH");
      assert.equal(bench.kernel.kill(-pid, KILL), "ESRCH");
    },
  ],
  [
    "a child that ends before anybody looks keeps its status (5)",
    async (bench) => {
      const pids = [5, 6, 7].map((code) => bench.spawn("exit.sh", [`${code}`]));
      await bench.rig.change();
      const seen = new Map<Pid, ExitStatus>();
      for (const _ of pids) {
        const { pid, status } = await bench.reapNext();
        seen.set(pid, status);
      }
      assert.deepEqual(
        pids.map((pid) => seen.get(pid)),
        [exited(5), exited(6), exited(7)],
      );
    },
  ],
  [
    "of several that ended the oldest is reaped first, whoever ended first",
    async (bench) => {
      const waiting = [1, 2, 3].map(() => bench.talk("wait.sh"));
      for (const { output } of waiting) await bench.readLine(output);
      for (const { pid } of waiting.toReversed()) bench.kernel.kill(pid, KILL);
      while (bench.kernel.descendants()?.length !== 0) await bench.rig.change();
      for (const { pid, input, output } of waiting) {
        assert.deepEqual(bench.kernel.reap(), { pid, status: killedBy(KILL) });
        bench.kernel.close(input);
        bench.kernel.close(output);
      }
    },
  ],
  [
    "a stopped child has not ended (10)",
    async (bench) => {
      const { pid, input, output } = bench.talk("wait.sh");
      assert.equal(await bench.readLine(output), "ready");
      bench.kernel.close(input);
      bench.kernel.close(output);
      bench.kernel.kill(pid, 19);
      await bench.rig.change();
      assert.equal(bench.kernel.reap(), "none");
      bench.kernel.kill(pid, TERM);
      assert.equal(bench.kernel.reap(), "none", "TERM waits until it is continued");
      bench.kernel.kill(pid, 18);
      assert.deepEqual(await bench.end(pid), killedBy(TERM));
    },
  ],
  [
    "statuses of 2,000 quick children are never mixed up, with orphans among them (4)",
    async (bench) => {
      assert.equal(bench.kernel.becomeSubreaper(), null);
      const expected = new Map<Pid, number>();
      const orphans: Reaped[] = [];
      const check = ({ pid, status }: Reaped) => {
        const code = expected.get(pid);
        if (code === undefined) orphans.push({ pid, status });
        else assert.deepEqual(status, exited(code), `pid ${pid}`);
        expected.delete(pid);
      };
      for (let i = 0; i < 2000; i++) {
        const code = i % 200;
        expected.set(bench.spawn(i % 10 === 0 ? "run-orphan.sh" : "exit.sh", [`${code}`]), code);
        // Some at once, some in bursts: never more than a hundred that nobody waited for.
        if (i % 100 !== 99) continue;
        for (let next = bench.kernel.reap(); next !== "childless"; next = bench.kernel.reap()) {
          if (typeof next === "object") check(next);
          else await bench.rig.change();
        }
      }
      assert.equal(expected.size, 0);
      assert.ok(orphans.length > 0 && orphans.length <= 200, `${orphans.length} orphans`);
      for (const { status } of orphans) assert.deepEqual(status, exited(77));
    },
  ],
];

const FAILURES: [title: string, run: Case][] = [
  [
    "what cannot be run is an errno, and never a zombie (58)",
    ({ kernel, rig }) => {
      const { missing, plain, badInterpreter, nonsense } = rig.paths;
      const failures: [file: string, errno: string][] = [
        [missing, "ENOENT"],
        [badInterpreter, "ENOENT"],
        [plain, "EACCES"],
        ["/tmp", "EACCES"],
        [nonsense, "ENOEXEC"],
        [`${plain}\0`, "EINVAL"],
      ];
      for (const [file, errno] of failures) {
        const result = kernel.spawn(new Bench(rig).request(file, []));
        assert.deepEqual(result, { ok: false, step: "exec", errno }, file);
        assert.equal(kernel.reap(), "childless");
      }
      assert.equal(kernel.stat(missing), null);
      assert.equal(
        kernel.stat(badInterpreter)?.type,
        "file",
        "how a bad interpreter is told from a missing file",
      );
    },
  ],
  [
    "a directory that cannot be entered is told from a program that cannot be run (60)",
    ({ kernel, rig }) => {
      const bench = new Bench(rig);
      const spawnIn = (directory: string) => kernel.spawn(bench.request("exit.sh", ["0"], { directory }));
      assert.deepEqual(spawnIn(rig.paths.missing), { ok: false, step: "directory", errno: "ENOENT" });
      assert.deepEqual(spawnIn(rig.paths.plain), { ok: false, step: "directory", errno: "ENOTDIR" });
      const both = kernel.spawn(bench.request(rig.paths.missing, [], { directory: "/tmp" }));
      assert.deepEqual(both, { ok: false, step: "exec", errno: "ENOENT" });
    },
  ],
  [
    "no process to be had is EAGAIN of fork, and passes (59)",
    async ({ kernel, rig }) => {
      const bench = new Bench(rig);
      const restore = await rig.exhaustProcesses();
      const request = bench.request("exit.sh", ["4"], { user: NOBODY });
      assert.deepEqual(kernel.spawn(request), { ok: false, step: "fork", errno: "EAGAIN" });
      assert.equal(kernel.reap(), "childless");
      await restore();
      assert.deepEqual(await bench.end(pidOf(kernel.spawn(request))), exited(4));
    },
  ],
  [
    "no descriptor left is EMFILE of pipe, programs still start, and it passes (59)",
    async ({ kernel, rig }) => {
      const bench = new Bench(rig);
      const restore = rig.exhaustFiles();
      assert.equal(kernel.pipe(), "EMFILE");
      assert.equal(kernel.open("/dev/null", "read"), "EMFILE");
      const pid = bench.spawn("exit.sh", ["3"]);
      restore();
      assert.deepEqual(await bench.end(pid), exited(3));
      const pipe = pipeOf(kernel);
      kernel.close(pipe.read);
      kernel.close(pipe.write);
    },
  ],
];

const INHERITANCE: [title: string, run: Case][] = [
  [
    "a child has descriptors 0, 1 and 2 and no other (15)",
    async (bench) => {
      const extra = pipeOf(bench.kernel);
      assert.equal((await bench.showSelf()).get("fds"), "0 1 2");
      bench.kernel.close(extra.read);
      bench.kernel.close(extra.write);
    },
  ],
  [
    "a child has the extra descriptors under their numbers, whatever ours are; the next one has not",
    async (bench) => {
      const { kernel } = bench;
      const pipes = [pipeOf(kernel), pipeOf(kernel)] as const;
      const [a, b] = pipes;
      // Swapped: each is where the other is to be.
      const extra = [
        { from: a.write, as: b.write },
        { from: b.write, as: a.write },
      ];
      const own = (fds: string | undefined) => (fds ?? "").split(" ").map(Number);
      assert.deepEqual(own((await bench.showSelf({ extra })).get("fds")), [0, 1, 2, a.write, b.write]);
      for (const [fd, pipe] of [
        [9, a],
        [3, b],
      ] as const) {
        const words = [`${fd}`, `to ${fd}`];
        const pid = bench.spawn("announce.sh", words, { extra: [{ from: pipe.write, as: fd }] });
        assert.equal(await bench.readLine(pipe.read), `to ${fd}`);
        assert.deepEqual(await bench.end(pid), exited(0));
      }
      assert.equal((await bench.showSelf()).get("fds"), "0 1 2");
      for (const { read, write } of pipes) {
        kernel.close(read);
        kernel.close(write);
      }
    },
  ],
  [
    "a child has an empty mask and default dispositions (16)",
    async (bench) => {
      const shown = await bench.showSelf();
      assert.equal(Number.parseInt(shown.get("SigBlk") ?? "x", 16), 0);
      assert.equal(Number.parseInt(shown.get("SigIgn") ?? "x", 16), 0);
    },
  ],
  [
    "a child leads its own group in our session (34)",
    async (bench) => {
      const first = await bench.showSelf();
      const second = await bench.showSelf();
      assert.equal(first.get("group"), first.get("pid"));
      assert.notEqual(first.get("group"), `${bench.kernel.pid}`);
      assert.equal(first.get("parent"), `${bench.kernel.pid}`);
      assert.equal(first.get("session"), second.get("session"));
      assert.notEqual(first.get("session"), first.get("pid"));
    },
  ],
  [
    "a child may share our group, or lead a session of its own",
    async (bench) => {
      const own = await bench.showSelf();
      const ours = await bench.showSelf({ group: "ours" });
      assert.notEqual(ours.get("group"), ours.get("pid"));
      assert.equal(ours.get("session"), own.get("session"));
      const leader = await bench.showSelf({ group: "session" });
      assert.equal(leader.get("session"), leader.get("pid"));
      assert.equal(leader.get("group"), leader.get("pid"));
      assert.equal((await bench.showSelf()).get("session"), own.get("session"), "only that child");
    },
  ],
  [
    "umask, directory and environment are the request's",
    async (bench) => {
      const environment = ["PATH=/usr/bin:/bin", "PROBE=a=b 'ü' \uDCFF"];
      const shown = await bench.showSelf({ umask: 0o027, directory: "/tmp", environment });
      assert.equal(Number.parseInt(shown.get("umask") ?? "", 8), 0o027);
      assert.equal(shown.get("directory"), "/tmp");
      assert.equal(shown.get("probe"), "a=b 'ü' \uFFFD", "the raw byte 0xff, which this reader cannot show");
      const after = await bench.showSelf();
      assert.equal(Number.parseInt(after.get("umask") ?? "", 8), 0o022, "ours is as before");
    },
  ],
  [
    "a user is real, effective, saved and file system id, with its groups, and only for that child (60)",
    async (bench) => {
      const shown = await bench.showSelf({ user: NOBODY });
      assert.equal(shown.get("Uid"), "65534 65534 65534 65534");
      assert.equal(shown.get("Gid"), "65533 65533 65533 65533");
      assert.deepEqual(shown.get("Groups")?.split(" ").toSorted(), ["27", "65533"]);
      const after = await bench.showSelf();
      assert.equal(after.get("Uid"), "0 0 0 0");
    },
  ],
];

const GROUPS: [title: string, run: Case][] = [
  [
    "a signal to the group reaches all its members; one to the leader does not",
    async (bench) => {
      assert.equal(bench.kernel.becomeSubreaper(), null);
      const { pid, input, output } = bench.talk("group.sh");
      bench.kernel.close(input);
      const member = Number((await bench.readLine(output)).split(" ")[1]);
      bench.kernel.kill(pid, KILL);
      assert.deepEqual(await bench.end(pid), killedBy(KILL));
      assert.equal(bench.kernel.kill(-pid, 0), null, "the member lives, under the group of its dead leader");
      bench.kernel.kill(-pid, TERM);
      assert.deepEqual(await bench.end(member), killedBy(TERM));
      assert.equal(bench.kernel.kill(-pid, 0), "ESRCH");
      bench.kernel.close(output);
    },
  ],
  [
    "children, group, session and environment of a process are told, and which are ours (37)",
    async (bench) => {
      assert.equal(bench.kernel.becomeSubreaper(), null);
      const { pid, input, output } = bench.talk("group.sh", [], {
        environment: ["PATH=/usr/bin:/bin", "MARK=x y"],
      });
      bench.kernel.close(input);
      const member = Number((await bench.readLine(output)).split(" ")[1]);
      assert.deepEqual(bench.kernel.childrenOf(bench.kernel.pid), [pid]);
      assert.deepEqual(bench.kernel.childrenOf(pid), [member]);
      const leader = bench.kernel.processAt(pid);
      const below = bench.kernel.processAt(member);
      assert.ok(leader?.alive && below?.alive);
      assert.deepEqual([leader.parent, leader.group], [bench.kernel.pid, pid]);
      assert.deepEqual([below.parent, below.group, below.session], [pid, pid, leader.session]);
      assert.ok(below.startedAt >= leader.startedAt);
      assert.ok(bench.kernel.environmentOf(member)?.includes("MARK=x y"));
      bench.kernel.kill(pid, KILL);
      assert.deepEqual(await bench.end(pid), killedBy(KILL));
      assert.equal(bench.kernel.processAt(pid), null);
      assert.equal(bench.kernel.environmentOf(pid), null);
      assert.deepEqual(bench.kernel.childrenOf(pid), []);
      assert.deepEqual(bench.kernel.childrenOf(bench.kernel.pid), [member], "an orphan is ours");
      bench.kernel.kill(member, KILL);
      await bench.end(member);
      bench.kernel.close(output);
    },
  ],
  [
    "a program may ignore TERM, never KILL",
    async (bench) => {
      const { pid, input, output } = bench.talk("ignore-term.sh");
      bench.kernel.close(input);
      assert.equal(await bench.readLine(output), "ready");
      bench.kernel.close(output);
      assert.equal(bench.kernel.kill(pid, TERM), null);
      assert.equal(bench.kernel.kill(-pid, TERM), null);
      assert.equal(bench.kernel.reap(), "none");
      assert.deepEqual(bench.kernel.descendants(), [pid]);
      bench.kernel.kill(pid, KILL);
      assert.deepEqual(await bench.end(pid), killedBy(KILL));
    },
  ],
  [
    "a subreaper inherits orphans, sees them among its descendants, and reaps them with their status (1, 7)",
    async (bench) => {
      assert.equal(bench.kernel.becomeSubreaper(), null);
      const { pid, input, output } = bench.talk("fork-orphan.sh", ["9"]);
      const orphan = Number((await bench.readLine(output)).split(" ")[1]);
      assert.deepEqual(await bench.end(pid), exited(3));
      assert.equal(bench.kernel.reap(), "none");
      assert.deepEqual(bench.kernel.descendants(), [orphan]);
      bench.kernel.close(input);
      assert.deepEqual(await bench.end(orphan), exited(9));
      assert.deepEqual(bench.kernel.descendants(), []);
      bench.kernel.close(output);
    },
  ],
];

const FILES: [title: string, run: Case][] = [
  [
    "a datagram reaches the socket of that path, however often that is made anew, and never waits",
    ({ kernel, rig }) => {
      const into = Buffer.alloc(64);
      const receive = (fd: number): string => {
        const count = kernel.read(fd, into);
        return typeof count === "number" ? into.toString("utf8", 0, count) : count;
      };
      assert.equal(kernel.sendDatagram(rig.paths.missing, Buffer.from("x")), "ENOENT");
      assert.equal(kernel.sendDatagram(rig.paths.plain, Buffer.from("x")), "ECONNREFUSED");
      assert.equal(kernel.sendDatagram("", Buffer.from("x")), "EINVAL");
      const { path, fd } = rig.receiveDatagrams();
      assert.equal(kernel.sendDatagram(path, Buffer.from("one")), null);
      assert.equal(kernel.sendDatagram(path, Buffer.from("two")), null);
      assert.deepEqual([receive(fd), receive(fd), receive(fd)], ["one", "two", "EAGAIN"]);
      const flood = () => kernel.sendDatagram(path, Buffer.from("flood"));
      let answer = flood();
      for (let sent = 0; answer === null && sent < 100_000; sent++) answer = flood();
      assert.equal(answer, "EAGAIN", "nobody reads");
      kernel.close(fd);
      assert.equal(kernel.sendDatagram(path, Buffer.from("x")), "ECONNREFUSED");
      const again = rig.receiveDatagrams();
      assert.equal(again.path, path);
      assert.equal(kernel.sendDatagram(path, Buffer.from("three")), null);
      assert.equal(receive(again.fd), "three");
      kernel.close(again.fd);
    },
  ],
  [
    "a datagram says who sent it, and whoever watches is told that it is there",
    async ({ kernel, rig }) => {
      const sender = { pid: kernel.pid, uid: kernel.uid };
      for (const path of [`${rig.paths.missing}.notify`, `@tsinit contract ${kernel.pid}`]) {
        const fd = kernel.bindDatagrams(path);
        assert.ok(typeof fd === "number" && fd > 2, `bindDatagrams: ${fd}`);
        assert.equal(kernel.bindDatagrams(path), "EADDRINUSE");
        assert.equal(kernel.receiveDatagram(fd), "EAGAIN");
        let told = 0;
        const stop = kernel.watch(fd, () => told++);
        if (typeof stop === "string") assert.fail(stop);
        await rig.turn();
        assert.equal(told, 0, "nothing is there yet");
        assert.equal(kernel.sendDatagram(path, Buffer.from("READY=1")), null);
        assert.equal(kernel.sendDatagram(path, Buffer.alloc(4097, "x")), null);
        while (told < 2) await rig.turn();
        assert.deepEqual(kernel.receiveDatagram(fd), { ...sender, bytes: Buffer.from("READY=1") });
        assert.deepEqual(kernel.receiveDatagram(fd), { ...sender, bytes: null }, "too long");
        assert.equal(kernel.receiveDatagram(fd), "EAGAIN");
        await rig.turn();
        const before = told;
        await rig.turn();
        assert.equal(told, before, "all was read");
        stop();
        assert.equal(kernel.sendDatagram(path, Buffer.from("more")), null);
        await rig.turn();
        assert.equal(told, before, "nobody watches");
        kernel.close(fd);
        assert.equal(kernel.sendDatagram(path, Buffer.from("x")), "ECONNREFUSED");
      }
      assert.equal(kernel.bindDatagrams(`${rig.paths.missing}/x`), "ENOENT");
      assert.equal(kernel.bindDatagrams(`/tmp/${"x".repeat(103)}`), "ENAMETOOLONG");
      assert.equal(kernel.bindDatagrams(`@${"x".repeat(108)}`), "ENAMETOOLONG");
      assert.equal(kernel.sendDatagram("@nobody is here", Buffer.from("x")), "ECONNREFUSED");
      assert.equal(kernel.receiveDatagram(9999), "EBADF");
      assert.equal(typeof kernel.watch(9999, () => {}), "string");
    },
  ],
  [
    "a process is looked at, and its end is seen by whoever holds it",
    async (bench) => {
      const { kernel, rig } = bench;
      const { pid, input, output } = bench.talk("wait.sh");
      assert.equal(await bench.readLine(output), "ready");
      assert.equal(kernel.userOf(pid), kernel.uid);
      // A shell adds to the environment of what it becomes.
      const environment = kernel.environmentOf(pid)?.filter((entry) => !entry.startsWith("PWD="));
      assert.deepEqual(environment?.toSorted(), ["PATH=/usr/bin:/bin", "PROBE=with spaces"]);
      const fd = kernel.openProcess(pid);
      if (typeof fd === "string") assert.fail(fd);
      let isOver = false;
      const stop = kernel.watch(fd, () => {
        isOver = true;
      });
      if (typeof stop === "string") assert.fail(stop);
      await rig.turn();
      assert.equal(isOver, false);
      assert.equal(kernel.kill(pid, KILL), null);
      while (!isOver) await rig.turn();
      assert.equal(kernel.processAt(pid)?.alive, false, "not reaped yet");
      stop();
      kernel.close(fd);
      assert.deepEqual(await bench.end(pid), killedBy(KILL));
      assert.equal(kernel.processAt(pid), null);
      assert.equal(kernel.openProcess(pid), "ESRCH");
      kernel.close(input);
      kernel.close(output);
    },
  ],
  [
    "a pipe carries what a program writes and ends with its last writer",
    async (bench) => {
      const { pid, input, output } = bench.talk("spew.sh", ["3", "line"]);
      bench.kernel.close(input);
      assert.equal(await bench.readAll(output), "line\nline\nline\n");
      assert.deepEqual(await bench.end(pid), exited(0));
      const pipe = pipeOf(bench.kernel);
      assert.equal(bench.kernel.readable(pipe.read), false);
      bench.kernel.writeNow(pipe.write, "last words");
      assert.equal(bench.kernel.readable(pipe.read), true);
      const into = Buffer.alloc(4);
      assert.equal(bench.kernel.read(pipe.read, into), 4);
      assert.equal(into.toString(), "last");
      bench.kernel.close(pipe.write);
      assert.equal(await bench.readAll(pipe.read), " words");
      assert.equal(bench.kernel.read(pipe.read, into), "EBADF", "it was closed");
    },
  ],
  [
    "the end of a pipe is readable",
    ({ kernel }) => {
      const pipe = pipeOf(kernel);
      kernel.close(pipe.write);
      assert.equal(kernel.readable(pipe.read), true);
      assert.equal(kernel.read(pipe.read, Buffer.alloc(8)), 0);
      kernel.close(pipe.read);
    },
  ],
  [
    "the verbs on descriptors say what is wrong",
    ({ kernel }) => {
      const pipe = pipeOf(kernel);
      assert.equal(kernel.setPipeSize(pipe.read, 1 << 17), null);
      assert.equal(kernel.chown(pipe.write, NOBODY.uid, NOBODY.gid), null);
      assert.equal(kernel.isatty(pipe.read), false);
      kernel.close(pipe.read);
      kernel.close(pipe.write);
      assert.equal(kernel.setPipeSize(pipe.read, 1 << 17), "EBADF");
      assert.equal(kernel.chown(pipe.write, 0, 0), "EBADF");
      kernel.close(pipe.write);
    },
  ],
  [
    "a port is had once, a name is not resolved",
    ({ kernel }) => {
      const fd = kernel.listen("127.0.0.1", PORT, 16);
      assert.ok(typeof fd === "number" && fd > 2, `listen: ${fd}`);
      assert.equal(kernel.listen("127.0.0.1", PORT, 16), "EADDRINUSE");
      assert.equal(kernel.listen("localhost", PORT, 16), "ENOTSUP");
      assert.equal(kernel.setBacklog(fd, 32), null);
      kernel.close(fd);
      assert.equal(kernel.setBacklog(fd, 32), "EBADF");
      const again = kernel.listen("", PORT, 16);
      assert.ok(typeof again === "number", `listen: ${again}`);
      kernel.close(again);
      const pipe = pipeOf(kernel);
      assert.equal(kernel.setBacklog(pipe.read, 32), "ENOTSOCK");
      kernel.close(pipe.read);
      kernel.close(pipe.write);
    },
  ],
  [
    "a socket at a path: free places only, somebody listens until it is closed, the file stays",
    ({ kernel, rig }) => {
      const path = `${rig.paths.missing}.sock`;
      assert.equal(kernel.knock(path), "ENOENT");
      const fd = kernel.listenUnix(path, 16);
      assert.ok(typeof fd === "number" && fd > 2, `listenUnix: ${fd}`);
      assert.deepEqual(kernel.stat(path), { type: "other", executable: false });
      assert.equal(kernel.knock(path), null);
      assert.equal(kernel.listenUnix(path, 16), "EADDRINUSE");
      kernel.close(fd);
      assert.equal(kernel.knock(path), "ECONNREFUSED");
      assert.equal(kernel.listenUnix(path, 16), "EADDRINUSE");
      assert.equal(kernel.knock(rig.paths.plain), "ECONNREFUSED");
      assert.equal(kernel.listenUnix(`${rig.paths.missing}/x.sock`, 16), "ENOENT");
      assert.equal(kernel.listenUnix(`${rig.paths.plain}/x.sock`, 16), "ENOTDIR");
      assert.equal(kernel.listenUnix(`/tmp/${"x".repeat(103)}`, 16), "ENAMETOOLONG");
      assert.equal(kernel.knock(`/tmp/${"x".repeat(103)}`), "ENAMETOOLONG");
      assert.equal(kernel.listenUnix("/tmp/x\0y", 16), "EINVAL");
    },
  ],
  [
    "files are opened and looked at by path",
    ({ kernel, rig }) => {
      assert.equal(kernel.open(rig.paths.missing, "read"), "ENOENT");
      assert.equal(kernel.open(`${rig.paths.plain}\0`, "read"), "EINVAL");
      const fd = kernel.open(rig.paths.plain, "read");
      assert.ok(typeof fd === "number" && fd > 2);
      const into = Buffer.alloc(64);
      assert.equal(kernel.read(fd, into), 6);
      assert.equal(into.toString("utf8", 0, 6), "plain\n");
      assert.equal(kernel.read(fd, into), 0);
      kernel.close(fd);
      assert.deepEqual(kernel.stat(rig.paths.plain), { type: "file", executable: false });
      assert.deepEqual(kernel.stat(rig.paths.nonsense), { type: "file", executable: true });
      assert.deepEqual(kernel.stat("/tmp"), { type: "directory", executable: true });
      assert.deepEqual(kernel.stat("/dev/null"), { type: "other", executable: false });
      assert.equal(kernel.stat(`/tmp\0`), null);
      assert.equal(
        kernel.replace(rig.paths.missing, ["x"], []),
        "ENOENT",
        "what is not there replaces nobody",
      );
    },
  ],
];
