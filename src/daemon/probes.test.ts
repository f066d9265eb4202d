import assert from "node:assert/strict";
import { createServer, Server } from "node:http";
import net, { type AddressInfo } from "node:net";
import { after, test } from "node:test";
import { fakeSpec } from "../../test/fakes/plans.ts";
import type { Probe } from "../core/spec.ts";
import type { ExitStatus } from "../core/states.ts";
import type { HelperRequest, HelperStart } from "./helpers.ts";
import { createAsk, type Verdict } from "./probes.ts";

const open = new Set<net.Server>();
after(() => {
  for (const server of open) {
    server.close();
    if (server instanceof Server) server.closeAllConnections();
  }
});

async function listening<S extends net.Server | Server>(server: S): Promise<number> {
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const helpers = (run: (request: HelperRequest) => HelperStart) => ({ run });
const none = helpers(() => ({ ok: false, reason: "none", code: 1 }));

function ask(probe: Probe): Promise<Verdict> {
  return new Promise((resolve) => createAsk(none)(probe, () => null)(resolve));
}

test("http: 2xx and 3xx are a yes, nobody follows or reads, each on a connection of its own", async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(
      `${request.method} ${request.url} ${request.headers.connection} ${request.headers["user-agent"]}`,
    );
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { Location: "/500" });
    response.flushHeaders();
    // A body without end.
    if (status !== 204) response.write("x".repeat(100_000));
  });
  const port = await listening(server);
  for (const status of [200, 204, 302, 399])
    assert.ok((await ask({ kind: "http", url: `http://localhost:${port}/${status}` })).ok, `${status}`);
  for (const status of [400, 404, 503])
    assert.deepEqual(await ask({ kind: "http", url: `http://127.0.0.1:${port}/${status}` }), {
      ok: false,
      reason: `http ${status}`,
      isOurs: false,
    });
  assert.deepEqual(seen[0], "GET /200 close tsinit");
  assert.equal(seen.length, 7);
  server.closeAllConnections();
});

test("http: what is no answer says why", async () => {
  const silent = await listening(net.createServer((socket) => socket.end()));
  const rubbish = await listening(net.createServer((socket) => socket.end("hello\r\n\r\n")));
  const gone = net.createServer();
  const closed = await listening(gone);
  await new Promise((resolve) => gone.close(resolve));
  const reason = async (url: string) => {
    const verdict = await ask({ kind: "http", url });
    assert.ok(!verdict.ok && !verdict.isOurs);
    return verdict.reason;
  };
  assert.equal(await reason(`http://localhost:${closed}/`), "http: connection refused");
  assert.equal(await reason(`http://localhost:${silent}/`), "http: connection reset");
  assert.match(await reason(`http://localhost:${rubbish}/`), /^http: HPE_/);
  assert.match(await reason(`https://localhost:${rubbish}/`), /^http: /);
});

test("http: given up, the connection is closed", async () => {
  const closed = Promise.withResolvers<void>();
  const server = createServer((request) => request.socket.on("close", () => closed.resolve()));
  const port = await listening(server);
  let calls = 0;
  const asked = Promise.withResolvers<void>();
  server.on("request", () => asked.resolve());
  const abort = createAsk(none)({ kind: "http", url: `http://127.0.0.1:${port}/` }, () => null)((verdict) => {
    calls++;
    assert.ok(!verdict.ok);
  });
  await asked.promise;
  abort();
  await closed.promise;
  assert.ok(calls <= 2);
});

test("tcp: whoever accepts is ready", async () => {
  const server = net.createServer((socket) => socket.on("error", () => {}));
  const port = await listening(server);
  assert.ok((await ask({ kind: "tcp", host: "localhost", port })).ok);
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await ask({ kind: "tcp", host: "localhost", port }), {
    ok: false,
    reason: "tcp: connection refused",
    isOurs: false,
  });
});

test("exec: exit 0 is a yes; its words are the reason; never two at a time; what fails here is nobody's no", () => {
  const requests: HelperRequest[] = [];
  const helper = { gone: false, kill: () => void killed++ };
  let killed = 0;
  let start: HelperStart = { ok: true, helper };
  const ask = createAsk(
    helpers((request) => {
      requests.push(request);
      return start;
    }),
  );
  const verdicts: Verdict[] = [];
  const probe: Probe = { kind: "exec", command: "check it", argv: ["check", "it"] };
  const once = ask(probe, () => ({ spec: fakeSpec("a"), pid: 7 }));
  const end = (status: ExitStatus, output: string) => {
    requests.at(-1)?.onEnd(status, output);
    helper.gone = true;
  };
  once((verdict) => verdicts.push(verdict));
  assert.deepEqual([requests[0]?.hook.argv, requests[0]?.mainPid], [["check", "it"], 7]);
  end({ kind: "exited", code: 0 }, "fine");
  once((verdict) => verdicts.push(verdict));
  helper.gone = false;
  end({ kind: "exited", code: 2 }, "no\n\x1b[31m database \n");
  once((verdict) => verdicts.push(verdict))();
  assert.equal(killed, 1);
  helper.gone = false;
  once((verdict) => verdicts.push(verdict))();
  // Killed a moment ago is not yet gone, and no answer: it is asked as soon as that one is reaped.
  once((verdict) => verdicts.push(verdict));
  assert.equal(requests.length, 3);
  helper.gone = true;
  requests[2]?.onGone?.();
  assert.equal(requests.length, 4);
  helper.gone = false;
  end({ kind: "exited", code: 0 }, "");
  requests[3]?.onGone?.();
  assert.equal(requests.length, 4);
  start = { ok: false, reason: "too many", code: 1 };
  once((verdict) => verdicts.push(verdict));
  start = { ok: false, reason: "can't find command 'check'", code: 127 };
  once((verdict) => verdicts.push(verdict));
  assert.deepEqual(
    verdicts.map((verdict) => (verdict.ok ? "yes" : `${verdict.reason} ${verdict.isOurs}`)),
    [
      "yes",
      "exec: exit status 2: no [31m database false",
      "exec: the one before cannot be killed false",
      "yes",
      "exec: too many true",
      "exec: can't find command 'check' false",
    ],
  );
});
