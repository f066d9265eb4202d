/**
 * Several programs stopped by one command: who depends on another goes first, as at the end of the container, so that a
 * worker can finish what it is at while its database is there. What nothing connects stops at the same time.
 */
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import type { Control } from "./control.ts";
import { type Settled, stopPrograms } from "./waits.ts";

/** Resolves with every program; without `wait` at once, while the stop goes on. */
export async function stopInOrder(
  control: Control,
  programs: readonly ProgramSnapshot[],
  wait: boolean,
): Promise<Settled[]> {
  const waves = wavesOf(programs, control.snapshot().programs);
  if (waves.length < 2) return stopPrograms(control, programs, wait);
  const stopped = stopAll(control, waves);
  if (wait) return stopped;
  stopped.catch(() => {});
  return programs.map(({ spec }) => ({ spec, fault: null }));
}

async function stopAll(control: Control, waves: readonly ProgramSnapshot[][]): Promise<Settled[]> {
  const settled: Settled[] = [];
  for (const wave of waves) settled.push(...(await stopPrograms(control, wave, true)));
  return settled;
}

/** First those that none of the others depends on, also through one that is not among them: a migration, done long ago. */
function wavesOf(
  programs: readonly ProgramSnapshot[],
  all: readonly ProgramSnapshot[],
): readonly ProgramSnapshot[][] {
  const dependants = new Map<ProgramId, ProgramId[]>();
  for (const { id, spec } of all)
    for (const other of spec.dependsOn) dependants.set(other.id, [...(dependants.get(other.id) ?? []), id]);
  const meant = new Set(programs.map(({ id }) => id));
  const heights = new Map<ProgramId, number>();
  const heightOf = (id: ProgramId): number => {
    const known = heights.get(id);
    if (known !== undefined) return known;
    // Set before it is final: a circle ends here.
    heights.set(id, 0);
    const height = (dependants.get(id) ?? []).reduce(
      (most, other) => Math.max(most, heightOf(other) + (meant.has(other) ? 1 : 0)),
      0,
    );
    heights.set(id, height);
    return height;
  };
  const waves = Map.groupBy(programs, ({ id }) => heightOf(id));
  return [...waves].sort(([a], [b]) => a - b).map(([, wave]) => wave);
}
