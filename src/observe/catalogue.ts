/** Every metric of tsinit's own: name, type, labels, help, and where its value comes from. A new metric is one row here. */
import type { RestartReason } from "../core/effect.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { ProgramSpec } from "../core/spec.ts";
import { STATE_CODES } from "../core/states.ts";
import { labelText, linesWithout } from "./lines.ts";
import type { ProgramCounts, StreamNumbers, Totals, Usage } from "./metrics.ts";

/** A program at the moment of a scrape. */
export interface ScrapedProgram {
  readonly state: ProgramSnapshot;
  readonly counts: ProgramCounts;
  readonly stdout: StreamNumbers;
  readonly stderr: StreamNumbers;
  readonly usage: Usage | null;
  /** As a line has them: `group="web",program="web"`. */
  readonly labels: string;
}

interface Head {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly labels: readonly string[];
  readonly help: string;
}

/** Answers a program's value; its lines as text where there is one more label; null: nothing. */
export interface ProgramFamily extends Head {
  readonly ofProgram: (program: ScrapedProgram, family: string) => number | string | null;
}

/** Answers the labels of each line, as text, and its value. */
export interface InitFamily extends Head {
  readonly ofInit: (totals: Totals) => readonly (readonly [labels: string, value: number])[];
}

export type Family = ProgramFamily | InitFamily;

const PROGRAM = ["group", "program"] as const;
const STATES = Object.keys(STATE_CODES);

/**
 * Which reasons for a restart a program's configuration allows, so that their counters exist at 0 before they first happen.
 * Any other appears when it does: eleven for each of a thousand programs would be most of an answer.
 */
const REASONS: Readonly<Record<RestartReason, (spec: ProgramSpec) => boolean>> = {
  exit: endsAnyTime,
  signal: endsAnyTime,
  oom: endsAnyTime,
  manual: () => true,
  reload: () => true,
  backoff: ({ startretries }) => startretries !== 0,
  liveness: ({ live }) => live !== null,
  watchdog: ({ watchdogSecs }) => watchdogSecs !== null,
  runtime: ({ runtimeMaxSecs }) => runtimeMaxSecs !== null,
  dependency: ({ restartWith }) => restartWith.length > 0,
  schedule: ({ schedule }) => schedule !== null,
};

function endsAnyTime({ autorestart, schedule }: ProgramSpec): boolean {
  return autorestart !== "never" && schedule === null;
}

const ALL_REASONS = Object.keys(REASONS) as RestartReason[];

function reasonsOf(spec: ProgramSpec): readonly string[] {
  return ALL_REASONS.filter((reason) => REASONS[reason](spec));
}

/** Signals with a meaning of their own; others appear when they are first received. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2"] as const;

/** The same lines for all programs in the same state: 1 for that, 0 for each other one. */
function perState(): ProgramFamily["ofProgram"] {
  const known = new Map<string, readonly string[]>();
  return ({ state, labels }, family) => {
    const { name } = state.state;
    let lines = known.get(name);
    if (lines === undefined) {
      const samples = STATES.map((one) => [labelText("state", one), one === name ? 1 : 0] as const);
      lines = linesWithout(family, samples);
      known.set(name, lines);
    }
    return lines.join(labels);
  };
}

/** One value per program and key of a map; the keys that are always there come first. */
function perKey(
  label: string,
  alwaysOf: (spec: ProgramSpec) => readonly string[],
  map: (counts: ProgramCounts) => ReadonlyMap<string, number>,
): ProgramFamily["ofProgram"] {
  /** Of programs of which nothing has been counted, by the keys that are always there: most of a fleet. */
  const zeros = new Map<string, readonly string[]>();
  const texts = new Map<string, string>();
  const textOf = (key: string): string => {
    const text = texts.get(key) ?? labelText(label, key);
    texts.set(key, text);
    return text;
  };
  return ({ state, counts, labels }, family) => {
    const always = alwaysOf(state.spec);
    const counted = map(counts);
    if (counted.size > 0) {
      const keys = [...always, ...Array.from(counted.keys()).filter((key) => !always.includes(key))];
      const line = (key: string): string => `${family}{${labels},${textOf(key)}} ${counted.get(key) ?? 0}\n`;
      return keys.map(line).join("");
    }
    const keys = always.join();
    let lines = zeros.get(keys);
    if (lines === undefined) {
      const samples = always.map((key) => [textOf(key), 0] as const);
      lines = linesWithout(family, samples);
      zeros.set(keys, lines);
    }
    return lines.join(labels);
  };
}

