import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeFiles } from "../test/fakes/config.ts";
import { ctlSettings, healthEndpoints } from "./client.ts";
import type { LoadRequest } from "./config/load.ts";

const request = (text: string): LoadRequest => ({
  configFile: null,
  command: [],
  environment: [],
  cwd: "/",
  argv0: "/sbin/tsinit",
  uid: 0,
  hostname: "h",
  purpose: "ctl",
  files: fakeFiles({ "/etc/tsinit.ini": text }),
});

test("without a word on the control socket the usual places are tried", () => {
  const { candidates, serverUrl } = healthEndpoints(request("[tsinit]\n"));
  assert.equal(serverUrl, null);
  assert(candidates.includes("/run/tsinit.sock"));
});

test("with control=none nobody at the usual places is asked: it would be another init", () => {
  const text = "[tsinit]\ncontrol=none\nlisten=none\n";
  const health = healthEndpoints(request(text));
  assert.deepEqual([health.listen, health.serverUrl, health.candidates], [null, null, []]);
  const ctl = ctlSettings(request(text));
  assert(ctl.ok);
  assert.equal(ctl.settings.serverUrl, "http://localhost:9001");
});
