import assert from "node:assert/strict";
import { once } from "node:events";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linuxKernel } from "./linux.ts";

const kernel = linuxKernel();

async function portOf(host: string): Promise<{ port: number; server: ReturnType<typeof createServer> }> {
  const fd = kernel.listen(host, 0, 16);
  assert.ok(typeof fd === "number", `listen: ${fd}`);
  const server = createServer((_, response) => response.end("served"));
  server.listen({ fd });
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { port: address.port, server };
}

test("a socket bound by us is served by Node, on one address and on all", async () => {
  for (const host of ["127.0.0.1", "", "*"]) {
    const { port, server } = await portOf(host);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(await answer.text(), "served");
    server.close();
  }
});

test("a port in use is told, a name is left to Node", async () => {
  const { port, server } = await portOf("127.0.0.1");
  assert.equal(kernel.listen("127.0.0.1", port, 16), "EADDRINUSE");
  assert.equal(kernel.listen("", port, 16), "EADDRINUSE");
  assert.equal(kernel.listen("localhost", port, 16), "ENOTSUP");
  assert.equal(kernel.listen("256.0.0.1", port, 16), "ENOTSUP");
  assert.equal(kernel.listen("203.0.113.7", 0, 16), "EADDRNOTAVAIL");
  server.close();
});

test("a socket at a path is nobody else's until its mode is set, and a queue that is full is told at once", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tsinit-listen-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "x.sock");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const fd = kernel.listenUnix(path, 0);
  assert.ok(typeof fd === "number", `listenUnix: ${fd}`);
  assert.equal(lstatSync(path).mode & 0o777, 0o600);
  assert.equal(process.umask(0), 0, "the umask is as it was");
  // Connections that were closed wait to be accepted all the same.
  const answers = [1, 2, 3].map(() => kernel.knock(path));
  assert.deepEqual([answers[0], answers[2]], [null, "EAGAIN"]);
  kernel.close(fd);
});
