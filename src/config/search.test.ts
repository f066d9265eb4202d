import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { config, errors, fakeFiles, load } from "../../test/fakes/config.ts";
import { renderProblem } from "./config.ts";
import { type LoadRequest, loadConfig } from "./load.ts";
import { searchPaths } from "./search.ts";

const PROGRAM = "[program:p]\ncommand=x\n";

function filesRead(contents: Record<string, string>, request: Partial<LoadRequest> = {}): readonly string[] {
  return config(load({ files: fakeFiles(contents), ...request })).files;
}

test("the search order of product 2.1, then supervisord's own", () => {
  assert.deepEqual(searchPaths("/usr/bin/supervisord"), [
    "/etc/tsinit.ini",
    "/etc/tsinit/tsinit.ini",
    "/usr/etc/supervisord.conf",
    "/usr/supervisord.conf",
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
  ]);
  const all = [
    "/c.ini",
    "/env.ini",
    ...searchPaths("/usr/bin/x").map((path) => (path.startsWith("/") ? path : `/work/${path}`)),
  ];
  const contents = Object.fromEntries(all.map((path) => [path, PROGRAM]));
  const request: Partial<LoadRequest> = { cwd: "/work", argv0: "/usr/bin/x" };
  assert.deepEqual(
    filesRead(contents, { ...request, configFile: "/c.ini", environment: [["TSINIT_CONFIG", "/env.ini"]] }),
    ["/c.ini"],
  );
  assert.deepEqual(filesRead(contents, { ...request, environment: [["TSINIT_CONFIG", "/env.ini"]] }), [
    "/env.ini",
  ]);
  for (const path of all.slice(2)) {
    assert.deepEqual(filesRead(contents, request), [path]);
    delete contents[path];
  }
});

test("without a main file the conf.d directories of Debian and Alpine are read", () => {
  const contents = {
    "/etc/supervisor/conf.d/b.conf": "[program:b]\ncommand=%(here)s/b\n",
    "/etc/supervisor/conf.d/a.conf": "[program:a]\ncommand=a\n",
    "/etc/supervisor.d/c.ini": "[program:c]\ncommand=c\n",
    "/etc/supervisor.d/d.conf": "[program:d]\ncommand=d\n",
  };
  const { files, plan } = config(load({ files: fakeFiles(contents) }));
  assert.deepEqual(files, [
    "/etc/supervisor/conf.d/a.conf",
    "/etc/supervisor/conf.d/b.conf",
    "/etc/supervisor.d/c.ini",
  ]);
  assert.deepEqual(
    plan.programs.map((spec) => spec.command),
    ["a", "/etc/supervisor/conf.d/b", "c"],
  );
});

test("nothing at all: what was looked for; a command or the client needs nothing", () => {
  const [error = "", ...more] = errors(load({}));
  assert.equal(more.length, 0);
  for (const path of [
    "/etc/tsinit.ini",
    "/etc/supervisor/conf.d/*.conf",
    "TSINIT_PROGRAM_<NAME>",
    "-c FILE",
  ]) {
    assert(error.includes(path), path);
  }
  assert.equal(config(load({ command: ["true"] })).plan.passthrough, true);
  assert.deepEqual(config(load({ purpose: "ctl" })).ctl, {
    serverurl: null,
    username: null,
    password: null,
    prompt: "supervisor",
    historyFile: null,
  });
});

test("a named file that is missing or unreadable says so", () => {
  assert.deepEqual(errors(load({ configFile: "x.ini" })), [
    "could not find config file x.ini; expected a readable file",
  ]);
  const files = fakeFiles({ "/secret.ini": "EACCES" });
  assert.match(
    errors(load({ configFile: "/secret.ini", files })).join(),
    /^could not read config file \/secret\.ini: EACCES/,
  );
  assert.match(
    errors(load({ configFile: "/etc", files })).join(),
    /could not read config file \/etc: EISDIR/,
  );
  assert.match(
    errors(load({ environment: [["TSINIT_CONFIG", "/no.ini"]] })).join(),
    /^TSINIT_CONFIG: could not find config file \/no\.ini/,
  );
});

