/** An empty single executable, built exactly as tsinit is: the floor under any start of tsinit. */
import { execFileSync } from "node:child_process";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

/** Builds it into dist/bench-empty unless it is up to date; returns its path. */
export function emptySea(): string {
  const directory = at("../../dist/bench-empty");
  const options = ["--if-needed", "--entry", at("empty.ts"), "--dist", directory];
  execFileSync(process.execPath, [at("../../build.ts"), ...options], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return `${directory}/tsinit`;
}
