import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../test/fakes/config.ts";
import { renderProblem } from "./config.ts";

test("an error stays on its line and steers no terminal, whatever the file holds", () => {
  const loaded = loadText("[program:a\x1b[31m]\nautostart=\x07maybe\n");
  assert(!loaded.ok);
  assert.deepEqual(loaded.errors.map(renderProblem), [
    "/etc/tsinit.ini:2: [program:a\\x1b[31m] autostart: not a valid boolean value: '\\x07maybe'; expected true or false",
    "/etc/tsinit.ini:1: [program:a\\x1b[31m] command: program section program:a\\x1b[31m does not specify a command; expected command=…",
  ]);
});
