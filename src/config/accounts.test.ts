import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounts } from "./accounts.ts";

const accounts = new Accounts(
  "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken " +
    "line\n\nwww-data:x:33:33::/var/www:\napp:x:1000:1001:A:/home/app:/bin/sh",
  "root:x:0:\nwww-data:x:33:\nvideo:x:44:www-data,app\nadm:x:4:app\napps:x:1001:\nbad:x:\n",
);

test("a name: its group first, then every group that lists it", () => {
  assert.deepEqual(accounts.resolve("app"), {
    uid: 1000,
    gid: 1001,
    groups: [1001, 44, 4],
    name: "app",
    home: "/home/app",
    groupGiven: false,
  });
});

test("user:group by name and number", () => {
  assert.deepEqual(accounts.resolve("app:video").groups, [44, 4]);
  const { uid, gid, groupGiven } = accounts.resolve("1000:7");
  assert.deepEqual({ uid, gid, groupGiven }, { uid: 1000, gid: 7, groupGiven: true });
});

test("a number needs no entry; root needs no file at all", () => {
  assert.deepEqual(accounts.resolve("4711"), {
    uid: 4711,
    gid: 0,
    groups: [0],
    name: null,
    home: null,
    groupGiven: false,
  });
  assert.equal(new Accounts("", "").resolve("root").uid, 0);
});

test("who is nobody is refused", () => {
  for (const text of ["nosuch", "", "app:nosuch", "-1", "4294967295", "99999999999", ":", "app:"]) {
    assert.throws(() => accounts.resolve(text), /^Error: Invalid (user|group) (name|id)/, text);
  }
});
