/**
 * pm2-runtime, from npm: not a dependency of this project (24 MB, AGPL), so it is installed on first use into the cache that
 * the container tests use as well (`$TSINIT_CACHE`). It runs on the very Node that tsinit is made of.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../container/image.ts";
import type { Program, Setup, System } from "./systems.ts";

export const PM2_VERSION = "7.0.4";
const INTEGRITY =
  "sha512-rMzoZmZlmJw7hoTbO9cOqcwj407TzUVc84JRaIjmnK8+808zldQT2Sd4rVcqVvXUcI2LoXEf1irMevWfOx5SEQ==";

const home = (): string => join(cacheDirectory(), `pm2-${PM2_VERSION}`);
const runtime = (): string => join(home(), "node_modules/pm2/bin/pm2-runtime");

/** Installs it where it is missing. Throws with npm's words where that fails. */
export function installPm2(): void {
  if (existsSync(runtime())) return;
  const work = mkdtempSync(join(cacheDirectory(), ".pm2-"));
  try {
    const flags = ["--no-save", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
    // npm runs on the Node before it in PATH.
    const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
    execFileSync("npm", ["install", ...flags, "--prefix", work, `pm2@${PM2_VERSION}`], {
      cwd: work,
      env: { ...process.env, PATH },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 120_000,
    });
    const lock = JSON.parse(readFileSync(join(work, "node_modules/.package-lock.json"), "utf8")) as {
      packages: Record<string, { integrity?: string }>;
    };
    const found = lock.packages["node_modules/pm2"]?.integrity;
    if (found !== INTEGRITY) throw new Error(`pm2@${PM2_VERSION} has the integrity ${found}`);
    renameSync(work, home());
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function appOf(program: Program, command: readonly string[]): Record<string, unknown> {
  const [script, ...args] = command;
  // Its own log files are switched off, as supervisord's are: output is the container's.
  const files = { out_file: "/dev/null", error_file: "/dev/null", merge_logs: true };
  return { name: program.name, script, args, interpreter: "none", exec_mode: "fork", ...files };
}

/** `words` are options of pm2-runtime. It keeps its sockets and pids in the run's own directory. */
export function pm2System(
  commandOf: (program: Program, directory: string) => readonly string[],
  ...words: readonly string[]
): System {
  return {
    name: "pm2-runtime",
    kind: "supervisor",
    stopSignal: "SIGTERM",
    helpers: [],
    get path() {
      return existsSync(runtime()) ? runtime() : null;
    },
    prepare: (setup: Setup, path) => {
      const apps = setup.programs.map((program) => appOf(program, commandOf(program, setup.directory)));
      const file = join(setup.directory, "ecosystem.json");
      writeFileSync(file, JSON.stringify({ apps }));
      const variables = [`PM2_HOME=${setup.directory}`, `HOME=${setup.directory}`];
      return ["/usr/bin/env", ...variables, process.execPath, path, "start", ...words, file];
    },
  };
}
