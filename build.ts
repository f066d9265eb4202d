/**
 * The only build step: src/main.ts → one file → a single executable (dist/tsinit) → a tree that starts on any root
 * (dist/overlay/) → an archive of it. Needs Node and what `npm ci` brought, no other tool.
 *
 *   node build.ts [--if-needed] [--entry FILE] [--dist DIRECTORY]
 *
 * --if-needed: only if a source is newer, and without the archive. --entry, --dist: the same made of another program, for
 * tests and comparisons.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { bundle } from "./build/bundle.ts";
import { ElfError, replaceImport, strip } from "./build/elf.ts";
import { archiveMembers, librariesOf, loaderSlot, writeOverlay } from "./build/overlay.ts";
import { tar } from "./build/tar.ts";
import { asScript, recordCache } from "./build/warm.ts";

const root = import.meta.dirname;
const nodePackage = join(root, "node_modules", `node-linux-${process.arch}`);
const nodeBinary = join(nodePackage, "bin", "node");
const archiveName = `tsinit-linux-${process.arch === "x64" ? "amd64" : process.arch}.tar.gz`;

/** What the container's environment must not undo; `execArgvExtension: none` keeps NODE_OPTIONS out. */
const SEA = {
  mainFormat: "commonjs",
  disableExperimentalSEAWarning: true,
  useSnapshot: false,
  // Ours holds more: build/warm.ts.
  useCodeCache: false,
  execArgv: [
    "--disable-warning=ExperimentalWarning",
    "--disable-sigusr1",
    // One thread for V8's own tasks, the least there can be: 0 would be one for each processor but one, 63 on a large node.
    "--v8-pool-size=1",
    // MB. An idle init never collects the garbage of its start: let it be little. But the start makes 1.3 MB of it, and to
    // collect that before the first program runs takes a tenth of the start.
    "--min-semi-space-size=2",
    "--max-semi-space-size=2",
    // Old garbage is collected at 1.5 times of what lived after the last time. V8's own factor, up to 4, is made for servers: under
    // calls, reloads and floods 150 MB were held, with this 90, for the same processor time.
    "--heap-growing-percent=50",
  ],
  execArgvExtension: "none",
};

function inputs(): string[] {
  const folders = ["src", "build"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => !name.endsWith(".test.ts"))
      .map((name) => join(root, folder, name)),
  );
  return [
    ...folders,
    nodeBinary,
    ...["build.ts", "package.json", "package-lock.json"].map((n) => join(root, n)),
  ];
}

function isUpToDate(): boolean {
  const outputs = [join(dist, "tsinit"), join(dist, "overlay/usr/lib/tsinit/tsinit")];
  if (!outputs.every((path) => existsSync(path))) return false;
  const built = Math.min(...outputs.map((path) => statSync(path).mtimeMs));
  return inputs().every((path) => {
    const { mtimeMs, ctimeMs } = statSync(path);
    return Math.max(mtimeMs, ctimeMs) < built;
  });
}

/** Node without what is not loaded, and without raising the soft RLIMIT_NOFILE. */
function prepareNode(path: string): void {
  const node = strip(readFileSync(nodeBinary));
  try {
    // Node raises the soft limit to the hard one at start, and every program would inherit that. abs() of the resource's
    // number is not 0, which Node takes for a refusal and lets the limit be.
    replaceImport(node, "setrlimit64", "abs");
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new Error(`this Node cannot be kept from raising the limit of open files: ${error.message}`);
  }
  writeFileSync(path, node, { mode: 0o755 });
  const limits = execFileSync("/bin/sh", ["-c", 'ulimit -Sn 256; exec "$0" -p "$1"', path, READ_LIMITS], {
    encoding: "utf8",
  });
  if (limits.trim() !== "256")
    throw new Error(`Node still changes the limit of open files: 256 became ${limits}`);
}

const READ_LIMITS = '/open files +(\\d+)/.exec(require("fs").readFileSync("/proc/self/limits"))[1]';

type Assets = Readonly<Record<string, string>>;

/** `main`: a file of build/. Returns the path of the executable. */
async function buildSea(node: string, main: string, assets: Assets, output: string): Promise<string> {
  const config = `${output}.json`;
  const bundled = `${output}.cjs`;
  await bundle(join(root, "build", main), bundled);
  writeFileSync(config, JSON.stringify({ ...SEA, main: bundled, output, executable: node, assets }));
  execFileSync(node, ["--build-sea", config], { stdio: ["ignore", "ignore", "inherit"] });
  return output;
}

/** Stripped Node, the bundle, and the code that a start of it needs, compiled. */
async function buildTsinit(work: string, script: string): Promise<string> {
  const node = join(work, "node");
  prepareNode(node);
  const recorder = await buildSea(node, "record.ts", { main: script }, join(work, "recorder"));
  const cache = join(work, "cache");
  recordCache(recorder, cache);
  const [interpreter = ""] = librariesOf(node);
  const loader = join(work, "loader");
  writeFileSync(loader, loaderSlot(interpreter));
  return buildSea(node, "start.ts", { main: script, cache, loader }, join(work, "tsinit"));
}

/** The new file or tree takes the place of the old one, which goes to `work`. */
function moveIntoPlace(from: string, to: string, work: string): void {
  if (existsSync(to) && statSync(to).isDirectory()) renameSync(to, join(work, "old"));
  renameSync(from, to);
}

async function build(withArchive: boolean): Promise<void> {
  const started = new Date();
  if (process.platform !== "linux" || !existsSync(nodeBinary)) {
    throw new Error(`${nodeBinary} is not there: run npm ci, on Linux on x64 or arm64`);
  }
  mkdirSync(dist, { recursive: true });
  const work = mkdtempSync(join(dist, ".build-"));
  try {
    const script = join(work, "main.cjs");
    const bytes = await bundle(entry, script);
    writeFileSync(script, asScript(readFileSync(script, "latin1")));
    const sea = await buildTsinit(work, script);
    const tree = join(work, "overlay");
    for (const notice of writeOverlay(tree, sea, join(nodePackage, "LICENSE")))
      console.error(`notice: ${notice}`);
    const archive = join(work, archiveName);
    if (withArchive) writeFileSync(archive, gzipSync(tar(tree, archiveMembers(tree)), { level: 6 }));

    // Times of the beginning: a source that was saved meanwhile is newer than what was made.
    for (const path of [sea, join(tree, "usr/lib/tsinit/tsinit")]) utimesSync(path, started, started);
    const size = `${Math.round(statSync(sea).size / 1e6)} MB, of it ${Math.round(bytes / 1e3)} kB tsinit`;
    moveIntoPlace(tree, join(dist, "overlay"), work);
    moveIntoPlace(sea, join(dist, "tsinit"), work);
    rmSync(join(dist, archiveName), { force: true });
    if (withArchive) moveIntoPlace(archive, join(dist, archiveName), work);
    const seconds = (Date.now() - started.getTime()) / 1000;
    console.log(`built ${join(dist, "tsinit")} (${size}) and overlay/ in ${seconds.toFixed(1)} s`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const { values: options } = parseArgs({
  options: { "if-needed": { type: "boolean" }, entry: { type: "string" }, dist: { type: "string" } },
});
const entry = resolve(options.entry ?? join(root, "src/main.ts"));
const dist = resolve(options.dist ?? join(root, "dist"));
const ifNeeded = options["if-needed"] === true;
if (!(ifNeeded && isUpToDate())) {
  try {
    await build(!ifNeeded);
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
