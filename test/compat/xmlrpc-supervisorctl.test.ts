/**
 * The real supervisorctl against our server, and our client beside it: each command is given to both, on a server of its
 * own, and they must print the same and end alike. Needs Debian's supervisor.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { type ServerHandle, startControlServer } from "../../src/api/server.ts";
import { runCtl } from "../../src/ctl/main.ts";
import { parseSupervisorctl } from "../../src/supervisorctl.ts";
import { createFakeControl, type FakeControl, fakeServerDeps } from "../fakes/control.ts";
import { unixAddress } from "../fakes/http.ts";
import { fakePlan, fakeSpec } from "../fakes/plans.ts";

const SUPERVISORCTL = "/usr/bin/supervisorctl";
const QUICK = { startsecs: 0 };

interface Run {
  readonly code: number;
  readonly out: string;
  readonly signals: readonly string[];
}

interface Scene {
  readonly fake: FakeControl;
  readonly url: string;
  readonly server: ServerHandle;
}

let scenes = 0;

/** web runs, idle does not, group crew has two, missing cannot be started, tired fails. */
async function openScene(t: TestContext, prepare: (fake: FakeControl) => void): Promise<Scene> {
  const off = { ...QUICK, autostart: false };
  const fake = createFakeControl([
    fakeSpec("web", QUICK),
    fakeSpec("idle", off),
    fakeSpec("crew:b", QUICK),
    fakeSpec("crew:a", { ...QUICK, redirectStderr: true }),
    fakeSpec("missing", off),
    fakeSpec("locked", off),
    fakeSpec("tired", { ...off, startsecs: 1, startretries: 0 }),
  ]);
  fake.spawnFails.set("missing:missing", { reason: "can't find command '/bin/missing'", code: 127 });
  fake.spawnFails.set("locked:locked", { reason: "command at '/bin/locked' is not executable", code: 126 });
  fake.spawnFails.set("tired:tired", { reason: "Too many processes", code: 1 });
  fake.output.set("web:web", "line 1\nline 2\n");
  fake.boot();
  prepare(fake);
  const path = join(folder(t), `s${scenes++}`);
  const opened = await startControlServer(unixAddress(path), fakeServerDeps(fake));
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  return { fake, url: `unix://${path}`, server: opened.server };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "tsinit-ctl-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function runTheirs(url: string, args: readonly string[], stdin: string): Promise<Omit<Run, "signals">> {
  return new Promise((resolve, reject) => {
    const options = { timeout: 30_000, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", TERM: "dumb" } };
    const child = execFile(SUPERVISORCTL, ["-s", url, ...args], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") return reject(error);
      resolve({ code: Number(error?.code ?? 0), out: stdout + stderr });
    });
    child.stdin?.end(stdin);
  });
}

async function runOurs(url: string, args: readonly string[], stdin: string): Promise<Omit<Run, "signals">> {
  let out = "";
  const write = (text: string): void => {
    out += text;
  };
  const input = new PassThrough();
  const output = new PassThrough();
  output.on("data", (chunk) => write(String(chunk)));
  input.end(stdin);
  const settings = {
    serverUrl: null,
    candidates: [],
    username: null,
    password: null,
    prompt: "supervisor",
    historyFile: null,
  };
  const code = await runCtl(parseSupervisorctl(["-s", url, ...args]), "supervisorctl", {
    input,
    output,
    out: (text) => void output.write(text),
    err: write,
    onInterrupt: () => () => {},
    settings: () => ({ ok: true, settings }),
  });
  return { code, out };
}

/** Paths of sockets, uptimes and positions in source files differ and mean nothing. */
function normalise(text: string): string {
  return text
    .replace(/unix:\/\/\S*\/s\d+/g, "URL")
    .replace(/uptime \d+:\d\d:\d\d/g, "uptime T")
    .replace(/: file: .* line: \d+/g, ": file: F line: N");
}

const anything = (): void => {};

async function both(
  t: TestContext,
  args: readonly string[],
  prepare: (fake: FakeControl) => void = anything,
  stdin = "",
): Promise<Run> {
  const [theirScene, ourScene] = [await openScene(t, prepare), await openScene(t, prepare)];
  const theirs = await runTheirs(theirScene.url, args, stdin);
  const ours = await runOurs(ourScene.url, args, stdin);
  const label = args.join(" ") || JSON.stringify(stdin);
  assert.equal(normalise(ours.out), normalise(theirs.out), label);
  assert.equal(ours.code, theirs.code, `${label}: exit code`);
  assert.deepEqual(ourScene.fake.signals, theirScene.fake.signals, `${label}: signals`);
  return { code: theirs.code, out: normalise(theirs.out), signals: theirScene.fake.signals };
}

