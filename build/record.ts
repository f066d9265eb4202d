/**
 * Main of the executable that the build records the code cache with: made as tsinit is, for V8 takes a cache only from the
 * same Node with the same flags.
 *
 *   record CACHE WORDS…   runs the bundle as `tsinit WORDS…`; what was compiled until it spawns its first program goes to
 *                         the file CACHE
 *   check CACHE           exit status 1 if V8 refuses it
 */
import { readFileSync, writeFileSync } from "node:fs";
import { getRawAsset } from "node:sea";
import { Script } from "node:vm";
import { tellingSpawns } from "./spawns.ts";

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
  let isRecorded = false;
  const record = (): void => {
    if (!isRecorded) writeFileSync(cache, script.createCachedData());
    isRecorded = true;
  };
  // A bundle that spawns nothing.
  process.on("exit", record);
  // Whatever ran later, every start would have to read before its first program, and functions that have run often by then
  // are marked to be made machine code at once.
  script.runInThisContext()(tellingSpawns(record), { exports: {} });
}
