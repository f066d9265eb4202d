/** src/main.ts and all it imports → one CommonJS file, without the parts of npm packages that PID 1 must not run. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Plugin } from "esbuild";
import { compileWasm } from "./wasm.ts";

/**
 * Stands in for child_process inside pidusage, which asks getconf for two numbers by way of a shell: a reaping PID 1 takes
 * that shell's exit status before Node sees it, and pidusage waits for ever. The kernel wrote the same numbers into auxv.
 */
const AUXV = `
const { readFileSync } = require("node:fs");
const AT_PAGESZ = 6, AT_CLKTCK = 17;
function auxv(key, otherwise) {
  try {
    const words = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= words.length; at += 16)
      if (Number(words.readBigUInt64LE(at)) === key) return Number(words.readBigUInt64LE(at + 8));
  } catch {}
  return otherwise;
}
exports.exec = (command, done) => {
  const value = /CLK_TCK/.test(command) ? auxv(AT_CLKTCK, 100) : auxv(AT_PAGESZ, 4096);
  setImmediate(done, null, value + "\\n", "");
};
exports.spawn = () => { throw new Error("no child processes here"); };
`;

interface Stub {
  /** In which package, and which of its imports. */
  readonly importer: RegExp;
  readonly path: RegExp;
  readonly contents: string;
}

const STUBS: readonly Stub[] = [
  { importer: /\/pidusage\//, path: /^(node:)?child_process$/, contents: AUXV },
  {
    importer: /\/pidusage\//,
    path: /^(node:)?fs$/,
    contents: readFileSync(new URL("pidusage-fs.cjs", import.meta.url), "utf8"),
  },
  // Pulls https and with it OpenSSL: 19 ms at start and 5 MB of memory.
  { importer: /\/prom-client\//, path: /\/pushgateway$/, contents: "module.exports = class Pushgateway {};" },
  { importer: /\/prom-client\//, path: /\/cluster$/, contents: "module.exports = class ClusterRegistry {};" },
  { importer: /\/prom-client\//, path: /\/worker$/, contents: "module.exports = class WorkerRegistry {};" },
  // Read only for the exemplars of a default metric that is not used.
  {
    importer: /\/prom-client\//,
    path: /^@opentelemetry\/api$/,
    contents: "exports.trace = { getSpan() {} }; exports.context = { active() {} };",
  },
  {
    importer: /\/prom-client\//,
    path: /^tdigest$/,
    contents: 'exports.TDigest = class { constructor() { throw new Error("Summary is not bundled"); } };',
  },
];

/** Processes that would be reaped twice, and what costs start-up time and memory for nothing. */
const UNWANTED = new Set([
  "child_process",
  "cluster",
  "http2",
  "https",
  "inspector",
  "tls",
  "worker_threads",
]);

/** Bytes written. Throws with esbuild's messages, or when a module is in it that must not be. `more`: for tests. */
export async function bundle(entry: string, outfile: string, more: readonly Plugin[] = []): Promise<number> {
  const stubs: Plugin = {
    name: "stubs",
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ importer, path }) => {
        const stub = STUBS.find((one) => one.importer.test(importer) && one.path.test(path));
        if (!stub) return undefined;
        return { path, namespace: "stub", pluginData: stub.contents };
      });
      builder.onLoad({ filter: /.*/, namespace: "stub" }, ({ pluginData }) => ({
        contents: String(pluginData),
        loader: "js",
        resolveDir: "/",
      }));
    },
  };
  const wasm: Plugin = {
    name: "wasm",
    setup(builder) {
      builder.onResolve({ filter: /\.wasm$/ }, ({ importer, path }) => ({
        path: join(dirname(importer), path.replace(/\.wasm$/, ".as.ts")),
        namespace: "wasm",
      }));
      builder.onLoad({ filter: /.*/, namespace: "wasm" }, ({ path }) => ({
        contents: compileWasm(path),
        loader: "binary",
      }));
    },
  };
  const result = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    // As require(): the first real import() starts the loader for ES modules, 20 ms.
    supported: { "dynamic-import": false },
    target: "node26",
    format: "cjs",
    // Not the names: errors show them, and to shorten but keep them costs a call for each function at start (2 ms).
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    plugins: [stubs, wasm, ...more],
    logLevel: "warning",
  });
  const [output] = Object.values(result.metafile.outputs);
  const modules = output?.imports.map(({ path }) => path.replace(/^node:/, "")) ?? [];
  const unwanted = modules.filter((name) => UNWANTED.has(name));
  if (unwanted.length > 0)
    throw new Error(`the bundle needs ${unwanted.join(", ")}: what imports it must be replaced`);
  return output?.bytes ?? 0;
}
