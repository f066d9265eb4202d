/** A program's lines as JSON, written into a queue. The time is that of the chunk, rendered once for all its lines. */
import { JsonLines, type JsonPart } from "./json.ts";
import type { Origin, Preset } from "./json-presets.ts";
import { LEVEL_PREFIX, levelIn, PieceLevels } from "./level-prefix.ts";
import type { OutputQueue, Owner } from "./queue.ts";
import type { Severity } from "./severity.ts";
import type { WallClock, Writer } from "./writers.ts";

/** JSON of so many characters is handed on: many short lines become long ones. */
const BATCH = 64 * 1024;

/** Characters that JSON may have in a text and that some readers end a line at. */
const SEPARATORS = /[\u0085\u2028\u2029]/g;

/** JSON that is one line for everybody. */
export function sealLine(json: string): string {
  return json.replace(
    SEPARATORS,
    (separator) => `\\u${separator.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function hasSeparators(text: string): boolean {
  return text.includes("\u0085") || text.includes("\u2028") || text.includes("\u2029");
}

export interface JsonOptions {
  readonly preset: Preset;
  readonly origin: Origin;
  /** Of lines that say none themselves. */
  readonly severity: Severity;
  /** `<3>` at the beginning of a line is its level. */
  readonly levelPrefix: boolean;
  readonly wall: WallClock;
}

export class JsonWriter implements Writer {
  readonly #queue: OutputQueue;
  readonly #owner: Owner;
  readonly #options: JsonOptions;
  readonly #json: JsonLines;
  readonly #pieces = new PieceLevels();

  constructor(queue: OutputQueue, owner: Owner, options: JsonOptions) {
    this.#queue = queue;
    this.#owner = owner;
    this.#options = options;
    this.#json = new JsonLines(options.preset, options.origin);
  }

  lines(source: Buffer, from: number, to: number): number {
    const { severity, levelPrefix, wall } = this.#options;
    const json = this.#json;
    json.stamp(wall());
    this.#queue.begin(null);
    const text = source.toString("utf8", from, to);
    const seals = hasSeparators(text);
    let batch = "";
    let lines = 0;
    for (let at = 0; at < text.length; lines++) {
      const newline = text.indexOf("\n", at);
      const level = levelPrefix ? levelIn(text, at) : null;
      const line = text.slice(level === null ? at : at + LEVEL_PREFIX, newline);
      batch += json.line(line, level ?? severity);
      at = newline + 1;
      if (batch.length < BATCH) continue;
      this.#append(batch, seals);
      batch = "";
    }
    this.#append(batch, seals);
    return lines;
  }

  piece(source: Buffer, from: number, to: number, continues: boolean, goesOn: boolean): void {
    // The line was written as unfinished and nothing more came: its mark said so already.
    if (from === to && continues && !goesOn) return this.#queue.endLine(this.#owner);
    const { severity, levelPrefix } = this.#options;
    const level = levelPrefix ? this.#pieces.next(source, from, to, continues) : null;
    const marked = level !== null && !continues;
    const text = source.toString("utf8", marked ? from + LEVEL_PREFIX : from, to);
    this.#one(
      text,
      level ?? severity,
      continues || goesOn ? { continued: continues, partial: goesOn } : null,
    );
  }

  notice(text: string): void {
    this.#one(text, "warn", null);
  }

  /** `part` null: a whole line. */
  #one(text: string, severity: Severity, part: JsonPart | null): void {
    const json = this.#json;
    json.stamp(this.#options.wall());
    this.#queue.begin(null);
    this.#append(
      part === null ? json.line(text, severity) : json.piece(text, severity, part),
      hasSeparators(text),
    );
  }

  #append(json: string, seals: boolean): void {
    const bytes = Buffer.from(seals ? sealLine(json) : json);
    this.#queue.append(this.#owner, bytes, 0, bytes.length);
  }
}
