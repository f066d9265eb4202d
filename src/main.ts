/** Which program am I: the init, its client, the config check, the health probe. Each is loaded only when it is the one. */
import type { Config } from "./config/config.ts";
import type { LoadRequest, SupervisordCall } from "./config/load.ts";
import { EXIT_FAULT, EXIT_USAGE } from "./core/exit-codes.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { linuxKernel } from "./kernel/linux.ts";
import { type Options, parseCheckOptions, parseOptions, UsageError } from "./options.ts";
import { STAGE, withoutSteering } from "./stage.ts";
import { supervisordUsage, USAGE } from "./usage.ts";
import { VERSION } from "./version.ts";

/** argv as the shell gave it: a single executable and `node main.ts` both put the name at 1. */
const [, typedName = "tsinit", ...words] = process.argv;
const calledAs = typedName.slice(typedName.lastIndexOf("/") + 1);

/** Set for the process that supervisord leaves in the background: the pid of the one that leaves. */
const DAEMON_OF = "TSINIT_DAEMON_OF";

/** Where we were started; `/` when that has been removed. */
function startDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

/** The tool by its path, also when a shell found it in PATH: what is looked for relative to it is the same then. */
function toolPath(kernel: Kernel): string {
  if (typedName.includes("/")) return typedName;
  const paths = (process.env["PATH"] ?? "").split(":").map((directory) => `${directory || "."}/${typedName}`);
  const isFound = (path: string): boolean => {
    const found = kernel.stat(path);
    return found?.type === "file" && found.executable;
  };
  return paths.find(isFound) ?? typedName;
}

function loadRequest(kernel: Kernel, options: Options, purpose: LoadRequest["purpose"]): LoadRequest {
  return {
    configFile: options.config,
    command: purpose === "init" ? options.rest : [],
    environment: kernel.environment().filter(([key]) => key !== DAEMON_OF),
    cwd: startDirectory(),
    argv0: toolPath(kernel),
    uid: kernel.uid,
    purpose,
  };
}

async function runInit(
  kernel: Kernel,
  options: Options,
  supervisord: SupervisordCall | null = null,
): Promise<void> {
  // The kernel would show the thread's name; people look for supervisord by its own.
  kernel.setName(supervisord === null ? "tsinit" : "supervisord");
  const { withoutNodeStreams } = await import("./daemon/node-streams.ts");
  withoutNodeStreams();
  const { listenForSignals } = await import("./daemon/signals.ts");
  const signals = listenForSignals(kernel);
  const { loadConfig, readHost } = await import("./config/load.ts");
  const { renderProblem } = await import("./config/config.ts");
  const request = { ...loadRequest(kernel, options, "init"), supervisord };
  const load = () => loadConfig(request);
  const loaded = load();
  if (supervisord !== null) {
    const { refuse } = await import("./supervisord.ts");
    refuse(loaded, supervisord, readHost(request));
  }
  if (!loaded.ok) {
    for (const problem of [...loaded.warnings, ...loaded.errors])
      kernel.writeNow(2, `${renderProblem(problem)}\n`);
    kernel.exit(EXIT_USAGE);
  }
  const { systemClock } = await import("./daemon/clock.ts");
  const clock = systemClock();
  const { daemonizes, directory, umask } = loaded.config.supervisord;
  const daemonize = daemonizes ? await import("./daemon/daemonize.ts") : null;
  if (daemonize && process.env[DAEMON_OF] !== `${process.ppid}`) {
    const argv = [toolPath(kernel), ...words];
    const file = process.execPath;
    kernel.exit(
      await daemonize.startDaemon({ kernel, clock, signals, file, argv, umask, marker: DAEMON_OF }),
    );
  }
  process.chdir("/");
  const isGivenSockets = process.env["LISTEN_PID"] === `${process.pid}`;
  const activation = isGivenSockets ? await import("./activation.ts") : {};
  const { boot } = await import("./daemon/boot.ts");
  await boot({
    ...activation,
    kernel,
    clock,
    signals,
    config: supervisord && kernel.pid === 1 ? withNotice(loaded.config) : loaded.config,
    load,
    cwd: (daemonizes && directory) || request.cwd,
    version: VERSION,
    banner: supervisord === null ? `tsinit ${VERSION}` : "supervisord",
    onUp: (problem) => daemonize?.reportUp(kernel, problem),
  });
}

/** One sentence for an image that forgot `-n`. */
function withNotice(config: Config): Config {
  if (config.supervisord.nodaemon) return config;
  const text =
    "supervisord stays in the foreground as PID 1: a container ends when its PID 1 leaves (-n or nodaemon=true asks for that)";
  return { ...config, notices: [...config.notices, { where: "", section: null, key: null, text }] };
}

