/**
 * `npm test`: builds if needed, checks types and style, runs every suite, and ends with the line `N passed, N failed`,
 * counted from what the runs themselves report. What this machine cannot run is said and counted; where CI is set it fails.
 *
 *   node test/run.ts [SUITE…]      only these: checks, unit, build, system, compat, container
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Counts } from "./counts.ts";

const ROOT = join(import.meta.dirname, "..");
const MINUTE = 60_000;

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  /** Each file in a process of its own: for tests of what a process has only once (its children, its signals). */
  readonly isolated: boolean;
  readonly needsBuild: boolean;
  readonly needsRoot: boolean;
  readonly needsCommands: readonly string[];
  /** A suite that takes longer hangs. */
  readonly limit: number;
}

const SUITES: readonly Suite[] = [
  {
    name: "unit",
    files: [
      "src/!(kernel)/**/*.test.ts",
      "src/{,kernel/!(linux)}*.test.ts",
      "test/!(kernel-linux)*.test.ts",
      "test/{bench,fakes,soak}/**/*.test.ts",
    ],
    isolated: false,
    needsBuild: false,
    needsRoot: false,
    needsCommands: [],
    limit: 5 * MINUTE,
  },
  {
    name: "build",
    files: ["build/*.test.ts"],
    isolated: true,
    needsBuild: false,
    needsRoot: false,
    needsCommands: ["tar"],
    limit: 2 * MINUTE,
  },
  {
    name: "system",
    files: ["src/kernel/linux*.test.ts", "test/kernel-linux.test.ts"],
    isolated: true,
    needsBuild: false,
    needsRoot: true,
    needsCommands: [],
    limit: 5 * MINUTE,
  },
  {
    name: "compat",
    files: ["test/compat/**/*.test.ts"],
    isolated: true,
    needsBuild: true,
    needsRoot: false,
    needsCommands: ["python3", "supervisord", "supervisorctl", "promtool"],
    limit: 20 * MINUTE,
  },
  {
    name: "container",
    files: ["test/container/**/*.test.ts"],
    isolated: true,
    needsBuild: true,
    needsRoot: true,
    needsCommands: [
      "unshare",
      "nsenter",
      "setpriv",
      "ip",
      "python3",
      "runc",
      "debootstrap",
      "buildah",
      "podman",
    ],
    limit: 20 * MINUTE,
  },
];

const total = { passed: 0, failed: 0, notRun: 0 };

function main(wanted: readonly string[]): void {
  const unknown = wanted.find((name) => name !== "checks" && !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    console.error(`no suite ${unknown}; there are: checks, ${SUITES.map((suite) => suite.name).join(", ")}`);
    process.exitCode = 2;
    return;
  }
  const chosen = (name: string) => wanted.length === 0 || wanted.includes(name);
  const suites = SUITES.filter((suite) => chosen(suite.name));
  const built = suites.some((suite) => suite.needsBuild) && check("build", ["build.ts", "--if-needed"]);
  if (chosen("checks")) {
    check("types", ["node_modules/typescript/bin/tsc"]);
    check("style", ["node_modules/@biomejs/biome/bin/biome", "check", "."]);
  }
  for (const suite of suites) runSuite(suite, built);

  const mustRunAll = process.env["CI"] !== undefined && process.env["CI"] !== "";
  if (mustRunAll && total.notRun > 0) console.log(`CI is set: what could not run counts as failed`);
  const failed = total.failed + (mustRunAll ? total.notRun : 0);
  console.log(`${total.passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** One command that passes or fails as a whole. */
function check(name: string, argv: readonly string[]): boolean {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, argv, { cwd: ROOT, stdio: "inherit", timeout: 5 * MINUTE });
  if (status === 0) total.passed++;
  else total.failed++;
  report(name, status === 0 ? "passed" : "failed", began);
  return status === 0;
}

function runSuite(suite: Suite, built: boolean): void {
  const files = suite.files.flatMap((pattern) => globSync(pattern, { cwd: ROOT })).sort();
  if (files.length === 0) return;
  const began = performance.now();
  const lacking = lackingFor(suite);
  if (lacking !== "") {
    const tests = files.reduce((sum, file) => sum + countTests(file), 0);
    total.notRun += tests;
    report(suite.name, `${tests} could not run: needs ${lacking}`, began);
    return;
  }
  if (suite.needsBuild && !built) {
    total.failed++;
    report(suite.name, "failed: there is no build to test", began);
    return;
  }
  const counts = runFiles(suite, files);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.notRun += counts.skipped.length;
  for (const reason of new Set(counts.skipped)) {
    const tests = counts.skipped.filter((other) => other === reason).length;
    report(suite.name, `${tests} could not run: ${reason}`, began);
  }
  report(suite.name, `${counts.passed} passed, ${counts.failed} failed`, began);
}

function runFiles(suite: Suite, files: readonly string[]): Counts {
  const directory = mkdtempSync(join(tmpdir(), "tsinit-test-"));
  const destination = join(directory, "counts.json");
  try {
    const { status, signal } = spawnSync(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        "--test",
        `--test-isolation=${suite.isolated ? "process" : "none"}`,
        // In one process a test that waits for ever would take all the others with it; a file of its own has a limit of its own.
        ...(suite.isolated ? [] : [`--test-timeout=${2 * MINUTE}`]),
        `--test-reporter=${suite.isolated ? "spec" : "dot"}`,
        "--test-reporter-destination=stdout",
        `--test-reporter=${join(ROOT, "test/counts.ts")}`,
        `--test-reporter-destination=${destination}`,
        ...files,
      ],
      { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"], timeout: suite.limit, killSignal: "SIGKILL" },
    );
    const counts = readCounts(destination);
    // Ended without a report, or badly with a good one: a test took the runner with it.
    if (status !== 0 && counts.failed === 0) {
      console.log(`${suite.name}: the run itself ended with ${signal ?? status}`);
      counts.failed = 1;
    }
    return counts;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function readCounts(path: string): Counts {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Counts;
  } catch {
    return { passed: 0, failed: 0, skipped: [] };
  }
}

/** What the suite needs and this machine lacks, in words; empty when it can run. */
function lackingFor(suite: Suite): string {
  const lacking = suite.needsCommands.filter((name) => !isInstalled(name));
  // Programs are run as other users from this very checkout.
  if (suite.needsRoot && !isOpenToAll(ROOT)) lacking.unshift("a checkout that other users can enter");
  if (suite.needsRoot && process.getuid?.() !== 0) lacking.unshift("root");
  return lacking.join(" and ");
}

function isOpenToAll(directory: string): boolean {
  if ((statSync(directory).mode & 0o001) === 0) return false;
  return directory === "/" || isOpenToAll(dirname(directory));
}

function isInstalled(command: string): boolean {
  const path = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Tests that the file would run, at least: calls of `test`, `it` and of this project's own words for them. */
function countTests(file: string): number {
  const text = readFileSync(join(ROOT, file), "utf8");
  return text.match(/^\s*(?:test|it|boxed|conformance)\(/gm)?.length ?? 1;
}

function report(name: string, outcome: string, began: number): void {
  console.log(`${name}: ${outcome} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

main(process.argv.slice(2));
