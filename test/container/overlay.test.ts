/** The overlay on the roots people have: merged /usr, a real /sbin, nothing at all; put there by COPY, ADD and tar. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loaderOf } from "../../build/elf.ts";
import { archiveMembers, withoutPreloading } from "../../build/overlay.ts";
import { tar } from "../../build/tar.ts";
import { Bundle, type BundleOptions } from "./bundle.ts";
import { baseRoot, buildImage } from "./image.ts";

const OVERLAY = join(import.meta.dirname, "../../dist/overlay");
const CHROOT = "/usr/sbin/chroot";
const VERSION = /^tsinit \d+\.\d+\.\d+ \(node 26\.\d+\.\d+\)\n$/;

const directory = mkdtempSync(join(tmpdir(), "tsinit-overlay-"));
after(() => rmSync(directory, { recursive: true }));

const archive = join(directory, "tsinit.tar");
writeFileSync(archive, tar(OVERLAY, archiveMembers(OVERLAY)));

function newRoot(name: string, prepare: (root: string) => void = () => undefined): string {
  const root = join(directory, name);
  mkdirSync(root);
  prepare(root);
  return root;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real container over `root`. */
function runContainer(options: BundleOptions): Ended {
  const bundle = new Bundle(options);
  const id = `tsinit-overlay-${process.pid}-${bundle.directory.slice(-6)}`;
  try {
    return spawnSync("runc", ["run", "--bundle", bundle.directory, id], {
      encoding: "utf8",
      timeout: 60_000,
    });
  } finally {
    bundle.remove();
  }
}

function startsIn(root: string, options: Partial<BundleOptions> = {}): void {
  const ended = runContainer({ root, args: ["/sbin/tsinit", "version"], ...options });
  assert.deepEqual([ended.status, ended.stderr], [0, ""]);
  assert.match(ended.stdout, VERSION);
}

test("the tree: the binary names its own loader and libraries, and all of them are there", () => {
  const binary = join(OVERLAY, "usr/lib/tsinit/tsinit");
  const { interpreter, rpath } = loaderOf(readFileSync(binary));
  assert.equal(rpath, "/usr/lib/tsinit");
  assert.ok(interpreter?.startsWith("/usr/lib/tsinit/ld-linux-"), interpreter ?? "no interpreter");
  assert.ok(existsSync(join(OVERLAY, interpreter ?? "")));
  assert.deepEqual(loaderOf(readFileSync(join(OVERLAY, "../tsinit"))).rpath, null);
});

test("an empty root: as root and as uid 1000, writable and read-only", () => {
  const root = newRoot("empty");
  execFileSync("tar", ["-C", root, "-xf", archive]);
  // Without /proc and without any other directory, as PID 1; runc itself could not work there.
  for (const user of ["0:0", "1000:1000"]) {
    const argv = [
      "--pid",
      "--fork",
      "--kill-child",
      CHROOT,
      `--userspec=${user}`,
      root,
      "/sbin/tsinit",
      "version",
    ];
    const ended = spawnSync("unshare", argv, { encoding: "utf8", timeout: 60_000, env: {} });
    assert.deepEqual([ended.status, ended.stderr], [0, ""]);
    assert.match(ended.stdout, VERSION);
  }
  // A read-only root must have the places for the runtime's mounts.
  for (const name of ["proc", "dev", "sys"]) mkdirSync(join(root, name));
  for (const user of [
    { uid: 0, gid: 0 },
    { uid: 1000, gid: 1000 },
  ])
    for (const readonlyRoot of [false, true]) startsIn(root, { user, readonlyRoot });
});

