/** tsinit's own lines, as the daemon says them: what goes without saying in tini's place, and when one was written last. */
import type { Millis } from "../core/states.ts";
import { isShown } from "../logs/format.ts";
import type { Level, Logs } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";

export interface Voice {
  say(level: Level, text: string): void;
  /** In tini's place tsinit is as silent as tini: only what went wrong. */
  tell(level: Level, text: string): void;
  /** Put into words only for those who read them. */
  debug(text: () => string): void;
  /** SIGPIPE may be of our own making shortly after we wrote something. */
  hasJustWritten(): boolean;
}

export interface VoiceOptions {
  readonly clock: Clock;
  readonly logs: Pick<Logs, "say">;
  readonly level: () => Level;
  /** Whether tsinit stands in tini's place. */
  readonly isQuiet: () => boolean;
}

const OWN_WRITE_MS: Millis = 100;

export function createVoice({ clock, logs, level: shown, isQuiet }: VoiceOptions): Voice {
  let lastWrite = Number.NEGATIVE_INFINITY;

  function say(level: Level, text: string): void {
    lastWrite = clock.now();
    logs.say(level, text);
  }

  return {
    say,
    tell(level, text) {
      if (!isQuiet() || (level !== "info" && level !== "warn")) say(level, text);
    },
    debug(text) {
      if (isShown("debug", shown())) say("debug", text());
    },
    hasJustWritten: () => clock.now() - lastWrite < OWN_WRITE_MS,
  };
}
