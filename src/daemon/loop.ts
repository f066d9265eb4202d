/**
 * The heart: one event at a time, to completion, nothing awaits inside. Five rules:
 * an effect's result is handled before any event from outside; due deadlines fire before the loop sleeps;
 * nobody else changes state; the clock keeps one wake-up for the earliest deadline; after boot nothing is thrown out of it.
 */
import type { Effect } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import { nextDeadline, type System, step } from "../core/system.ts";
import type { Clock } from "./clock.ts";

export interface Loop {
  /** Hands an event in. It is handled before this returns, unless the loop is already at work: then right after. */
  submit(event: SystemEvent): void;
  system(): System;
}

export interface LoopOptions {
  readonly clock: Clock;
  readonly system: System;
  /** Does what the core decided. Events it returns are answers: they go before everything that waits. */
  readonly perform: (effect: Effect) => SystemEvent | null;
  /** Something was thrown inside: the event is dropped, the loop goes on. */
  readonly onFault: (error: unknown, event: SystemEvent) => void;
}

/** A `time` event that changes nothing must not spin the loop: after so many in a row it waits for the clock. */
const IDLE_TURNS = 1000;

export function createLoop(options: LoopOptions): Loop {
  const { clock, perform, onFault } = options;
  let system = options.system;
  let busy = false;
  let waiting: SystemEvent[] = [];

  function handle(event: SystemEvent): void {
    const answers: SystemEvent[] = [];
    try {
      const [next, effects] = step(system, event, clock.now());
      system = next;
      for (const effect of effects) {
        const answer = perform(effect);
        if (answer) answers.push(answer);
      }
    } catch (error) {
      onFault(error, event);
    }
    for (const answer of answers) handle(answer);
  }

  function run(): void {
    busy = true;
    let idle = 0;
    for (;;) {
      const batch = waiting;
      waiting = [];
      for (const event of batch) handle(event);
      if (waiting.length > 0) continue;
      const deadline = nextDeadline(system);
      if (deadline === null || deadline > clock.now() || ++idle > IDLE_TURNS) break;
      handle({ type: "time" });
    }
    busy = false;
    const deadline = nextDeadline(system);
    clock.wakeAt(deadline !== null && idle > IDLE_TURNS ? clock.now() + 100 : deadline);
  }

  clock.onWake(() => submit({ type: "time" }));

  function submit(event: SystemEvent): void {
    waiting.push(event);
    if (!busy) run();
  }

  return { submit, system: () => system };
}
