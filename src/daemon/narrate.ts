/** The journal as tsinit's own lines; a program that says the same again and again is counted instead. */
import type { JournalEntry } from "../core/effect.ts";
import type { ProgramId } from "../core/spec.ts";
import type { Level } from "../logs/logs.ts";
import { Repeats } from "../logs/repeats.ts";
import { type LogLine, renderEntry, renderWaiting, type SpecOf } from "../logs/wording.ts";
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

/** A stop that takes longer is told of, and again after each such time; of all that are left in a shutdown likewise. */
const STOP_MS = 200;
const STOP_AGAIN_MS = 2000;
const DIE_AGAIN_MS = 3000;

export function createNarrator({ clock, specOf, say }: NarratorOptions): Narrator {
  const repeats = new Repeats();
  let isWaiting = false;
  /** Programs being stopped. */
  const stopping = new Map<ProgramId, object>();
  /** Those that the shutdown waits for; null: there is none. */
  let dying: Set<ProgramId> | null = null;

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

  function sayWaiting(ids: readonly ProgramId[], until: "stop" | "die"): void {
    const { level, text } = renderWaiting(ids, until, specOf);
    say(level, text);
  }

  function awaitStop(id: ProgramId, stop: object, millis: number): void {
    clock.after(millis, () => {
      if (stopping.get(id) !== stop || dying !== null) return;
      sayWaiting([id], "stop");
      awaitStop(id, stop, STOP_AGAIN_MS);
    });
  }

  function awaitDeath(): void {
    clock.after(DIE_AGAIN_MS, () => {
      if (dying === null || dying.size === 0) return;
      sayWaiting([...dying], "die");
      awaitDeath();
    });
  }

  /** Whom a stop or the shutdown waits for. */
  function follow(entry: JournalEntry): void {
    if (entry.type === "waiting") {
      dying = new Set(entry.ids);
      awaitDeath();
    }
    if (entry.type !== "state") return;
    const { id, to } = entry;
    stopping.delete(id);
    if (to.name !== "STOPPING") dying?.delete(id);
    else if (dying === null) {
      const stop = {};
      stopping.set(id, stop);
      awaitStop(id, stop, STOP_MS);
    }
  }

  /** Giving up is never one of many. */
  function isTold(entry: JournalEntry, line: LogLine): boolean {
    if (!("id" in entry) || (entry.type === "state" && entry.to.name === "FATAL")) return true;
    return repeats.admit(entry.id, line, clock.now());
  }

  return {
    onEntry(entry) {
      const line = renderEntry(entry, specOf);
      if (line !== null && isTold(entry, line)) say(line.level, line.text);
      else if (line !== null) waitForMore();
      follow(entry);
    },
    finish: () => tell("all"),
  };
}
