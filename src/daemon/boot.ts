/** Puts the running init together. After `boot` has returned nothing ends the process but an ordered shutdown. */
import { onExit } from "signal-exit";
import type { Config } from "../config/config.ts";
import { renderProblem } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { describeStatus, takeSnapshot } from "../core/describe.ts";
import type { Outcome } from "../core/effect.ts";
import { EXIT_FAULT, EXIT_USAGE } from "../core/exit-codes.ts";
import { SIGNALS, type Signal, signalName } from "../core/signal-names.ts";
import type { ProgramFacts, Snapshot } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import { pidOf } from "../core/states.ts";
import { createSystem, programAt } from "../core/system.ts";
import { CredentialsLost, type Fd, type Kernel, type SpawnRequest } from "../kernel/kernel.ts";
import { createLogs } from "../logs/create.ts";
import { isShown } from "../logs/format.ts";
import type { Level } from "../logs/logs.ts";
import { renderSignal } from "../logs/wording.ts";
import { createChecks } from "./checks.ts";
import { type Clock, keepProcessAlive } from "./clock.ts";
import { createControl, type DaemonControl } from "./control.ts";
import { isOpen, removeFile, writePidfile, writeTerminationLog } from "./files.ts";
import { createHelpers } from "./helpers.ts";
import { createJournal } from "./journal.ts";
import { findCommand, type LaunchContext } from "./launch.ts";
import { createListenerHost, type ListenerHost } from "./listener-host.ts";
import { createLoop } from "./loop.ts";
import { readManager } from "./manager.ts";
import { createNarrator } from "./narrate.ts";
import { createNotifyHost } from "./notify-host.ts";
import { watchOom } from "./oom.ts";
import { createPerformer } from "./perform.ts";
import { createReaper } from "./reaper.ts";
import type { Report } from "./report.ts";
import { createScheduleHost } from "./schedule-host.ts";
import { createServers, type Servers } from "./servers.ts";
import type { Signals } from "./signals.ts";
import { createSockets } from "./sockets.ts";
import { createStdinPipes } from "./stdin.ts";
import { createStopCommands } from "./stop-commands.ts";
import { createTimeline } from "./timeline.ts";

export interface BootRequest {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly config: Config;
  /** Reads the configuration again, the same way. */
  readonly load: () => Loaded;
  readonly cwd: string;
  readonly version: string;
  /** Who it says has started: supervisord, where it stands in its place. */
  readonly banner: string;
  /** Puts the stage before a program that gets sockets; null: we were given none. */
  readonly throughStage?: (
    request: SpawnRequest,
    sockets: readonly Fd[],
    variables: readonly string[],
  ) => SpawnRequest;
  /** Called once: with null when it is up (programs started, sockets open, pidfile written), else with why it is not. */
  readonly onUp?: (problem: string | null) => void;
}

/** At the end: a reader of stdout or stderr that takes nothing for so long is stuck. */
const STUCK_MS = 2000;
/** What the last lines have when `shutdown_timeout` is over. */
const LAST_LINES_MS = 500;
/** Room for the program's last output in the termination log, beside the sentence why. */
const LAST_LINES_BYTES = 3500;
/** After so long a usual start is over: programs are RUNNING, and what their start needed has been freed. */
const SETTLED_MS = 2000;
/** SIGPIPE may be of our own making shortly after we wrote something. */
const OWN_WRITE_MS = 100;

