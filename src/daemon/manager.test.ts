import assert from "node:assert/strict";
import { test } from "node:test";
import { readManager } from "./manager.ts";

type Variables = Record<string, string>;

const read = (variables: Variables, open: readonly number[] = [3, 4, 5]) =>
  readManager(Object.entries(variables), 7, (fd) => open.includes(fd));

/** The names that programs still get. */
const left = (variables: Variables) =>
  read(variables)
    .hide(Object.entries({ PATH: "/bin", ...variables }))
    .map(([name]) => name);

test("nothing given, nothing taken: the environment is the same list", () => {
  const { hide, ...manager } = read({ PATH: "/bin" });
  assert.deepEqual(manager, { notify: null, watchdog: null, sockets: [], socketVariables: ["LISTEN_FDS=0"] });
  const environment = [["PATH", "/bin"]] as const;
  assert.equal(hide(environment), environment);
});

test("where to report, and how often", () => {
  assert.equal(read({ NOTIFY_SOCKET: "/run/x" }).notify, "/run/x");
  assert.equal(read({ NOTIFY_SOCKET: "@x" }).notify, "@x");
  for (const address of ["", "/", "@", "vsock:2:1", "x"])
    assert.equal(read({ NOTIFY_SOCKET: address }).notify, null, address);
  const beat = (change: Variables) =>
    read({ NOTIFY_SOCKET: "@x", WATCHDOG_USEC: "3000", ...change }).watchdog;
  assert.equal(beat({}), 3);
  assert.equal(beat({ WATCHDOG_PID: "7" }), 3);
  assert.equal(beat({ WATCHDOG_PID: "8" }), null, "for somebody else");
  for (const micros of ["0", "", "-5", "1s", "99999999999999999999"])
    assert.equal(beat({ WATCHDOG_USEC: micros }), null, micros);
  assert.equal(read({ WATCHDOG_USEC: "3000" }).watchdog, null, "nowhere to send it");
});

test("sockets count as far as they are open, and only when they are for us", () => {
  const ours = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b" };
  assert.deepEqual(read(ours).sockets, [3, 4]);
  assert.deepEqual(read(ours).socketVariables, ["LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"]);
  assert.deepEqual(read(ours, [4]).sockets, []);
  assert.deepEqual(read({ ...ours, LISTEN_FDS: "9999" }).sockets, [3, 4, 5]);
  for (const change of [
    { LISTEN_PID: "8" },
    { LISTEN_FDS: "x" },
    { LISTEN_FDS: "-1" },
    { LISTEN_FDS: "99999" },
  ])
    assert.deepEqual(read({ ...ours, ...change }).sockets, [], JSON.stringify(change));
});

test("what is ours is hidden from programs, what is for others is not", () => {
  assert.deepEqual(left({ NOTIFY_SOCKET: "@x", WATCHDOG_USEC: "3", WATCHDOG_PID: "7" }), ["PATH"]);
  assert.deepEqual(left({ NOTIFY_SOCKET: "@x", WATCHDOG_USEC: "3", WATCHDOG_PID: "8" }), [
    "PATH",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
  ]);
  assert.deepEqual(left({ LISTEN_PID: "7", LISTEN_FDS: "1", LISTEN_FDNAMES: "a" }), ["PATH"]);
  assert.deepEqual(left({ LISTEN_PID: "8", LISTEN_FDS: "1" }), ["PATH", "LISTEN_PID", "LISTEN_FDS"]);
});
