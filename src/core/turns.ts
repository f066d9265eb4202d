/**
 * Who is stopped when, outside a shutdown: programs that are stopped for one reason (a reload, a restart) go down in the
 * reverse order of their dependencies, as everything does at the end. What nothing connects goes at the same time, and who
 * does not take part is neither stopped nor waited for. Each wait ends: what is waited for is being stopped itself, and
 * SIGKILL is the end of that.
 */
import { changeProgram, type Draft, patch, setPrograms } from "./draft.ts";
import { orderBySpec } from "./plan.ts";
import type { ProgramId } from "./spec.ts";
import type { ProgramRecord, StopDue } from "./system.ts";

/** Stops those whose turn has come. */
export function takeTurns(draft: Draft): void {
  for (;;) {
    // Asked after every step: without a wait nothing is allocated.
    if (!draft.programs.some(isDue)) return;
    const due = draft.programs.filter(isDue);
    const ready = due.filter(({ stopDue }) => !stopDue?.after.some((id) => isGoing(draft, id)));
    const next = ready.length === 0 && isCircle(draft, due) ? due : ready;
    if (next.length === 0) return;
    for (const { spec, stopDue } of next.reverse())
      if (stopDue !== null) stopNow(draft, spec.id, stopDue.event);
  }
}

function isDue({ stopDue }: ProgramRecord): boolean {
  return stopDue !== null;
}

/** Without its turn. From here on the program is what it is to be next. */
export function stopNow(draft: Draft, id: ProgramId, event: StopDue["event"]): void {
  const position = draft.index.get(id) ?? -1;
  const due = draft.programs[position]?.stopDue ?? null;
  if (due === null) return;
  patch(draft, position, { stopDue: null });
  changeProgram(draft, position, event);
  if (draft.programs[position]?.spec === due.spec) return;
  patch(draft, position, { spec: due.spec });
  setPrograms(draft, orderBySpec(draft.programs));
}

/** Its process ended before its turn came: as if the stop had ended it, but there is nobody left to be signalled. */
export function endDue(draft: Draft, id: ProgramId, event: StopDue["event"]): void {
  const told = draft.effects.length;
  stopNow(draft, id, event);
  const effects = draft.effects.splice(told);
  draft.effects.push(...effects.filter(({ type }) => type !== "kill" && type !== "stop-command"));
  const position = draft.index.get(id) ?? -1;
  const state = draft.programs[position]?.state;
  // Members of its group have not had the signal either.
  if (state?.name === "STOPPING") patch(draft, position, { state: { ...state, signalsSent: 0 } });
}

/** One whose stop was taken back, or that has gone and come back, is not waited for. */
function isGoing(draft: Draft, id: ProgramId): boolean {
  const record = recordOf(draft, id);
  return record !== undefined && (record.stopDue !== null || isStopping(record));
}

/** In a circle everybody waits for everybody: then nobody is spared. */
function isCircle(draft: Draft, due: readonly ProgramRecord[]): boolean {
  const awaited = due.flatMap(({ stopDue }) => stopDue?.after ?? []);
  return !awaited.some((id) => {
    const record = recordOf(draft, id);
    return record !== undefined && isStopping(record);
  });
}

function isStopping({ state, pending, dropping, stoppedByHand }: ProgramRecord): boolean {
  if (state.name === "STOPPING") return true;
  // It is stopped as soon as its spawn is answered.
  const isUnanswered = state.name === "STARTING" && state.pid === null;
  return isUnanswered && (pending !== null || dropping || stoppedByHand);
}

function recordOf(draft: Draft, id: ProgramId): ProgramRecord | undefined {
  return draft.programs[draft.index.get(id) ?? -1];
}
