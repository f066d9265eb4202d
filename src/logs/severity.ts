/** How serious a line is: syslog's eight severities and the two that only programs' own words have. Pure. */
import type { Level } from "./logs.ts";

export type Severity =
  | "emergency"
  | "alert"
  | "fatal"
  | "critical"
  | "error"
  | "warn"
  | "notice"
  | "info"
  | "debug"
  | "trace";

/** By syslog's number, which is also that of sd-daemon(3)'s `<N>`. */
const SYSLOG: readonly Severity[] = [
  "emergency",
  "alert",
  "critical",
  "error",
  "warn",
  "notice",
  "info",
  "debug",
];

/** 0 to 7. */
export function syslogSeverity(number: number): Severity {
  return SYSLOG[number] ?? "info";
}

export function syslogNumber(severity: Severity): number {
  const number = SYSLOG.indexOf(severity);
  if (number >= 0) return number;
  return severity === "fatal" ? 2 : 7;
}

export function severityOf(level: Level): Severity {
  return level === "blather" ? "trace" : level;
}

/** What loggers call their levels, in lower case. */
const WORDS: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ["emergency", "emergency"],
  ["emerg", "emergency"],
  ["alert", "alert"],
  ["panic", "alert"],
  ["fatal", "fatal"],
  ["critical", "critical"],
  ["crit", "critical"],
  ["dpanic", "critical"],
  ["error", "error"],
  ["err", "error"],
  ["severe", "error"],
  ["warning", "warn"],
  ["warn", "warn"],
  ["notice", "notice"],
  ["info", "info"],
  ["information", "info"],
  ["informational", "info"],
  ["debug", "debug"],
  ["trace", "trace"],
  ["verbose", "trace"],
]);

/** null: no level that anybody agreed on, such as `SUCCESS`. */
export function severityOfWord(word: string): Severity | null {
  return WORDS.get(word) ?? WORDS.get(word.toLowerCase()) ?? null;
}

/** Those of pino and bunyan; syslog's, which GELF has, are below all of them. */
const NUMBERS: ReadonlyMap<number, Severity> = new Map<number, Severity>([
  [10, "trace"],
  [20, "debug"],
  [30, "info"],
  [40, "warn"],
  [50, "error"],
  [60, "fatal"],
]);

export function severityOfNumber(number: number): Severity | null {
  return NUMBERS.get(number) ?? SYSLOG[number] ?? null;
}