async function runCheck(kernel: Kernel, argv: string[]): Promise<number> {
  const { config, format, verbose } = parseCheckOptions(argv);
  const { surveyConfig } = await import("./config/load.ts");
  const { renderCheck } = await import("./config/check.ts");
  const surveyed = surveyConfig(loadRequest(kernel, { config, rest: [] }, "check"));
  kernel.writeNow(1, renderCheck(surveyed, { format, verbose }));
  return surveyed.loaded.ok ? 0 : EXIT_USAGE;
}

async function runClient(kernel: Kernel, argv: string[], name: string): Promise<number> {
  const { runCtl } = await import("./ctl/main.ts");
  const { parseSupervisorctl } = await import("./supervisorctl.ts");
  const { ctlSettings } = await import("./client.ts");
  // Whoever read what we write has gone (`| head`): there is nobody left to do anything for.
  process.stdout.on("error", () => kernel.exit(1));
  return runCtl(parseSupervisorctl(argv), name, {
    // Asked for only where something is read: opening it is not free.
    get input() {
      return process.stdin;
    },
    output: process.stdout,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
    settings: (config) => ctlSettings(loadRequest(kernel, { config, rest: [] }, "ctl")),
  });
}

async function runProbe(kernel: Kernel, argv: string[]): Promise<number> {
  const { runHealth } = await import("./ctl/health.ts");
  const { healthEndpoints } = await import("./client.ts");
  const options = parseOptions(argv, false);
  const endpoints = healthEndpoints(loadRequest(kernel, options, "ctl"));
  return runHealth(options.rest, endpoints, { out: (text) => process.stdout.write(text) });
}

function runHelp(topic: string | undefined): number {
  const text = USAGE[topic ?? "tsinit"];
  if (text === undefined)
    throw new UsageError(`no help on ${topic}; there is: ${Object.keys(USAGE).join(", ")}`);
  process.stdout.write(text);
  return 0;
}

/** The words after the name of the tool. Null: the init runs, and ends the process itself. */
async function dispatch(kernel: Kernel): Promise<number | null> {
  if (calledAs === "supervisorctl") return runClient(kernel, words, "supervisorctl");
  if (calledAs === "supervisord") {
    const { parseSupervisord } = await import("./supervisord.ts");
    const { readHost } = await import("./config/load.ts");
    const host = readHost(loadRequest(kernel, { config: null, rest: [] }, "init"));
    const parsed = parseSupervisord(words, host);
    if (parsed.show !== "run")
      return say(parsed.show === "version" ? "4.2.5\n" : supervisordUsage(toolPath(kernel)));
    const call = { overrides: parsed.overrides, mayDaemonize: kernel.pid !== 1 };
    await runInit(kernel, { config: parsed.config, rest: [] }, call);
    return null;
  }
  if (calledAs === STAGE) {
    const { runStage } = await import("./activation.ts");
    return runStage(kernel, words);
  }
  if (calledAs === "pidproxy") {
    const { runPidproxy } = await import("./pidproxy.ts");
    return runPidproxy(kernel, toolPath(kernel), words);
  }
  const [first, ...rest] = words;
  const tool = await runTool(kernel, first, rest);
  if (tool !== null) return tool;
  const options = parseOptions(words);
  // `-c FILE check` means what `check -c FILE` does; a command of such a name is forced by `--`.
  if (options.config !== null && !words.includes("--")) {
    const [word, ...more] = options.rest;
    const named = await runTool(kernel, word, ["-c", options.config, ...more]);
    if (named !== null) return named;
  }
  await runInit(kernel, options);
  return null;
}

/** The exit code of a tool; null when the word is none. */
async function runTool(kernel: Kernel, word: string | undefined, argv: string[]): Promise<number | null> {
  switch (word) {
    case "ctl":
      return runClient(kernel, argv, "tsinit ctl");
    case "health":
      return runProbe(kernel, argv);
    case "check":
      return runCheck(kernel, argv);
    case "version":
    case "--version":
      return say(`tsinit ${VERSION} (node ${process.versions.node})\n`);
    case "help":
      return runHelp(parseOptions(argv, false).rest[0]);
    case "--help":
    case "-h":
      return runHelp(undefined);
    default:
      return null;
  }
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function helpCommand(kernel: Kernel): string {
  if (calledAs !== "tsinit") return `${toolPath(kernel)} -h`;
  return `${typedName} ${words[0] === "ctl" ? "ctl -h" : "help"}`;
}

async function main(): Promise<void> {
  const kernel = linuxKernel();
  withoutSteering(kernel, typedName, words);
  try {
    const code = await dispatch(kernel);
    if (code !== null) process.exitCode = code;
  } catch (error) {
    if (error instanceof UsageError) {
      kernel.writeNow(2, `Error: ${error.message}\nFor help, use ${helpCommand(kernel)}\n`);
      kernel.exit(EXIT_USAGE);
    }
    kernel.writeNow(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (kernel.pid === 1) kernel.kill(-1, 9);
    kernel.exit(EXIT_FAULT);
  }
}

void main();
