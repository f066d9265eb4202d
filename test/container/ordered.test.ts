/** docker/ordered under a real runtime: redis, a migration, celery, flask and a schedule, each waiting for what it needs. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Bundle } from "./bundle.ts";
import { Container } from "./container.ts";
import { exampleImage } from "./image.ts";

const PROBES = 9180;
const WEB = 8000;
const BOOT_MILLIS = 45_000;
const EXAMPLE = join(import.meta.dirname, "../../docker/ordered");

/** The image of Dockerfile.example has all the packages: these files go over its own. */
function orderedBundle(...variables: string[]): Bundle {
  const image = exampleImage();
  const environment = [...image.environment, "CLEANUP_SCHEDULE=0 3 * * *", ...variables];
  const bundle = new Bundle({ root: image.root, args: image.command, environment });
  mkdirSync(join(bundle.rootfs, "srv/example"), { recursive: true });
  for (const name of readdirSync(EXAMPLE).filter((each) => each.endsWith(".py")))
    cpSync(join(EXAMPLE, name), join(bundle.rootfs, "srv/example", name));
  cpSync(join(EXAMPLE, "tsinit.ini"), join(bundle.rootfs, "etc/tsinit.ini"));
  return bundle;
}

async function withOrdered(
  variables: readonly string[],
  body: (container: Container) => Promise<void>,
): Promise<void> {
  const container = new Container(orderedBundle(...variables));
  try {
    await body(container);
  } catch (error) {
    if (error instanceof Error) error.message += `\n${container.report()}`;
    throw error;
  } finally {
    await container.close();
  }
}

const readiness = async (container: Container): Promise<number> =>
  (await container.http(PROBES, "/readyz")).status;

/** From the line `from` on each pattern's first line comes after that of the one before. */
function assertOrder(container: Container, patterns: readonly RegExp[], from = 0): void {
  const lines = container.lines.slice(from);
  const places = patterns.map((pattern) => lines.findIndex(({ text }) => pattern.test(text)));
  assert.ok(!places.includes(-1), `missing: ${patterns[places.indexOf(-1)]}`);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
}

test("each starts when what it needs is there; a crash of redis takes along who depends on it; the drain refuses nobody", async () => {
  await withOrdered([], async (container) => {
    await container.until(
      "readiness",
      BOOT_MILLIS,
      async () => (await readiness(container).catch(() => 0)) === 200,
    );
    assertOrder(container, [
      /spawned: 'redis'/,
      /ready: redis/,
      /spawned: 'migrate'/,
      /migrate +\| schema 1/,
      /exited: migrate \(exit status 0; expected\)/,
      /spawned: 'worker'/,
      /ready: worker/,
      /spawned: 'web'/,
      /ready: web/,
    ]);
    assert.deepEqual(await container.post(WEB, "/add", { numbers: [40, 2] }), {
      status: 200,
      value: { result: 42 },
    });
    const graph = container.exec("/sbin/tsinit", "ctl", "graph");
    assert.equal(graph.status, 0, graph.stderr);
    for (const name of ["redis", "migrate", "worker", "web"]) assert.match(graph.stdout, new RegExp(name));
    const started = container.exec("/sbin/tsinit", "ctl", "start", "cleanup");
    assert.match(started.stdout, /cleanup: started/);
    await container.line(/cleanup +\| cleaned up 1/, 10_000);

    const seen = container.lines.length;
    const redis = container.exec("/sbin/tsinit", "ctl", "pid", "redis").stdout.trim();
    container.exec("/bin/sh", "-c", `kill -9 ${redis}`);
    // A new redis knows nothing: the migration is made again, and the worker comes after it.
    await container.line(/migrate +\| schema 1/, BOOT_MILLIS, seen);
    await container.line(/ready: worker/, BOOT_MILLIS, seen);
    await container.until("readiness again", BOOT_MILLIS, async () => (await readiness(container)) === 200);
    const { body } = await container.http(PROBES, "/metrics");
    for (const program of ["migrate", "worker"])
      assert.match(
        body,
        new RegExp(
          `^tsinit_program_restarts_total\\{group="${program}",program="${program}",reason="dependency"\\} 1$`,
          "m",
        ),
      );

    const ending = container.lines.length;
    const asked = performance.now();
    container.signal("TERM");
    await container.until("503", 2000, async () => (await readiness(container)) === 503);
    let answers = 0;
    // Everybody is served, up to shortly before the 3 s are over.
    while (performance.now() - asked < 2500) {
      const { status } = await container.http(WEB, "/health");
      assert.equal(status, 200);
      answers++;
    }
    assert.ok(!container.lines.some(({ text }) => /shutting down/.test(text)), "the drain was cut short");
    assert.ok(answers > 5, `${answers} answers within the drain`);
    assert.equal(await container.exitCode(), 0);
    assertOrder(container, [/stopped: web/, /stopped: worker/, /stopped: redis/, /exit 0/], ending);
  });
});

test("a migration that fails ends the container with its code; nothing that needs it is started", async () => {
  await withOrdered(["MIGRATION_FAILS=1"], async (container) => {
    assert.equal(await container.exitCode(), 1);
    const text = container.lines.map((line) => line.text).join("\n");
    assert.match(text, /worker does not start yet: waiting for migrate to be done/);
    assert.match(text, /exit 1: critical program migrate went FATAL: exit status 1/);
    assert.doesNotMatch(text, /spawned: '(?:worker|web)'/);
  });
});
