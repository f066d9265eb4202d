/** The values of `log_keys`: what the fields of a JSON line are called, for whoever reads it. docs/logs.md has them in a table. Pure. */
import type { GlobalSpec } from "../core/spec.ts";
import { renderTimestamp } from "./format.ts";
import { lineTimeAsNanoseconds, lineTimeAsRfc3339 } from "./json-time.ts";
import type { StreamName } from "./logs.ts";
import { type Severity, severityOfNumber, severityOfWord } from "./severity.ts";

/** Who wrote a line: tsinit's to say. */
export interface Origin {
  readonly program: string;
  readonly group: string;
  readonly pid: number;
  readonly stream: StreamName;
}

/** An object of a line: tsinit's own fields, and maybe what a line has under the same name. */
export interface Section {
  readonly key: string;
  /** Names and values of tsinit's own. */
  readonly own: Readonly<Record<string, unknown>>;
}

/** A level that a line has of its own. */
export interface LineLevel {
  /** Fields as JSON text. */
  readonly fields: string;
  /** They do not say all of it: what the line says stays there as well. */
  readonly lossy: boolean;
}

export interface Preset {
  readonly time: string;
  readonly level: string;
  /** The number beside a level, 1 to 24; null: there is none. */
  readonly levelNumber: string | null;
  readonly message: string;
  /** After tsinit's own fields; else right after the level. */
  readonly messageLast: boolean;
  /** Any JSON value is a message, not only a text. */
  readonly anyMessage: boolean;
  /** Keys that are taken at the top of the line besides those and tsinit's own. */
  readonly taken: readonly string[];
  /** The value of `time`, as JSON text without its quotes. */
  stamp(millis: number): string;
  /** The same for what a line says, a JSON text; null: it says no instant. */
  lineTime(value: string): string | null;
  /** The fields of a level, as JSON text. */
  levelFields(severity: Severity): string;
  /** What a line says of its level and of the number beside it, as JSON texts; null: nothing of use. */
  lineLevel(value: string | null, number: string | null): LineLevel | null;
  /** tsinit's own fields at the top of the line. */
  own(origin: Origin): Readonly<Record<string, unknown>>;
  /** Those of them that a line may have instead: its logger speaks the same language. A dot may be an object there. */
  readonly yields: readonly string[];
  sections(origin: Origin): readonly Section[];
  /** The section that other fields of a line go to; null: they stay at its top. */
  readonly rest: string | null;
  /** Fields of a line that stay at its top although there is such a section: standard name → what loggers call it. */
  readonly top: Readonly<Record<string, readonly string[]>>;
  /** The marks of a piece of a line go to this section; null: to the top. */
  readonly flags: string | null;
  /** Their value. */
  readonly flag: true | "true";
  /** Fields that tell the time in a way of this reader alone: objects, and numbers of seconds. */
  readonly timeFields: readonly string[];
}

/** Where loggers put what every preset has, best first, after the preset's own name. */
export const ALIASES = {
  time: ["time", "@timestamp", "timestamp", "Timestamp", "ts", "@t"],
  level: ["level", "log.level", "severity", "levelname", "SeverityText", "lvl", "@l"],
  message: ["message", "msg", "Body", "@m", "event"],
} as const;

/** Fields as JSON text, without the braces. */
export function renderFields(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(fields).slice(1, -1);
}

function parseScalar(value: string | null): string | number | null {
  if (value === null) return null;
  if (value.startsWith('"')) return String(JSON.parse(value));
  const number = Number(value);
  return Number.isNaN(number) ? null : number;
}

/** A level in the words of the line; numbers, which only one logger knows, in ours. */
function namedLevel(key: string, value: string | null): LineLevel | null {
  const level = parseScalar(value);
  if (level === "" || level === null) return null;
  if (typeof level === "string") return { fields: `"${key}":${value}`, lossy: false };
  const severity = severityOfNumber(level);
  return severity && { fields: `"${key}":"${severity}"`, lossy: false };
}

const rfc3339 = { stamp: renderTimestamp, lineTime: lineTimeAsRfc3339 };

const PLAIN: Preset = {
  ...rfc3339,
  time: "time",
  level: "level",
  levelNumber: null,
  messageLast: true,
  message: "message",
  anyMessage: false,
  taken: [],
  levelFields: (severity) => `"level":"${severity}"`,
  lineLevel: (value) => namedLevel("level", value),
  own: ({ program, group, pid, stream }) => ({ program, group, pid, stream }),
  yields: [],
  sections: () => [],
  rest: null,
  top: {},
  flags: null,
  flag: true,
  timeFields: [],
};

