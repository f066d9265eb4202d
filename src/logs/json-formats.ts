/** All that JSON output needs, behind one door: it is loaded where a configuration asks for JSON. */
import type { GlobalSpec, ProgramSpec } from "../core/spec.ts";
import { OWN_NAME } from "./format.ts";
import { JsonLines } from "./json.ts";
import { presetOf } from "./json-presets.ts";
import { JsonWriter, sealLine } from "./json-writer.ts";
import type { Level, StreamName } from "./logs.ts";
import type { OutputQueue, Owner } from "./queue.ts";
import { severityOf } from "./severity.ts";
import type { WallClock, Writer } from "./writers.ts";

const WHOLE = { continued: false, partial: false };

export interface Run {
  readonly spec: ProgramSpec;
  readonly pid: number;
  readonly stream: StreamName;
}

export interface JsonFormats {
  /** Of one stream of a program. */
  writer(queue: OutputQueue, owner: Owner, keys: GlobalSpec["logKeys"], run: Run, wall: WallClock): Writer;
  /** Of tsinit's own lines; `wall`: milliseconds since 1970. */
  own(keys: GlobalSpec["logKeys"], pid: number): (level: Level, text: string, wall: number) => string;
}

export const jsonFormats: JsonFormats = {
  writer: (queue, owner, keys, { spec, pid, stream }, wall) =>
    new JsonWriter(queue, owner, {
      preset: presetOf(keys),
      origin: { program: spec.name.toWellFormed(), group: spec.group.toWellFormed(), pid, stream },
      severity: stream === "stdout" ? "info" : "error",
      levelPrefix: spec.logLevelPrefix,
      wall,
    }),
  own: (keys, pid) => {
    const lines = new JsonLines(presetOf(keys), {
      program: OWN_NAME,
      group: OWN_NAME,
      pid,
      stream: "stderr",
    });
    return (level, text, wall) => {
      lines.stamp(wall);
      return sealLine(lines.piece(text.toWellFormed(), severityOf(level), WHOLE));
    };
  },
};
