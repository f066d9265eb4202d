/** What a run must be read with: the machine, how busy it was, and which versions were beside each other. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { PM2_VERSION } from "./pm2.ts";
import type { Facts } from "./table.ts";

const PACKAGES = ["supervisor", "runit", "s6", "tini", "dumb-init", "catatonit"];

function packageVersion(name: string): string | null {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own.
    const words = ["-W", "-f", "${Version}", name];
    return (
      execFileSync("dpkg-query", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }) || null
    );
  } catch {
    return null;
  }
}

/** The distribution's name; unknown where there is no such file. */
function distribution(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}

/** Taken before the first row: `load` is what else the machine was doing. */
export function collectFacts(quick: boolean): Facts {
  const versions = PACKAGES.flatMap((name) => {
    const version = packageVersion(name);
    return version === null ? [] : [[name, version]];
  });
  return {
    date: new Date().toISOString().slice(0, 10),
    system: distribution(),
    kernel: release(),
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: cpus().length,
    load: loadavg()[0] ?? 0,
    node: process.version,
    versions: Object.fromEntries([...versions, ["pm2", PM2_VERSION]]),
    quick,
  };
}
