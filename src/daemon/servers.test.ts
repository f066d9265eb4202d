import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../test/fakes/config.ts";
import { serverUrl } from "./servers.ts";

function url(text: string, defaultSocket: string | null = null): string | null {
  const loaded = loadText(`${text}\n[program:a]\ncommand=x`);
  assert.ok(loaded.ok);
  return serverUrl(loaded.config, defaultSocket);
}

test("programs are told the server that supervisord tells them, else the socket that was really opened", () => {
  const inet = "[inet_http_server]\nport=127.0.0.1:9001\n[inet_http_server:b]\nport=127.0.0.1:9002\n";
  assert.equal(url(`${inet}[unix_http_server]\nfile=/run/../run/s.sock`), "unix:///run/s.sock");
  assert.equal(url(inet), "http://127.0.0.1:9002");
  const login = "username=a\npassword=b\n";
  assert.equal(url(`[inet_http_server]\nport=*:9001\n${login}`), "http://localhost:9001");
  assert.equal(url(`[inet_http_server]\nport=0.0.0.0:9001\n${login}`), "http://0.0.0.0:9001");
  assert.equal(url("", "/tmp/tsinit.sock"), "unix:///tmp/tsinit.sock");
  assert.equal(url("[tsinit]\ncontrol=/run/c.sock"), "unix:///run/c.sock");
  assert.equal(url("[tsinit]\ncontrol=none"), null);
});
