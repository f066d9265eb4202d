/** The journal as tsinit's own lines; a program that says the same again and again is counted instead. */
import type { JournalEntry } from "../core/effect.ts";
import type { Level } from "../logs/logs.ts";
import { Repeats } from "../logs/repeats.ts";
import { renderEntry, type SpecOf } from "../logs/wording.ts";
import type { Clock } from "./clock.ts";

export interface Narrator {
  onEntry(entry: JournalEntry): void;
  /** What was counted so far is told. */
  finish(): void;
}

export interface NarratorOptions {
  readonly clock: Clock;
  readonly specOf: SpecOf;
  readonly say: (level: Level, text: string) => void;
}

export function createNarrator({ clock, specOf, say }: NarratorOptions): Narrator {
  const repeats = new Repeats();
  let isWaiting = false;

  function tell(what: "due" | "all"): void {
    for (const { level, text } of repeats.take(clock.now(), what)) say(level, text);
  }

  function waitForMore(): void {
    if (isWaiting || repeats.due === null) return;
    isWaiting = true;
    clock.after(Math.max(0, repeats.due - clock.now()), () => {
      isWaiting = false;
      tell("due");
      waitForMore();
    });
  }

  return {
    onEntry(entry) {
      const line = renderEntry(entry, specOf);
      if (line === null) return;
      if (!("id" in entry) || repeats.admit(entry.id, line, clock.now())) say(line.level, line.text);
      else waitForMore();
    },
    finish: () => tell("all"),
  };
}