function perStream(value: (stream: StreamNumbers) => number): ProgramFamily["ofProgram"] {
  return ({ stdout, stderr, labels }, family) =>
    `${family}{${labels},stream="stdout"} ${value(stdout)}\n${family}{${labels},stream="stderr"} ${value(stderr)}\n`;
}

function single(value: (totals: Totals) => number): InitFamily["ofInit"] {
  return (totals) => [["", value(totals)]];
}

export const CATALOGUE: readonly Family[] = [
  {
    name: "tsinit_build_info",
    type: "gauge",
    labels: ["version", "node_version"],
    help: "Always 1; the versions of tsinit and of the Node.js inside it.",
    ofInit: ({ version }) => [
      [`${labelText("version", version)},${labelText("node_version", process.version)}`, 1],
    ],
  },
  {
    name: "tsinit_program_state",
    type: "gauge",
    labels: [...PROGRAM, "state"],
    help: "1 for the state that the program is in, 0 for every other one.",
    ofProgram: perState(),
  },
  {
    name: "tsinit_program_up",
    type: "gauge",
    labels: PROGRAM,
    help: "1 while the program is RUNNING.",
    ofProgram: ({ state }) => (state.state.name === "RUNNING" ? 1 : 0),
  },
  {
    name: "tsinit_program_ready",
    type: "gauge",
    labels: PROGRAM,
    help: "1 while the program is RUNNING and its ready check, if it has one, passes.",
    ofProgram: ({ state }) => (state.ready ? 1 : 0),
  },
  {
    name: "tsinit_program_start_time_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the process was started, in seconds since 1970; absent while there is none.",
    ofProgram: ({ state }) => (state.pid > 0 ? state.startedAt : null),
  },
  {
    name: "tsinit_program_start_duration_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "How long the last successful start took, from the spawn to RUNNING.",
    ofProgram: ({ counts }) => counts.startDurationSeconds,
  },
  {
    name: "tsinit_program_starts_total",
    type: "counter",
    labels: PROGRAM,
    help: "Processes started for the program.",
    ofProgram: ({ counts }) => counts.starts,
  },
  {
    name: "tsinit_program_restarts_total",
    type: "counter",
    labels: [...PROGRAM, "reason"],
    help: "Starts that were not the first one, by why the program had to start again.",
    ofProgram: perKey("reason", reasonsOf, (counts) => counts.restarts),
  },
  {
    name: "tsinit_program_exits_total",
    type: "counter",
    labels: [...PROGRAM, "status"],
    help: "Processes of the program that ended, by exit code or signal name.",
    ofProgram: perKey(
      "status",
      () => [],
      (counts) => counts.exits,
    ),
  },
  {
    name: "tsinit_program_last_success_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When a oneshot or a run of a schedule last ended as wanted, in seconds since 1970; absent before.",
    ofProgram: ({ state }) => (state.spec.type === "oneshot" ? state.lastSuccessAt || null : null),
  },
  {
    name: "tsinit_program_schedule_last_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the last run of the program's schedule began, in seconds since 1970; absent before.",
    ofProgram: ({ state }) => (state.spec.schedule ? state.startedAt || null : null),
  },
  {
    name: "tsinit_program_schedule_next_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the program's schedule runs it next, in seconds since 1970; absent without a schedule, and while it is held.",
    ofProgram: ({ state }) => (state.spec.schedule ? state.nextRunAt || null : null),
  },
  {
    name: "tsinit_program_cpu_seconds_total",
    type: "counter",
    labels: PROGRAM,
    help: "User and system CPU time of the program's whole process tree, all its runs together.",
    ofProgram: ({ usage }) => usage?.cpuSeconds ?? null,
  },
  {
    name: "tsinit_program_resident_memory_bytes",
    type: "gauge",
    labels: PROGRAM,
    help: "Resident memory of the program's whole process tree; shared pages count once per process.",
    ofProgram: ({ usage }) => usage?.residentBytes ?? null,
  },
  {
    name: "tsinit_program_processes",
    type: "gauge",
    labels: PROGRAM,
    help: "Processes in the program's process tree.",
    ofProgram: ({ usage }) => usage?.processes ?? null,
  },
  {
    name: "tsinit_program_open_fds",
    type: "gauge",
    labels: PROGRAM,
    help: "Open file descriptors of the program's whole process tree.",
    ofProgram: ({ usage }) => usage?.openFds ?? null,
  },
  {
    name: "tsinit_program_log_lines_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Lines that the program wrote.",
    ofProgram: perStream((stream) => stream.lines),
  },
  {
    name: "tsinit_program_log_bytes_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Bytes that the program wrote.",
    ofProgram: perStream((stream) => stream.bytes),
  },
  {
    name: "tsinit_program_log_dropped_bytes_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Bytes of the program's output that were thrown away because the container's output did not drain.",
    ofProgram: perStream((stream) => stream.droppedBytes),
  },
  {
    name: "tsinit_reaped_orphans_total",
    type: "counter",
    labels: [],
    help: "Ended processes that were reaped and belonged to no program.",
    ofInit: single((totals) => totals.orphans),
  },
  {
    name: "tsinit_signals_received_total",
    type: "counter",
    labels: ["signal"],
    help: "Signals that tsinit received.",
    ofInit: ({ signals }) => {
      const known: readonly string[] = SIGNALS;
      const others = Array.from(signals.keys()).filter((signal) => !known.includes(signal));
      return [...known, ...others].map((signal) => [labelText("signal", signal), signals.get(signal) ?? 0]);
    },
  },
  {
    name: "tsinit_faults_total",
    type: "counter",
    labels: [],
    help: "Faults of tsinit itself that were survived. Anything but 0 is a bug.",
    ofInit: single((totals) => totals.faults),
  },
  {
    name: "tsinit_shutting_down",
    type: "gauge",
    labels: [],
    help: "1 once a shutdown has begun.",
    ofInit: single((totals) => (totals.shuttingDown ? 1 : 0)),
  },
  {
    name: "tsinit_config_last_reload_successful",
    type: "gauge",
    labels: [],
    help: "1 if the configuration could be read the last time it was.",
    ofInit: single((totals) => (totals.reloadSuccessful ? 1 : 0)),
  },
  {
    name: "tsinit_config_last_reload_success_timestamp_seconds",
    type: "gauge",
    labels: [],
    help: "When the configuration was last read without an error, in seconds since 1970.",
    ofInit: single((totals) => totals.reloadSuccessAt),
  },
];

