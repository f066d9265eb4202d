/** Every metric of tsinit's own: name, type, labels, help, and where its value comes from. A new metric is one row here. */
import type { RestartReason } from "../core/effect.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { ProgramSpec } from "../core/spec.ts";
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

function reasonsOf({ state }: ScrapedProgram): readonly string[] {
  if (state === null) return [];
  const { spec } = state;
  return ALL_REASONS.filter((reason) => REASONS[reason](spec));
}

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
  alwaysOf: (program: ScrapedProgram) => readonly string[],
  map: (numbers: ProgramNumbers) => ReadonlyMap<string, number>,
): Family["collect"] {
  return ({ programs }, add) => {
    const shared = new Map<string, Labels>();
    const labelled = (key: string): Labels => {
      const known = shared.get(key) ?? { [label]: key };
      shared.set(key, known);
      return known;
    };
    for (const program of programs) {
      const { numbers, labels } = program;
      const counts = map(numbers);
      const always = alwaysOf(program);
      for (const key of always) add(labels, counts.get(key) ?? 0, labelled(key));
      for (const [key, count] of counts) if (!always.includes(key)) add(labels, count, labelled(key));
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
    collect: perKey("reason", reasonsOf, (numbers) => numbers.restarts),
  },
  {
    name: "tsinit_program_exits_total",
    type: "counter",
    labels: [...PROGRAM, "status"],
    help: "Processes of the program that ended, by exit code or signal name.",
    collect: perKey(
      "status",
      () => [],
      (numbers) => numbers.exits,
    ),
  },
  {
    name: "tsinit_program_last_success_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When a oneshot or a run of a schedule last ended as wanted, in seconds since 1970; absent before.",
    collect: perProgram(({ state }) => (state?.spec.type === "oneshot" ? state.lastSuccessAt || null : null)),
  },
  {
    name: "tsinit_program_schedule_last_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the last run of the program's schedule began, in seconds since 1970; absent before.",
    collect: perProgram(({ state }) => (state?.spec.schedule ? state.startedAt || null : null)),
  },
  {
    name: "tsinit_program_schedule_next_timestamp_seconds",
    type: "gauge",
    labels: PROGRAM,
    help: "When the program's schedule runs it next, in seconds since 1970; absent without a schedule, and while it is held.",
    collect: perProgram(({ state }) => (state?.spec.schedule ? state.nextRunAt || null : null)),
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
