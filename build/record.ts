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

type Call = (...values: unknown[]) => unknown;

const [, , task, cache = "", ...words] = process.argv;
const source = Buffer.from(getRawAsset("main")).toString("latin1");

/**
 * The bundle's `require`. The cache ends with the first program's start: whatever ran later, every start would have to read
 * before it, and functions that have run often by then are marked to be made machine code at once.
 */
function tellingSpawns(onSpawn: () => void): (name: string) => object | undefined {
  const ffi = process.getBuiltinModule("node:ffi");
  const dlopen = (...request: Parameters<typeof ffi.dlopen>): object => {
    const { lib, functions } = ffi.dlopen(...request);
    const { posix_spawn: spawn, ...others }: Record<string, Call | undefined> = functions;
    const spawnAndTell: Call = (...values) => {
      onSpawn();
      return spawn?.(...values);
    };
    return { lib, functions: { ...others, posix_spawn: spawnAndTell } };
  };
  return (name) => (name === "node:ffi" ? { ...ffi, dlopen } : process.getBuiltinModule(name));
}

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
  script.runInThisContext()(tellingSpawns(record), { exports: {} });
}
