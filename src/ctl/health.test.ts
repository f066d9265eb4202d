import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { unixAddress } from "../../test/fakes/http.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { startControlServer, startPublicServer } from "../api/server.ts";
import { type HealthEndpoints, runHealth } from "./health.ts";

const NOWHERE: HealthEndpoints = {
  listen: null,
  serverUrl: null,
  candidates: [],
  username: null,
  password: null,
};

async function probe(
  argv: readonly string[],
  endpoints: HealthEndpoints,
): Promise<[code: number, text: string]> {
  let text = "";
  const code = await runHealth(argv, endpoints, { out: (part) => (text += part) });
  return [code, text];
}

function aFake(): FakeControl {
  const fake = createFakeControl(
    [fakeSpec("web", { startsecs: 0 }), fakeSpec("worker", { startretries: 0 })],
    new FakeClock(),
  );
  fake.spawnFails.set("worker:worker", { reason: "can't find command 'x'", code: 127 });
  return fake;
}

async function openPublic(t: TestContext, fake: FakeControl): Promise<HealthEndpoints> {
  const opened = await startPublicServer({ host: "127.0.0.1", port: 0 }, fakeServerDeps(fake));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { ...NOWHERE, listen: { host: "", port: opened.server.port ?? 0 } };
}

test("the public listener is asked, and one line says why", async (t) => {
  const fake = aFake();
  const endpoints = await openPublic(t, fake);
  assert.deepEqual(await probe([], endpoints), [
    1,
    "ready: startup failed: the start sequence is not over; web failed: STOPPED; worker failed: STOPPED\n",
  ]);
  fake.boot();
  assert.deepEqual(await probe([], endpoints), [1, "ready: worker failed: FATAL\n"]);
  assert.deepEqual(await probe(["live"], endpoints), [0, "live: ok\n"]);
  assert.deepEqual(await probe(["startup"], endpoints), [0, "startup: ok\n"]);
  assert.deepEqual(await probe(["web"], endpoints), [0, "ready web: ok\n"]);
  assert.deepEqual(await probe(["live", "worker:worker"], endpoints), [
    1,
    "live worker:worker: worker failed: FATAL\n",
  ]);
  assert.deepEqual(await probe(["ready", "nobody"], endpoints), [1, "ready nobody: no such program\n"]);
});

test("the control socket is asked where there is no listener, or somebody else's", async (t) => {
  const stranger = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  t.after(() => stranger.close());
  const { port } = stranger.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), "tsinit-health-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "s");
  const opened = await startControlServer(unixAddress(path), fakeServerDeps(aFake()));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  const listen = { host: "0.0.0.0", port };
  assert.deepEqual(await probe(["live"], { ...NOWHERE, serverUrl: `unix://${path}` }), [0, "live: ok\n"]);
  assert.deepEqual(await probe(["live"], { ...NOWHERE, candidates: [join(folder, "none"), path] }), [
    0,
    "live: ok\n",
  ]);
  assert.deepEqual(await probe(["live"], { ...NOWHERE, listen, candidates: [path] }), [0, "live: ok\n"]);
  const [code, text] = await probe(["live"], { ...NOWHERE, listen });
  assert.deepEqual([code, text], [1, `live: no answer (127.0.0.1:${port}: not a tsinit)\n`]);
});

test("whatever goes wrong is 1 and a line", async () => {
  assert.deepEqual(await probe([], NOWHERE), [1, "ready: no answer (nowhere to ask)\n"]);
  const [code, text] = await probe([], { ...NOWHERE, listen: { host: "127.0.0.1", port: 1 } });
  assert.equal(code, 1);
  assert.match(text, /^ready: no answer \(127\.0\.0\.1:1: connect ECONNREFUSED .*\)\n$/);
  assert.equal((await probe(["startup", "web"], NOWHERE))[0], 1);
  assert.equal((await probe(["ready", "a", "b"], NOWHERE))[0], 1);
  assert.equal((await probe(["--help"], NOWHERE))[0], 1);
});