test("status: columns and exit codes", async (t) => {
  const all = await both(t, ["status"]);
  assert.equal(all.code, 3);
  assert.match(all.out, /^crew:a {27}RUNNING {3}pid \d+, uptime T\n/);
  assert.match(all.out, /\nidle {29}STOPPED {3}Not started\n/);
  assert.equal((await both(t, ["status", "web"])).code, 0);
  assert.equal((await both(t, ["status", "crew:*", "web"])).code, 0);
  assert.equal((await both(t, ["status", "nobody", "no:*", "web"])).code, 4);
  assert.equal((await both(t, ["status", "nobody", "idle"])).code, 3);
  assert.equal((await both(t, ["status", "nobody", "all"])).code, 3);
  await both(t, ["status", "web:nobody"]);
});

test("start: results, faults and exit codes", async (t) => {
  assert.deepEqual(await both(t, ["start", "idle"]), { code: 0, out: "idle: started\n", signals: [] });
  assert.deepEqual(await both(t, ["start", "web"]), {
    code: 0,
    out: "web: ERROR (already started)\n",
    signals: [],
  });
  assert.equal((await both(t, ["start", "missing"])).out, "missing: ERROR (no such file)\n");
  assert.equal((await both(t, ["start", "locked"])).out, "locked: ERROR (file is not executable)\n");
  assert.deepEqual(await both(t, ["start", "tired"]), {
    code: 7,
    out: "tired: ERROR (spawn error)\n",
    signals: [],
  });
  assert.equal((await both(t, ["start", "nobody"])).code, 1);
  assert.equal((await both(t, ["start", "nobody:*"])).code, 2);
  assert.equal((await both(t, ["start"])).code, 2);
  await both(t, ["start", "crew:*", "idle", "nobody"]);
  const all = await openScene(t, anything);
  const { code, out } = await runTheirs(all.url, ["start", "all"], "");
  const lines = ["idle: started", "locked: ERROR (file is not executable)", "missing: ERROR (no such file)"];
  assert.deepEqual(out.trim().split("\n").sort(), [...lines, "tired: ERROR (spawn error)"]);
  assert.ok(code === 1 || code === 7);
});

test("stop and restart", async (t) => {
  assert.deepEqual(await both(t, ["stop", "web"]), {
    code: 0,
    out: "web: stopped\n",
    signals: ["web:web 15"],
  });
  assert.equal((await both(t, ["stop", "idle"])).out, "idle: ERROR (not running)\n");
  assert.equal((await both(t, ["stop", "nobody", "nobody:*"])).code, 1);
  assert.equal((await both(t, ["stop"])).code, 1);
  assert.equal((await both(t, ["stop", "crew:*"])).out, "crew:b: stopped\ncrew:a: stopped\n");
  await both(t, ["stop", "all"]);
  assert.equal((await both(t, ["restart", "web"])).out, "web: stopped\nweb: started\n");
  await both(t, ["restart", "idle", "crew:b"]);
  await both(t, ["restart"]);
  assert.equal((await both(t, ["stop", "web"], (fake) => fake.killFails.add("web:web"))).code, 1);
});

test("signal", async (t) => {
  assert.deepEqual(await both(t, ["signal", "HUP", "web"]), {
    code: 0,
    out: "web: signalled\n",
    signals: ["web:web 1"],
  });
  assert.equal((await both(t, ["signal", "FOO", "web"])).code, 1);
  assert.equal((await both(t, ["signal", "HUP", "idle"])).code, 7);
  assert.equal((await both(t, ["signal", "HUP", "nobody", "nobody:*"])).code, 1);
  assert.equal((await both(t, ["signal", "usr1", "crew:*"])).code, 0);
  await both(t, ["signal", "FOO", "all"]);
  await both(t, ["signal", "1", "all"]);
  await both(t, ["signal", "HUP"]);
});

test("reread, update, avail, add, remove", async (t) => {
  const next = fakePlan(
    [
      fakeSpec("web", { ...QUICK, command: "/bin/other" }),
      fakeSpec("fresh", QUICK),
      fakeSpec("idle", { ...QUICK, autostart: false }),
    ],
    { exitWhenDone: false },
  );
  const change = (fake: FakeControl): void => {
    fake.nextRead = next;
  };
  assert.equal((await both(t, ["reread"])).out, "No config updates to processes\n");
  const reread = await both(t, ["reread"], change);
  assert.equal(
    reread.out,
    "crew: disappeared\nfresh: available\nlocked: disappeared\nmissing: disappeared\ntired: " +
      "disappeared\nweb: changed\n",
  );
  assert.equal((await both(t, ["update"])).out, "");
  const update = await both(t, ["update"], change);
  assert.match(update.out, /crew: stopped\ncrew: removed process group\n/);
  assert.match(update.out, /web: stopped\nweb: updated process group\nfresh: added process group\n$/);
  await both(t, ["update", "web"], change);
  assert.equal((await both(t, ["update", "nobody", "web"], change)).code, 1);
  const broken = (fake: FakeControl): void => {
    fake.nextRead = { errors: ['/etc/x.ini:3: [program:web] startsecs: it\'s "no" number'] };
  };
  assert.equal((await both(t, ["reread"], broken)).code, 1);
  assert.match((await both(t, ["update"], broken)).out, /^error: <class 'xmlrpc.client.Fault'>, <Fault 92: /);
  assert.match((await both(t, ["avail"])).out, /^crew:a {27}in use {4}auto {6}999:999\n/);
  assert.equal((await both(t, ["add", "web", "nobody"])).code, 1);
  assert.equal((await both(t, ["remove", "web", "nobody", "idle"])).code, 1);
  await both(t, ["avail", "x"]);
  await both(t, ["reread", "x"]);
});

