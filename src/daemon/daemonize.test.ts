import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { linuxKernel } from "../kernel/linux.ts";
import { startDaemon } from "./daemonize.ts";

/** What the foreground does when the daemon is this shell script; its fd 0 is where it reports. */
async function leave(script: string, clock = new FakeClock()): Promise<{ code: number; said: string }> {
  let said = "";
  const kernel = {
    ...linuxKernel(),
    writeNow: (fd: number, text: string) => {
      assert.equal(fd, 2);
      said += text.replaceAll(/pid \d+/g, "pid N");
    },
  };
  const signals = { listenToAll() {}, deliver() {}, received: () => new Map<string, number>() };
  const argv = ["sh", "-c", script];
  const code = await startDaemon({ kernel, clock, signals, file: "/bin/sh", argv, umask: 0o22, marker: "M" });
  return { code, said };
}

test("0 when the daemon says that it is up, and nothing is said", async () => {
  assert.deepEqual(await leave(`[ "$M" = $PPID ] && echo up >&0`), { code: 0, said: "" });
});

test("what it says instead is the error", async () => {
  const told = { code: 2, said: "Error: port 80: another program is listening there\n" };
  assert.deepEqual(await leave("printf 'port 80: another program is listening there' >&0"), told);
});

test("it ended", async () => {
  const said = "supervisord: the daemon, pid N, ended before it was up; its log may say why\n";
  assert.deepEqual(await leave("exit 3"), { code: 70, said });
});

test("whoever waits is not held for ever", async () => {
  const clock = new FakeClock();
  const leaving = leave("exec sleep 2", clock);
  clock.advance(10_000);
  const said = "supervisord: the daemon, pid N, was not up after 10 s; it goes on starting\n";
  assert.deepEqual(await leaving, { code: 0, said });
});
