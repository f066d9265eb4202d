/** What tsinit's own lines look like on the console, by the settings. Pure. */
import type { GlobalSpec } from "../core/spec.ts";
import { autoPrefix, levelTag, OWN_NAME, renderTimestamp } from "./format.ts";
import type { JsonFormats } from "./json-formats.ts";
import type { Level } from "./logs.ts";

export class OwnFormat {
  readonly #prefix: string;
  readonly #stamped: boolean;
  /** null: text. */
  readonly #json: ReturnType<JsonFormats["own"]> | null;

  /** `width`: of the column of names; `json`: there where the settings ask for it. */
  constructor(
    { logFormat, logTimestamps, logKeys }: GlobalSpec,
    width: number,
    pid: number,
    json: JsonFormats | null,
  ) {
    // Among raw lines no column has to be kept.
    this.#prefix = autoPrefix(OWN_NAME, logFormat === "raw" ? 0 : width);
    this.#stamped = logTimestamps === "rfc3339";
    this.#json = logFormat === "json" && json !== null ? json.own(logKeys, pid) : null;
  }

  /** Whole lines, newlines included. `wall`: milliseconds since 1970. */
  render(level: Level, text: string, wall: number): Buffer {
    if (this.#json !== null) return Buffer.from(this.#json(level, text, wall));
    const time = this.#stamped ? `${renderTimestamp(wall)} ` : "";
    const head = `${time}${this.#prefix}${levelTag(level)} `;
    return Buffer.from(`${head}${text.split("\n").join(`\n${head}`)}\n`);
  }
}
