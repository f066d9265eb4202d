import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { linuxKernel } from "./linux.ts";

const kernel = linuxKernel();

async function portOf(host: string): Promise<{ port: number; server: ReturnType<typeof createServer> }> {
  const fd = kernel.listen(host, 0);
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
  assert.equal(kernel.listen("127.0.0.1", port), "EADDRINUSE");
  assert.equal(kernel.listen("", port), "EADDRINUSE");
  assert.equal(kernel.listen("localhost", port), "ENOTSUP");
  assert.equal(kernel.listen("256.0.0.1", port), "ENOTSUP");
  assert.equal(kernel.listen("203.0.113.7", 0), "EADDRNOTAVAIL");
  server.close();
});
