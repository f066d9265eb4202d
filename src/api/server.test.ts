import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { type ServerHandle, startControlServer, startPublicServer } from "./server.ts";
import { renderCall } from "./xmlrpc.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Where = { readonly port: number } | { readonly socketPath: string };

function ask(where: Where, method: string, path: string, headers = {}, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, host: "127.0.0.1", method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

const post = (where: Where, body: string, headers = {}): Promise<Answer> =>
  ask(where, "POST", "/RPC2", { "Content-Length": Buffer.byteLength(body), ...headers }, body);

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

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-api-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
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

test("the control socket is the owner's alone, replaces a dead one, respects a living one, and goes away", async (t) => {
  const path = join(folder(t), "control.sock");
  const deps = fakeServerDeps(createFakeControl([fakeSpec("web")]));
  const address = { kind: "unix", path, mode: 0o700, owner: null } as const;
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const first = await startControlServer(address, deps);
  assert.ok(first.ok);
  const file = lstatSync(path);
  assert.ok(file.isSocket());
  assert.equal(file.mode & 0o777, 0o700);
  assert.equal(process.umask(0), 0);
  assert.deepEqual(readdirSync(join(path, "..")), ["control.sock"]);
  const second = await startControlServer(address, deps);
  assert.deepEqual(second, { ok: false, error: `${path}: another program is listening there` });
  const state = await post({ socketPath: path }, renderCall("supervisor.getState", []));
  assert.match(state.body, /RUNNING/);
  assert.equal((await ask({ socketPath: path }, "GET", "/livez")).status, 200);
  first.server.close();
  assert.deepEqual(readdirSync(join(path, "..")), []);
  writeFileSync(path, "mine");
  const file2 = await startControlServer(address, deps);
  assert.deepEqual(file2, { ok: false, error: `${path} exists and is not a socket` });
  rmSync(path);
  await leaveStaleSocket(path);
  const third = await startControlServer(address, deps);
  assert.ok(third.ok);
  third.server.close();
});

/** A socket file whose server has gone without removing it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.other`, resolve));
  const { renameSync } = await import("node:fs");
  renameSync(`${path}.other`, path);
  await new Promise((resolve) => server.close(resolve));
  assert.ok(lstatSync(path).isSocket());
}

test("a place where no socket can be is an answer", async (t) => {
  const deps = fakeServerDeps(createFakeControl([]));
  const root = folder(t);
  for (const path of [join(root, "missing", "x.sock"), join(root, "x".repeat(120))]) {
    const opened = await startControlServer({ kind: "unix", path, mode: 0o700, owner: null }, deps);
    assert.equal(opened.ok, false);
    assert.match(opened.ok ? "" : opened.error, new RegExp(`^${path}`));
  }
  assert.deepEqual(readdirSync(root), []);
});

async function openControl(
  t: TestContext,
  login: { username: string | null; password: string | null },
): Promise<Where> {
  const deps = fakeServerDeps(createFakeControl([fakeSpec("web")]));
  const opened = await startControlServer({ kind: "inet", host: "127.0.0.1", port: 0, ...login }, deps);
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { port: opened.server.port ?? 0 };
}

test("a control server asks for its password, on every path", async (t) => {
  const basic = (text: string): object => ({
    Authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });
  const sha = `{SHA}${createHash("sha1").update("s:ecret").digest("hex")}`;
  const call = renderCall("supervisor.getPID", []);
  for (const password of ["s:ecret", sha]) {
    const where = await openControl(t, { username: "u", password });
    for (const headers of [
      {},
      basic("u:wrong"),
      basic("v:s:ecret"),
      basic(`u:${sha}`),
      { Authorization: "Bearer x" },
    ]) {
      const refused = await post(where, call, headers);
      assert.equal(refused.status, 401);
      assert.equal(refused.headers["www-authenticate"], 'Basic realm="default"');
    }
    assert.equal((await ask(where, "GET", "/livez")).status, 401);
    assert.equal((await post(where, call, basic("u:s:ecret"))).status, 200);
  }
});

test("a control server that others can reach needs a password", async () => {
  const deps = fakeServerDeps(createFakeControl([]));
  for (const host of ["", "*", "0.0.0.0", "10.0.0.1"]) {
    const opened = await startControlServer(
      { kind: "inet", host, port: 0, username: null, password: null },
      deps,
    );
    assert.equal(opened.ok, false, host);
  }
});

test("the RPC path takes a call of at most a megabyte and nothing else", async (t) => {
  const where = await openControl(t, { username: null, password: null });
  assert.equal((await ask(where, "GET", "/RPC2")).status, 400);
  assert.equal((await ask(where, "GET", "/metrics")).status, 404);
  assert.equal((await ask(where, "POST", "/RPC2", { "Transfer-Encoding": "chunked" }, "<x/>")).status, 411);
  assert.equal((await post(where, "<methodCall>")).status, 400);
  assert.equal((await post(where, renderCall("a", []), { Origin: "http://evil" })).status, 403);
  assert.equal((await post(where, "x".repeat(1024 * 1024))).status, 400);
  const large = await post(where, "x".repeat(1024 * 1024 + 1)).then(
    (answer) => answer.status,
    (error) => error.code,
  );
  assert.ok([413, "EPIPE", "ECONNRESET"].includes(large), String(large));
  const fault = await post(where, renderCall("supervisor.getProcessInfo", ["nobody"]));
  assert.deepEqual([fault.status, fault.headers["content-type"]], [200, "text/xml"]);
  assert.match(fault.body, /BAD_NAME: nobody/);
});

test("a shutdown is performed once its answer has left", async (t) => {
  const fake = createFakeControl([fakeSpec("web", { startsecs: 0 })]);
  fake.boot();
  const path = join(folder(t), "control.sock");
  const opened = await startControlServer(
    { kind: "unix", path, mode: 0o700, owner: null },
    fakeServerDeps(fake),
  );
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  const stopping = new Promise<void>((resolve) => {
    fake.control.subscribe((entry) => {
      if (entry.type === "stopping") resolve();
    });
  });
  const answer = await post({ socketPath: path }, renderCall("supervisor.shutdown", []));
  assert.match(answer.body, /<boolean>1<\/boolean>/);
  await stopping;
  const late = await post({ socketPath: path }, renderCall("supervisor.shutdown", []));
  assert.match(late.body, /SHUTDOWN_STATE/);
});

test("mutated calls each get a fault or an HTTP error", async (t) => {
  const where = await openControl(t, { username: null, password: null });
  const seed = Number(process.env["SEED"] ?? 20260101);
  const random = mulberry32(seed);
  const originals = [
    renderCall("supervisor.getAllProcessInfo", []),
    renderCall("supervisor.readProcessStdoutLog", ["web", 0, 10]),
    renderCall("system.multicall", [[{ methodName: "supervisor.getPID", params: [] }]]),
  ];
  const statuses = new Map<number, number>();
  for (let n = 0; n < 3000; n++) {
    const xml = mutate(originals[n % originals.length] ?? "", random);
    const { status } = await post(where, xml);
    assert.ok(
      status === 200 || status === 400,
      `seed ${seed}, call ${n}: ${status} for ${JSON.stringify(xml)}`,
    );
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.ok((statuses.get(400) ?? 0) > 100 && (statuses.get(200) ?? 0) > 100, JSON.stringify([...statuses]));
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const PIECES = [
  "<",
  ">",
  "&",
  "<value>",
  "</value>",
  "<int>",
  "\u0000",
  "\ud800",
  "]]>",
  "<!--",
  "99999999999",
  "__proto__",
  "€",
];

function mutate(text: string, random: () => number): string {
  const at = (): number => Math.floor(random() * text.length);
  let result = text;
  for (let count = Math.floor(random() * 3) + 1; count > 0; count--) {
    const [from, to] = [at(), at()].sort((left, right) => left - right);
    const piece = PIECES[Math.floor(random() * PIECES.length)] ?? "";
    const kind = random();
    if (kind < 0.3) result = result.slice(0, from) + piece + result.slice(from);
    else if (kind < 0.6)
      result = result.slice(0, from) + result.slice((from ?? 0) + 1 + Math.floor(random() * 5));
    else if (kind < 0.8) result = result.slice(0, to) + result.slice(from);
    else
      result =
        result.slice(0, from) +
        String.fromCharCode(Math.floor(random() * 256)) +
        result.slice((from ?? 0) + 1);
  }
  return result;
}
