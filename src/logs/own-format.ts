/** What tsinit's own lines look like on the console, by the settings. Pure. */
import type { GlobalSpec } from "../core/spec.ts";
import { autoPrefix, levelTag, OWN_NAME, renderTimestamp } from "./format.ts";
import { JsonLines } from "./json.ts";
import { presetOf } from "./json-presets.ts";
import { sealLine } from "./json-writer.ts";
import type { Level } from "./logs.ts";
import { severityOf } from "./severity.ts";

const WHOLE = { continued: false, partial: false };

export class OwnFormat {
  readonly #prefix: string;
  readonly #stamped: boolean;
  /** null: text. */
  readonly #json: JsonLines | null;

  /** `width`: of the column of names. */
  constructor({ logFormat, logTimestamps, logKeys }: GlobalSpec, width: number, pid: number) {
    // Among raw lines no column has to be kept.
    this.#prefix = autoPrefix(OWN_NAME, logFormat === "raw" ? 0 : width);
    this.#stamped = logTimestamps === "rfc3339";
    const origin = { program: OWN_NAME, group: OWN_NAME, pid, stream: "stderr" } as const;
    this.#json = logFormat === "json" ? new JsonLines(presetOf(logKeys), origin) : null;
  }

  /** Whole lines, newlines included. `wall`: milliseconds since 1970. */
  render(level: Level, text: string, wall: number): Buffer {
    if (this.#json !== null) {
      this.#json.stamp(wall);
      return Buffer.from(sealLine(this.#json.piece(text.toWellFormed(), severityOf(level), WHOLE)));
    }
    const time = this.#stamped ? `${renderTimestamp(wall)} ` : "";
    const head = `${time}${this.#prefix}${levelTag(level)} `;
    return Buffer.from(`${head}${text.split("\n").join(`\n${head}`)}\n`);
  }
}
