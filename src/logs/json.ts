/** The lines of one stream as JSON, one object and one line each. What does not change from line to line is rendered once. Pure. */
import { Merger } from "./json-merge.ts";
import { type Origin, type Preset, renderFields } from "./json-presets.ts";
import type { Severity } from "./severity.ts";

/** A piece of a line. */
export interface JsonPart {
  /** Earlier pieces of this line were written. */
  readonly continued: boolean;
  /** More of this line follows or may follow. */
  readonly partial: boolean;
}

const WHOLE: JsonPart = { continued: false, partial: false };

export class JsonLines {
  readonly #preset: Preset;
  readonly #origin: Origin;
  readonly #own: string;
  /** What stands after the message, by the marks of a piece. */
  readonly #closes = new Map<string, string>();
  /** What stands before it in lines of this time. */
  readonly #opens = new Map<Severity, string>();
  #time = "";
  #stampedAt = Number.NaN;
  /** Made for the first line that may be an object. */
  #merger: Merger | null = null;

  constructor(preset: Preset, origin: Origin) {
    this.#preset = preset;
    this.#origin = origin;
    this.#own = renderFields(preset.own(origin));
  }

  /** When the lines that follow are read, in milliseconds since 1970. */
  stamp(millis: number): void {
    if (millis === this.#stampedAt) return;
    this.#stampedAt = millis;
    this.#time = `"${this.#preset.time}":"${this.#preset.stamp(millis)}"`;
    this.#opens.clear();
  }

  /** A whole line, newline included. */
  line(text: string, severity: Severity): string {
    return this.#merge(text, severity) ?? this.piece(text, severity, WHOLE);
  }

  /** Always the message, never merged. */
  piece(text: string, severity: Severity, part: JsonPart): string {
    return this.#open(severity) + JSON.stringify(text) + this.#close(part);
  }

  /** null: it is no object. Cheap for most that is none. */
  #merge(text: string, severity: Severity): string | null {
    const first = text.charCodeAt(0);
    // `{`, or blanks that may stand before it.
    if (first !== 0x7b && first !== 0x20 && first !== 0x09 && first !== 0x0d) return null;
    this.#merger ??= new Merger(this.#preset, this.#origin);
    return this.#merger.merge(text, this.#time, severity);
  }

  #open(severity: Severity): string {
    let open = this.#opens.get(severity);
    if (open === undefined) {
      const { message, messageLast } = this.#preset;
      const own = messageLast && this.#own !== "" ? `${this.#own},` : "";
      open = `{${this.#time},${this.#preset.levelFields(severity)},${own}"${message}":`;
      this.#opens.set(severity, open);
    }
    return open;
  }

  #close(part: JsonPart): string {
    const { continued, partial } = part;
    const which = continued ? (partial ? "both" : "continued") : partial ? "partial" : "whole";
    let close = this.#closes.get(which);
    if (close === undefined) {
      close = this.#renderClose(part);
      this.#closes.set(which, close);
    }
    return close;
  }

  #renderClose({ continued, partial }: JsonPart): string {
    const { messageLast, flags, flag } = this.#preset;
    const marks = { ...(continued && { continued: flag }), ...(partial && { partial: flag }) };
    const fields = messageLast ? [] : [this.#own];
    for (const { key, own } of this.#preset.sections(this.#origin))
      fields.push(renderFields({ [key]: key === flags ? { ...own, ...marks } : own }));
    if (flags === null) fields.push(renderFields(marks));
    return `${["", ...fields.filter((text) => text !== "")].join(",")}}\n`;
  }
}
