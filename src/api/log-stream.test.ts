import assert from "node:assert/strict";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { ask } from "../../test/fakes/http.ts";
import { memoryHeld } from "../../test/fakes/memory.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { type ServerHandle, startControlServer } from "./server.ts";

interface Scene {
  readonly fake: FakeControl;
  readonly server: ServerHandle;
  readonly port: number;
}

async function open(t: TestContext): Promise<Scene> {
  const discard = { ...fakeSpec("mute").stdout, logfile: "NONE", target: "discard" } as const;
  const fake = createFakeControl([
    fakeSpec("web", { startsecs: 0 }),
    fakeSpec("a", { group: "crew", id: "crew:a", startsecs: 0 }),
    fakeSpec("mute", { stdout: discard, redirectStderr: true }),
    fakeSpec("null", { stdout: { ...discard, logfile: "/dev/null" } }),
  ]);
  fake.boot();
  const address = { kind: "inet", host: "127.0.0.1", port: 0, username: null, password: null } as const;
  const opened = await startControlServer(address, fakeServerDeps(fake));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { fake, server: opened.server, port: opened.server.port ?? 0 };
}

interface Following {
  readonly response: IncomingMessage;
  readonly sent: ClientRequest;
  readonly ended: Promise<void>;
  text(): string;
  /** Resolves when the text so far matches. */
  until(what: RegExp): Promise<string>;
}

function follow(port: number, path: string): Promise<Following> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let text = "";
      let look = (): void => {};
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text = (text + chunk).slice(-100_000);
        look();
      });
      response.on("error", () => {});
      const ended = new Promise<void>((done) => response.once("close", done));
      const until = (what: RegExp): Promise<string> =>
        new Promise((found) => {
          look = () => {
            if (what.test(text)) found(text);
          };
          look();
        });
      resolve({ response, sent, ended, until, text: () => text });
    });
    sent.once("error", reject);
    sent.end();
  });
}

async function nobodyFollows(fake: FakeControl): Promise<void> {
  while (fake.followers() > 0) await new Promise((resolve) => setImmediate(resolve));
}

test("a log begins at most 1024 bytes before its end, on a whole character, and goes on as it is written", async (t) => {
  const { fake, port } = await open(t);
  fake.write("web:web", "stdout", `${"x".repeat(500)}${"é".repeat(512)}.`);
  const following = await follow(port, "/logtail/web");
  assert.equal(following.response.statusCode, 200);
  assert.equal(following.response.headers["content-type"], "text/plain;charset=utf-8");
  assert.equal(following.response.headers["transfer-encoding"], "chunked");
  assert.equal(following.response.headers["x-accel-buffering"], "no");
  assert.match(String(following.response.headers["last-modified"]), / GMT$/);
  assert.equal(await following.until(/\.$/), `${"é".repeat(511)}.`);
  fake.write("web:web", "stderr", "not this\n");
  fake.write("crew:a", "stdout", "nor this\n");
  fake.write("web:web", "stdout", "one\n");
  await following.until(/one\n$/);
  fake.write("web:web", "stdout", Buffer.from("aé\n").subarray(0, 2));
  fake.write("web:web", "stdout", Buffer.from("aé\n").subarray(2));
  assert.match(await following.until(/aé\n$/), /\.one\naé\n$/);
  following.sent.destroy();
  await nobodyFollows(fake);
});

test("every name, stream and tsinit's own log can be followed", async (t) => {
  const { fake, port } = await open(t);
  fake.write("crew:a", "stderr", "oops\n");
  fake.write("main", "stdout", "main line\n");
  for (const [path, line] of [
    ["/logtail/crew:a/stderr", "oops\n"],
    ["/logtail/crew%3Aa/stderr?x=y", "oops\n"],
    ["/mainlogtail", "main line\n"],
  ] as const) {
    const following = await follow(port, path);
    await following.until(new RegExp(`^${line}$`));
    following.sent.destroy();
  }
  await nobodyFollows(fake);
});

