import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { type Answer, ask } from "../../test/fakes/http.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { type ServerHandle, startPublicServer } from "./server.ts";

interface Scene {
  readonly fake: FakeControl;
  readonly port: number;
  readonly server: ServerHandle;
  readonly faults: unknown[];
  readonly get: (path: string, headers?: object) => Promise<Answer>;
}

async function openPublic(
  t: TestContext,
  fake = createFakeControl([fakeSpec("web", { startsecs: 0 })]),
): Promise<Scene> {
  const faults: unknown[] = [];
  const opened = await startPublicServer({ host: "127.0.0.1", port: 0 }, fakeServerDeps(fake, faults));
  assert.ok(opened.ok);
  const { server } = opened;
  t.after(() => server.close());
  const port = server.port ?? 0;
  return { fake, port, server, faults, get: (path, headers) => ask({ port }, "GET", path, headers) };
}

test("probes follow the programs", async (t) => {
  const { fake, get } = await openPublic(t);
  assert.equal((await get("/livez")).status, 200);
  assert.equal((await get("/startupz")).status, 503);
  const before = await get("/readyz");
  assert.equal(before.status, 503);
  assert.match(before.body, /^\[\+\]ping ok\n/);
  assert.match(before.body, /\n\[-\]web failed: STOPPED\n/);
  assert.match(before.body, /\nreadyz check failed\n$/);
  fake.boot();
  for (const path of [
    "/livez",
    "/readyz",
    "/startupz",
    "/healthz",
    "/readyz/",
    "/readyz/web",
    "/livez/web%3Aweb",
  ]) {
    const { status, body, headers } = await get(path);
    assert.deepEqual([path, status, body], [path, 200, "ok\n"]);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["connection"], "close");
  }
  fake.submit({ type: "shutdown", cause: "a test", hurry: false });
  assert.equal((await get("/readyz")).status, 503);
  assert.equal((await get("/livez")).status, 200);
});

test("verbose lists every check, exclude leaves one out, JSON says the same", async (t) => {
  const specs = [fakeSpec("a b?", { startsecs: 0 }), fakeSpec("worker")];
  const fake = createFakeControl(specs, new FakeClock());
  fake.spawnFails.set("worker:worker", { reason: "can't find command '/secret/path'", code: 127 });
  fake.boot();
  const { get } = await openPublic(t, fake);
  const failing = await get("/readyz");
  assert.equal(failing.status, 503);
  assert.match(failing.body, /\[-\]worker failed: BACKOFF\n/);
  assert.doesNotMatch(failing.body, /secret/);
  const verbose = await get("/readyz?verbose&exclude=worker&exclude=nobody&exclude=startup");
  assert.equal(verbose.status, 200);
  assert.match(verbose.body, /\[\+\]a b\? ok\n/);
  assert.match(verbose.body, /\[\+\]worker excluded: ok\n/);
  assert.match(verbose.body, /\nwarn: some health checks cannot be excluded: no matches for "nobody"\n/);
  assert.match(verbose.body, /\nreadyz check passed\n$/);
  const json = await get("/readyz", { Accept: "application/json" });
  assert.equal(json.status, 503);
  assert.equal(json.headers["content-type"], "application/json");
  const parsed = JSON.parse(json.body);
  assert.equal(parsed.ok, false);
  assert.deepEqual(
    parsed.checks.find((check: { name: string }) => check.name === "worker"),
    { name: "worker", ok: false, reason: "BACKOFF", excluded: false },
  );
  assert.equal((await get("/livez/a%20b%3F")).status, 200);
  assert.equal(
    (await get("/readyz", { Accept: "*/*" })).headers["content-type"],
    "text/plain; charset=utf-8",
  );
});

test("what does not exist is 404, what may not be done 405, and HEAD is a GET without a body", async (t) => {
  const { get, port } = await openPublic(t);
  for (const path of [
    "/",
    "/nothing",
    "/livez/nobody",
    "/livez/a/b",
    "/readyz/%zz",
    "/RPC2",
    "/startupz/web",
  ])
    assert.equal((await get(path)).status, 404, path);
  const posted = await ask({ port }, "POST", "/livez", { "Content-Length": 3 }, "abc");
  assert.deepEqual([posted.status, posted.headers.allow], [405, "GET, HEAD"]);
  const head = await ask({ port }, "HEAD", "/livez");
  assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", "3"]);
});

