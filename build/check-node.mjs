// The first step of every npm script, by the Node that runs npm: can the Node that tsinit is built with start here at all?
// If not, the next step would end with a line of the loader's that names a file and no way out.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const node = fileURLToPath(new URL(`../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url));

if (process.platform !== "linux" || !existsSync(node)) {
  console.error(
    "tsinit is built and run on Linux, on x64 or arm64 with glibc: nothing but its sources works here.",
  );
} else {
  const { status, stderr, error } = spawnSync(node, ["--version"], { encoding: "utf8" });
  const missing = /(lib\S+): cannot open shared object file/.exec(stderr ?? "")?.[1];
  if (status !== 0) {
    console.error(`Node 26 does not start on this machine: ${(stderr || String(error)).trim()}`);
    if (missing === "libatomic.so.1") {
      console.error(
        "Install libatomic first: `apt-get install libatomic1` (Debian, Ubuntu) or `dnf install libatomic`.",
      );
    }
    process.exitCode = 1;
  }
}
