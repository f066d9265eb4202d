import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isElf, loaderOf, replaceImport, strip, useLoader } from "./elf.ts";

const directory = mkdtempSync(join(tmpdir(), "tsinit-elf-"));
after(() => rmSync(directory, { recursive: true }));

const node = readFileSync(process.execPath);

function start(file: Buffer, ...argv: string[]): string {
  const path = join(directory, "file");
  writeFileSync(path, file, { mode: 0o755 });
  return execFileSync(path, argv, { encoding: "utf8" });
}

test("a stripped Node is smaller by a fifth and runs", () => {
  const stripped = strip(node);
  assert.ok(stripped.length < node.length * 0.85, `${node.length} became ${stripped.length}`);
  assert.equal(start(stripped, "-p", "process.version").trim(), process.version);
  assert.ok(isElf(stripped));
  assert.deepEqual(loaderOf(stripped), loaderOf(node));
  // Nothing is left to drop; the section names and table may be laid out anew.
  assert.equal(strip(stripped).length, stripped.length);
});

test("an import is replaced only where that is all it changes", () => {
  const file = strip(node);
  assert.throws(() => replaceImport(file, "no_such_function", "abs"), /no_such_function is not imported/);
  assert.throws(() => replaceImport(file, "abs", "setrlimit64"), /does not fit/);
  // Exported, not imported.
  assert.throws(() => replaceImport(file, "uv_version_string", "abs"), /is not one imported symbol/);
  replaceImport(file, "setrlimit64", "abs");
  assert.throws(() => replaceImport(file, "setrlimit64", "abs"), /setrlimit64 is not imported/);
  const limits = "fs.readFileSync('/proc/self/limits', 'utf8').match(/open files +(\\d+)/)[1]";
  writeFileSync(join(directory, "patched"), file, { mode: 0o755 });
  const script = `ulimit -Sn 200; exec ${join(directory, "patched")} -p "${limits}"`;
  assert.equal(execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" }).trim(), "200");
});

test("the loader is named by text that lies in the file once, in a loaded part", () => {
  const file = strip(node);
  const slot = Buffer.from("tsinit-test\0/lib/loader.so\0/lib/of/it\0");
  assert.throws(() => useLoader(file, slot), /not in it exactly once/);
  assert.throws(() => useLoader(Buffer.concat([file, slot]), slot), /not in a loaded segment/);
  // Any loaded place behind the start of the string table does for a file that is not started.
  slot.copy(file, file.indexOf("\0uv_version_string\0") + 1);
  useLoader(file, slot);
  assert.deepEqual(loaderOf(file), { interpreter: "/lib/loader.so", rpath: "/lib/of/it" });
  assert.throws(() => useLoader(file, slot), /has a library path already/);
  slot.copy(file, file.indexOf("\0napi_create_object\0") + 1);
  assert.throws(() => useLoader(file, slot), /not in it exactly once/);
});

test("what is not a 64-bit little-endian ELF file is not one", () => {
  assert.ok(!isElf(Buffer.from("#!/bin/sh\n")));
  const wide = Buffer.from(node.subarray(0, 128));
  wide[4] = 1;
  assert.ok(!isElf(wide));
});