test("[include]: globs in order, sorted matches, later files win, not recursive, each its own %(here)s", () => {
  const contents = {
    "/app/main.ini": `[supervisord]
nodaemon=true
[include]
files = %(here)s/conf.d/*.conf
  more/%(ENV_WHICH)s-%(host_node_name)s.ini none/*.x
[program:main]
command=%(here)s/m
priority=1`,
    "/app/conf.d/b.conf":
      "[program:main]\npriority=3\n[program:b]\ncommand=%(here)s/b\n[include]\nfiles=/app/never.ini",
    "/app/conf.d/a.conf": "[program:main]\npriority=2\n",
    "/app/more/x-testhost.ini": "[program:x]\ncommand=x %(here)s\n[supervisord]\nloglevel=debug",
    "/app/never.ini": "[program:never]\ncommand=n",
  };
  const loaded = load({
    files: fakeFiles(contents),
    configFile: "main.ini",
    cwd: "/app",
    environment: [["WHICH", "x"]],
  });
  const { files, plan, warnings } = config(loaded);
  assert.deepEqual(files, [
    "/app/main.ini",
    "/app/conf.d/a.conf",
    "/app/conf.d/b.conf",
    "/app/more/x-testhost.ini",
  ]);
  assert.deepEqual(
    plan.programs.map((spec) => [spec.name, spec.priority, spec.command]),
    [
      ["main", 3, "/app/m"],
      ["b", 999, "/app/conf.d/b"],
      ["x", 999, "x /app/more"],
    ],
  );
  assert.equal(plan.global.logLevel, "debug");
  assert.deepEqual(warnings.map(renderProblem), [
    '/app/main.ini:4: [include] files: No file matches via include "/app/none/*.x"',
  ]);
});

test("[include] without files, and files that cannot be read", () => {
  const bare = load({ files: fakeFiles({ "/etc/tsinit.ini": `${PROGRAM}[include]\n` }) });
  assert.match(
    errors(bare).join(),
    /^\/etc\/tsinit\.ini:3: \[include\] \.ini file has \[include\] section, but no files setting/,
  );
  const files = fakeFiles({
    "/etc/tsinit.ini": `${PROGRAM}[include]\nfiles=x/*`,
    "/etc/x/a": "EACCES",
    "/etc/x/b/c": "",
  });
  assert.deepEqual(
    config(load({ files })).warnings.map((warning) => warning.text),
    ["could not read /etc/x/a: EACCES; it is left out", "could not read /etc/x/b: EISDIR; it is left out"],
  );
});

test("errors of included files have their own file and line", () => {
  const files = fakeFiles({
    "/etc/tsinit.ini": `${PROGRAM}[include]\nfiles=x.conf`,
    "/etc/x.conf": "[program:q]\ncommand=q\nstartsecs=x\nwhat is this\n[program:p]\npriority=first",
  });
  assert.deepEqual(
    errors(load({ files })).map((text) => text.split(": ").slice(0, 2)),
    [
      ["/etc/x.conf:4", "Source contains parsing errors"],
      ["/etc/x.conf:6", "[program:p] priority"],
      ["/etc/x.conf:3", "[program:q] startsecs"],
    ],
  );
});

test("on a real disk: bytes that are not UTF-8, links, directories, relative paths", () => {
  const root = mkdtempSync(`${tmpdir()}/tsinit-config-`);
  try {
    mkdirSync(`${root}/d`);
    writeFileSync(
      `${root}/t.ini`,
      Buffer.concat([
        Buffer.from("[program:p]\ncommand=echo "),
        Buffer.from([0xff]),
        Buffer.from("\n[include]\nfiles=d/*\n"),
      ]),
    );
    writeFileSync(
      Buffer.concat([Buffer.from(`${root}/d/`), Buffer.from([0xfe])]),
      "[program:q]\ncommand=%(here)s\n",
    );
    symlinkSync("nowhere", `${root}/d/dangling`);
    const { plan, files, warnings } = config(
      loadConfig({
        configFile: "t.ini",
        command: [],
        environment: [],
        cwd: root,
        argv0: "tsinit",
        uid: 0,
        purpose: "check",
      }),
    );
    assert.deepEqual(
      plan.programs.map((spec) => spec.argv),
      [["echo", "\udcff"], [`${root}/d`]],
    );
    assert.deepEqual(files, [`${root}/t.ini`, `${root}/d/\udcfe`]);
    assert.deepEqual(
      warnings.map((warning) => warning.text),
      [`could not read ${root}/d/dangling: ENOENT; it is left out`],
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});
