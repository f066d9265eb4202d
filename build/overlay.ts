/**
 * dist/overlay/: a tree to copy onto `/` of any image, with or without libraries of its own. tsinit brings its loader and
 * libraries in /usr/lib/tsinit; the programs it starts keep the image's.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { ElfError, isElf, loaderOf, useLoader } from "./elf.ts";
import type { Member } from "./tar.ts";

const LIBRARIES = "/usr/lib/tsinit";

/** What lies in dist/overlay/ as a link: path → target. Like a root with merged /usr, where `/sbin` is a link too. */
const LINKS: readonly [path: string, target: string][] = [
  ["sbin", "usr/sbin"],
  // Absolute: it must stay right when it is copied into a `/sbin` that is a directory.
  ["usr/sbin/tsinit", `${LIBRARIES}/tsinit`],
  // Where Debian's package and where pip have them.
  ...["supervisord", "supervisorctl", "pidproxy"].flatMap((name): [string, string][] => [
    [`usr/bin/${name}`, "../lib/tsinit/tsinit"],
    [`usr/local/bin/${name}`, "../../lib/tsinit/tsinit"],
  ]),
];

/** What is needed to start `binary` here, by the loader's own account: absolute paths, the loader first. */
export function librariesOf(binary: string): string[] {
  const { interpreter } = loaderOf(readFileSync(binary));
  if (interpreter === null) throw new ElfError(`${binary} is not dynamically linked`);
  const list = execFileSync(binary, [], { env: { LD_TRACE_LOADED_OBJECTS: "1" }, encoding: "utf8" });
  const missing = list.match(/^\s*(\S+) => not found/m);
  if (missing) throw new Error(`${missing[1]} is not installed`);
  const paths = [...list.matchAll(/=> (\/\S+) \(0x/g)].map((match) => match[1] ?? "");
  return [interpreter, ...paths.filter((path) => path !== interpreter)];
}

/** The asset of the single executable that `useLoader` turns into its loader's name. */
export function loaderSlot(interpreter: string): Buffer {
  return Buffer.from(`tsinit-loader\0${LIBRARIES}/${basename(interpreter)}\0${LIBRARIES}\0`);
}

/**
 * Makes the loader deaf to LD_PRELOAD, LD_LIBRARY_PATH and their like, and to /etc/ld.so.preload: what an image loads into
 * its programs (a malloc, a tracer) was built for its own libc, not for this one. Null when the loader is not one we know.
 */
export function withoutPreloading(loader: Buffer): Buffer | null {
  const deaf = Buffer.from(loader);
  // x86-64: cmpb $'L',(%rax); jne; cmpb $'D',1(%rax); jne; cmpb $'_',2(%rax); jne. No name has \x01 there.
  const test = /\x80\x38\x4c\x75[^]\x80\x78\x01\x44\x75[^]\x80\x78\x02\x5f\x75[^]/g;
  const found = [...deaf.toString("latin1").matchAll(test)];
  const at = found[0]?.index;
  if (found.length !== 1 || at === undefined) return null;
  deaf[at + 13] = 0x01;
  const file = Buffer.from("\0/etc/ld.so.preload\0");
  const name = deaf.indexOf(file);
  if (name < 0 || deaf.indexOf(file, name + 1) >= 0) return null;
  // An empty path never exists.
  deaf[name + 1] = 0;
  return deaf;
}

/** Writes the tree into `root`. `sea` is the single executable that starts with this machine's loader. Says what it could not do. */
export function writeOverlay(root: string, sea: string, licence: string): string[] {
  const notices: string[] = [];
  const libraries = join(root, LIBRARIES);
  for (const folder of [libraries, join(root, "usr/sbin"), join(root, "usr/bin")]) {
    mkdirSync(folder, { recursive: true });
  }
  const [loader = "", ...others] = librariesOf(sea);
  const deaf = withoutPreloading(readFileSync(loader));
  if (!deaf)
    notices.push(
      `${realpathSync(loader)} is not one that can be made to ignore LD_PRELOAD: it is copied as it is`,
    );
  writeFileSync(join(libraries, basename(loader)), deaf ?? readFileSync(loader), { mode: 0o755 });
  for (const library of others) {
    if (!isElf(readFileSync(library))) throw new Error(`${library} is not a library`);
    copyFileSync(library, join(libraries, basename(library)));
  }
  const binary = readFileSync(sea);
  useLoader(binary, loaderSlot(loader));
  writeFileSync(join(libraries, "tsinit"), binary, { mode: 0o755 });
  copyFileSync(licence, join(libraries, "LICENSE.node"));
  for (const [path, target] of LINKS) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  return notices;
}

/** The tree as archive members, sorted: its files, but `/sbin/tsinit` by its own name and no `/sbin`. */
export function archiveMembers(tree: string): Member[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .filter((path) => path !== "sbin")
    .map((path) => ({ path: path === "usr/sbin/tsinit" ? "sbin/tsinit" : path, from: path }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}
