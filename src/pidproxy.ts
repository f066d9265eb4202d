/**
 * supervisor's pidproxy: runs a command that leaves the real program in the background, and passes signals on to the pid
 * that this one has put into its pidfile. The command shares our process group, so that `stopasgroup` reaches both.
 */
import { NOT_EXECUTABLE, NOT_FOUND } from "./core/exit-codes.ts";
import { SIGNALS, type Signal } from "./core/signal-names.ts";
import { keepProcessAlive } from "./daemon/clock.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { pidproxyUsage } from "./usage.ts";

const PASSED_ON = ["TERM", "HUP", "INT", "USR1", "USR2", "QUIT"] as const;
/** After these there is nothing left to do. */
const LAST: readonly Signal[] = [SIGNALS.TERM, SIGNALS.INT, SIGNALS.QUIT];
/** More than any number; a pidfile may be anything. */
const PIDFILE_BYTES = 64;

/** 1 for a usage error; null: it runs, and ends the process itself. */
export function runPidproxy(kernel: Kernel, name: string, words: readonly string[]): number | null {
  const [pidfile, command, ...rest] = words;
  if (pidfile === undefined || command === undefined) {
    kernel.writeNow(1, pidproxyUsage(name));
    return 1;
  }
  kernel.setName("pidproxy");
  for (const signal of PASSED_ON) process.on(`SIG${signal}`, () => passOn(kernel, pidfile, SIGNALS[signal]));
  process.on("SIGCHLD", () => {
    if (typeof kernel.reap() === "object") kernel.exit(0);
  });
  kernel.unblock([SIGNALS.USR1]);
  keepProcessAlive();
  const result = kernel.spawn({
    // A name without a slash is a file of this directory, not of PATH.
    file: command.includes("/") ? command : `./${command}`,
    argv: [command, ...rest],
    environment: kernel.environment().map(([key, value]) => `${key}=${value}`),
    directory: null,
    stdio: [0, 1, 2],
    user: null,
    umask: null,
    foreground: false,
    group: "ours",
  });
  if (result.ok) return null;
  kernel.writeNow(2, `pidproxy: cannot run ${command}: ${result.errno}\n`);
  kernel.exit(result.errno === "ENOENT" ? NOT_FOUND : NOT_EXECUTABLE);
}

function passOn(kernel: Kernel, pidfile: string, signal: Signal): void {
  const pid = readPid(kernel, pidfile);
  if (pid === null) {
    kernel.writeNow(1, `Can't read child pidfile ${pidfile}!\n`);
    return;
  }
  const errno = kernel.kill(pid, signal);
  if (errno !== null) {
    kernel.writeNow(2, `pidproxy: cannot signal pid ${pid} of ${pidfile}: ${errno}\n`);
    kernel.exit(1);
  }
  if (LAST.includes(signal)) kernel.exit(0);
}

/** null when there is no pid in it. 0 and negative numbers would be whole groups. */
function readPid(kernel: Kernel, path: string): number | null {
  const fd = kernel.open(path, "read");
  if (typeof fd === "string") return null;
  const bytes = Buffer.alloc(PIDFILE_BYTES);
  const count = kernel.read(fd, bytes);
  kernel.close(fd);
  const text = typeof count === "number" ? bytes.toString("latin1", 0, count) : "";
  return /^\s*\+?0*[1-9]\d{0,9}\s*$/.test(text) ? Number(text) : null;
}
