/** Every metric of tsinit's own: name, type, labels, help, and where its value comes from. A new metric is one row here. */
import type { RestartReason } from "../core/effect.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import { STATE_CODES } from "../core/states.ts";
import type { ProgramNumbers, Totals, Usage } from "./metrics.ts";

export interface ScrapedProgram {
  readonly numbers: ProgramNumbers;
  readonly state: ProgramSnapshot | null;
  readonly usage: Usage | null;
  readonly labels: { readonly group: string; readonly program: string };
}

/** One moment: everything a scrape shows. */
export interface Scrape {
  readonly programs: readonly ScrapedProgram[];
  readonly totals: Totals;
  readonly nodeVersion: string;
}

type Labels = Readonly<Record<string, string>>;

/** A value of null is left out. `more`: labels that come after, an object that is the same for many. */
export type Add = (labels: Labels, value: number | null, more?: Labels) => void;

export interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly labels: readonly string[];
  readonly help: string;
  readonly collect: (scrape: Scrape, add: Add) => void;
}

const PROGRAM = ["group", "program"] as const;
const STATES = Object.keys(STATE_CODES).map((state) => ({ state }));
const STREAMS = (["stdout", "stderr"] as const).map((stream) => ({ stream }));

/** Every reason there is, so that its counter exists at 0 before it first happens. */
const REASONS: Readonly<Record<RestartReason, true>> = {
  exit: true,
  signal: true,
  oom: true,
  manual: true,
  reload: true,
  backoff: true,
  liveness: true,
  watchdog: true,
  runtime: true,
  dependency: true,
  schedule: true,
};

/** Signals with a meaning of their own; others appear when they are first received. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2"] as const;

/** One value per program. */
function perProgram(value: (program: ScrapedProgram) => number | null): Family["collect"] {
  return ({ programs }, add) => {
    for (const program of programs) add(program.labels, value(program));
  };
}

/** One value per program and key of a map; the keys that are always there come first. */
function perKey(
  label: string,
  always: readonly string[],
  map: (numbers: ProgramNumbers) => ReadonlyMap<string, number>,
): Family["collect"] {
  return ({ programs }, add) => {
    const shared = new Map<string, Labels>(always.map((key) => [key, { [label]: key }]));
    for (const { numbers, labels } of programs) {
      const counts = map(numbers);
      for (const key of always) add(labels, counts.get(key) ?? 0, shared.get(key));
      for (const [key, count] of counts) {
        if (always.includes(key)) continue;
        const more = shared.get(key) ?? { [label]: key };
        shared.set(key, more);
        add(labels, count, more);
      }
    }
  };
}

function perStream(value: (stream: ProgramNumbers["log"]["stdout"]) => number): Family["collect"] {
  return ({ programs }, add) => {
    for (const { numbers, labels } of programs)
      for (const more of STREAMS) add(labels, value(numbers.log[more.stream]), more);
  };
}

function single(value: (totals: Totals) => number): Family["collect"] {
  return ({ totals }, add) => add({}, value(totals));
}

