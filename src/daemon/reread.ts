/**
 * Reads the configuration again and says what came of it: what is wrong, and what of it a running init cannot take up.
 * Nothing that runs is changed here.
 */
import { type Config, type Problem, renderProblem } from "../config/config.ts";
import type { Loaded } from "../config/load.ts";
import type { GlobalSpec, Plan } from "../core/spec.ts";
import type { Level } from "../logs/logs.ts";

/** A broken file of a thousand programs is not to push everything else out of the log, or to fill an answer. */
const MAX_LINES = 20;

export interface ReloadFacts {
  successful: boolean;
  /** Seconds since 1970. */
  successAt: number;
}

export interface RereadOptions {
  readonly load: () => Loaded;
  /** What tsinit was started with: its listeners are of this one. */
  readonly started: Config;
  readonly activePlan: () => Plan;
  readonly say: (level: Level, text: string) => void;
  readonly wall: () => number;
}

export type RereadResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly errors: string[] };

export interface Rereader {
  /** `applies`: the settings are about to be used too, not only groups. */
  read(applies: boolean): RereadResult;
  /** The last good one. */
  last(): Config;
  readonly facts: ReloadFacts;
}

export function createRereader({ load, started, activePlan, say, wall }: RereadOptions): Rereader {
  let last = started;
  const facts: ReloadFacts = { successful: true, successAt: wall() };
  const sayAll = (level: Level, lines: readonly string[]): void => {
    for (const line of lines) say(level, line);
  };
  return {
    read(applies) {
      const loaded = load();
      facts.successful = loaded.ok;
      if (!loaded.ok) {
        const errors = renderSome(loaded.errors);
        sayAll("error", errors);
        say("error", "the configuration was not changed");
        return { ok: false, errors };
      }
      facts.successAt = wall();
      last = loaded.config;
      sayAll("warn", renderSome(last.warnings));
      const fixed = fixedChanges(started, last);
      if (fixed.length > 0)
        say("warn", `changed, but only a new start of tsinit applies it: ${fixed.join(", ")}`);
      const waiting = applies ? [] : changedSettings(activePlan().global, last.plan.global);
      if (waiting.length > 0)
        say("info", `changed settings that HUP or reload will apply: ${waiting.join(", ")}`);
      return { ok: true, config: last };
    },
    last: () => last,
    facts,
  };
}

/** The first so many as lines, and how many more there are. */
export function renderSome(problems: readonly Problem[], most = MAX_LINES): string[] {
  const lines = problems.slice(0, most).map(renderProblem);
  const rest = problems.length - lines.length;
  return rest === 0 ? lines : [...lines, `… and ${rest} more`];
}

/** Listeners and files that are opened once, at the start: the keys that differ. */
export function fixedChanges(started: Config, next: Config): string[] {
  const out: string[] = [];
  if (!isSame(started.plan.global.listen, next.plan.global.listen)) out.push("[tsinit] listen");
  if (!isSame(started.control, next.control)) out.push("the control socket");
  const before = new Map(started.servers.map((server) => [server.section, server]));
  for (const server of next.servers) {
    if (!isSame(before.get(server.section), server)) out.push(`[${server.section}]`);
    before.delete(server.section);
  }
  for (const section of before.keys()) out.push(`[${section}]`);
  if (started.supervisord.pidfile !== next.supervisord.pidfile) out.push("[supervisord] pidfile");
  return out;
}

/** Keys of [tsinit] and [supervisord] that differ, as they are written. `listen` is none of them: see above. */
export function changedSettings(active: GlobalSpec, next: GlobalSpec): string[] {
  const before = new Map<string, unknown>(Object.entries(active));
  return Object.entries(next)
    .filter(([key, value]) => key !== "listen" && !isSame(before.get(key), value))
    .map(([key]) => (key === "logLevel" ? "loglevel" : key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)));
}

/** Plain data, made by the same code each time: its text tells. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