test("a root like debian:bookworm-slim, where /sbin is a symlink: by tar", () => {
  assert.ok(
    !existsSync(join(baseRoot(), "usr/lib/x86_64-linux-gnu/libatomic.so.1")),
    "the base has libatomic",
  );
  const root = newRoot("slim");
  execFileSync("cp", ["-a", `${baseRoot()}/.`, root]);
  execFileSync("tar", ["-C", root, "-xpf", archive]);
  assert.ok(lstatSync(join(root, "sbin")).isSymbolicLink());
  startsIn(root);
  const called = runContainer({ root, args: ["/usr/bin/supervisord", "--version"] });
  assert.deepEqual([called.status, called.stdout, called.stderr], [0, "4.2.5\n", ""]);
  const other = runContainer({ root, args: ["/sbin/ldconfig", "--version"] });
  assert.equal(other.status, 0);
  rmSync(root, { recursive: true });
});

test("a root whose /sbin is a directory: by tar, beside what is there", () => {
  const root = newRoot("apart", (path) => {
    for (const name of ["sbin", "proc", "dev", "sys"]) mkdirSync(join(path, name));
    writeFileSync(join(path, "sbin/other"), "");
  });
  execFileSync("tar", ["-C", root, "-xf", archive]);
  assert.ok(lstatSync(join(root, "sbin")).isDirectory());
  assert.ok(existsSync(join(root, "sbin/other")));
  startsIn(root);
});

test("COPY of the whole tree onto a root with merged /usr", () => {
  const image = buildImage("copy-merged", "FROM debian:bookworm-slim\nCOPY overlay/ /\n", {
    overlay: OVERLAY,
  });
  assert.ok(lstatSync(join(image.root, "sbin")).isSymbolicLink());
  assert.ok(existsSync(join(image.root, "sbin/ldconfig")));
  startsIn(image.root);
});

const SBIN_APART = "FROM debian:bookworm-slim\nRUN rm /sbin && mkdir /sbin && touch /sbin/other\n";

test("COPY of each of its folders onto a root whose /sbin is a directory", () => {
  const dockerfile = `${SBIN_APART}COPY overlay/usr/ /usr/\nCOPY overlay/sbin/ /sbin/\n`;
  const image = buildImage("copy-apart", dockerfile, { overlay: OVERLAY });
  assert.ok(lstatSync(join(image.root, "sbin")).isDirectory());
  assert.ok(existsSync(join(image.root, "sbin/other")));
  startsIn(image.root);
});

test("ADD of the archive: one line for every root", () => {
  const add = "ADD tsinit.tar /\n";
  for (const [name, from, linked] of [
    ["add-merged", "FROM debian:bookworm-slim\n", true],
    ["add-apart", SBIN_APART, false],
  ] as const) {
    const image = buildImage(name, `${from}${add}`, { "tsinit.tar": archive });
    assert.equal(lstatSync(join(image.root, "sbin")).isSymbolicLink(), linked);
    assert.ok(existsSync(join(image.root, linked ? "sbin/ldconfig" : "sbin/other")));
    startsIn(image.root);
  }
});

test("what the environment and /etc load into programs does not reach tsinit", () => {
  const root = newRoot("preloading", (path) => {
    for (const name of ["proc", "dev", "sys", "etc", "wrong"]) mkdirSync(join(path, name));
    writeFileSync(join(path, "etc/ld.so.preload"), "/wrong/preloaded.so\n");
    writeFileSync(join(path, "wrong/preloaded.so"), "not a library");
    writeFileSync(join(path, "wrong/libc.so.6"), "not a library");
    symlinkSync("libc.so.6", join(path, "wrong/libm.so.6"));
  });
  execFileSync("tar", ["-C", root, "-xf", archive]);
  const environment = [
    "LD_PRELOAD=/wrong/preloaded.so",
    "LD_LIBRARY_PATH=/wrong",
    "LD_BIND_NOW=1",
    "LD_DEBUG=all",
  ];
  startsIn(root, { environment });
});

test("a loader that is not known is left alone", () => {
  const loader = readFileSync(join(OVERLAY, "usr/lib/tsinit/libc.so.6"));
  assert.equal(withoutPreloading(loader), null);
});
