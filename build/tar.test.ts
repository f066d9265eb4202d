import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tar } from "./tar.ts";

const directory = mkdtempSync(join(tmpdir(), "tsinit-tar-"));
after(() => rmSync(directory, { recursive: true }));

const tree = join(directory, "tree");
mkdirSync(join(tree, "usr/sbin"), { recursive: true });
writeFileSync(join(tree, "usr/sbin/program"), Buffer.alloc(1000, "x"), { mode: 0o755 });
symlinkSync("/usr/sbin/program", join(tree, "usr/sbin/link"));
const archive = tar(tree, [
  { path: "sbin/program", from: "usr/sbin/program" },
  { path: "sbin/link", from: "usr/sbin/link" },
]);

function extract(name: string, prepare: (root: string) => void): string {
  const root = join(directory, name);
  mkdirSync(root);
  prepare(root);
  writeFileSync(join(directory, "archive.tar"), archive);
  execFileSync("tar", ["-C", root, "-xpf", join(directory, "archive.tar")]);
  return root;
}

test("into an empty root: makes the directory", () => {
  const root = extract("empty", () => undefined);
  assert.deepEqual(readFileSync(join(root, "sbin/program")), Buffer.alloc(1000, "x"));
  assert.equal(statSync(join(root, "sbin/program")).mode & 0o7777, 0o755);
  assert.equal(readlinkSync(join(root, "sbin/link")), "/usr/sbin/program");
});

test("into a root whose /sbin is a symlink: follows it and leaves it alone", () => {
  const root = extract("merged", (path) => {
    mkdirSync(join(path, "usr/sbin"), { recursive: true });
    writeFileSync(join(path, "usr/sbin/other"), "");
    symlinkSync("usr/sbin", join(path, "sbin"));
  });
  assert.ok(lstatSync(join(root, "sbin")).isSymbolicLink());
  assert.ok(statSync(join(root, "usr/sbin/program")).isFile());
  assert.ok(statSync(join(root, "sbin/other")).isFile());
});

test("into a root whose /sbin is a directory: beside what is there", () => {
  const root = extract("apart", (path) => {
    mkdirSync(join(path, "sbin"));
    writeFileSync(join(path, "sbin/other"), "");
  });
  assert.ok(lstatSync(join(root, "sbin")).isDirectory());
  assert.ok(statSync(join(root, "sbin/program")).isFile());
  assert.ok(statSync(join(root, "sbin/other")).isFile());
});

test("the same tree gives the same bytes; a path that does not fit is refused", () => {
  assert.deepEqual(
    tar(tree, [{ path: "a", from: "usr/sbin/link" }]),
    tar(tree, [{ path: "a", from: "usr/sbin/link" }]),
  );
  assert.throws(() => tar(tree, [{ path: "a".repeat(101), from: "usr/sbin/link" }]), /too long/);
});
