import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../test/fakes/config.ts";
import { beginningOf, secretsHider, withoutLogin } from "./secrets.ts";

test("a login is taken out of a URL, even of a broken one", () => {
  assert.equal(withoutLogin("http://bob:pw@host:1/x"), "http://host:1/x");
  assert.equal(withoutLogin("ftp://bob:p@ss@host:x"), "ftp://host:x");
  assert.equal(withoutLogin("http://host/a@b"), "http://host/a@b");
});

test("values of variables that are secrets are shown by their names", () => {
  const hide = secretsHider([
    ["API_TOKEN", "abcdef"],
    ["SHORT_KEY", "ab"],
    ["DATABASE_URL", "postgres://u:pw@db/x"],
    ["PORT", "8080"],
    ["PWD", "/srv"],
  ]);
  assert.equal(
    hide("run --token abcdef --db postgres://u:pw@db/x --port 8080 --dir /srv ab"),
    "run --token %(ENV_API_TOKEN)s --db %(ENV_DATABASE_URL)s --port 8080 --dir /srv ab",
  );
});

test("errors and warnings of a configuration quote values without the secrets that were expanded in them", () => {
  const environment = [["API_TOKEN", "hunter2"]] as const;
  const wrong = loadText("[program:a]\ncommand=/bin/a\nready_http=%(ENV_API_TOKEN)s\n", { environment });
  assert.ok(!wrong.ok);
  assert.match(wrong.errors[0]?.text ?? "", /^'%\(ENV_API_TOKEN\)s' is not a URL/);
  const doubtful = loadText("[include]\nfiles=/x/%(ENV_API_TOKEN)s\n[program:a]\ncommand=/bin/a\n", {
    environment,
  });
  assert.ok(doubtful.ok);
  assert.match(doubtful.config.warnings[0]?.text ?? "", /"\/x\/%\(ENV_API_TOKEN\)s"/);
});

test("of a line that is no key and value only the beginning is shown", () => {
  assert.equal(beginningOf("key=value"), "key=…");
  assert.equal(beginningOf("= value"), "=…");
  assert.equal(beginningOf("what"), "what");
  assert.equal(beginningOf("MIIEpAIBAAKCAQEA"), "MIIEpAIB…");
});
