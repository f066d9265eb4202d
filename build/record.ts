/**
 * Main of the executable that the build records the code cache with: made as tsinit is, for V8 takes a cache only from the
 * same Node with the same flags.
 *
 *   record CACHE WORDS…   runs the bundle as `tsinit WORDS…`; at its end what was compiled goes to the file CACHE
 *   check CACHE           exit status 1 if V8 refuses it
 */
import { readFileSync, writeFileSync } from "node:fs";
import { getRawAsset } from "node:sea";
import { Script } from "node:vm";

const [, , task, cache = "", ...words] = process.argv;
const source = Buffer.from(getRawAsset("main")).toString("latin1");
if (task === "check") {
  const { cachedDataRejected } = new Script(source, { filename: "tsinit", cachedData: readFileSync(cache) });
  if (cachedDataRejected !== false) {
    console.error("V8 refuses the code cache that it made itself");
    process.exitCode = 1;
  }
} else {
  const script = new Script(source, { filename: "tsinit" });
  process.argv.splice(1, process.argv.length, "tsinit", ...words);
  process.on("exit", () => writeFileSync(cache, script.createCachedData()));
  script.runInThisContext()(process.getBuiltinModule, { exports: {} });
}