/** Elastic Common Schema by the specification of ecs-logging: dotted names, the first three in this order. */
const ECS_VERSION = "8.11.0";
const ECS: Preset = {
  ...rfc3339,
  time: "@timestamp",
  level: "log.level",
  levelNumber: null,
  messageLast: false,
  message: "message",
  anyMessage: false,
  taken: ["labels.program", "labels.group", "labels.stream", "labels.continued", "labels.partial"],
  levelFields: (severity) => `"log.level":"${severity}"`,
  lineLevel: (value) => namedLevel("log.level", value),
  own: ({ program, pid }) => ({ "ecs.version": ECS_VERSION, "service.name": program, "process.pid": pid }),
  yields: ["ecs.version", "service.name", "process.pid"],
  // ECS has no names for these; labels are for what it has no names for.
  sections: ({ program, group, stream }) => [{ key: "labels", own: { program, group, stream } }],
  rest: null,
  top: {},
  flags: "labels",
  flag: "true",
  timeFields: [],
};

const GCP_SEVERITIES: Readonly<Record<Severity, string>> = {
  emergency: "EMERGENCY",
  alert: "ALERT",
  fatal: "CRITICAL",
  critical: "CRITICAL",
  error: "ERROR",
  warn: "WARNING",
  notice: "NOTICE",
  info: "INFO",
  debug: "DEBUG",
  trace: "DEBUG",
};

/** Google Cloud's structured logging. Labels are texts. */
const LABELS = "logging.googleapis.com/labels";
const GCP: Preset = {
  ...rfc3339,
  time: "time",
  level: "severity",
  levelNumber: null,
  messageLast: false,
  message: "message",
  anyMessage: false,
  taken: [],
  levelFields: (severity) => `"severity":"${GCP_SEVERITIES[severity]}"`,
  lineLevel(value) {
    const level = parseScalar(value);
    if (level === "" || level === null) return null;
    if (typeof level === "number") {
      const severity = severityOfNumber(level);
      return severity && { fields: GCP.levelFields(severity), lossy: false };
    }
    if (level.toUpperCase() === "DEFAULT") return { fields: '"severity":"DEFAULT"', lossy: false };
    const severity = severityOfWord(level);
    if (severity === null) return { fields: '"severity":"DEFAULT"', lossy: true };
    return { fields: GCP.levelFields(severity), lossy: false };
  },
  own: () => ({}),
  yields: [],
  sections: ({ program, group, pid, stream }) => [
    { key: LABELS, own: { program, group, pid: String(pid), stream } },
  ],
  rest: null,
  top: {},
  flags: LABELS,
  flag: "true",
  timeFields: ["timestamp", "timestampSeconds"],
};

/** Appendix B of OpenTelemetry's log data model. */
const SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = {
  emergency: 21,
  alert: 19,
  fatal: 21,
  critical: 18,
  error: 17,
  warn: 13,
  notice: 10,
  info: 9,
  debug: 5,
  trace: 1,
};

/** Each is of four numbers. */
const SEVERITY_RANGES = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/** OpenTelemetry's log data model: times are nanoseconds since 1970, in a text because a number would lose the last ones. */
const OTEL: Preset = {
  time: "Timestamp",
  level: "SeverityText",
  levelNumber: "SeverityNumber",
  messageLast: false,
  message: "Body",
  anyMessage: true,
  taken: [],
  stamp: (millis) => `${millis}000000`,
  lineTime: lineTimeAsNanoseconds,
  levelFields: (severity) =>
    `"SeverityText":"${severity.toUpperCase()}","SeverityNumber":${SEVERITY_NUMBERS[severity]}`,
  lineLevel(value, number) {
    const level = parseScalar(value);
    if (typeof level === "number") {
      const severity = severityOfNumber(level);
      return severity && { fields: OTEL.levelFields(severity), lossy: false };
    }
    if (level === "" || level === null) {
      if (number === null) return null;
      const range = SEVERITY_RANGES[(Number(number) - 1) >> 2];
      return { fields: `"SeverityText":"${range}","SeverityNumber":${number}`, lossy: false };
    }
    const severity = severityOfWord(level);
    // 0: not specified.
    const ours = severity === null ? 0 : SEVERITY_NUMBERS[severity];
    return { fields: `"SeverityText":${value},"SeverityNumber":${number ?? ours}`, lossy: false };
  },
  own: () => ({}),
  yields: [],
  sections: ({ program, group, pid, stream }) => [
    { key: "Resource", own: { "service.name": program, "service.namespace": group, "process.pid": pid } },
    { key: "Attributes", own: { "log.iostream": stream } },
  ],
  rest: "Attributes",
  top: {
    ObservedTimestamp: [],
    TraceId: ["trace_id"],
    SpanId: ["span_id"],
    TraceFlags: ["trace_flags"],
    InstrumentationScope: [],
    EventName: [],
  },
  flags: "Attributes",
  flag: true,
  timeFields: [],
};

const PRESETS: Readonly<Record<GlobalSpec["logKeys"], Preset>> = {
  plain: PLAIN,
  ecs: ECS,
  gcp: GCP,
  otel: OTEL,
};

export function presetOf(name: GlobalSpec["logKeys"]): Preset {
  return PRESETS[name];
}
