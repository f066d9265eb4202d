/** The image of Dockerfile.example under a real runtime: redis, a celery worker and a flask app behind tsinit. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Bundle } from "./bundle.ts";
import { Container } from "./container.ts";
import { exampleImage, type Image } from "./image.ts";

const PROBES = 9180;
const WEB = 8000;
const BOOT_MILLIS = 30_000;

function exampleBundle(image: Image): Bundle {
  return new Bundle({
    root: image.root,
    args: image.command,
    environment: image.environment,
    cwd: image.workingDirectory,
  });
}

async function withExample(body: (container: Container, bundle: Bundle) => Promise<void>): Promise<void> {
  const bundle = exampleBundle(exampleImage());
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

const ready = async (container: Container) => (await container.http(PROBES, "/readyz")).status === 200;

/** The pid, inside the container, of a program's process. */
function pidOf(container: Container, program: string): string {
  const { status, stdout, stderr } = container.exec("/sbin/tsinit", "ctl", "pid", program);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\d+\n$/);
  return stdout.trim();
}

function killInside(container: Container, pid: string): void {
  const killed = container.exec("/bin/sh", "-c", `kill -9 ${pid}`);
  assert.equal(killed.status, 0, killed.stderr);
}

test("the image says what the README says", () => {
  const image = exampleImage();
  assert.deepEqual(image.command, ["/sbin/tsinit"]);
  assert.equal(image.stopSignal, "SIGTERM");
  assert.deepEqual(image.healthcheck, ["CMD", "/sbin/tsinit", "health"]);
});

test("ready when all three run; work goes through; a killed worker is healed and counted; TERM stops in order", async () => {
  await withExample(async (container) => {
    // Not ready before the last of the three runs, and then at once.
    await container.until("answer of /readyz", BOOT_MILLIS, async () => !(await ready(container)));
    const before = await container.http(PROBES, "/readyz?verbose");
    assert.equal(before.status, 503);
    assert.match(before.body, /^\[-\]web failed/m);
    await container.until("readiness", BOOT_MILLIS, () => ready(container));
    const { body } = await container.http(PROBES, "/readyz?verbose");
    for (const program of ["redis", "worker", "web"])
      assert.match(body, new RegExp(`^\\[\\+\\]${program} ok$`, "m"));
    const spawned = (program: string) =>
      container.lines.findIndex(({ text }) => text.includes(`spawned: '${program}'`));
    assert.ok(spawned("redis") < spawned("worker") && spawned("worker") < spawned("web"), container.report());
    assert.equal(container.exec("/sbin/tsinit", "health").status, 0);

    assert.deepEqual(await container.post(WEB, "/add", { numbers: [1, 2, 39] }), {
      status: 200,
      value: { result: 42 },
    });
    for (const prefix of ["redis  | ", "worker | ", "web    | "]) {
      assert.ok(
        container.lines.some(({ text }) => text.startsWith(prefix)),
        `no line begins with ${prefix}`,
      );
    }

    const pid = pidOf(container, "worker");
    const seen = container.lines.length;
    killInside(container, pid);
    await container.line(/success: worker entered RUNNING/, BOOT_MILLIS, seen);
    assert.notEqual(pidOf(container, "worker"), pid);
    const metrics = await container.http(PROBES, "/metrics");
    assert.match(
      metrics.body,
      /^tsinit_program_restarts_total\{group="worker",program="worker",reason="signal"\} 1$/m,
    );
    assert.match(
      metrics.body,
      /^tsinit_program_exits_total\{group="worker",program="worker",status="SIGKILL"\} 1$/m,
    );
    await container.until("answer of the healed worker", BOOT_MILLIS, async () => {
      return (await container.post(WEB, "/add", { numbers: [2, 3] })).status === 200;
    });

    assert.equal((await container.post(WEB, "/slow", { seconds: 4 })).status, 202);
    await container.line(/slow task: 4 s to go/, 10_000);
    container.signal("TERM");
    assert.equal(await container.exitCode(), 0);
    const at = (pattern: RegExp) => container.lines.findIndex(({ text }) => pattern.test(text));
    const order = [
      /stopped: web/,
      /slow task: finished/,
      /stopped: worker/,
      /stopped: redis/,
      /^tsinit \| .*exit 0/,
    ];
    const places = order.map(at);
    assert.ok(!places.includes(-1), `${places}`);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  });
});

test("a critical worker that can no longer start ends the container with its code", async () => {
  await withExample(async (container, bundle) => {
    await container.until("readiness", BOOT_MILLIS, () => ready(container));
    const celery = join(bundle.rootfs, "usr/bin/celery");
    writeFileSync(celery, "#!/bin/sh\necho no such broker >&2\nexit 7\n");
    chmodSync(celery, 0o755);
    killInside(container, pidOf(container, "worker"));
    assert.equal(await container.exitCode(), 7);
    const last = container.lines.at(-1)?.text ?? "";
    assert.match(last, /^tsinit \| .*worker.*7/);
    assert.ok(container.lines.some(({ text }) => text === "worker | no such broker"));
  });
});
