import assert from "node:assert/strict";
import { test } from "node:test";
import { config, errors, loadText, notices } from "../../test/fakes/config.ts";

test("fcgi programs have their socket; the listener that prefixes lines is left out, with a notice", () => {
  const text = `[program:p]
command=p
[eventlistener:prefix]
command=supervisor_stdout
events=PROCESS_LOG
result_handler=supervisor_stdout:event_handler
[fcgi-program:f]
command=f
socket=tcp://localhost:9000
`;
  const { plan } = config(loadText(text));
  assert.deepEqual(
    plan.programs.map((spec) => spec.id),
    ["f:f", "p:p"],
  );
  assert.deepEqual(
    plan.groups.map((group) => group.name),
    ["f", "p"],
  );
  assert.deepEqual(plan.programs[0]?.socket, {
    kind: "tcp",
    url: "tcp://localhost:9000",
    host: "localhost",
    port: 9000,
    backlog: null,
  });
  assert(notices(text).some((notice) => notice.includes("lines get their prefix from tsinit itself")));
});

test("a socket is one section's, however often that is in a group", () => {
  const section = (name: string) => `[fcgi-program:${name}]\ncommand=x\nsocket=tcp://localhost:9000\n`;
  const groups = "[group:g]\nprograms=a\n[group:h]\nprograms=a\n";
  assert.deepEqual(errors(loadText(section("a") + groups)), []);
  assert.deepEqual(errors(loadText(section("a") + section("b"))), [
    "/etc/tsinit.ini:6: [fcgi-program:b] socket: tcp://localhost:9000 is the socket of [fcgi-program:a] too; " +
      "expected one of its own",
  ]);
});

test("errors of listeners and fcgi programs in supervisord's words", () => {
  const text = `[eventlistener:l]
command=l
events=FOO,TICK_6
buffer_size=0
result_handler=foo:bar
redirect_stderr=true
[eventlistener:m]
command=m
[fcgi-program:f]
command=f
socket=udp://x:1
socket_backlog=0
[fcgi-program:g]
command=g
[fcgi-program:h]
command=h
socket=tcp://x:1
socket_mode=0700
`;
  const found = errors(loadText(text)).join("\n");
  for (const words of [
    "[eventlistener:l] section sets invalid buffer_size (0)",
    "foo:bar cannot be resolved within [eventlistener:l]",
    "Unknown event type FOO, TICK_6 in [eventlistener:l] events",
    "[eventlistener:l] section sets redirect_stderr=true but this is not allowed",
    '[eventlistener:m] section requires an "events" line',
    "Bad socket format udp://x:1 in [fcgi-program:f] socket",
    "Invalid socket_backlog value 0",
    '[fcgi-program:g] section requires a "socket" line',
    "socket_owner and socket_mode params should only be used with a Unix domain socket in " +
      "[fcgi-program:h] socket",
  ])
    assert(found.includes(words), `${words}\nis not in\n${found}`);
});