export const CATALOGUE: readonly Family[] = [
  {
    name: "tsinit_build_info",
    type: "gauge",
    labels: ["version", "node_version"],
    help: "Always 1; the versions of tsinit and of the Node.js inside it.",
    collect: ({ totals, nodeVersion }, add) => add({ version: totals.version, node_version: nodeVersion }, 1),
  },
  {
    name: "tsinit_program_state",
    type: "gauge",
    labels: [...PROGRAM, "state"],
    help: "1 for the state that the program is in, 0 for every other one.",
    collect: ({ programs }, add) => {
      for (const { state, labels } of programs)
        for (const more of STATES) add(labels, state?.state.name === more.state ? 1 : 0, more);
    },
  },
  {
    name: "tsinit_program_up",
    type: "gauge",
    labels: PROGRAM,
    help: "1 while the program is RUNNING.",
    collect: perProgram(({ state }) => (state?.state.name === "RUNNING" ? 1 : 0)),
  },
  {
    name: "tsinit_program_ready",
    type: "gauge",
    labels: PROGRAM,
    help: "1 while the program is RUNNING and its ready check, if it has one, passes.",
    collect: perProgram(({ state }) => (state?.ready ? 1 : 0)),
  },
  {
    name: "tsinit_program_start_time_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the process was started, in seconds since 1970; absent while there is none.",
    collect: perProgram(({ state }) => (state && state.pid > 0 ? state.startedAt : null)),
  },
  {
    name: "tsinit_program_start_duration_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "How long the last successful start took, from the spawn to RUNNING.",
    collect: perProgram(({ numbers }) => numbers.startDurationSeconds),
  },
  {
    name: "tsinit_program_starts_total",
    type: "counter",
    labels: PROGRAM,
    help: "Processes started for the program.",
    collect: perProgram(({ numbers }) => numbers.starts),
  },
  {
    name: "tsinit_program_restarts_total",
    type: "counter",
    labels: [...PROGRAM, "reason"],
    help: "Starts that were not the first one, by why the program had to start again.",
    collect: perKey("reason", Object.keys(REASONS), (numbers) => numbers.restarts),
  },
  {
    name: "tsinit_program_exits_total",
    type: "counter",
    labels: [...PROGRAM, "status"],
    help: "Processes of the program that ended, by exit code or signal name.",
    collect: perKey("status", [], (numbers) => numbers.exits),
  },
  {
    name: "tsinit_program_cpu_seconds_total",
    type: "counter",
    labels: PROGRAM,
    help: "User and system CPU time of the program's whole process tree, all its runs together.",
    collect: perProgram(({ usage }) => usage?.cpuSeconds ?? null),
  },
  {
    name: "tsinit_program_resident_memory_bytes",
    type: "gauge",
    labels: PROGRAM,
    help: "Resident memory of the program's whole process tree; shared pages count once per process.",
    collect: perProgram(({ usage }) => usage?.residentBytes ?? null),
  },
  {
    name: "tsinit_program_processes",
    type: "gauge",
    labels: PROGRAM,
    help: "Processes in the program's process tree.",
    collect: perProgram(({ usage }) => usage?.processes ?? null),
  },
  {
    name: "tsinit_program_open_fds",
    type: "gauge",
    labels: PROGRAM,
    help: "Open file descriptors of the program's whole process tree.",
    collect: perProgram(({ usage }) => usage?.openFds ?? null),
  },
  {
    name: "tsinit_program_log_lines_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Lines that the program wrote.",
    collect: perStream((stream) => stream.lines),
  },
  {
    name: "tsinit_program_log_bytes_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Bytes that the program wrote.",
    collect: perStream((stream) => stream.bytes),
  },
  {
    name: "tsinit_program_log_dropped_bytes_total",
    type: "counter",
    labels: [...PROGRAM, "stream"],
    help: "Bytes of the program's output that were thrown away because the container's output did not drain.",
    collect: perStream((stream) => stream.droppedBytes),
  },
  {
    name: "tsinit_reaped_orphans_total",
    type: "counter",
    labels: [],
    help: "Ended processes that were reaped and belonged to no program.",
    collect: single((totals) => totals.orphans),
  },
  {
    name: "tsinit_signals_received_total",
    type: "counter",
    labels: ["signal"],
    help: "Signals that tsinit received.",
    collect: ({ totals }, add) => {
      for (const signal of SIGNALS) add({ signal }, totals.signals.get(signal) ?? 0);
      const known: readonly string[] = SIGNALS;
      for (const [signal, count] of totals.signals) if (!known.includes(signal)) add({ signal }, count);
    },
  },
  {
    name: "tsinit_faults_total",
    type: "counter",
    labels: [],
    help: "Faults of tsinit itself that were survived. Anything but 0 is a bug.",
    collect: single((totals) => totals.faults),
  },
  {
    name: "tsinit_shutting_down",
    type: "gauge",
    labels: [],
    help: "1 once a shutdown has begun.",
    collect: single((totals) => (totals.shuttingDown ? 1 : 0)),
  },
  {
    name: "tsinit_config_last_reload_successful",
    type: "gauge",
    labels: [],
    help: "1 if the configuration could be read the last time it was.",
    collect: single((totals) => (totals.reloadSuccessful ? 1 : 0)),
  },
  {
    name: "tsinit_config_last_reload_success_timestamp_seconds",
    type: "gauge",
    labels: [],
    help: "When the configuration was last read without an error, in seconds since 1970.",
    collect: single((totals) => totals.reloadSuccessAt),
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
    "tsinit lives, and exist at 0 from the start. A program that is removed takes its series with it.",
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