test("what has no log is 404, what is no GET is 400", async (t) => {
  const { port, fake } = await open(t);
  for (const path of [
    "/logtail",
    "/logtail/",
    "/logtail/nobody",
    "/logtail/crew:*",
    "/logtail/crew:",
    "/logtail/web/stdin",
    "/logtail/web/stdout/x",
    "/logtail/mute",
    "/logtail/mute/stderr",
    "/logtail/%ff",
    "/logtail/__proto__",
  ])
    assert.equal((await ask({ port }, "GET", path)).status, 404, path);
  for (const method of ["POST", "HEAD", "PUT"])
    for (const path of ["/logtail/web", "/mainlogtail"])
      assert.equal((await ask({ port }, method, path, { "Content-Length": 0 })).status, 400);
  assert.equal(fake.followers(), 0);
});

test("/dev/null is a log like another, and nothing is in it", async (t) => {
  const { port, fake } = await open(t);
  fake.write("null", "stdout", "nowhere\n");
  const following = await follow(port, "/logtail/null");
  assert.equal(following.response.statusCode, 200);
  fake.write("null", "stdout", "nowhere\n");
  assert.equal(fake.followers(), 0);
  assert.equal(following.text(), "");
  following.sent.destroy();
});

test("HTTP/1.0 gets the bytes as they come, without chunks", async (t) => {
  const { port, fake } = await open(t);
  fake.write("web:web", "stdout", "first\n");
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.write("GET /logtail/web HTTP/1.0\r\n\r\n");
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.endsWith("first\n")) fake.write("web:web", "stdout", "second\n");
      if (text.endsWith("second\n")) resolve();
    });
  });
  assert.match(text, /\r\n\r\nfirst\nsecond\n$/);
  assert.doesNotMatch(text, /chunked/);
});

/** Reads only when told to. */
function sleepyClient(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  socket.write("GET /logtail/web HTTP/1.0\r\n\r\n");
  return new Promise((resolve) => {
    socket.once("readable", () => resolve(socket));
  });
}

test("a client that does not read costs little, keeps nobody waiting, and gets the newest when it reads again", async (t) => {
  const { port, fake } = await open(t);
  const socket = await sleepyClient(t, port);
  const other = await follow(port, "/logtail/web");
  const before = memoryHeld();
  const line = `${"z".repeat(1023)}\n`;
  for (let n = 0; n < 50_000; n++) {
    fake.write("web:web", "stdout", line);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const grown = memoryHeld() - before;
  assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes`);
  fake.write("web:web", "stdout", "the end\n");
  await other.until(/the end\n$/);
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text = (text + chunk).slice(-200_000);
      if (text.endsWith("the end\n")) resolve();
    });
  });
  assert.match(text, /\n==> \d+ bytes left out <==\n/);
});

test("the end of the program's group, and of tsinit, ends the answer properly", async (t) => {
  const { port, fake, server } = await open(t);
  const web = await follow(port, "/logtail/web");
  const crew = await follow(port, "/logtail/crew:a");
  fake.control.perform({ type: "stop", ids: ["web:web"] });
  await new Promise((resolve) => setImmediate(resolve));
  fake.control.perform({ type: "remove-group", group: "web" });
  await web.ended;
  assert.equal(web.response.complete, true);
  assert.equal(fake.followers(), 1);
  server.close();
  await crew.ended;
  assert.equal(crew.response.complete, true);
  assert.equal(fake.followers(), 0);
});

test("followers are counted, and who goes makes room", async (t) => {
  const { port, fake } = await open(t);
  const all: Following[] = [];
  for (let n = 0; n < 64; n++) all.push(await follow(port, "/logtail/web"));
  assert.equal((await ask({ port }, "GET", "/logtail/web")).status, 503);
  assert.equal((await ask({ port }, "GET", "/ok.html")).body, "OK");
  for (const { sent } of all) sent.destroy();
  await nobodyFollows(fake);
  const again = await follow(port, "/logtail/web");
  assert.equal(again.response.statusCode, 200);
  again.sent.destroy();
});