test("pid, version, tail, clear, help and words that are none", async (t) => {
  assert.equal((await both(t, ["pid"])).out, "1\n");
  assert.equal((await both(t, ["pid", "idle"])).code, 7);
  await both(t, ["pid", "web", "nobody"]);
  await both(t, ["pid", "all"]);
  assert.equal((await both(t, ["version"])).out, "4.2.5\n");
  assert.equal((await both(t, ["tail", "web"])).out, "line 1\nline 2\n\n");
  assert.equal((await both(t, ["tail", "-7", "web", "stdout"])).out, "line 2\n\n");
  for (const words of [
    "tail web stderr",
    "tail crew:a stderr",
    "tail nobody",
    "tail",
    "tail -1",
    "tail a b c d",
    "tail -x web",
  ])
    await both(t, words.split(" "));
  for (const words of [
    "tail web nowhere",
    "maintail",
    "maintail x",
    "maintail a b",
    "clear web crew:* nobody",
    "clear all",
    "clear",
  ])
    await both(t, words.split(" "));
  for (const words of [
    "foo",
    "foo bar",
    "!x",
    "?start",
    "help help",
    "help nothing",
    "version x",
    "exit",
    "quit",
  ])
    await both(t, words.split(" "));
  const topics =
    "add avail clear exit open pid quit reload remove reread restart shutdown signal start status " +
    "stop tail update version";
  // One run for all of them: the shell says the same.
  const asked = topics.split(" ").map(
    (topic) => `help ${topic}
`,
  );
  await both(t, [], anything, asked.join(""));
});

test("shutdown, and what comes after it", async (t) => {
  const { out, signals } = await both(t, ["shutdown"]);
  assert.equal(out, "Shut down\n");
  assert.ok(signals.includes("web:web 15"));
  const late = (fake: FakeControl): void => {
    fake.stubborn.add("web:web");
    fake.submit({ type: "shutdown", cause: "a test", hurry: false });
  };
  for (const words of [
    "status",
    "start web",
    "shutdown",
    "update",
    "reread",
    "avail",
    "add web",
    "remove web",
    "reload",
  ]) {
    const scene = [await openScene(t, late), await openScene(t, late)] as const;
    const theirs = await runTheirs(scene[0].url, words.split(" "), "");
    const ours = await runOurs(scene[1].url, words.split(" "), "");
    assert.deepEqual([ours.code, normalise(ours.out)], [theirs.code, normalise(theirs.out)], words);
    for (const { fake } of scene) fake.submit({ type: "shutdown", cause: "a test", hurry: true });
  }
});

test("nobody there", async (t) => {
  const path = join(folder(t), "s0");
  for (const url of [`unix://${path}`, "http://127.0.0.1:1"])
    for (const words of ["status", "start web", "reread", "shutdown", "version", "pid"]) {
      const theirs = await runTheirs(url, words.split(" "), "");
      const ours = await runOurs(url, words.split(" "), "");
      assert.deepEqual(
        [ours.code, normalise(ours.out)],
        [theirs.code, normalise(theirs.out)],
        `${url} ${words}`,
      );
    }
});

test("interactive: status, a prompt, a line each, questions before what ends things", async (t) => {
  await both(t, [], anything, "");
  await both(t, [], anything, "status web\n\nfoo\nstop web\nversion\n");
  await both(t, [], anything, "shutdown\nn\npid\nquit\npid\n");
  assert.match((await both(t, [], anything, "shutdown\nyes\n")).out, /y\/N\? Shut down\n/);
});

test("a wrong password is told", async (t) => {
  const fake = createFakeControl([fakeSpec("web", QUICK)]);
  const login = { username: "u", password: "p" };
  const opened = await startControlServer(
    { kind: "inet", host: "127.0.0.1", port: 0, ...login },
    fakeServerDeps(fake),
  );
  assert.ok(opened.ok);
  t.after(() => opened.server.close());
  const url = `http://127.0.0.1:${opened.server.port}`;
  const right = await runTheirs(url, ["-u", "u", "-p", "p", "pid"], "");
  assert.deepEqual(right, { code: 0, out: "1\n" });
  assert.deepEqual(await runOurs(url, ["-uu", "-p", "p", "pid"], ""), right);
  const theirs = await runTheirs(url, ["pid"], "");
  const ours = await runOurs(url, ["pid"], "");
  assert.deepEqual([ours.code, normalise(ours.out)], [theirs.code, normalise(theirs.out)]);
});
