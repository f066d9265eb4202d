import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeKernel } from "../../test/fakes/kernel.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { FakeProcess, FakeProgram } from "../../test/fakes/process.ts";
import type { JournalEntry } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import type { ProgramSpec } from "../core/spec.ts";
import { createNotify } from "./notify.ts";

const READY: Partial<ProgramSpec> = {
  ready: { way: { kind: "notify" }, interval: 1, timeout: 2, deadline: 60 },
  watchdogSecs: 1.5,
};
const USER = { uid: 500, gid: 500, groups: [], name: null, home: null };

function start(change: Partial<ProgramSpec> = {}, program: FakeProgram = () => {}) {
  const kernel = new FakeKernel();
  kernel.files.add("/run", { type: "directory", executable: true });
  const events: SystemEvent[] = [];
  const entries: JournalEntry[] = [];
  const said: string[] = [];
  const spec = fakeSpec("web", { ...READY, ...change });
  const notify = createNotify({
    kernel,
    clock: kernel.clock,
    submit: (event) => events.push(event),
    record: (entry) => entries.push(entry),
    owner: (pid) => (pid === main.pid ? spec.id : null),
    say: (_level, text) => said.push(text),
    fault: (where, error) => assert.fail(`${where}: ${error}`),
  });
  const run = (of: FakeProgram, environment: readonly string[] = [], user = spec.user): FakeProcess => {
    kernel.install("/bin/it", of);
    const request = {
      file: "/bin/it",
      argv: ["it"],
      directory: null,
      umask: null,
      foreground: false,
    } as const;
    const result = kernel.spawn({ ...request, environment, stdio: [0, 1, 2], user });
    assert.ok(result.ok);
    const process = kernel.process(result.pid);
    assert.ok(process);
    return process;
  };
  const channel = notify.open(spec);
  if (typeof channel === "string") assert.fail(channel);
  const variables = channel.variables.map(([name, value]) => `${name}=${value}`);
  const path = channel.variables[0]?.[1] ?? "";
  const main = run(program, variables);
  channel.keep(main.pid);
  /** From this process, or from one that is gone. */
  const send = (text: string, from: { pid: number; uid?: number }) => {
    const sender = { pid: from.pid, uid: from.uid ?? kernel.process(from.pid)?.traits.uid ?? 0 };
    const errno = kernel.files.sendDatagram(path, Buffer.from(text), sender);
    kernel.clock.advance(2);
    return errno;
  };
  const take = () => events.splice(0).map((event) => event.type);
  return { kernel, notify, spec, main, run, variables, send, take, events, entries, said };
}

test("where to and how often is in its environment, and only there", () => {
  const { variables, notify } = start();
  assert.deepEqual(variables, ["NOTIFY_SOCKET=/run/tsinit-notify.1.1", "WATCHDOG_USEC=1500000"]);
  const other = notify.open(fakeSpec("other", { ...READY, watchdogSecs: null }));
  if (typeof other === "string") assert.fail(other);
  assert.deepEqual(other.variables, [["NOTIFY_SOCKET", "/run/tsinit-notify.1.2"]]);
  other.discard();
});

test("what it says becomes events about its process", () => {
  const { main, spec, send, events } = start();
  send("RELOADING=1\nREADY=1\nEXTEND_TIMEOUT_USEC=2000\nWATCHDOG=1", main);
  send("STOPPING=1\nWATCHDOG=trigger", main);
  const about = { id: spec.id, pid: main.pid };
  const probed = { type: "probed", ...about, check: "ready" };
  assert.deepEqual(events, [
    { ...probed, ok: false, reason: "it sent RELOADING=1" },
    { ...probed, ok: true, reason: "" },
    { type: "extend", ...about, millis: 2 },
    { type: "watchdog", ...about, trigger: false },
    { ...probed, ok: false, reason: "it sent STOPPING=1" },
    { type: "watchdog", ...about, trigger: true },
  ]);
});

test("a program that is asked otherwise is not ready by this", () => {
  const { main, send, take } = start({ ready: null });
  send("READY=1\nWATCHDOG=1", main);
  assert.deepEqual(take(), ["watchdog"]);
});

