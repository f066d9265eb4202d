/** The demo of `npm start`, as root and as a user without rights. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

const RUN = join(import.meta.dirname, "../../docker/demo/run.ts");

interface Demo {
  readonly child: ChildProcess;
  readonly lines: string[];
  line(pattern: RegExp): Promise<RegExpExecArray>;
}

function startDemo(user: number): Demo {
  const child = spawn(process.execPath, [RUN], {
    uid: user,
    gid: user,
    env: { PATH: "/usr/bin:/bin", HOME: "/tmp" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  assert.ok(child.stdout);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const line = async (pattern: RegExp) => {
    for (let next = 0; ; next++) {
      while (next >= lines.length) await once(reader, "line", { signal: AbortSignal.timeout(20_000) });
      const match = pattern.exec(lines[next] ?? "");
      if (match) return match;
    }
  };
  return { child, lines, line };
}

const get = async (url: string) => {
  const answer = await fetch(url, { headers: { connection: "close" } });
  return { status: answer.status, text: await answer.text() };
};

for (const [who, user] of [
  ["root", 0],
  ["a user without rights", 1000],
] as const) {
  test(`the demo as ${who}: answers, shows its metrics, stops in order at one ctrl-C`, async () => {
    const demo = startDemo(user);
    const ended = once(demo.child, "exit");
    try {
      const [, primes = ""] = await demo.line(/the demo +(\S+)/);
      const [, readyz = ""] = await demo.line(/probes +(\S+)/);
      const [, metrics = ""] = await demo.line(/metrics +(\S+)/);
      await demo.line(/^web +\| listening/);
      const limit = performance.now() + 20_000;
      for (let status = 503; status !== 200; status = (await get(readyz)).status) {
        assert.ok(performance.now() < limit, demo.lines.join("\n"));
        await delay(50);
      }
      assert.deepEqual(await get(primes), { status: 200, text: "168\n" });
      assert.match((await get(metrics)).text, /^tsinit_program_up\{group="web",program="web"\} 1$/m);
    } finally {
      // As npm and the terminal do: both at once.
      demo.child.kill("SIGINT");
      demo.child.kill("SIGINT");
    }
    assert.deepEqual(await ended, [0, null]);
    const order = [/^web +\| stopping/, /^worker +\| stopping/];
    const places = order.map((pattern) => demo.lines.findIndex((text) => pattern.test(text)));
    assert.ok(!places.includes(-1) && places[0]! < places[1]!, demo.lines.join("\n"));
  });
}
