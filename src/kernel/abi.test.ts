import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { errnoName } from "./abi.ts";

test("errno names are those of this system", () => {
  const aliases: Record<string, string> = {
    EWOULDBLOCK: "EAGAIN",
    ENOTSUP: "EOPNOTSUPP",
    EDEADLOCK: "EDEADLK",
  };
  for (const [name, number] of Object.entries(constants.errno)) {
    assert.equal(errnoName(number), aliases[name] ?? name, `errno ${number}`);
  }
  assert.equal(errnoName(133), "EHWPOISON");
  assert.equal(errnoName(41), "E41");
  assert.equal(errnoName(999), "E999");
});
