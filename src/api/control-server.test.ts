import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createFakeControl, fakeServerDeps } from "../../test/fakes/control.ts";
import { ask, folder, post, unixAddress, type Where } from "../../test/fakes/http.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { startControlServer } from "./server.ts";
import { renderCall } from "./xmlrpc.ts";

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
  const opened = await startControlServer(unixAddress(path), fakeServerDeps(fake));
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
