/** Clients that do not behave, against the control server over a socket. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../test/fakes/clock.ts";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { ask, post } from "../../test/fakes/http.ts";
import { memoryHeld } from "../../test/fakes/memory.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { type ServerHandle, startControlServer } from "./server.ts";
import { parseResponse, renderCall } from "./xmlrpc.ts";

interface Scene {
  readonly server: ServerHandle;
  readonly port: number;
  readonly clock: FakeClock;
  readonly faults: unknown[];
  readonly fake: FakeControl;
}

async function open(t: TestContext): Promise<Scene> {
  const clock = new FakeClock();
  const faults: unknown[] = [];
  const fake = createFakeControl([fakeSpec("web", { startsecs: 0 })], clock);
  fake.boot();
  const address = { kind: "inet", host: "127.0.0.1", port: 0, username: null, password: null } as const;
  const opened = await startControlServer(address, fakeServerDeps(fake, faults));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { server: opened.server, port: opened.server.port ?? 0, clock, faults, fake };
}

const CALL = renderCall("supervisor.getPID", []);

function raw(port: number, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

const head = (...lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;
const length = `Content-Length: ${Buffer.byteLength(CALL)}`;
const POST = "POST /RPC2 HTTP/1.1";

test("odd but honest requests are answered", async (t) => {
  const { port } = await open(t);
  const answers = [
    await raw(port, head("POST /RPC2 HTTP/1.0", length), CALL),
    await raw(port, head(POST, length), CALL),
    await raw(port, head(POST, "Host:", length), CALL),
    await raw(port, head("POST /RPC2/ HTTP/1.1", "Host: x", "Connection: keep-alive", length), CALL),
    await raw(port, head(POST, "Host: x", length, "Content-Type: application/octet-stream"), CALL),
    await raw(port, head(POST, "Host: x", length), ...CALL),
  ];
  for (const answer of answers) {
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /Content-Type: text\/xml\r\n/);
    assert.match(answer, /<int>1<\/int>/);
  }
  const expecting = await raw(port, head(POST, "Host: x", "Expect: 100-continue", length), CALL);
  assert.match(expecting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
});

test("requests sent ahead of their answers: the first is answered, the others are not read", async (t) => {
  const { port, server } = await open(t);
  const one = head(POST, "Host: x", length) + CALL;
  assert.equal((await raw(port, one + one + one)).match(/HTTP\/1\.1 200 OK/g)?.length, 1);
  const before = memoryHeld();
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.write(head("GET /logtail/web HTTP/1.1", "Host: x"));
  await new Promise((resolve) => socket.once("data", resolve));
  for (let n = 0; n < 100; n++) socket.write("GET /logtail/web HTTP/1.1\r\n\r\n".repeat(1000));
  await new Promise((resolve) => socket.once("close", resolve));
  const grown = memoryHeld() - before;
  assert.ok(grown < 8 * 1024 * 1024, `${grown} bytes`);
  assert.equal(server.connections(), 0);
});

test("what is no request, too large, or of unknown length is refused", async (t) => {
  const { port, faults } = await open(t);
  const host = "Host: x";
  const many = Array.from({ length: 3000 }, (_, n) => `X${n}: y`);
  const cases: [answer: RegExp, ...pieces: string[]][] = [
    [/^HTTP\/1\.1 411 /, head(POST, host)],
    [/^HTTP\/1\.1 411 /, head(POST, host, "Transfer-Encoding: chunked"), "3\r\n<x>\r\n0\r\n\r\n"],
    [/^HTTP\/1\.1 400 /, head(POST, host, "Transfer-Encoding: chunked", length), "0\r\n\r\n"],
    [/^HTTP\/1\.1 400 /, head(POST, host, length, length, "Content-Length: 1"), CALL],
    [/^HTTP\/1\.1 413 /, head(POST, host, "Content-Length: 1048577")],
    [/^HTTP\/1\.1 413 /, head(POST, host, "Content-Length: 9007199254740993")],
    [/^HTTP\/1\.1 400 /, head(POST, host, "Content-Length: -1")],
    [/^HTTP\/1\.1 400 /, head(POST, host, "Content-Length: 0")],
    [/^HTTP\/1\.1 417 /, head(POST, host, "Expect: the-moon", length), CALL],
    [/^HTTP\/1\.1 431 /, head(POST, host, `X: ${"y".repeat(20_000)}`, length), CALL],
    [/^HTTP\/1\.1 431 /, head(POST, host, ...many, length), CALL],
    [/^HTTP\/1\.1 4\d\d /, head(`GET /${"a".repeat(30_000)} HTTP/1.1`, host)],
    [/^HTTP\/1\.1 400 /, head("GET http://x/ok.html HTTP/1.1", host)],
    [/^HTTP\/1\.1 400 /, head("GET /RPC2 HTTP/1.1", host)],
    [/^HTTP\/1\.1 400 /, head("DELETE /RPC2 HTTP/1.1", host)],
    [/^HTTP\/1\.1 40[05] /, head("FETCH /RPC2 HTTP/1.1", host)],
    [/^HTTP\/1\.1 404 /, head("GET /../../etc/passwd HTTP/1.1", host)],
    [/^HTTP\/1\.1 404 /, head("GET /%2e%2e/%00 HTTP/1.1", host)],
    [/^(?:HTTP\/1\.1 400 |$)/, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    [/^(?:HTTP\/1\.1 40|$)/, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ];
  for (const [answer, ...pieces] of cases)
    assert.match(await raw(port, ...pieces), answer, JSON.stringify(pieces).slice(0, 200));
  const binary = await raw(port, head(POST, host, "Content-Length: 4"), Buffer.from([0xff, 0xfe, 0x3c, 0]));
  assert.match(binary, /^HTTP\/1\.1 400 /);
  const upgrade = await raw(
    port,
    head("GET /ok.html HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket"),
  );
  assert.match(upgrade, /^HTTP\/1\.1 200 /);
  assert.deepEqual(faults, []);
});

test("who takes too long to ask is dropped", async (t) => {
  const { port, server, clock } = await open(t);
  const slow = ["", "POST /RPC2 HT", head(POST, length), head(POST, length) + CALL.slice(0, 50)].map((text) =>
    raw(port, text),
  );
  while (server.connections() < slow.length) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(9_000);
  assert.equal(server.connections(), slow.length);
  clock.advance(2_000);
  assert.deepEqual(await Promise.all(slow), ["", "", "", ""]);
});

test("a thousand silent clients and hundreds that wait do not keep an honest one out", async (t) => {
  const { port, server } = await open(t);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let n = 0; n < 1500; n++) {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    if (n % 3 === 0) socket.write(head(POST, length));
    if (n % 3 === 1) socket.write(head("GET /logtail/web HTTP/1.1"));
    await new Promise<void>((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", () => resolve());
    });
  }
  const { body } = await post({ port }, CALL);
  assert.deepEqual(await parseResponse(body), { ok: true, value: 1 });
  assert.ok(server.connections() <= 512, `${server.connections()} connections`);
});

test("a call of many calls cannot answer more than fits, and lets others have a turn", async (t) => {
  const { port, fake } = await open(t);
  fake.write("web:web", "stdout", "x".repeat(64 * 1024));
  const call = { methodName: "supervisor.readProcessStdoutLog", params: ["web", 0, 0] };
  const calls = Array.from({ length: 3000 }, () => call);
  const xml = renderCall("system.multicall", [calls]);
  let [longest, last] = [0, performance.now()];
  const watch = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  const [many, { status }] = await Promise.all([post({ port }, xml), ask({ port }, "GET", "/ok.html")]);
  clearInterval(watch);
  assert.equal(status, 200);
  assert.ok(longest < 1000, `the others waited ${longest} ms`);
  assert.ok(many.body.length < 32 * 1024 * 1024);
  assert.match(many.body.slice(-1000), /FAILED: the answers before are too large/);
});
