/**
 * What a start evaluates before its first program runs: exactly the lines of start-modules.txt. Each costs every container
 * time and memory. What is wanted later, or by few, is taken by `import()` where it is needed first.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import type { Loader, Plugin } from "esbuild";
import { bundle } from "../build/bundle.ts";

const ROOT = join(import.meta.dirname, "..");
const LIST = join(import.meta.dirname, "start-modules.txt");
const PROGRAM = join(import.meta.dirname, "programs/until-spawn.ts");

const directory = mkdtempSync(join(tmpdir(), "tsinit-start-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Each file of the bundle says so when it has been evaluated: a package by its name, ours by its path. */
const announcing: Plugin = {
  name: "announcing",
  setup(builder) {
    builder.onLoad({ filter: /\.(?:ts|[cm]?js)$/, namespace: "file" }, ({ path }) => {
      const [, found] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
      const name = found === undefined ? relative(ROOT, path) : `npm ${found}`;
      const loader: Loader = path.endsWith(".ts") ? "ts" : "js";
      const text = `${readFileSync(path, "utf8")}\n;globalThis.evaluated?.push(${JSON.stringify(name)});`;
      return { contents: text, loader };
    });
  },
};

const CONFIG = `
[unix_http_server]
file=${directory}/control.sock
[supervisord]
nodaemon=true
[tsinit]
listen=127.0.0.1:0
[program:web]
command=/bin/true
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
`;

test("before its first program a start evaluates only what start-modules.txt allows", async () => {
  const script = join(directory, "tsinit.cjs");
  await bundle(join(ROOT, "src/main.ts"), script, [announcing]);
  const config = join(directory, "start.ini");
  writeFileSync(config, CONFIG);
  const words = ["--disable-warning=ExperimentalWarning", PROGRAM, script, "-c", config];
  const output = execFileSync(process.execPath, words, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
    timeout: 60_000,
  });
  const evaluated: string[] = JSON.parse(output.slice(output.lastIndexOf("\n") + 1));
  const allowed = readFileSync(LIST, "utf8").trimEnd().split("\n");
  assert.deepEqual([...new Set(evaluated)], allowed);
});

test("no module of Node's is taken as a whole: in the bundle each of its names is copied, a third of a millisecond", async () => {
  const script = join(directory, "plain.cjs");
  await bundle(join(ROOT, "src/main.ts"), script);
  // An arrow before it: an `import()`, which is not for the start.
  const copies = readFileSync(script, "latin1").match(/[^>]__toESM\(require\("node:\w+"\)/g) ?? [];
  assert.deepEqual(copies, []);
});
