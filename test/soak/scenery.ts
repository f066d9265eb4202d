/**
 * The configurations of a soak, as text. `calm` has a few programs that sleep; measurements are taken there. `busy` has one of
 * everything, and a few programs more or less each time. `@DIR@` is the run's own directory.
 */
import { join } from "node:path";
import { PYTHON } from "../container/probe.ts";
import { FIXTURES } from "../container/scene.ts";
import type { Random } from "./random.ts";

/** In both configurations, unchanged: they must keep their pids whatever happens to others. */
export const KEEPERS = ["keeper0", "keeper1", "keeper2"];
/** Whose lines are numbered. */
export const WRITERS = ["text0", "text1", "json", "binary", "noisy"];
const EXTRAS = 8;
const HTTP_PORT = 8080;

type Keys = Readonly<Record<string, string | number>>;

function section(kind: string, name: string, command: string, keys: Keys = {}): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key}=${value}`);
  return [`[${kind}:${name}]`, `command=${command}`, ...lines, ""].join("\n");
}

const HEAD = [
  "[tsinit]",
  "termination_log=@DIR@/termination",
  "[inet_http_server]",
  "port=127.0.0.1:9001",
  "",
].join("\n");

export function calmConfig(): string {
  return HEAD + KEEPERS.map((name) => section("program", name, "/bin/sleep 1000000")).join("");
}

/** A life of soak.py. */
function life(seed: number, name: string, ...words: readonly string[]): string {
  return [PYTHON, "-I", "-S", join(FIXTURES, "soak.py"), "@DIR@", seed, name, ...words].join(" ");
}

const WEB = [PYTHON, "-I", "-S", join(FIXTURES, "web.py"), HTTP_PORT, 0.2, "@DIR@/status"].join(" ");
const always: Keys = { autorestart: "true", startsecs: 0 };

/** Programs that are there in every busy configuration. */
function steady(seed: number): string[] {
  const program = (name: string, keys: Keys, ...words: readonly string[]) =>
    section("program", name, life(seed, name, ...words), keys);
  return [
    program("text0", always, "flood", "text"),
    program("text1", { ...always, redirect_stderr: "true" }, "flood", "text"),
    program("json", { ...always, log_format: "json" }, "flood", "json"),
    program("binary", always, "flood", "binary"),
    program(
      "noisy",
      { ...always, stdout_events_enabled: "true", stdout_logfile: "/dev/stderr" },
      "flood",
      "text",
    ),
    ...["crash0", "crash1", "crash2"].map((name) => program(name, always, "crash")),
    program(
      "backoff",
      { autorestart: "true", startsecs: 1, startretries: -1, restart_delay: 0.5, restart_delay_max: 2 },
      "crash",
    ),
    program("orphans", { autorestart: "true" }, "orphans"),
    program("notify", { ...always, ready_notify: "true", watchdog_secs: 20 }, "ready", "notify"),
    program("fd", { ...always, ready_fd: 3 }, "ready", "fd"),
    program("log", { ...always, ready_log: "is ready$" }, "ready", "log"),
    program("chat", { ...always, stdout_events_enabled: "true" }, "chat"),
    section("program", "http", WEB, {
      ...always,
      ready_http: `:${HTTP_PORT}/`,
      live_tcp: HTTP_PORT,
      live_interval: 1,
    }),
    section("program", "exec", "/bin/sleep 1000000", {
      ...always,
      ready_exec: "/bin/true",
      ready_interval: 0.2,
      live_exec: life(seed, "check", "fickle"),
      live_interval: 0.5,
      live_failures: 2,
    }),
    section("program", "after", "/bin/sleep 1000000", {
      ...always,
      depends_on: "notify:ready, once",
      restart_with: "notify",
    }),
    section("program", "once", "/bin/true", { type: "oneshot", startsecs: 0 }),
    section("program", "cron", "/bin/sh -c 'echo scheduled; exit 0'", { schedule: "*/2 * * * * *" }),
    section("fcgi-program", "fcgi", "/bin/sleep 1000000", { socket: "unix://@DIR@/fcgi.sock", ...always }),
    section("eventlistener", "ears", life(seed, "ears", "listener"), {
      process_name: "%(program_name)s%(process_num)d",
      numprocs: 2,
      environment: 'SOAK_NUMBER="%(process_num)d"',
      events: "PROCESS_STATE,PROCESS_LOG,TICK_5",
      buffer_size: 50,
      autorestart: "true",
      startsecs: 0,
    }),
  ];
}

/** Programs that come, go and change. */
function extras(random: Random): string[] {
  const present = Array.from({ length: EXTRAS }, (_, index) => index).filter(() => random.isOneIn(2));
  return present.map((index) =>
    section("program", `extra${index}`, "/bin/sleep 1000000", {
      startsecs: 0,
      autorestart: random.pick(["true", "unexpected"]),
      numprocs: 1,
      priority: random.pick([10, 500, 999]),
      stopsignal: random.pick(["TERM", "INT", "QUIT"]),
      environment: `VARIANT="${random.below(3)}"`,
    }),
  );
}

export function busyConfig(seed: number, random: Random): string {
  return (
    HEAD +
    KEEPERS.map((name) => section("program", name, "/bin/sleep 1000000")).join("") +
    [...steady(seed), ...extras(random)].join("")
  );
}

/** A configuration that must be refused, in one of several ways. */
export function brokenConfig(seed: number, random: Random): string {
  const broken = random.pick([
    "[program:bad]\n",
    "[program:bad]\ncommand=x\nstartsecs=soon\n",
    "[program:bad\n",
    "[tsinit]\nlog_formt=text\n",
  ]);
  return busyConfig(seed, random) + broken;
}
