/** What stands before a line: names, templates, timestamps, colours. Pure. */
import { type GlobalSpec, namespec, type ProgramSpec } from "../core/spec.ts";
import type { Level, StreamName } from "./logs.ts";

/** The name of tsinit's own lines. */
export const OWN_NAME = "tsinit";

/**
 * The mark of a cut line: a piece that goes on ends with it and the piece that follows begins with it. Lines are cut at
 * `log_max_line` and when they stay unfinished for `log_partial_timeout`.
 */
export const CONTINUED = "…";

/** supervisord's thresholds and four letters (supervisord.md 9.1). */
const LEVELS: Readonly<Record<Level, readonly [rank: number, tag: string]>> = {
  critical: [50, "CRIT"],
  error: [40, "ERRO"],
  warn: [30, "WARN"],
  info: [20, "INFO"],
  debug: [10, "DEBG"],
  trace: [5, "TRAC"],
  blather: [3, "BLAT"],
};

/** Whether a line of this level is written when `threshold` is set. */
export function isShown(level: Level, threshold: Level): boolean {
  return LEVELS[level][0] >= LEVELS[threshold][0];
}

export function levelTag(level: Level): string {
  return LEVELS[level][1];
}

/** `2026-11-22T07:49:48.562Z`, always 24 characters, from milliseconds since 1970. */
export function renderTimestamp(millis: number): string {
  return new Date(millis).toISOString();
}

/** `2026-11-24 12:34:56,789`, in local time, as Python's logging writes it. */
export function renderLocalTime(millis: number): string {
  const time = new Date(millis);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day} ${clock},${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** The width of the name column: the longest name shown, `tsinit` included. */
export function nameWidth(programs: readonly ProgramSpec[]): number {
  return programs.reduce((width, spec) => Math.max(width, namespec(spec).length), OWN_NAME.length);
}

/** `web    | `. */
export function autoPrefix(name: string, width: number): string {
  return `${name.padEnd(width)} | `;
}

export interface PrefixValues {
  readonly program_name: string;
  readonly group_name: string;
  readonly process_num: number;
  readonly pid: number;
  readonly stream: StreamName;
}

const FIELD = /%(?:%|\((\w+)\)([-0 +#]*)(\d*)(?:\.(\d+))?([sd]))/g;

/**
 * A template in Python's `%` style, with flags `-` and `0`, width and precision: `%(program_name)-12s|`. What is no known
 * field stays as it is written.
 */
export function renderTemplate(template: string, values: PrefixValues): string {
  const known = new Map<string, string | number>(Object.entries(values));
  return template.replace(
    FIELD,
    (whole, name, flags: string, width: string, precision: string, kind: string) => {
      if (whole === "%%") return "%";
      const value = known.get(name);
      if (value === undefined || (kind === "d" && typeof value !== "number")) return whole;
      const text = kind === "s" && precision ? String(value).slice(0, Number(precision)) : String(value);
      if (flags.includes("-")) return text.padEnd(Number(width));
      return text.padStart(Number(width), kind === "d" && flags.includes("0") ? "0" : " ");
    },
  );
}

export function renderPrefix(spec: ProgramSpec, pid: number, stream: StreamName, width: number): string {
  if (spec.logPrefix === "auto") return autoPrefix(namespec(spec), width);
  return renderTemplate(spec.logPrefix, {
    program_name: spec.name,
    group_name: spec.group,
    process_num: spec.processNum,
    pid,
    stream,
  });
}

/** Foregrounds that can be read on dark and light: cyan, yellow, green, magenta, blue, then their bright ones. */
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

/** The prefix in the colour of the `index`th program; the blank after the bar stays outside. */
export function colourPrefix(prefix: string, index: number): string {
  const text = prefix.trimEnd();
  return `\x1b[${COLOURS[index % COLOURS.length]}m${text}\x1b[0m${prefix.slice(text.length)}`;
}

/**
 * Whether lines to one descriptor are coloured. `auto`: stdout is a terminal, this descriptor is one too, and NO_COLOR
 * (https://no-color.org) is not set to anything.
 */
export function wantsColour(
  setting: GlobalSpec["logColor"],
  stdoutIsTerminal: boolean,
  thisIsTerminal: boolean,
  noColour: string | undefined,
): boolean {
  if (setting !== "auto") return setting === "always";
  return stdoutIsTerminal && thisIsTerminal && !noColour;
}

/** The text that stands for lines that were not written. */
export function droppedText(lines: number, bytes: number): string {
  return `${CONTINUED} ${lines} ${lines === 1 ? "line" : "lines"} (${bytes} bytes) dropped`;
}
