/** Random numbers that a seed decides. Every actor has a source of its own, so that one's pace does not change another's. */

import { mulberry32 } from "../fakes/random.ts";

export interface Random {
  /** From `from` up to but not including `to`. */
  readonly between: (from: number, to: number) => number;
  readonly below: (limit: number) => number;
  readonly isOneIn: (count: number) => boolean;
  readonly pick: <T>(choices: readonly T[]) => T;
  /** A source of its own for somebody. */
  readonly fork: (name: string) => Random;
}

export function createRandom(seed: number): Random {
  const next = mulberry32(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    between: (from, to) => from + next() * (to - from),
    below,
    isOneIn: (count) => below(count) === 0,
    pick: <T>(choices: readonly T[]): T => {
      if (choices.length === 0) throw new Error("nothing to pick from");
      return choices[below(choices.length)] as T;
    },
    fork: (name) => {
      let hash = seed >>> 0;
      for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
      return createRandom(hash);
    },
  };
}
