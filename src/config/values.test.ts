import assert from "node:assert/strict";
import { test } from "node:test";
import { Accounts } from "./accounts.ts";
import { OPTIONS, type Option } from "./options.ts";
import { absolutePath, expandHome, type Host, TYPES, type TypeName, type ValueType } from "./values.ts";

const host: Host = {
  accounts: new Accounts("app:x:1000:1000::/home/app:/bin/sh\n", "web:x:50:app\n"),
  cwd: "/work",
  home: "/root",
  uid: 0,
  hostname: "h",
  isDirectory: (path) => path === "/tmp",
  read: () => ({ errno: "ENOENT" }),
  limit: () => Number.POSITIVE_INFINITY,
};

function parse(type: TypeName, text: string): unknown {
  const { parse: read }: ValueType<unknown> = TYPES[type];
  return read(text, host);
}

const TEMPLATE = "%(group_name)s/%(program_name)-10s %(process_num)02d %(pid)d %(stream).3s 100%%";

const ACCEPTED: [TypeName, string, unknown][] = [
  ["integer", " +1_0 ", 10],
  ["integer", "-3", -3],
  ["boolean", "YES", true],
  ["boolean", "off", false],
  ["bytes", "50 MB", 50 * 1024 ** 2],
  ["bytes", "8kb", 8192],
  ["bytes", "1GB", 1024 ** 3],
  ["bytes", "0", 0],
  ["octal", "022", 0o22],
  ["octal", "0o22", 0o22],
  ["octal", "22", 0o22],
  ["signals", "TERM", [15]],
  ["signals", "sigint", [2]],
  ["signals", "9", [9]],
  ["signals", "INT, TERM", [2, 15]],
  [
    "forward",
    "USR1, HUP:USR2, WINCH",
    new Map([
      [10, 10],
      [1, 12],
      [28, 28],
    ]),
  ],
  ["forward", "none", new Map()],
  ["exitcodes", "0, 2 ,255", [0, 2, 255]],
  ["exitcodes", "", []],
  ["autorestart", "Unexpected", "unexpected"],
  ["autorestart", "true", "always"],
  ["autorestart", "0", "never"],
  ["loglevel", "WARN", "warn"],
  ["seconds", "1.5", 1.5],
  ["seconds", "0", 0],
  ["limit", "none", null],
  ["limit", "30", 30],
  ["list", "a, b", ["a", "b"]],
  ["logfile", "OFF", { kind: "none", text: "OFF" }],
  ["logfile", "", { kind: "none", text: "NONE" }],
  ["logfile", "~/x.log", { kind: "path", text: "/root/x.log" }],
  ["address", "9001", { host: "", port: 9001 }],
  ["address", "*:9001", { host: "", port: 9001 }],
  ["address", "LocalHost:9001", { host: "localhost", port: 9001 }],
  ["listen", ":9180", { host: "", port: 9180 }],
  ["listen", "9180", { host: "", port: 9180 }],
  ["listen", "[::]:9180", { host: "::", port: 9180 }],
  ["listen", "127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["listen", "none", null],
  ["template", "AUTO", "auto"],
  ["template", TEMPLATE, TEMPLATE],
  ["template", "", ""],
  ["template", '"[%(pid)d] "', "[%(pid)d] "],
  ["template", "'\"x\" '", '"x" '],
  ["template", '"', '"'],
  ["template", " %(pid)5d ", " %(pid)5d "],
  ["owner", "app", { uid: 1000, gid: -1 }],
  ["owner", "app:web", { uid: 1000, gid: 50 }],
  ["gate", "Spawned", "spawned"],
];

for (const [type, text, value] of ACCEPTED) {
  test(`${type} takes ${JSON.stringify(text)}`, () => assert.deepEqual(parse(type, text), value));
}

const REFUSED: [TypeName, string, RegExp][] = [
  ["integer", "1.5", /^invalid literal for int\(\) with base 10: '1\.5'$/],
  ["integer", "", /^invalid literal for int\(\) with base 10: ''$/],
  ["integer", "9".repeat(400), /too large/],
  ["count", "1000000000", /above upper bound/],
  ["boolean", "maybe", /^not a valid boolean value: 'maybe'$/],
  ["bytes", "10K", /^invalid literal for int\(\) with base 10: '10k'$/],
  ["bytes", "1.5MB", /^invalid literal for int\(\) with base 10: '1\.5'$/],
  ["octal", "9", /^9 can not be converted to an octal type$/],
  ["signals", "FOO", /^value 'FOO' is not a valid signal name$/],
  ["signals", "35", /^value '35' is not a valid signal number$/],
  ["signals", "INT,,TERM", /^value '' is not a valid signal name$/],
  ["forward", "KILL", /cannot be caught/],
  ["forward", "A:B:C", /more than one colon/],
  ["exitcodes", "256", /^not a valid list of exit codes: '256'$/],
  ["exitcodes", "0,,1", /^not a valid list of exit codes: '0,,1'$/],
  ["autorestart", "maybe", /^invalid 'autorestart' value 'maybe'$/],
  ["loglevel", "warning", /^bad logging level name 'warning'$/],
  ["seconds", "-1", /not a number of seconds/],
  ["seconds", "1e99", /not a number of seconds/],
  ["address", "abc", /^not a valid port number: 'abc'$/],
  ["address", "h:", /^no port number specified in 'h:'$/],
  ["address", "0", /^0 is below lower bound \(1\)$/],
  ["address", "tcp://0.0.0.0:80", /^'tcp:\/\/0\.0\.0\.0' is not a host$/],
  ["listen", "http://[::1]:80", /is not a host$/],
  ["listen", "web host:80", /is not a host$/],
  ["template", "%(nope)s", /^'%\(nope\)s' has a field that does not exist; expected auto, or/],
  ["template", "100%", /does not exist/],
  ["template", "a\nb", /^'a\\nb' has a line end in it; expected a text of one line/],
  ["template", "%s", /does not exist/],
  ["template", "%(program_name)d", /does not exist/],
  ["template", "%(pid)99999d", /does not exist/],
  ["address", "65536", /^65536 is above upper bound \(65535\)$/],
  ["user", "nosuch", /^Invalid user name nosuch/],
  ["gate", "runing", /maybe running$/],
];

for (const [type, text, message] of REFUSED) {
  test(`${type} refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parse(type, text), { message });
  });
}

test("every default in the table is a value of its type", () => {
  for (const [kind, rows] of Object.entries(OPTIONS)) {
    const entries: [string, Option][] = Object.entries(rows);
    for (const [key, option] of entries) {
      if (option.fallback !== null)
        assert.doesNotThrow(() => parse(option.type, option.fallback ?? ""), `${kind}.${key}`);
      assert.match(option.doc, /\.$/, `${kind}.${key} has a sentence`);
    }
  }
});

test("paths", () => {
  assert.equal(absolutePath("a/../b//./c", host), "/work/b/c");
  assert.equal(absolutePath("/../x/", host), "/x");
  assert.equal(expandHome("~app/x", host), "/home/app/x");
  assert.equal(expandHome("~", host), "/root");
  assert.equal(expandHome("~nobody-knows/x", host), "~nobody-knows/x");
});
