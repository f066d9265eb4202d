/** Which program am I: the init, its client, the config check, the health probe. Each is loaded only when it is the one. */
import type { LoadRequest } from "./config/load.ts";
import { EXIT_FAULT, EXIT_USAGE } from "./core/exit-codes.ts";
import type { Kernel } from "./kernel/kernel.ts";
import { linuxKernel } from "./kernel/linux.ts";
import { type Options, parseCheckOptions, parseOptions, UsageError } from "./options.ts";
import { withoutSteering } from "./stage.ts";
import { USAGE } from "./usage.ts";
import { VERSION } from "./version.ts";

/** argv as the shell gave it: a single executable and `node main.ts` both put the name at 1. */
const [, typedName = "tsinit", ...words] = process.argv;
const calledAs = typedName.slice(typedName.lastIndexOf("/") + 1);

/** Where we were started; `/` when that has been removed. */
function startDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

function loadRequest(kernel: Kernel, options: Options, purpose: LoadRequest["purpose"]): LoadRequest {
  return {
    configFile: options.config,
    command: purpose === "init" ? options.rest : [],
    environment: kernel.environment(),
    cwd: startDirectory(),
    argv0: typedName,
    uid: kernel.uid,
    purpose,
  };
}

async function runInit(
  kernel: Kernel,
  options: Options,
  overrides: Record<string, string> = {},
): Promise<void> {
  kernel.setName("tsinit");
  const { listenForSignals } = await import("./daemon/signals.ts");
  const signals = listenForSignals(kernel);
  const { loadConfig } = await import("./config/load.ts");
  const { renderProblem } = await import("./config/config.ts");
  const request = { ...loadRequest(kernel, options, "init"), overrides };
  const load = () => loadConfig(request);
  const loaded = load();
  if (!loaded.ok) {
    for (const problem of [...loaded.warnings, ...loaded.errors])
      kernel.writeNow(2, `${renderProblem(problem)}\n`);
    kernel.exit(EXIT_USAGE);
  }
  process.chdir("/");
  const { boot } = await import("./daemon/boot.ts");
  const { systemClock } = await import("./daemon/clock.ts");
  await boot({
    kernel,
    clock: systemClock(),
    signals,
    config: loaded.config,
    load,
    cwd: request.cwd,
    version: VERSION,
  });
}

async function runCheck(kernel: Kernel, argv: string[]): Promise<number> {
  const { config, format } = parseCheckOptions(argv);
  const { loadConfig } = await import("./config/load.ts");
  const { renderCheck } = await import("./config/check.ts");
  const loaded = loadConfig(loadRequest(kernel, { config, rest: [] }, "check"));
  kernel.writeNow(1, renderCheck(loaded, format));
  return loaded.ok ? 0 : EXIT_USAGE;
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
    const parsed = parseSupervisord(words);
    if ("error" in parsed) throw new UsageError(parsed.error);
    if (parsed.show === "version") return say("4.2.5\n");
    if (parsed.show === "help") return runHelp("supervisord");
    await runInit(kernel, { config: parsed.config, rest: [] }, parsed.overrides);
    return null;
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

function helpWords(): string {
  if (calledAs !== "tsinit") return "-h";
  return words[0] === "ctl" ? "ctl -h" : "help";
}

async function main(): Promise<void> {
  const kernel = linuxKernel();
  withoutSteering(kernel, calledAs, words);
  try {
    const code = await dispatch(kernel);
    if (code !== null) process.exitCode = code;
  } catch (error) {
    if (error instanceof UsageError) {
      kernel.writeNow(2, `Error: ${error.message}\nFor help, use ${typedName} ${helpWords()}\n`);
      kernel.exit(EXIT_USAGE);
    }
    kernel.writeNow(2, `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (kernel.pid === 1) kernel.kill(-1, 9);
    kernel.exit(EXIT_FAULT);
  }
}

void main();
