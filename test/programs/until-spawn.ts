/**
 * Runs a bundle of tsinit, the first argument, until it would spawn its first program, and ends with what has been evaluated
 * by then as JSON: files of the bundle, which tell `evaluated` about themselves, and modules of Node's.
 */
import { readFileSync, writeSync } from "node:fs";
import { Script } from "node:vm";
import { tellingSpawns } from "../../build/spawns.ts";

const [, , bundle = "", ...words] = process.argv;
const evaluated: string[] = [];
Object.assign(globalThis, { evaluated });
const script = new Script(`(function(require,module){${readFileSync(bundle, "latin1")}\n})`);
// @ts-expect-error: a list that Node keeps and does not document.
const nodeModules = (): string[] => process.moduleLoadList.filter((name) => name.startsWith("NativeModule "));

const before = new Set(nodeModules());
function onSpawn(): never {
  const loaded = nodeModules()
    .filter((name) => !before.has(name))
    .map((name) => name.replace("NativeModule ", "node:"));
  // The init has done away with `process.stdout`.
  writeSync(1, JSON.stringify([...loaded, ...evaluated].sort()));
  process.exit(0);
}

process.argv.splice(1, process.argv.length, "tsinit", ...words);
script.runInThisContext()(tellingSpawns(onSpawn), { exports: {} });
