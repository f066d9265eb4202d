/** The rules of the house, checked: who imports whom, what nobody calls, files nobody uses. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "..");
const SRC = join(ROOT, "src");

/** Folder → what it may import: other folders (`x types`: types only), Node modules and packages. */
const TABLE: Record<string, string[]> = {
  core: [],
  config: ["core", "node:fs", "node:path", "ini"],
  kernel: ["core types", "node:ffi"],
  logs: ["core", "kernel types", "node:net", "node:fs"],
  observe: ["core", "logs types", "node:fs", "prom-client", "pidusage"],
  api: [
    "core",
    "observe",
    "logs types",
    "node:http",
    "node:net",
    "node:crypto",
    "node:fs",
    "@rgrove/parse-xml",
  ],
  ctl: ["core", "api", "kernel types", "node:http", "node:fs", "node:tty", "node:readline"],
  daemon: [
    "core",
    "config",
    "kernel",
    "logs",
    "observe",
    "api",
    "node:dns",
    "node:fs",
    "node:http types",
    "node:net types",
    "signal-exit",
  ],
};
/** Files at the top of src: which program am I. */
const TOP = ["core", "config", "kernel", "daemon", "ctl", "minimist", "node:os"];

/** One file only may know these. */
const ONLY_IN: [what: RegExp, files: string[]][] = [
  [/\b(Date\.now|performance\.now|setTimeout|setInterval)\b/, ["daemon/clock.ts"]],
  [/\bprocess\.exit\(/, ["main.ts"]],
  [/from "node:ffi"/, ["kernel/libc.ts"]],
  [/from "ini"/, ["config/ini.ts"]],
  [/from "signal-exit"/, ["daemon/boot.ts"]],
];
const NOWHERE = [/node:child_process/, /\beval\(/, /\bnew Function\(/];

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.ts$/.test(name) && !/\.(test|as|d)\.ts$/.test(name))
    .sort();
}

const read = (name: string) => readFileSync(join(SRC, name), "utf8");

function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export) (type )?[^;]*?from "([^"]+)"/gms))
    found.push({ from: match[2] ?? "", typeOnly: match[1] !== undefined });
  for (const match of text.matchAll(/\bimport\("([^"]+)"\)/g))
    found.push({ from: match[1] ?? "", typeOnly: false });
  return found;
}

test("every folder imports only what the table allows", () => {
  const wrong: string[] = [];
  for (const name of sources()) {
    const folder = name.includes("/") ? dirname(name).split("/")[0]! : "";
    const allowed = folder === "" ? TOP : TABLE[folder];
    assert.ok(allowed, `src/${name}: a folder that the table does not know`);
    for (const { from, typeOnly } of importsOf(read(name))) {
      let target = /^(@[^/]+\/)?[^/]+/.exec(from)?.[0] ?? from;
      if (from.startsWith(".")) {
        const path = relative(SRC, normalize(join(SRC, dirname(name), from)));
        if (path.startsWith("..")) continue;
        target = path.includes("/") ? path.split("/")[0]! : "";
        if (target === folder) continue;
        if (target === "" && folder === "") continue;
      }
      if (allowed.includes(target) || (typeOnly && allowed.includes(`${target} types`))) continue;
      wrong.push(`src/${name} imports ${from}${typeOnly ? " (types)" : ""}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("clocks, exits, libc and the given packages are used in one place each", () => {
  const wrong: string[] = [];
  for (const name of sources()) {
    const text = read(name).replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, "");
    for (const [what, files] of ONLY_IN)
      if (what.test(text) && !files.includes(name)) wrong.push(`src/${name}: ${what}`);
    for (const what of NOWHERE) if (what.test(text)) wrong.push(`src/${name}: ${what}`);
  }
  assert.deepEqual(wrong, []);
});

test("no file is dead: each is reached from main.ts", () => {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const { from } of importsOf(read(name))) {
      if (!from.startsWith(".") || !from.endsWith(".ts")) continue;
      visit(relative(SRC, normalize(join(SRC, dirname(name), from))));
    }
  };
  visit("main.ts");
  assert.deepEqual(
    sources().filter((name) => !reached.has(name)),
    [],
  );
});

test("every source file opens with what it is", () => {
  assert.deepEqual(
    sources().filter((name) => !read(name).startsWith("/**")),
    [],
  );
});
