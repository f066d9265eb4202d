import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeKernel } from "../../test/fakes/kernel.ts";
import type { FakeProgram } from "../../test/fakes/process.ts";
import type { SystemEvent } from "../core/event.ts";
import { createReaper } from "./reaper.ts";

function rig() {
  const kernel = new FakeKernel();
  const events: SystemEvent[] = [];
  const reaper = createReaper({
    kernel,
    clock: kernel.clock,
    submit: (event) => void events.push(event),
    beforeProgramEnd() {},
    isProgram: () => true,
    onProgramEnd() {},
    onOrphan() {},
    onOomNear() {},
    oom: { takeStrike: () => false },
  });
  kernel.onSignal = () => reaper.reap();
  const start = (program: FakeProgram): number => {
    kernel.install("/bin/it", program);
    const result = kernel.spawn({
      file: "/bin/it",
      argv: ["it"],
      environment: [],
      directory: null,
      stdio: [0, 1, 2],
      user: null,
      umask: null,
      foreground: false,
    });
    assert.ok(result.ok);
    return result.pid;
  };
  return { kernel, events, reaper, start };
}

test("a helper's end is told to whoever runs it: it is neither a program nor an orphan", () => {
  const { kernel, events, reaper, start } = rig();
  const ends: unknown[] = [];
  reaper.trackHelper(
    start((self) => self.exitAfter(10, 3)),
    (status) => ends.push(status),
  );
  kernel.clock.advance(20);
  assert.deepEqual(ends, [{ kind: "exited", code: 3 }]);
  assert.deepEqual([events, reaper.orphans()], [[], 0]);
});

test("what is left of a group is killed after start_command_pre, never after the program", () => {
  const { kernel, events, reaper, start } = rig();
  for (const stage of ["pre", "main"] as const) {
    let member = 0;
    const pid = start((self) => {
      member = self.fork(() => {}).pid;
      self.exitAfter(10, 0);
    });
    reaper.track(pid, "web:web", stage);
    kernel.clock.advance(20);
    assert.equal(kernel.process(member)?.alive ?? false, stage === "main");
  }
  assert.deepEqual(
    events.map(({ type }) => type),
    ["exited", "exited"],
  );
});

test("the end of a group is told by its leader, and that of an earlier run's does not hide the last one's", () => {
  const { kernel, events, reaper, start } = rig();
  const members: number[] = [];
  const run = (): number => {
    const pid = start((self) => {
      members.push(self.fork(() => {}).pid);
      self.exitAfter(10, 0);
    });
    reaper.track(pid, "web:web", "main");
    kernel.clock.advance(20);
    return pid;
  };
  const first = run();
  reaper.watchGroup("web:web", first);
  const last = run();
  for (const pid of members) kernel.kill(pid, 9);
  kernel.clock.advance(100);
  const gone = events.flatMap((event) => (event.type === "group-gone" ? [event.pid] : []));
  assert.deepEqual(gone.sort(), [first, last]);
});