test("its children, group, session, and whoever has its environment are heard", () => {
  const children: FakeProcess[] = [];
  const { kernel, main, run, variables, send, take } = start({}, (self) => {
    const keep = (child: FakeProcess) => void children.push(child);
    keep(self.fork(() => {}));
    keep(self.fork((child) => keep(child.fork(() => {}))));
  });
  for (const child of [...children, run(() => {}, variables)]) {
    send("READY=1", child);
    assert.deepEqual(take(), ["probed"]);
  }
  // Where /proc shows nothing, only the program itself can be told from others.
  kernel.hasProc = false;
  send("READY=1", children[0] ?? main);
  assert.deepEqual(take(), []);
  send("READY=1", main);
  assert.deepEqual(take(), ["probed"]);
});

test("strangers, other users and nonsense are not; it is said once", () => {
  const { kernel, main, run, variables, send, take, said } = start({ user: USER });
  send(
    "READY=1",
    run(() => {}, [], USER),
  );
  send(
    "READY=1",
    kernel.intrude(() => {}),
  );
  send("READY=1", { pid: 0 });
  send(
    "READY=1",
    run(() => {}, variables, { ...USER, uid: 501 }),
  );
  send("READY=1", { pid: 4000, uid: 501 });
  send("READY=1", { pid: 4000, uid: 0 });
  send("READY", main);
  send("x".repeat(5000), main);
  assert.deepEqual(take(), []);
  assert.equal(said.length, 1);
  send("READY=1", { pid: 4000, uid: USER.uid });
  assert.deepEqual(take(), ["probed"], "gone already, of its user");
});

test("MAINPID must be a living process below us that is nobody else's", () => {
  const { kernel, main, run, spec, send, take, events } = start();
  const other = run(() => {});
  const dead = run((self) => self.exit(0));
  for (const pid of [1, 4000, dead.pid, kernel.intrude(() => {}).pid, main.pid]) send(`MAINPID=${pid}`, main);
  assert.deepEqual(take(), []);
  send(`MAINPID=${other.pid}`, main);
  assert.deepEqual(events, [{ type: "main-pid", id: spec.id, pid: main.pid, mainPid: other.pid }]);
});

test("STATUS: a line a second at most, the last one always, the same one never twice", () => {
  const { kernel, main, send, entries } = start();
  const texts = () => entries.splice(0).map((entry) => (entry.type === "said" ? entry.text : entry.type));
  for (let i = 0; i < 20; i++) send(`STATUS=${i}`, main);
  assert.deepEqual(texts(), ["0"]);
  kernel.clock.advance(1000);
  assert.deepEqual(texts(), ["19"]);
  kernel.clock.advance(1000);
  send("STATUS=19", main);
  kernel.clock.advance(2000);
  assert.deepEqual(texts(), []);
});

test("whoever sends too much waits; nothing is lost", () => {
  const { kernel, main, send, take } = start();
  for (let i = 0; i < 3000; i++) send("WATCHDOG=1", main);
  const heard = take().length;
  assert.ok(heard >= 1000, `${heard}`);
  for (let i = 0; i < 20; i++)
    kernel.files.sendDatagram("/run/tsinit-notify.1.1", Buffer.from("READY=1"), { pid: main.pid, uid: 0 });
  kernel.clock.advance(3000);
  assert.ok(take().includes("probed"));
});

test("the end takes the socket along; what was sent before is heard first", () => {
  const { kernel, notify, spec, main, take } = start();
  kernel.files.sendDatagram("/run/tsinit-notify.1.1", Buffer.from("READY=1"), { pid: main.pid, uid: 0 });
  notify.drain(spec.id);
  assert.deepEqual(take(), ["probed"]);
  notify.end(spec.id);
  assert.deepEqual(kernel.files.leftOpen(), []);
  notify.drain(spec.id);
  kernel.clock.advance(5000);
});

test("no descriptor is left: a reason, and nothing stays open", () => {
  const { kernel, notify } = start();
  kernel.bindDatagrams = () => "EMFILE";
  assert.equal(notify.open(fakeSpec("other", READY)), "cannot make a socket for notifications: EMFILE");
});