export async function boot(request: BootRequest): Promise<void> {
  const { kernel, clock, signals } = request;
  let config = request.config;
  const manager = readManager(config.environment, kernel.pid, isOpen);
  let report: Report | null = null;
  let faults = 0;
  let ending = false;
  /** Somebody has no patience with a slow reader of the last lines. */
  const hurried = Promise.withResolvers<void>();
  let lastOwnWrite = Number.NEGATIVE_INFINITY;

  const listeners: ListenerHost = createListenerHost({
    clock,
    plan: () => loop.system().plan,
    specOf: (id) => programAt(loop.system(), id)?.spec ?? null,
    write: (id, bytes) => stdins.write(id, bytes),
    say: (level, text) => say(level, text),
    fault: (where, error) => fault(where, error),
  });
  const stdins = createStdinPipes(kernel.close, listeners.onDrained);
  const { global, programs } = config.plan;
  const logs = await createLogs({
    kernel,
    clock,
    global,
    programs,
    output: listeners.output,
    json: () => import("../logs/json-formats.ts").then(({ jsonFormats }) => jsonFormats),
    vector: () => import("../logs/built-vector.ts").then(({ builtVector }) => builtVector()),
  });
  const say: typeof logs.say = (level, text) => {
    lastOwnWrite = clock.now();
    logs.say(level, text);
  };
  const journal = createJournal(clock, (error) => fault("a listener of the journal", error));
  const specOf = (id: ProgramId) => programAt(loop.system(), id)?.spec ?? null;
  const narrator = createNarrator({
    clock,
    specOf,
    say: (level, text) => {
      if (!isQuiet(level)) say(level, text);
    },
  });
  journal.subscribe(narrator.onEntry);

  const sockets = createSockets(kernel, (level, text) => say(level, text));
  journal.subscribe((entry) => {
    if (entry.type !== "state" || entry.ended || entry.to.name === "STOPPED") sockets.keepFor(loop.system());
  });
  journal.subscribe(listeners.onEntry);

  const timeline = createTimeline(clock, () => loop.system().plan.programs);
  journal.subscribe(timeline.onEntry);

  const schedules = createScheduleHost({
    clock,
    programs: () => loop.system().plan.programs,
    onDue: (id) => loop.submit({ type: "scheduled", id }),
    fault: (where, error) => fault(where, error),
  });
  journal.subscribe(schedules.onEntry);

  /** In tini's place tsinit is as silent as tini: only what went wrong. */
  const isQuiet = (level: Level) => config.plan.passthrough && (level === "info" || level === "warn");

  /** Put into words only for those who read them. */
  function debug(text: () => string): void {
    if (isShown("debug", config.plan.global.logLevel)) say("debug", text());
  }

  const isStopping = (id: ProgramId): boolean => programAt(loop.system(), id)?.state.name === "STOPPING";

  const nameOf = (id: ProgramId): string => programAt(loop.system(), id)?.spec.name ?? id;

  const reaper = createReaper({
    kernel,
    clock,
    oom: watchOom(),
    isProgram: (id) => programAt(loop.system(), id) !== undefined,
    submit: (event) => loop.submit(event),
    beforeProgramEnd: (id) => notify.drain(id),
    onProgramEnd(id, pid) {
      notify.end(id);
      logs.finish(id, pid);
      stdins.end(id, pid);
    },
    onOomNear: (id) =>
      say("info", `out of memory: the kernel has killed a process, and '${nameOf(id)}' has ended`),
    onOrphan: ({ pid, status }, owner) => {
      if (status.kind === "signalled" && status.oom) {
        const whose = owner === null ? "" : ` of '${nameOf(owner)}'`;
        say("info", `out of memory: the kernel has killed process ${pid}${whose}`);
      }
      debug(() => `reaped unknown pid ${pid} (${describeStatus(status)})`);
    },
  });

  const notify = createNotifyHost({
    kernel,
    clock,
    submit: (event) => loop.submit(event),
    record: (entry) => journal.record(entry),
    owner: (pid) => reaper.owner(pid),
    say: (level, text) => say(level, text),
    fault: (where, error) => fault(where, error),
  });
  journal.subscribe((entry) => {
    if (entry.type !== "main-pid") return;
    reaper.handOver(entry.id, entry.from, entry.to);
    notify.onMainPid(entry.id, entry.to);
  });

  const { throughStage } = request;
  const handSockets =
    throughStage === undefined || manager.sockets.length === 0
      ? null
      : (spawn: SpawnRequest) => throughStage(spawn, manager.sockets, manager.socketVariables);

  const launchContext = (): LaunchContext => ({
    kernel,
    logs,
    sockets,
    environment: manager.hide(config.environment),
    serverUrl: servers.url(),
    cwd: request.cwd,
    keepStdin: (spec, pid, fd) => stdins.keep(spec.id, pid, fd),
    keepReadyFd: (spec, pid, fd) => checks.keepReadyFd(spec, pid, fd),
    inheritStdio: (spec) => spec.kind === "main" && (config.plan.passthrough || kernel.isatty(0)),
    handSockets,
  });

  const helpers = createHelpers({ launchContext, reaper });
  const stopCommands = createStopCommands({
    helpers,
    say,
    stateOf: (id) => programAt(loop.system(), id)?.state ?? null,
    submit: (event) => loop.submit(event),
  });
  journal.subscribe(stopCommands.onEntry);
  const checks = createChecks({
    kernel,
    clock,
    logs,
    helpers,
    plan: () => loop.system().plan,
    programAt: (id) => programAt(loop.system(), id) ?? null,
    programs: () => loop.system().programs.map(({ spec }) => spec.id),
    submit: (event) => loop.submit(event),
    say,
    fault,
  });
  journal.subscribe(checks.onEntry);

  const loop = createLoop({
    clock,
    system: createSystem(config.plan),
    perform: createPerformer({
      kernel,
      reaper,
      journal,
      notify,
      launchContext,
      isAwaited(id) {
        const { shutdown } = loop.system();
        const state = programAt(loop.system(), id)?.state;
        return shutdown === null && state?.name === "STARTING" && state.pid === null;
      },
      submit: (event) => loop.submit(event),
      specOf,
      stopCommands,
      onKill: (kill) => debug(() => renderSignal(kill, isStopping(kill.id), specOf).text),
      awaitListeners: () => listeners.whenIdle(() => loop.submit({ type: "listeners-idle" })),
      onExit: (outcome) => void end(outcome),
    }),
    onFault(error, event) {
      fault(`the event ${event.type}`, error);
      // As somebody else nothing can be stopped in order any more; where we are PID 1 the kernel ends the rest.
      if (error instanceof CredentialsLost) kernel.exit(EXIT_FAULT);
    },
  });

  const factsOf = (id: ProgramId): ProgramFacts => {
    const facts = journal.facts(id);
    const nextRunAt = schedules.nextRunAt(id);
    return nextRunAt === 0 ? facts : { ...facts, nextRunAt };
  };
  const snapshot = (): Snapshot => takeSnapshot(loop.system(), factsOf, clock.wall(), faults);
  const control: DaemonControl = createControl({
    loop,
    journal,
    logs,
    config,
    load: request.load,
    snapshot,
    commandProblem(id) {
      const spec = programAt(loop.system(), id)?.spec;
      const found = spec ? findCommand(spec, launchContext()) : null;
      return found && "reason" in found ? found : null;
    },
    sendStdin(id, bytes) {
      const state = programAt(loop.system(), id)?.state;
      if (!state || pidOf(state) === null || state.name === "STOPPING") return "not-running";
      return stdins.write(id, bytes);
    },
    sendRemoteEvent: (type, data) => listeners.sendRemoteEvent(type, data),
    blame: () => listeners.blame(),
    timeline: timeline.view,
    wall: () => clock.wall(),
    pid: kernel.pid,
    version: request.version,
    onConfig: (next) => {
      config = next;
      logs.configure(next.plan.global, next.plan.programs);
      void sockets.resolve(next.plan);
    },
  });
  const servers: Servers = createServers(
    config,
    {
      control,
      clock,
      logs,
      totals: () => ({
        orphans: reaper.orphans(),
        signals: new Map(signals.received()),
        faults,
        shuttingDown: !["booting", "running"].includes(loop.system().phase),
        reloadSuccessful: control.reloads.successful,
        reloadSuccessAt: control.reloads.successAt,
        version: request.version,
      }),
      record: (id) => journal.program(id),
      fault: (where, error) => fault(where, error),
    },
    logs,
    kernel,
  );

  /** Dropped, counted, shown: the programs go on. */
  function fault(where: string, error: unknown): void {
    faults++;
    say(
      "critical",
      `fault in ${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  /** Nobody caught it, so nobody knows what is still right: the programs are stopped in order, then 70. */
  function onUncaught(error: unknown): void {
    fault("tsinit itself", error);
    loop.submit({ type: "fault", reason: error instanceof Error ? error.message : String(error) });
  }
  process.on("uncaughtException", onUncaught);
  process.on("unhandledRejection", onUncaught);

  async function end(outcome: Outcome): Promise<void> {
    if (ending) return;
    ending = true;
    narrator.finish();
    const why = `exit ${outcome.code}: ${outcome.reason}`;
    const { terminationLog } = config.plan.global;
    const output = outcome.program === null ? "" : logs.lastLines(outcome.program, LAST_LINES_BYTES);
    writeTerminationLog(terminationLog, output === "" ? `${why}\n` : `${why}\n${output}`);
    const level: Level = outcome.code === 0 ? "info" : "critical";
    if (!isQuiet(level)) say(level, why);
    const killAt = loop.system().shutdown?.killAt ?? null;
    const limit = killAt === null ? null : Math.max(LAST_LINES_MS, killAt - clock.now());
    await Promise.race([logs.flush(STUCK_MS, limit), hurried.promise]);
    // The exit listeners (signal-exit's among them) run here: process.exit() could wait for ever on a stuck write.
    process.emit("exit", outcome.code);
    kernel.exit(outcome.code);
  }

  const { pidfile } = config.supervisord;
  let pidfileWritten = false;
  onExit(() => {
    servers.closeAll();
    sockets.closeAll();
    notify.closeAll();
    if (pidfile !== null && pidfileWritten) removeFile(pidfile);
  });

  const { passthrough } = config.plan;
  if (passthrough) signals.listenToAll();
  let asked = 0;

  function onExitRequest(signal: Signal): void {
    const name = signalName(signal);
    if (passthrough) {
      if (ending) hurried.resolve();
      loop.submit({ type: "forward", signal });
      loop.submit({ type: "shutdown", cause: name, hurry: false });
      return;
    }
    say("warn", `received ${name} indicating exit request`);
    const hurry = asked++ > 0 && signal !== SIGNALS.QUIT;
    if (ending && hurry) hurried.resolve();
    const blame = listeners.blame() ?? (signal === SIGNALS.QUIT ? "fatal" : null);
    loop.submit({ type: "shutdown", cause: name, hurry, blame });
  }

  function onSignal(signal: Signal): void {
    switch (signal) {
      case SIGNALS.CHLD:
        debug(() => "received SIGCHLD indicating a child quit");
        return reaper.reap();
      case SIGNALS.TERM:
      case SIGNALS.INT:
      case SIGNALS.QUIT:
        return onExitRequest(signal);
      case SIGNALS.PIPE:
      case SIGNALS.XFSZ:
        // Our own writes raise these too, and then main must not pay for it.
        if (servers.connections() > 0 || clock.now() - lastOwnWrite < OWN_WRITE_MS) return;
        break;
      case SIGNALS.HUP:
        if (!passthrough) onHangup();
        break;
      case SIGNALS.USR2:
        if (!passthrough) onReopenRequest();
        break;
      default:
        break;
    }
    loop.submit({ type: "forward", signal });
  }

  function onReopenRequest(): void {
    say("info", "received SIGUSR2 indicating log reopen request");
    say("info", "supervisord logreopen");
    logs.reopen();
  }

  function onHangup(): void {
    const { phase } = loop.system();
    if (phase !== "booting" && phase !== "running") {
      say("warn", "ignored SIGHUP indicating reload request (shutdown in progress)");
      return;
    }
    say("warn", "received SIGHUP indicating reload request");
    if (report === null) control.update();
    else report.aroundReload(() => control.update());
  }

  keepProcessAlive();
  announce();
  if (kernel.pid !== 1) becomeSubreaper();
  kernel.raiseFileLimit();
  let refused = await servers.bind();
  // Not before: the sockets of one that runs already are not to be taken from it.
  if (refused.length === 0) refused = await sockets.prepare(config.plan);
  if (refused.length > 0) {
    for (const error of refused) say("critical", error);
    servers.closeAll();
    sockets.closeAll();
    request.onUp?.(refused.join("\n"));
    await logs.flush(STUCK_MS, null);
    kernel.exit(EXIT_USAGE);
  }
  await startReport();
  await listeners.start();
  await notify.load(config.plan.programs);
  signals.deliver(onSignal);
  timeline.boot(config.plan.programs);
  checks.start();
  loop.submit({ type: "boot" });
  // A child may have ended before anyone listened, in an earlier life of this process.
  reaper.reap();
  await schedules.start();

  if (pidfile !== null) {
    const error = writePidfile(pidfile, kernel.pid);
    pidfileWritten = error === null;
    if (error !== null) say("critical", `could not write pidfile ${pidfile}: ${error}`);
  }
  try {
    await servers.open();
  } catch (error) {
    // The programs run: they are not to pay for it.
    fault("the listeners", error);
  }
  request.onUp?.(null);
  clock.after(SETTLED_MS, () => kernel.releaseMemory());

  async function startReport(): Promise<void> {
    const { notify: address, watchdog } = manager;
    if (address === null) return;
    const { createReport } = await import("./report.ts");
    const started = createReport({ kernel, clock, address, watchdog, snapshot, say });
    journal.subscribe((entry) => started.onEntry(entry));
    report = started;
  }

  function announce(): void {
    for (const warning of config.warnings) say("warn", renderProblem(warning));
    for (const notice of config.notices) say("info", renderProblem(notice));
    const { daemonizes, directory } = config.supervisord;
    if (daemonizes) say("info", "daemonizing the supervisord process");
    if (daemonizes && directory !== null) say("info", `set current directory: '${directory}'`);
    if (!passthrough) say("info", `${request.banner} started with pid ${kernel.pid}`);
  }

  function becomeSubreaper(): void {
    const errno = kernel.becomeSubreaper();
    if (errno !== null)
      say(
        "warn",
        `not PID 1 and no subreaper either (${errno}): orphans of the programs go to another process`,
      );
    else if (!passthrough)
      say("info", `not PID 1 (but ${kernel.pid}): orphans come here as a child subreaper`);
  }
}