test("metrics that a client is slow to take stay as they are while others ask for newer ones", async (t) => {
  // More than the kernel keeps on its way.
  const specs = Array.from({ length: 2000 }, (_, index) => fakeSpec(`${"long-name-".repeat(8)}${index}`));
  const deps = fakeServerDeps(createFakeControl(specs), []);
  let scrapes = 0;
  const counts = { restarts: new Map(), exits: new Map(), startDurationSeconds: null };
  const opened = await startPublicServer(
    { host: "127.0.0.1", port: 0 },
    {
      ...deps,
      totals: () => ({ ...deps.totals(), orphans: ++scrapes }),
      // Read when the answer is written, so each has its own number on every one of these lines.
      record: () => Object.defineProperty({ ...counts, starts: 0 }, "starts", { get: () => scrapes }),
    },
  );
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  const port = opened.server.port ?? 0;
  const numbersIn = (body: string): string[] =>
    Array.from(body.matchAll(/^tsinit_program_starts_total\{.*\} (\d+)$/gm), (found) => found[1] ?? "");

  const slow = connect(port, "127.0.0.1");
  t.after(() => slow.destroy());
  slow.pause();
  slow.write("GET /metrics HTTP/1.0\r\n\r\n");
  await once(slow, "readable");
  for (const scrape of ["2", "3"]) {
    const { body } = await ask({ port }, "GET", "/metrics");
    assert.deepEqual(new Set(numbersIn(body)), new Set([scrape]));
  }
  assert.equal(opened.server.connections(), 1);
  const chunks: Buffer[] = [];
  slow.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(slow, "end");
  const numbers = numbersIn(Buffer.concat(chunks).toString());
  assert.equal(numbers.length, specs.length);
  assert.deepEqual(new Set(numbers), new Set(["1"]));
});

test("metrics are served in the format that is asked for", async (t) => {
  const { fake, get, faults } = await openPublic(t);
  fake.boot();
  const plain = await get("/metrics");
  assert.equal(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.match(plain.body, /^tsinit_program_state\{group="web",program="web",state="RUNNING"\} 1$/m);
  assert.match(plain.body, /^tsinit_program_starts_total\{group="web",program="web"\} 1$/m);
  const prometheus =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const open = await get("/metrics", { Accept: prometheus });
  assert.equal(open.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
  assert.match(open.body, /\n# EOF\n$/);
  const lower = "application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5";
  for (const accept of [
    lower,
    "*/*",
    "application/openmetrics-text;version=9",
    "application/openmetrics-text;q=0",
  ])
    assert.match(
      String((await get("/metrics", { Accept: accept })).headers["content-type"]),
      /^text\/plain/,
      accept,
    );
  assert.deepEqual(faults, []);
});

test("a fault behind a page is a 500, told and survived", async (t) => {
  const { fake, get, faults } = await openPublic(t);
  const { snapshot } = fake.control;
  fake.control.snapshot = () => {
    throw new Error("planted");
  };
  for (const path of ["/livez", "/metrics"]) {
    const { status, body } = await get(path);
    assert.deepEqual([status, body], [500, "internal error\n"]);
  }
  assert.match(String(faults[0]), /fault in the answer to GET \/livez: Error: planted/);
  fake.control.snapshot = snapshot;
  assert.equal((await get("/livez")).status, 200);
});

test("a thousand clients that say nothing do not keep a probe out", async (t) => {
  const { port, server, get } = await openPublic(t);
  const silent: Socket[] = [];
  t.after(() => {
    for (const socket of silent) socket.destroy();
  });
  for (let n = 0; n < 1000; n++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    silent.push(socket);
    if (n % 2) socket.write("GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    await new Promise<void>((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", () => resolve());
    });
  }
  assert.equal((await get("/livez")).status, 200);
  assert.ok(server.connections() <= 512, `${server.connections()} connections`);
});

test("an idle listener leaves no timer that runs", async (t) => {
  const { get } = await openPublic(t);
  await get("/livez");
  await new Promise((resolve) => setImmediate(resolve));
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
  assert.deepEqual(timers, []);
});

test("broken requests are refused and nothing else happens", async (t) => {
  const { port, get } = await openPublic(t);
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.on("data", (chunk) => (answer += chunk));
      socket.on("error", () => resolve(answer));
      socket.on("close", () => resolve(answer));
    });
  assert.match(await raw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(
    await raw(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  assert.match(
    await raw("GET /livez HTTP/1.0\r\n\r\n"),
    /^HTTP\/1\.1 200 OK[^]*Connection: close[^]*\r\n\r\nok\n$/,
  );
  assert.match(await raw("GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.equal((await get("/livez")).status, 200);
});

test("a port that is taken is an answer", async (t) => {
  const { port, fake } = await openPublic(t);
  const again = await startPublicServer({ host: "127.0.0.1", port }, fakeServerDeps(fake));
  assert.deepEqual(again, { ok: false, error: `127.0.0.1:${port}: another program is listening there` });
});

test("who is refused may go on sending until it has read the answer", async (t) => {
  const { port } = await openPublic(t);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const write = () => new Promise<void>((resolve) => socket.write("\r\n", () => setTimeout(resolve, 20)));
  const ended = new Promise<string>((resolve, reject) => {
    let text = "";
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    // What supervisor's own client sends behind each request; to a socket that is gone the second write fails.
    socket.on("end", () => {
      void write()
        .then(write)
        .then(() => resolve(text));
    });
  });
  socket.write("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.match(await ended, /^HTTP\/1\.1 404 /);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.end();
  await closed;
});
