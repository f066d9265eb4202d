import assert from "node:assert/strict";
import { test } from "node:test";
import { isUrl, parseServerUrl } from "./server-url.ts";

test("where a server listens", () => {
  assert.deepEqual(parseServerUrl("unix:///run/x.sock"), { socketPath: "/run/x.sock" });
  assert.deepEqual(parseServerUrl("http://localhost:9001"), { host: "localhost", port: 9001 });
  assert.deepEqual(parseServerUrl("http://a.example/RPC2?x"), { host: "a.example", port: 80 });
  assert.deepEqual(parseServerUrl("http://u:p@[::1]:9001"), { host: "::1", port: 9001 });
  assert.deepEqual(parseServerUrl("http://:9001"), { host: "localhost", port: 9001 });
});

test("what is none is told in Python's words", () => {
  const wrong: readonly [url: string, message: string][] = [
    ["https://x", "Unknown protocol for serverurl https://x"],
    ["HTTP://x", "Unknown protocol for serverurl HTTP://x"],
    ["localhost:9001", "Unknown protocol for serverurl localhost:9001"],
    ["http://x:abc", "Port could not be cast to integer value as 'abc'"],
    ["http://x:99999", "Port out of range 0-65535"],
  ];
  for (const [url, message] of wrong)
    assert.throws(() => parseServerUrl(url), { type: "ValueError", message }, url);
});

test("anything with a scheme and something behind it is a URL", () => {
  for (const url of ["http://x", "unix:///x", "unix://x", "x:y", "localhost:9001", "https://x"])
    assert.equal(isUrl(url), true, url);
  for (const url of ["", "x", "/x", "http://", "unix://", "x:", "://x", "http://?x"])
    assert.equal(isUrl(url), false, url);
});
