/**
 * The parts of the running init, put together: who may ask whom, and who hears of what happens. A list, and nothing is started
 * in it; where two parts need each other, the one that is made first has a closure that finds the other later.
 */
import type { Config } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import { describeStatus, takeSnapshot } from "../core/describe.ts";
import { EXIT_FAULT } from "../core/exit-codes.ts";
import type { ProgramFacts, Snapshot } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import { pidOf } from "../core/states.ts";
import { createSystem, programAt } from "../core/system.ts";
import { CredentialsLost, type Fd, type Kernel, type SpawnRequest } from "../kernel/kernel.ts";
import { createLogs } from "../logs/create.ts";
import { renderSignal } from "../logs/wording.ts";
import { createChecks } from "./checks.ts";
import type { Clock } from "./clock.ts";
import { createControl, type DaemonControl } from "./control.ts";
import { createEnding } from "./ending.ts";
import { createFaults } from "./faults.ts";
import { isOpen } from "./files.ts";
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
import { createReportHost } from "./report-host.ts";
import { createScheduleHost } from "./schedule-host.ts";
import { createServers, type Servers } from "./servers.ts";
import { createSignalRequests } from "./signal-requests.ts";
import type { Signals } from "./signals.ts";
import { createSockets } from "./sockets.ts";
import { createStdinPipes } from "./stdin.ts";
import { createStopCommands } from "./stop-commands.ts";
import { createTimeline } from "./timeline.ts";
import { createVoice } from "./voice.ts";

export interface AssemblyRequest {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly config: Config;
  /** Reads the configuration again, the same way. */
  readonly load: () => Loaded;
  readonly cwd: string;
  readonly version: string;
  /** Puts the stage before a program that gets sockets; null: we were given none. */
  readonly throughStage?: (
    request: SpawnRequest,
    sockets: readonly Fd[],
    variables: readonly string[],
  ) => SpawnRequest;
}

export async function assemble(request: AssemblyRequest) {
  const { kernel, clock, signals } = request;
  let config = request.config;
  const manager = readManager(config.environment, kernel.pid, isOpen);
  const isShuttingDown = (): boolean => !["booting", "running"].includes(loop.system().phase);
  const specOf = (id: ProgramId) => programAt(loop.system(), id)?.spec ?? null;
  const stateOf = (id: ProgramId) => programAt(loop.system(), id)?.state ?? null;
  const nameOf = (id: ProgramId): string => specOf(id)?.name ?? id;
  const faults = createFaults({
    say: (level, text) => say(level, text),
    submit: (event) => loop.submit(event),
  });
  const { fault } = faults;

  const listeners: ListenerHost = createListenerHost({
    clock,
    plan: () => loop.system().plan,
    specOf,
    write: (id, bytes) => stdins.write(id, bytes),
    say: (level, text) => say(level, text),
    fault,
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
  const voice = createVoice({
    clock,
    logs,
    level: () => config.plan.global.logLevel,
    isQuiet: () => config.plan.passthrough,
  });
  const { say, debug } = voice;
  const journal = createJournal(clock, (error) => fault("a listener of the journal", error));
  const narrator = createNarrator({ clock, specOf, say: voice.tell });

  const sockets = createSockets(kernel, say);
  const timeline = createTimeline(clock, () => loop.system().plan.programs);
  const schedules = createScheduleHost({
    clock,
    programs: () => loop.system().plan.programs,
    onDue: (id) => loop.submit({ type: "scheduled", id }),
    fault,
  });

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
    say,
    fault,
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
    stateOf,
    submit: (event) => loop.submit(event),
  });
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

  const ending = createEnding({
    kernel,
    clock,
    logs,
    tell: voice.tell,
    beforeLastLine: narrator.finish,
    terminationLog: () => config.plan.global.terminationLog,
    killAt: () => loop.system().shutdown?.killAt ?? null,
  });

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
        const state = stateOf(id);
        return shutdown === null && state?.name === "STARTING" && state.pid === null;
      },
      submit: (event) => loop.submit(event),
      specOf,
      stopCommands,
      onKill: (kill) => debug(() => renderSignal(kill, stateOf(kill.id)?.name === "STOPPING", specOf).text),
      awaitListeners: () => listeners.whenIdle(() => loop.submit({ type: "listeners-idle" })),
      onExit: (outcome) => void ending.end(outcome),
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
  const snapshot = (): Snapshot => takeSnapshot(loop.system(), factsOf, clock.wall(), faults.count());
  const control: DaemonControl = createControl({
    loop,
    journal,
    logs,
    config,
    load: request.load,
    snapshot,
    commandProblem(id) {
      const spec = specOf(id);
      const found = spec ? findCommand(spec, launchContext()) : null;
      return found && "reason" in found ? found : null;
    },
    sendStdin(id, bytes) {
      const state = stateOf(id);
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
        faults: faults.count(),
        shuttingDown: isShuttingDown(),
        reloadSuccessful: control.reloads.successful,
        reloadSuccessAt: control.reloads.successAt,
        version: request.version,
      }),
      record: (id) => journal.program(id),
      fault,
    },
    logs,
    kernel,
  );
  const { notify: address, watchdog } = manager;
  const report = createReportHost({ kernel, clock, address, watchdog, snapshot, say });

  journal.subscribe(narrator.onEntry);
  journal.subscribe((entry) => {
    if (entry.type !== "state" || entry.ended || entry.to.name === "STOPPED") sockets.keepFor(loop.system());
  });
  journal.subscribe(listeners.onEntry);
  journal.subscribe(timeline.onEntry);
  journal.subscribe(schedules.onEntry);
  journal.subscribe((entry) => {
    if (entry.type !== "main-pid") return;
    reaper.handOver(entry.id, entry.from, entry.to);
    notify.onMainPid(entry.id, entry.to);
  });
  journal.subscribe(stopCommands.onEntry);
  journal.subscribe(checks.onEntry);
  journal.subscribe(report.onEntry);

  const onSignal = createSignalRequests({
    passthrough: config.plan.passthrough,
    voice,
    submit: loop.submit,
    reap: reaper.reap,
    blame: () => listeners.blame(),
    hurryEnd: ending.hurry,
    mayBeOurs: () => servers.connections() > 0 || voice.hasJustWritten(),
    isShuttingDown,
    reload: () => report.aroundReload(() => control.update()),
    reopenLogs: () => logs.reopen(),
  });

  return {
    checks,
    faults,
    listeners,
    logs,
    loop,
    notify,
    onSignal,
    reaper,
    report,
    schedules,
    servers,
    sockets,
    timeline,
    voice,
  };
}
