/**
 * `npm start`: runs dist/tsinit on the demo, as PID 1 of a PID namespace of its own where the kernel allows that, with the
 * terminal's ctrl-C passed on once. What is not allowed is said, and tsinit then runs as an ordinary process.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
const tsinit = join(here, "../../dist/tsinit");

/** Ways to a PID namespace, the plain one (for root) first. */
const NAMESPACES: readonly (readonly string[])[] = [
  ["--pid", "--fork", "--mount-proc", "--kill-child"],
  ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"],
];
/** npm repeats a ctrl-C that the terminal has delivered already; a second one by hand means "now". */
const REPEATED_MILLIS = 500;

/** A free TCP port on loopback: the wanted one, or whichever the kernel gives. */
async function freePort(wanted: number): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | null>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(null));
      server.listen(port, "127.0.0.1", () => {
        const address = server.address() as AddressInfo;
        server.close(() => resolve(address.port));
      });
    });
  const port = (await tryPort(wanted)) ?? (await tryPort(0));
  if (port === null) throw new Error("no TCP port on 127.0.0.1 is free");
  return port;
}

/** unshare and its options, or nothing and why. */
function namespaceCommand(): { command: string[]; why: string } {
  let why = "";
  for (const options of NAMESPACES) {
    const tried = spawnSync("unshare", [...options, "true"], { encoding: "utf8" });
    if (tried.error) return { command: [], why: "unshare (util-linux) is not installed" };
    if (tried.status === 0) return { command: ["unshare", ...options], why: "" };
    why = tried.stderr.trim().split("\n")[0] ?? "";
  }
  return { command: [], why };
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "tsinit-demo-"));
  const [probes, web] = [await freePort(9180), await freePort(8080)];
  const { command, why } = namespaceCommand();
  const control = join(directory, "control.sock");
  const [file = "", ...argv] = [...command, tsinit, "-c", join(here, "tsinit.ini")];

  console.log(
    [
      command.length > 0
        ? "tsinit runs as PID 1 of its own PID namespace."
        : `No PID namespace here (${why}): tsinit runs as an ordinary process, and works the same.`,
      "",
      `  the demo   http://127.0.0.1:${web}/primes?limit=1000    http://127.0.0.1:${web}/crash`,
      `  probes     http://127.0.0.1:${probes}/readyz?verbose    http://127.0.0.1:${probes}/livez`,
      `  metrics    http://127.0.0.1:${probes}/metrics`,
      `  control    dist/tsinit ctl -s unix://${control} status`,
      "",
      "ctrl-C stops everything in order.",
      "",
    ].join("\n"),
  );

  // A session of its own: ctrl-C reaches this process alone, and goes on from here exactly once.
  const child = spawn(file, argv, {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: {
      ...process.env,
      TSINIT_LISTEN: `127.0.0.1:${probes}`,
      TSINIT_CONTROL: control,
      DEMO_NODE: process.execPath,
      DEMO_PORT: String(web),
      DEMO_DIRECTORY: directory,
    },
  });
  let last = 0;
  const passOn = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (child.pid === undefined || (last > 0 && now - last < REPEATED_MILLIS)) return;
    last = now;
    try {
      // unshare blocks these two itself; the programs have groups of their own.
      process.kill(-child.pid, signal);
    } catch {
      // It ended by itself.
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => passOn(signal === "SIGHUP" ? "SIGTERM" : signal));
  }
  const end = (code: number) => {
    rmSync(directory, { recursive: true, force: true });
    process.exit(code);
  };
  child.on("error", (error) => {
    console.error(`cannot start ${file}: ${error.message}`);
    end(1);
  });
  child.on("exit", (code, signal) => end(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
}

await main();