/** docs/metrics.md. */
export function renderMetricsDoc(): string {
  const row = ({ name, type, labels, help }: Family): string => {
    const shown = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
  };
  return [
    "# Metrics",
    "",
    "Served at `/metrics` of the `listen` address, as Prometheus text 0.0.4 or, if asked for, OpenMetrics 1.0.0.",
    "`program` is the process name and `group` its group, both from the configuration. Counters never go down while",
    "tsinit lives, and exist at 0 from the start, but for exits, and restarts for reasons that the program's configuration does",
    "not suggest: those appear when they first happen. A program that is removed takes its series with it.",
    "",
    "| name | type | labels | |",
    "|---|---|---|---|",
    ...CATALOGUE.map(row),
    "",
    "tsinit itself is measured by prom-client's `process_cpu_user_seconds_total`, `process_cpu_system_seconds_total`,",
    "`process_cpu_seconds_total`, `process_start_time_seconds`, `process_resident_memory_bytes`,",
    "`process_virtual_memory_bytes`, `process_heap_bytes`, `process_open_fds`, `process_max_fds` and",
    "`nodejs_eventloop_lag_*`. The lag is sampled every five seconds, from the first scrape on.",
    "",
    "Resource metrics (`tsinit_program_cpu_seconds_total` and the three after it) come from `/proc` and are absent where",
    "`/proc` cannot be read.",
    "",
    "This page is generated from `src/observe/catalogue.ts`.",
    "",
  ].join("\n");
}
