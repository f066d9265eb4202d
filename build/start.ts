/**
 * Main of the executable: runs the bundle with the code cache that `warm.ts` recorded. Node's own code cache holds what
 * is compiled before anything has run, which is little; this one holds what a start of tsinit runs.
 */
import { getRawAsset } from "node:sea";
import { Script } from "node:vm";

// The bundle is ASCII: as Latin-1 it is copied as it is.
const source = Buffer.from(getRawAsset("main")).toString("latin1");
// Where the cache does not fit (another CPU may set other flags of V8), functions are compiled when they are called.
const script = new Script(source, { filename: "tsinit", cachedData: Buffer.from(getRawAsset("cache")) });
script.runInThisContext()(process.getBuiltinModule, { exports: {} });
