/** Surroundings that must not keep the init from starting nor make it misbehave: the environment, descriptors, files. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { type Box, boxed } from "./harness.ts";
import { readText } from "./processes.ts";
import type { InitOptions } from "./scene.ts";
import { actor, GENTLE, PATH, ROOT } from "./scene.ts";

const OVERLAY = join(ROOT, "dist/overlay");
const CONFIG = `[program:a]\ncommand=${actor("a", "show:env", "show:fds", "out:said", ...GENTLE)}\nstartsecs=0`;

/** Starts, checks that all is as ever, stops. Gives the init and the environment that its program saw. */
async function lives(box: Box, options: InitOptions, check?: "no output") {
  const init = await box.init({ config: CONFIG, ...options });
  const env: Record<string, string> = JSON.parse((await init.event("a", "show:env")).data);
  assert.deepEqual(JSON.parse((await init.event("a", "show:fds")).data), [0, 1, 2]);
  if (check === undefined) await init.line(/^a +\| said/);
  await init.httpStatus("/readyz", 200);
  init.signal("SIGTERM");
  const ending = await init.exit();
  assert.equal(ending.code, 0);
  assert.equal(init.events("a", "TERM").length, 1);
  return { init, env, ending };
}

describe("the environment steers programs, never the init", { concurrency: 3 }, () => {
  const harmless: [string, Record<string, string>][] = [
    ["NODE_OPTIONS with an unknown option", { NODE_OPTIONS: "--no-such-option" }],
    ["NODE_OPTIONS --require of a missing file", { NODE_OPTIONS: "--require /nonexistent.js" }],
    ["NODE_OPTIONS --inspect", { NODE_OPTIONS: "--inspect=0.0.0.0:9229" }],
    ["NODE_OPTIONS with a tiny heap", { NODE_OPTIONS: "--max-old-space-size=4" }],
    ["NODE_EXTRA_CA_CERTS", { NODE_EXTRA_CA_CERTS: "/nonexistent.pem" }],
    ["NODE_V8_COVERAGE", { NODE_V8_COVERAGE: "@DIR@/coverage" }],
    ["NODE_COMPILE_CACHE", { NODE_COMPILE_CACHE: "@DIR@/coverage" }],
    ["NODE_DEBUG", { NODE_DEBUG: "net,http", NODE_DEBUG_NATIVE: "SEA" }],
    ["NODE_PATH and NODE_ENV", { NODE_PATH: "/nonexistent", NODE_ENV: "test" }],
    ["NODE_TLS_REJECT_UNAUTHORIZED", { NODE_TLS_REJECT_UNAUTHORIZED: "0" }],
    ["UV_THREADPOOL_SIZE", { UV_THREADPOOL_SIZE: "1024", UV_USE_IO_URING: "1" }],
    ["MALLOC_ settings", { MALLOC_ARENA_MAX: "1", MALLOC_CHECK_: "3", MALLOC_PERTURB_: "165" }],
    ["a C locale and a strange TZ", { LANG: "C", LC_ALL: "C", TZ: "Nowhere/Land" }],
  ];
  for (const [name, variables] of harmless) {
    boxed(`${name}: no effect on the init, unchanged for programs`, async (box) => {
      const { init, env, ending } = await lives(box, { env: { PATH, ...variables } });
      for (const [key, value] of Object.entries(variables)) assert.equal(env[key], init.fill(value), key);
      assert.doesNotMatch(ending.stderr, /Debugger|bad option|Warning|Cannot find module|NET \d|HTTP \d/);
      const written = existsSync(join(init.dir, "coverage"))
        ? readdirSync(join(init.dir, "coverage"), { recursive: true, withFileTypes: true })
        : [];
      assert.deepEqual(
        written.filter((each) => each.isFile()),
        [],
        "the init wrote files of its own accord",
      );
    });
  }

  boxed("no environment at all: starts", async (box) => {
    await lives(box, { env: {} });
  });
});

