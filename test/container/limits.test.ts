/** What a container's limits do to its programs: memory (conformance 71, 113) and processes (114), in a real runtime. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Bundle, type BundleOptions } from "./bundle.ts";
import { Container } from "./container.ts";
import { baseRoot } from "./image.ts";
import { ROOT } from "./scene.ts";

const PROBES = 9180;
const MIB = 1024 * 1024;
/** Grows until somebody ends it. */
const EATER = "/usr/bin/perl /opt/eat.pl";
/** Takes every process there is, gives them back five seconds later, and is done. */
const HOG = "/usr/bin/perl /opt/hog.pl";

const SCRIPTS = {
  "eat.pl": 'sleep 1; my @all; push @all, "x" x 4000000 while 1;',
  "hog.pl": `sleep 1; my @all;
my $end = time + 5;
while (time < $end) {
  my $pid = fork;
  if (!defined $pid) { select undef, undef, undef, 0.01; next }
  if (!$pid) { sleep 1000; exit }
  push @all, $pid;
}
kill "KILL", @all; waitpid $_, 0 for @all;`,
};

const program = (name: string, command: string, ...keys: string[]): string =>
  [`[program:${name}]`, `command=${command}`, ...keys].join("\n");

/** A container of plain Debian with tsinit in it. */
async function contain(
  config: string[],
  limits: Pick<BundleOptions, "memoryBytes" | "pidsLimit">,
  body: (container: Container, bundle: Bundle) => Promise<void>,
): Promise<void> {
  const bundle = new Bundle({
    root: baseRoot(),
    args: ["/sbin/tsinit", "-c", "/etc/tsinit.ini"],
    ...limits,
  });
  execFileSync("cp", ["-a", `${join(ROOT, "dist/overlay/usr")}/.`, join(bundle.rootfs, "usr")]);
  mkdirSync(join(bundle.rootfs, "run"), { recursive: true });
  writeFileSync(
    join(bundle.rootfs, "etc/tsinit.ini"),
    `[tsinit]\ntermination_log=/etc/last-words\n${config.join("\n")}\n`,
  );
  writeFileSync(join(bundle.rootfs, "etc/last-words"), "");
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(bundle.rootfs, "opt", name), text);
  const container = new Container(bundle);
  try {
    await body(container, bundle);
  } catch (error) {
    if (error instanceof Error) error.message += `\n${container.report()}`;
    throw error;
  } finally {
    await container.close();
  }
}

const metrics = async (container: Container): Promise<string> =>
  (await container.http(PROBES, "/metrics")).body;

test("conformance 113: a program killed for its memory is told so everywhere and restarted; tsinit lives", async () => {
  const config = [
    program("eater", EATER, "autorestart=true", "startsecs=0"),
    program("keeper", "/bin/sleep 1000"),
  ];
  await contain(config, { memoryBytes: 160 * MIB }, async (container) => {
    await container.line(/exited: eater \(terminated by SIGKILL \(out of memory\); not expected\)/, 25_000);
    await container.line(/spawned: 'eater'/, 10_000, 3);
    await container.until("the count", 10_000, async () =>
      /^tsinit_program_restarts_total\{[^}]*program="eater"[^}]*reason="oom"\} [1-9]/m.test(
        await metrics(container),
      ),
    );
    const keeper = container.exec("/sbin/tsinit", "ctl", "status", "keeper");
    assert.match(keeper.stdout, /RUNNING/);
    container.signal("TERM");
    assert.equal(await container.exitCode(), 0);
  });
});

test("conformance 71: a critical program killed for its memory ends the container with 137 and its reason", async () => {
  const config = [program("eater", EATER, "critical=true", "startretries=0", "startsecs=60")];
  await contain(config, { memoryBytes: 160 * MIB }, async (container, bundle) => {
    assert.equal(await container.exitCode(), 137);
    assert.match(container.lines.at(-1)?.text ?? "", /exit 137: .*eater.*out of memory/);
    assert.match(
      readFileSync(join(bundle.rootfs, "etc/last-words"), "utf8"),
      /exit 137: .*eater.*out of memory/,
    );
  });
});

test("a SIGKILL by an operator or by a stop is no lack of memory, even beside one", async () => {
  const config = [
    program("eater", EATER, "startsecs=0", "autorestart=false"),
    program("a", "/bin/sleep 1000", "autorestart=true", "startsecs=0"),
    program(
      "deaf",
      `/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'`,
      "stopwaitsecs=1",
      "stopasgroup=false",
      "startsecs=0",
    ),
  ];
  await contain(config, { memoryBytes: 160 * MIB }, async (container) => {
    await container.line(/exited: eater .*out of memory/, 25_000);
    assert.equal(container.exec("/sbin/tsinit", "ctl", "signal", "KILL", "a").status, 0);
    await container.line(/exited: a \(terminated by SIGKILL; not expected\)/, 10_000);
    assert.equal(container.exec("/sbin/tsinit", "ctl", "stop", "deaf").status, 0);
    await container.line(/stopped: deaf \(terminated by SIGKILL\)/, 10_000);
  });
});

test("a worker killed for its memory is told of though its leader reaped it", async () => {
  const config = [
    program("pool", `/bin/sh -c '${EATER} || exit 3'`, "startsecs=0", "autorestart=false"),
    program("keeper", "/bin/sleep 1000"),
  ];
  await contain(config, { memoryBytes: 160 * MIB }, async (container) => {
    await container.line(/out of memory: the kernel has killed a process, and 'pool' has ended/, 25_000);
    await container.line(/exited: pool \(exit status 3; not expected\)/, 10_000);
  });
});

test("conformance 114: no process to be had: BACKOFF, and it recovers", async () => {
  const config = [
    program("hog", HOG, "startsecs=0", "autorestart=false"),
    program(
      "often",
      "/bin/sleep 0.3",
      "startsecs=0",
      "startretries=20",
      "autorestart=true",
      "restart_delay=1",
      "restart_delay_max=1",
    ),
  ];
  await contain(config, { pidsLimit: 60 }, async (container) => {
    const failed = await container.line(
      /spawnerr: Too many processes in process table to spawn 'often'/,
      30_000,
    );
    await container.line(/exited: hog \(exit status 0; expected\)/, 30_000, failed);
    await container.line(/success: often entered RUNNING/, 30_000, failed);
    assert.ok(!container.lines.some(({ text }) => /gave up|fault/.test(text)));
    container.signal("TERM");
    assert.equal(await container.exitCode(), 0);
  });
});
