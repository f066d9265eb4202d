/**
 * Leaving the foreground, as supervisord does without `-n`. Node cannot fork: the program starts itself again in a session
 * of its own, on /dev/null, and the process in the foreground ends when that one says that it is up. It says so on its
 * stdin, which is a pipe until then. Errors in the configuration were told before, in the foreground.
 */
import { read } from "node:fs";
import { EXIT_FAULT, EXIT_USAGE } from "../core/exit-codes.ts";
import { SIGNALS } from "../core/signal-names.ts";
import type { Errno, Fd, Kernel } from "../kernel/kernel.ts";
import type { Clock } from "./clock.ts";
import type { Signals } from "./signals.ts";

export interface DaemonRequest {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly signals: Signals;
  /** This executable. */
  readonly file: string;
  readonly argv: readonly string[];
  readonly umask: number;
  /** The variable that tells the daemon what it is: it holds our pid. */
  readonly marker: string;
}

const UP = "up\n";
/** Whoever waits for us, a boot script, is not held longer. */
const WAIT_MS = 10_000;
const REPORT_BYTES = 64 * 1024;

/** The exit code of the process in the foreground: 0 when the daemon is up. */
export async function startDaemon(request: DaemonRequest): Promise<number> {
  const { kernel, clock, signals } = request;
  const complain = (text: string): void => kernel.writeNow(2, `supervisord: ${text}\n`);
  // Whoever loses patience loses this process; the daemon is not in its session.
  signals.deliver((signal) => {
    if (signal !== SIGNALS.CHLD) kernel.exit(128 + signal);
  });
  const started = spawnDaemon(request);
  if (typeof started === "string") {
    complain(`cannot start the daemon: ${started}`);
    return EXIT_FAULT;
  }
  const { pid, report } = started;
  const said = await Promise.race([
    readReport(report),
    new Promise<null>((resolve) => clock.after(WAIT_MS, () => resolve(null))),
  ]);
  if (said === UP) return 0;
  if (said === null) {
    complain(`the daemon, pid ${pid}, was not up after ${WAIT_MS / 1000} s; it goes on starting`);
    return 0;
  }
  if (said !== "") {
    kernel.writeNow(2, `Error: ${said}\n`);
    return EXIT_USAGE;
  }
  complain(`the daemon, pid ${pid}, ended before it was up; its log may say why`);
  return EXIT_FAULT;
}

function spawnDaemon(request: DaemonRequest): { pid: number; report: Fd } | Errno {
  const { kernel, file, argv, umask, marker } = request;
  const pipe = kernel.pipe();
  if (typeof pipe === "string") return pipe;
  const nowhere = kernel.open("/dev/null", "read-write");
  if (typeof nowhere === "string") return `/dev/null: ${nowhere}`;
  const environment = kernel.environment().filter(([key]) => key !== marker);
  const result = kernel.spawn({
    file,
    argv,
    environment: [...environment, [marker, kernel.pid]].map(([key, value]) => `${key}=${value}`),
    directory: null,
    stdio: [pipe.write, nowhere, nowhere],
    user: null,
    umask,
    foreground: false,
    group: "session",
  });
  kernel.close(pipe.write);
  kernel.close(nowhere);
  return result.ok ? { pid: result.pid, report: pipe.read } : result.errno;
}

/** What the daemon has said when it closes its end, by itself or by dying. */
function readReport(fd: Fd): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunk = Buffer.alloc(4096);
  let text = "";
  const next = (): void =>
    read(fd, chunk, 0, chunk.length, null, (error, count) => {
      if (error || count === 0 || text.length > REPORT_BYTES) return resolve(text);
      text += chunk.toString("utf8", 0, count);
      next();
    });
  next();
  return promise;
}

/** In the daemon: null when it is up. The pipe on stdin is done with. */
export function reportUp(kernel: Kernel, problem: string | null): void {
  kernel.writeNow(0, problem ?? UP);
  kernel.close(0);
  // The lowest free number is the one just closed.
  kernel.open("/dev/null", "read");
}