describe("the portable overlay", { concurrency: 2 }, () => {
  const overlay = {
    binary: "/usr/lib/tsinit/tsinit",
    setup: `mount -t overlay -o lowerdir=${OVERLAY}/usr/lib:/usr/lib overlay /usr/lib`,
  };
  const libraries =
    "mkdir @DIR@/lib; for name in libstdc++.so.6 libatomic.so.1 libgcc_s.so.1; do echo junk > @DIR@/lib/$name; done";

  boxed("LD_LIBRARY_PATH with broken libraries", async (box) => {
    const { init, env } = await lives(box, {
      ...overlay,
      setup: `${overlay.setup}\n${libraries}`,
      env: { PATH, LD_LIBRARY_PATH: "@DIR@/lib" },
    });
    assert.equal(env["LD_LIBRARY_PATH"], join(init.dir, "lib"));
  });

  boxed("LD_PRELOAD of a library that is not there", async (box) => {
    const { env, ending } = await lives(box, { ...overlay, env: { PATH, LD_PRELOAD: "/nonexistent.so" } });
    assert.equal(env["LD_PRELOAD"], "/nonexistent.so");
    const complaints = ending.stderr
      .split("\n")
      .filter((line) => /preload/.test(line) && !/^a +\| /.test(line));
    assert.deepEqual(complaints, [], "the loader complained about the init");
  });

  boxed("LD_PRELOAD of a real library is not loaded into the init", async (box) => {
    const folder = `/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
    const library = readdirSync(folder).find((name) => /^lib(BrokenLocale|anl|thread_db)\.so\.1$/.test(name));
    assert.ok(library !== undefined, `no harmless library in ${folder}`);
    const preload = join(folder, library);
    const init = await box.init({ ...overlay, config: CONFIG, env: { PATH, LD_PRELOAD: preload } });
    const env = JSON.parse((await init.event("a", "show:env")).data);
    assert.equal(env.LD_PRELOAD, preload);
    assert.ok(
      !(readText(`/proc/${init.pid}/maps`) ?? library).includes(library),
      "it is loaded into the init",
    );
  });

  boxed("starts as supervisord by its symlink", async (box) => {
    const init = await box.init({
      ...overlay,
      binary: join(OVERLAY, "usr/bin/supervisord"),
      args: ["-n", "-c", "@DIR@/s.conf"],
      setup: `${overlay.setup}\ncat > @DIR@/s.conf <<'END'\n[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\n${CONFIG}\nEND`,
    });
    await init.line(/^a +\| said/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });
});

describe("signals and descriptors", { concurrency: 3 }, () => {
  boxed("SIGUSR1 opens no debugger and ends nothing", async (box) => {
    const init = await box.init({ config: CONFIG });
    await init.event("a", "start");
    for (let count = 0; count < 3; count++) init.signal("SIGUSR1");
    await init.httpStatus("/readyz", 200);
    assert.doesNotMatch(init.stderr.text(), /Debugger/);
    const listening = readText(`/proc/${init.pid}/net/tcp`)?.includes(
      `:${(9229).toString(16).toUpperCase()} `,
    );
    assert.equal(listening, false);
  });

  for (const [name, redirect, quiet] of [
    ["stdin", "<&-", false],
    ["stdout", ">&-", true],
    ["stderr", "2>&-", false],
    ["stdin, stdout and stderr", "<&- >&- 2>&-", true],
  ] as const) {
    boxed(`closed ${name}: starts, and programs have all three`, async (box) => {
      await lives(box, { redirect }, quiet ? "no output" : undefined);
    });
  }

  boxed("stdin, stdout and stderr are /dev/null and /dev/full", async (box) => {
    await lives(box, { redirect: "</dev/null >/dev/full 2>/dev/full" }, "no output");
  });
});

describe("files", { concurrency: 3 }, () => {
  boxed("no /proc: starts, logs, answers, stops", async (box) => {
    await lives(box, { setup: "mount -t tmpfs -o ro tmpfs /proc" });
  });

  boxed("no /proc with one command alone", async (box) => {
    const init = await box.init({
      setup: "mount -t tmpfs -o ro tmpfs /proc",
      args: ["--", "sh", "-c", "exit 37"],
    });
    assert.equal((await init.exit()).code, 37);
  });

  boxed("a read-only root as root", async (box) => {
    const init = await box.init({
      setup: "mount -o remount,bind,ro /",
      config: "[program:a]\ncommand=/bin/sh -c 'echo said; exec sleep 1000'",
    });
    await init.line(/^a +\| said/);
    await init.httpStatus("/readyz", 200);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed("an unknown uid, no HOME, no passwd entry", async (box) => {
    const { env } = await lives(box, { user: { uid: 54_321, gid: 54_321 }, env: { PATH } });
    assert.equal(env["HOME"], undefined);
  });

  boxed("no writable directory: the control socket is a warning, not an end", async (box) => {
    const init = await box.init({
      user: { uid: 54_321, gid: 54_321 },
      setup: "chmod 755 /run; for dir in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o ro tmpfs $dir; done",
      env: { PATH, TSINIT_PROGRAM_A: "/bin/sh -c 'echo said; exec sleep 1000'" },
    });
    await init.line(/^a +\| said/);
    await init.httpStatus("/readyz", 200);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });

  boxed(
    "no listener, and programs that closed their output: nothing open is no reason to end",
    async (box) => {
      const init = await box.init({
        config: [
          "[tsinit]\nlisten=none\ncontrol=none",
          "[program:a]\ncommand=/bin/sh -c 'exec >&- 2>&-; sleep 1.5; exit 3'\nautorestart=false\nstartsecs=0",
        ].join("\n"),
      });
      const ending = await init.exit();
      assert.equal(ending.code, 1);
      assert.match(ending.stderr, /exited: a \(exit status 3/);
    },
  );

  boxed("a working directory that is gone", async (box) => {
    const init = await box.init({
      setup: "mkdir @DIR@/gone; cd @DIR@/gone; rmdir @DIR@/gone",
      cwd: "",
      env: { PATH, TSINIT_PROGRAM_A: "/bin/sh -c 'echo said; exec sleep 1000'" },
    });
    await init.line(/^a +\| said/);
    init.signal("SIGTERM");
    assert.equal((await init.exit()).code, 0);
  });
});
