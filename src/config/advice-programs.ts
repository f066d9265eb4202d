/**
 * Advice about one program each: what works under supervisord on a host and is worth a change in a container. A rule
 * looks at the resolved program and says nothing when it cannot know.
 */
import { SIGNALS } from "../core/signal-names.ts";
import type { ProgramSpec } from "../core/spec.ts";
import type { Survey } from "./findings.ts";
import { type Invocation, invocations, scriptCommands, shellScript } from "./invocations.ts";

export interface ProgramAdvice {
  /** The key that it is about, where it is set. */
  readonly key: string;
  readonly text: string;
}

type Rule = (spec: ProgramSpec, runs: readonly Invocation[], survey: Survey) => ProgramAdvice | null;

const advice = (key: string, text: string): ProgramAdvice => ({ key, text });
const has = (words: readonly string[], ...wanted: readonly string[]): boolean =>
  words.some((word) => wanted.includes(word.split("=")[0] ?? ""));
/** What it is meant to be, not what it does: nobody restarts it. */
const isOneShot = ({ autorestart, type }: ProgramSpec): boolean =>
  type === "oneshot" || autorestart === "never";

const DOCKER_GRACE = 10;
const KUBERNETES_GRACE = 30;

function stopsTooLate(
  { stopwaitsecs, stopsignals }: ProgramSpec,
  _: unknown,
  { config }: Survey,
): ProgramAdvice | null {
  const seconds = stopwaitsecs * stopsignals.length;
  if (seconds <= DOCKER_GRACE || config.plan.global.shutdownTimeout !== null) return null;
  const kubernetes = seconds > KUBERNETES_GRACE ? `, Kubernetes after ${KUBERNETES_GRACE} s` : "";
  return advice(
    "stopwaitsecs",
    `it may take ${seconds} s to stop, but Docker kills the container after ${DOCKER_GRACE} s${kubernetes}: ` +
      "raise `docker stop -t`, stop_grace_period or terminationGracePeriodSeconds above it",
  );
}

function shellInBetween(spec: ProgramSpec): ProgramAdvice | null {
  const script = spec.stopasgroup || isOneShot(spec) ? null : shellScript(spec.argv);
  const commands = script === null ? [] : scriptCommands(script);
  if (commands.length < 2 || commands.at(-1)?.[0] === "exec") return null;
  return advice(
    "command",
    "the stop signal reaches the shell, not the program that it waits for: put exec before the last command, or set " +
      "stopasgroup=true",
  );
}

function beatInWorker(_spec: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  if (!runs.some((run) => isWorker(run) && has(run.args, "-B", "--beat"))) return null;
  return advice(
    "command",
    "a beat inside a worker sends every task once for each worker and replica: make `celery beat` a program of its own",
  );
}

function celeryPidfile(_spec: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  const asks = runs.some(
    ({ name, args }) =>
      name === "celery" && args.some((word) => /^--pidfile=?./.test(word) || word === "--pidfile"),
  );
  const isEmpty = runs.some(({ args }) => args.includes("--pidfile="));
  if (!asks || isEmpty) return null;
  return advice(
    "command",
    "pids start from 1 in every container, so a pidfile that is left over names a living process and celery will not start " +
      '("already running"): leave --pidfile out, or give it an empty value',
  );
}

function isWorker({ name, args }: Invocation): boolean {
  return name === "celery" && args.includes("worker");
}

function groupStopOfPrefork({ stopasgroup }: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  const isPrefork = (run: Invocation): boolean => {
    const at = run.args.findIndex((word) => word === "-P" || word === "--pool");
    const pool = at < 0 ? run.args.find((word) => word.startsWith("--pool="))?.slice(7) : run.args[at + 1];
    return isWorker(run) && (pool === undefined || pool === "prefork" || pool === "processes");
  };
  if (!stopasgroup || !runs.some(isPrefork)) return null;
  return advice(
    "stopasgroup",
    "TERM to the whole group kills the worker's children in the middle of their tasks: leave it out, the worker ends them " +
      "itself when their tasks are done",
  );
}

function gracefulQuit({ stopsignals }: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  if (stopsignals.includes(SIGNALS.QUIT)) return null;
  const name = runs.find((run) => run.name === "nginx" || isFpm(run))?.name;
  if (name === undefined) return null;
  return advice("stopsignal", `TERM drops the requests that ${name} is at; stopsignal=QUIT lets them end`);
}

function isFpm({ name }: Invocation): boolean {
  return /^php-?fpm[\d.-]*$/.test(name);
}

