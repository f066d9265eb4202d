/** tsinit under the names of supervisor's tools, as PID 1: alone, and in an image that was made for supervisord. */
import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Bundle } from "./bundle.ts";
import { Container } from "./container.ts";
import { boxed } from "./harness.ts";
import { buildImage, type Image } from "./image.ts";
import { actor, BINARY, GENTLE } from "./scene.ts";

const OVERLAY = join(import.meta.dirname, "../../dist/overlay");

const directory = mkdtempSync(join(tmpdir(), "tsinit-names-"));
after(() => rmSync(directory, { recursive: true, force: true }));
chmodSync(directory, 0o755);
const [SUPERVISORD = "", PIDPROXY = ""] = ["supervisord", "pidproxy"].map((name) => join(directory, name));
for (const path of [SUPERVISORD, PIDPROXY]) symlinkSync(BINARY, path);

test("the overlay has the names where Debian and where pip put them; they lead to the one file in any root", () => {
  for (const folder of ["usr/bin", "usr/local/bin"]) {
    assert.deepEqual(readdirSync(join(OVERLAY, folder)).sort(), ["pidproxy", "supervisorctl", "supervisord"]);
    for (const name of readdirSync(join(OVERLAY, folder))) {
      const target = readlinkSync(join(OVERLAY, folder, name));
      assert.ok(!target.startsWith("/"), target);
      assert.equal(join("/", folder, target), "/usr/lib/tsinit/tsinit");
    }
  }
});

const WEB = `[supervisord]
[program:web]
command=${actor("web", "show:ids", "show:cwd", ...GENTLE)}
`;

boxed("supervisord as PID 1 stays in the foreground and says so; its options take effect", async (box) => {
  const init = await box.init({
    binary: SUPERVISORD,
    config: WEB,
    args: ["-i", "mine", "-j", "run.pid", "--user=daemon", "-d", "/tmp", "-m", "077", "-a", "999999999"],
    setup: "chmod 777 @DIR@",
    cwd: "@DIR@",
  });
  await init.line(/supervisord stays in the foreground as PID 1: .*-n or nodaemon=true/);
  await init.line(/minfds: programs keep the container's limit, which is \d+$/);
  const ids: unknown = JSON.parse((await init.event("web", "show:ids")).data);
  assert.deepEqual(ids, { uid: [1, 1, 1], gid: [1, 1, 1], groups: [1] });
  assert.equal((await init.event("web", "show:cwd")).data, JSON.stringify(init.dir), "-d is for a daemon");
  assert.equal(await init.rpc("getIdentification"), "mine");
  assert.equal(readFileSync(`/proc/${init.pid}/comm`, "utf8"), "supervisord\n");
  await init.until("the pidfile", () => readFileSync(join(init.dir, "run.pid"), "utf8") === "1\n");
  init.signal("SIGTERM");
  assert.equal((await init.exit()).code, 0);
  assert.ok(!readdirSync(init.dir).includes("run.pid"));
});

boxed("-n needs no sentence; -s keeps tsinit's own lines to itself, errors not", async (box) => {
  const config = `[supervisord]
[program:web]
command=/bin/echo serving
startsecs=0
priority=1
[program:no]
command=/nonexistent
startretries=0
critical=true
priority=2
`;
  const { code, stderr, stdout } = await box.run({ binary: SUPERVISORD, config, args: ["-ns"] });
  assert.equal(code, 127);
  assert.equal(stdout, "web    | serving\n");
  assert.doesNotMatch(stderr, /foreground|spawned|started with pid|stopped:/);
  assert.match(stderr, /exit 127: .*\n$/);
});

boxed(
  "a program in the background behind pidproxy: the stop signal reaches it, and tsinit reaps it",
  async (box) => {
    const daemon = actor("daemon", "on:USR1=", "on:TERM=note:bye+exit:0", "note:up", "hold");
    const init = await box.init({
      config: `[program:daemon]
command=${PIDPROXY} @DIR@/daemon.pid /bin/sh @DIR@/launch.sh
stopsignal=TERM
`,
      // What mysqld_safe does: a program of its own session, and somebody who waits for it.
      setup: `cat > @DIR@/launch.sh <<'END'\nsetsid ${daemon} & echo $! > @DIR@/daemon.pid\nwait\nEND`,
    });
    await init.event("daemon", "up");
    await init.state("daemon", "RUNNING");
    const own = init.processes().find(({ command }) => command.includes("actor.py"));
    assert.equal((await init.ctl("signal", "USR1", "daemon")).code, 0);
    await init.event("daemon", "USR1");
    assert.equal((await init.ctl("stop", "daemon")).stdout, "daemon: stopped\n");
    await init.event("daemon", "bye");
    await init.until("the daemon and its waiter to be reaped", () =>
      init.processes().every(({ pid }) => pid === 1),
    );
    assert.ok(own !== undefined && own.pid !== 1);
    const status = await init.ctl("status");
    assert.match(status.stdout, /^daemon +STOPPED/);
  },
);

/** Debian with its supervisor, one program in conf.d, and then the overlay over it. */
function debianImage(): Image {
  const conf = join(directory, "web.conf");
  writeFileSync(conf, "[program:web]\ncommand=/bin/sh -c 'echo serving; exec sleep 1000'\n");
  const dockerfile = `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends supervisor && rm -rf /var/lib/apt/lists/*
RUN test ! -L /usr/bin/supervisord && test -f /usr/bin/pidproxy && cp /usr/bin/supervisord /usr/local/bin/
COPY web.conf /etc/supervisor/conf.d/web.conf
COPY overlay/ /
CMD ["/usr/bin/supervisord"]
`;
  return buildImage("supervisor", dockerfile, { "web.conf": conf, overlay: OVERLAY });
}

test("an image of Debian's supervisor turns over by the overlay alone", async () => {
  const image = debianImage();
  assert.deepEqual(image.command, ["/usr/bin/supervisord"]);
  for (const folder of ["usr/bin", "usr/local/bin"])
    for (const name of ["supervisord", "supervisorctl", "pidproxy"])
      assert.ok(lstatSync(join(image.root, folder, name)).isSymbolicLink());
  for (const args of [image.command, ["supervisord", "-n", "-c", "/etc/supervisor/supervisord.conf"]]) {
    const { environment } = image;
    const container = new Container(new Bundle({ root: image.root, args, environment, cwd: "/" }));
    try {
      await container.line(/^web +\| serving$/, 30_000);
      await container.until("supervisorctl status", 30_000, () => {
        const { status, stdout } = container.exec("supervisorctl", "status");
        return status === 0 && /^web +RUNNING +pid \d+, uptime 0:00:\d\d\n$/.test(stdout);
      });
      assert.equal(container.exec("cat", "/proc/1/comm").stdout, "supervisord\n");
      assert.equal(container.exec("cat", "/var/run/supervisord.pid").stdout, "1\n");
      assert.equal(container.exec("supervisorctl", "restart", "web").stdout, "web: stopped\nweb: started\n");
      const said = container.lines.some(({ text }) => text.includes("stays in the foreground"));
      assert.equal(said, !args.includes("-n"));
      container.signal("TERM");
      assert.equal(await container.exitCode(), 0, container.report());
    } catch (error) {
      if (error instanceof Error) error.message += `\n${container.report()}`;
      throw error;
    } finally {
      await container.close();
    }
  }
});
