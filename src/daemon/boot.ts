/**
 * The sequence of a start: what is asked for is reserved before the first program runs, and served after it. When `boot` has
 * returned nothing ends the process but an ordered shutdown.
 */
import { onExit } from "signal-exit";
import { type Config, renderProblem } from "../config/config.ts";
import { EXIT_USAGE } from "../core/exit-codes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { type AssemblyRequest, assemble } from "./assemble.ts";
import { keepProcessAlive } from "./clock.ts";
import { STUCK_MS } from "./ending.ts";
import { removeFile, writePidfile } from "./files.ts";
import type { Voice } from "./voice.ts";

export interface BootRequest extends AssemblyRequest {
  /** Who it says has started: supervisord, where it stands in its place. */
  readonly banner: string;
  /** Called once: with null when it is up (programs started, sockets open, pidfile written), else with why it is not. */
  readonly onUp?: (problem: string | null) => void;
}

/** After so long a usual start is over: programs are RUNNING, and what their start needed has been freed. */
const SETTLED_MS = 2000;

export async function boot(request: BootRequest): Promise<void> {
  const { kernel, clock, signals, config } = request;
  const init = await assemble(request);
  const { loop, logs, notify, servers, sockets, voice } = init;
  const plan = () => loop.system().plan;
  process.on("uncaughtException", init.faults.onUncaught);
  process.on("unhandledRejection", init.faults.onUncaught);

  const { pidfile } = config.supervisord;
  let pidfileWritten = false;
  onExit(() => {
    servers.closeAll();
    sockets.closeAll();
    notify.closeAll();
    if (pidfile !== null && pidfileWritten) removeFile(pidfile);
  });

  if (config.plan.passthrough) signals.listenToAll();
  keepProcessAlive();
  announce(config, request.banner, kernel.pid, voice);
  if (kernel.pid !== 1) becomeSubreaper(kernel, voice);
  kernel.raiseFileLimit();
  let refused = await servers.bind();
  // Not before: the sockets of one that runs already are not to be taken from it.
  if (refused.length === 0) refused = await sockets.prepare(plan());
  if (refused.length > 0) {
    for (const error of refused) voice.say("critical", error);
    servers.closeAll();
    sockets.closeAll();
    request.onUp?.(refused.join("\n"));
    await logs.flush(STUCK_MS, null);
    kernel.exit(EXIT_USAGE);
  }
  await init.report.start();
  await init.listeners.start();
  await notify.load(plan().programs);
  signals.deliver(init.onSignal);
  init.timeline.boot(plan().programs);
  init.checks.start();
  loop.submit({ type: "boot" });
  // A child may have ended before anyone listened, in an earlier life of this process.
  init.reaper.reap();
  await init.schedules.start();

  if (pidfile !== null) {
    const error = writePidfile(pidfile, kernel.pid);
    pidfileWritten = error === null;
    if (error !== null) voice.say("critical", `could not write pidfile ${pidfile}: ${error}`);
  }
  try {
    await servers.open();
  } catch (error) {
    // The programs run: they are not to pay for it.
    init.faults.fault("the listeners", error);
  }
  request.onUp?.(null);
  clock.after(SETTLED_MS, () => kernel.releaseMemory());
}

function announce(config: Config, banner: string, pid: number, { say, tell }: Voice): void {
  for (const warning of config.warnings) say("warn", renderProblem(warning));
  for (const notice of config.notices) say("info", renderProblem(notice));
  const { daemonizes, directory } = config.supervisord;
  if (daemonizes) say("info", "daemonizing the supervisord process");
  if (daemonizes && directory !== null) say("info", `set current directory: '${directory}'`);
  tell("info", `${banner} started with pid ${pid}`);
}

function becomeSubreaper(kernel: Kernel, { say, tell }: Voice): void {
  const errno = kernel.becomeSubreaper();
  if (errno !== null)
    say(
      "warn",
      `not PID 1 and no subreaper either (${errno}): orphans of the programs go to another process`,
    );
  else tell("info", `not PID 1 (but ${kernel.pid}): orphans come here as a child subreaper`);
}