/** Programs that go to the background, and the words that keep them from it. Null: they stay, or it cannot be told. */
const FORKERS: readonly ((run: Invocation) => string | null)[] = [
  ({ name, args }) =>
    name === "nginx" && !has(args, "-c", "-s", "-t") && !args.some((word) => /daemon\s+off/.test(word))
      ? `-g "daemon off;" keeps it in the foreground, unless its own configuration does`
      : null,
  (run) =>
    isFpm(run) && !has(run.args, "-F", "--nodaemonize", "-y", "--fpm-config", "-O", "--force-stderr", "-t")
      ? "-F keeps it in the foreground, unless its own configuration does (daemonize = no)"
      : null,
  ({ name, args }) => {
    const at = args.indexOf("--daemonize");
    return name === "redis-server" && args[at + 1] === "yes" && at >= 0 ? "leave --daemonize yes out" : null;
  },
  ({ name, args }) => (name === "gunicorn" && has(args, "-D", "--daemon") ? "leave --daemon out" : null),
  ({ name, args }) => (name === "uwsgi" && has(args, "-d", "--daemonize") ? "leave --daemonize out" : null),
  ({ name, args }) => (name === "memcached" && has(args, "-d", "--daemon") ? "leave -d out" : null),
  ({ name, args }) =>
    name === "celery" && (has(args, "-D", "--detach") || args[0] === "multi")
      ? "run `celery worker` without --detach"
      : null,
  ({ name, args }) =>
    (name === "cron" || name === "crond") && !args.some((word) => /^-\w*[fn]/.test(word) || word === "-d")
      ? "-f keeps it in the foreground"
      : null,
  ({ name, args }) =>
    name === "sshd" && !args.some((word) => /^-\w*[Ddit]/.test(word))
      ? "-D keeps it in the foreground"
      : null,
  ({ name, args }) =>
    ["apachectl", "apache2ctl"].includes(name) && !args.some((word) => /foreground/i.test(word))
      ? "-D FOREGROUND keeps it in the foreground"
      : null,
  ({ name, args }) =>
    name === "service" && args[1] === "start" ? "run the program itself, in the foreground" : null,
];

function forksAway(_spec: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  // What runs before the last command of a script may well go to the background.
  const last = runs.at(-1);
  if (last === undefined) return null;
  for (const forker of FORKERS) {
    const cure = forker(last);
    if (cure !== null)
      return advice(
        "command",
        `${last.name} goes to the background, so tsinit sees it end and starts it again: ${cure}`,
      );
  }
  return null;
}

function developmentServer(_spec: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  const isFlask = runs.some(({ name, args }) => name === "flask" && args.includes("run"));
  const isDjango = runs.some(({ args }) => args.includes("runserver"));
  if (!isFlask && !isDjango) return null;
  const what = isFlask ? "flask run" : "runserver";
  return advice(
    "command",
    `${what} is the development server and drops requests when it is stopped: gunicorn or uvicorn do not`,
  );
}

function bufferedPython(
  spec: ProgramSpec,
  runs: readonly Invocation[],
  { config }: Survey,
): ProgramAdvice | null {
  const isBuffered = ({ name, args }: Invocation): boolean =>
    (/^python[\d.]*$/.test(name) && !args.some((word) => /^-[a-zA-Z]*u/.test(word))) || name === "flask";
  const isSet =
    "PYTHONUNBUFFERED" in spec.environment ||
    config.environment.some(([name]) => name === "PYTHONUNBUFFERED");
  if (isSet || !runs.some(isBuffered)) return null;
  return advice(
    "command",
    'Python holds back what it prints to a pipe, and a kill loses it: PYTHONUNBUFFERED="1" in environment=, unless the image ' +
      "sets it",
  );
}

function tailProgram(_spec: ProgramSpec, runs: readonly Invocation[]): ProgramAdvice | null {
  const [only] = runs;
  if (
    runs.length !== 1 ||
    only?.name !== "tail" ||
    !only.args.some((word) => /^-\w*[fF]|^--follow/.test(word))
  )
    return null;
  return advice(
    "command",
    "a program only to show a log file: the one that writes it can log to /dev/stdout, where its lines get its name",
  );
}

function quickOneShot(spec: ProgramSpec): ProgramAdvice | null {
  if (spec.type === "oneshot" || spec.autorestart !== "never" || spec.startsecs === 0 || spec.kind === "main")
    return null;
  return advice(
    "autorestart",
    `if it is meant to end: within startsecs=${spec.startsecs} that counts as a failed start and is tried again; type=oneshot takes ` +
      "an expected exit code for success whenever it comes",
  );
}

function killInCommand(spec: ProgramSpec): ProgramAdvice | null {
  const words = (shellScript(spec.argv) ?? "").match(/(?:^|[\s;&|`(])(?:pkill|kill(?:all)?)\s/);
  if (!words) return null;
  return advice(
    "command",
    "if the kill is there to end the container with the program: critical=true does so when it gives up, and " +
      "`tsinit COMMAND` when it ends, both with its exit code",
  );
}

function stopsOnFatal(spec: ProgramSpec): ProgramAdvice | null {
  const ENDS = [
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_UNKNOWN",
  ];
  const events = spec.listener?.events ?? [];
  const isMail = /mail|superlance|slack|sentry|notify/i.test(spec.command);
  if (!events.includes("PROCESS_STATE_FATAL") || !events.every((event) => ENDS.includes(event)) || isMail)
    return null;
  return advice(
    "events",
    "if it only stops the container when a program gives up: critical=true on that program does so without a listener, " +
      "and the container ends with the program's exit code",
  );
}

export const PROGRAM_RULES: readonly Rule[] = [
  stopsTooLate,
  shellInBetween,
  beatInWorker,
  celeryPidfile,
  groupStopOfPrefork,
  gracefulQuit,
  forksAway,
  developmentServer,
  bufferedPython,
  tailProgram,
  quickOneShot,
  killInCommand,
  stopsOnFatal,
];

export function adviseProgram(spec: ProgramSpec, survey: Survey): ProgramAdvice[] {
  const runs = invocations(spec.argv);
  return PROGRAM_RULES.flatMap((rule) => rule(spec, runs, survey) ?? []);
}
