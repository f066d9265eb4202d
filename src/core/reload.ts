/**
 * A new plan for a running system: what is gone is stopped, what is new is started, what is the same is not
 * touched.
 */
import { dependantsAmong, restartedBefore } from "./conditions.ts";
import { diffGroups, diffSpecs } from "./diff.ts";
import { type Draft, isReady, patch, say, setPrograms, stopInTurn, stopRest, takeAlong } from "./draft.ts";
import { assertUniqueIds, orderBySpec, orderPrograms } from "./plan.ts";
import { adjust } from "./program-checks.ts";
import { isRestarted } from "./program-run.ts";
import type { Plan, ProgramId, ProgramSpec } from "./spec.ts";
import { createRecord, type ProgramRecord, type StopDue } from "./system.ts";

/** Those that have to be down before a program is stopped. */
type Dependants = readonly ProgramId[] | undefined;

/** HUP or `update`. Ignored during a shutdown. Throws when the plan names a program twice. */
export function reload(draft: Draft, plan: Plan): void {
  if (draft.shutdown !== null) return;
  const groups = diffGroups(draft.plan, plan);
  adopt(draft, plan);
  for (const group of groups.added) say(draft, { type: "group-added", group });
  for (const group of groups.removed)
    if (!hasMembers(draft, group)) say(draft, { type: "group-removed", group });
  say(draft, { type: "reloaded", ...groups });
}

/** `add`: one group of another plan. Nothing when it is there already, or the plan does not have it. */
export function addGroup(draft: Draft, plan: Plan, name: string): void {
  const group = plan.groups.find((candidate) => candidate.name === name);
  const isKnown = draft.plan.groups.some((candidate) => candidate.name === name);
  if (draft.shutdown !== null || group === undefined || isKnown) return;
  adopt(draft, withGroup(draft.plan, plan, name));
  say(draft, { type: "group-added", group: name });
}

/**
 * `update` of one group: its members as another plan has them, each as in a reload. Those in `stopped` were stopped for
 * it, by nobody's wish, and start again. Nothing when either plan does not have the group.
 */
export function replaceGroup(draft: Draft, plan: Plan, name: string, stopped: readonly ProgramId[]): void {
  const isKnown = [plan, draft.plan].every(({ groups }) => groups.some((group) => group.name === name));
  if (draft.shutdown !== null || !isKnown) return;
  for (const id of stopped) {
    const position = draft.index.get(id) ?? -1;
    const record = draft.programs[position];
    if (record?.spec.group !== name || !record.stoppedByHand) continue;
    patch(draft, position, { stoppedByHand: false, pending: { restart: "reload" } });
  }
  adopt(draft, withGroup(draft.plan, plan, name));
  say(draft, { type: "reloaded", added: [], changed: [name], removed: [] });
}

/** The plan with one group, and all in it, as another plan has it. Its settings stay. */
export function withGroup(plan: Plan, other: Plan, name: string): Plan {
  const group = other.groups.filter((candidate) => candidate.name === name);
  const members = other.programs.filter((spec) => spec.group === name);
  const isOther = (spec: ProgramSpec): boolean => spec.group !== name;
  return {
    ...plan,
    groups: plan.groups.some((candidate) => candidate.name === name)
      ? plan.groups.flatMap((candidate) => (candidate.name === name ? group : [candidate]))
      : [...plan.groups, ...group],
    programs: orderPrograms([...plan.programs.filter(isOther), ...members]),
  };
}

/**
 * `remove`: only while no program of the group has a process or waits for its next try. UNKNOWN counts as
 * having one, unlike supervisord: dropped and added again the program would run twice.
 */
export function removeGroup(draft: Draft, name: string): void {
  if (draft.shutdown !== null || !draft.plan.groups.some((group) => group.name === name)) return;
  const members = draft.programs.filter((record) => record.spec.group === name);
  if (!members.every(isDown)) return;
  adopt(draft, {
    ...draft.plan,
    groups: draft.plan.groups.filter((group) => group.name !== name),
    programs: draft.plan.programs.filter((spec) => spec.group !== name),
  });
  if (members.length === 0) say(draft, { type: "group-removed", group: name });
}

/** Removed, and its process is gone. */
export function isForgettable(record: ProgramRecord): boolean {
  return record.dropping && isDown(record);
}

/** Forgets removed programs whose process is gone, and says when a group has lost its last. */
export function dropRemoved(draft: Draft): void {
  if (!draft.isRemoving) return;
  const gone = draft.programs.filter(isForgettable);
  draft.isRemoving = draft.programs.some((record) => record.dropping && !isForgettable(record));
  if (gone.length === 0) return;
  setPrograms(
    draft,
    // What depended on them may belong to an earlier tier now.
    orderBySpec(draft.programs.filter((record) => !isForgettable(record))),
  );
  for (const group of new Set(gone.map((record) => record.spec.group))) {
    const isPlanned = draft.plan.groups.some((candidate) => candidate.name === group);
    if (!isPlanned && !hasMembers(draft, group)) say(draft, { type: "group-removed", group });
  }
}

/** No process of it is left, nor will it try again by itself. */
export function isDown({ state }: ProgramRecord): boolean {
  return state.name === "STOPPED" || state.name === "EXITED" || state.name === "FATAL";
}

function hasMembers(draft: Draft, group: string): boolean {
  return draft.programs.some((record) => record.spec.group === group);
}

/** What a new plan does to a program. */
type Change = "removed" | ReturnType<typeof diffSpecs>;

function adopt(draft: Draft, plan: Plan): void {
  assertUniqueIds(plan.programs);
  const wanted = new Map(plan.programs.map((spec) => [spec.id, spec]));
  const changes = draft.programs.map((record) => changeOf(record, wanted.get(record.spec.id)));
  const { taken, first } = stopsOf(draft, wanted, changes);
  for (let i = 0; i < draft.programs.length; i++) {
    const record = draft.programs[i];
    if (record === undefined) continue;
    const { id } = record.spec;
    const spec = wanted.get(id);
    if (spec === undefined) retire(draft, i, first.get(id));
    else if (changes[i] === "restart") renew(draft, i, record, spec, first.get(id));
    else if (changes[i] === "live") keep(draft, i, record, spec);
  }
  takeAlong(draft, taken, first);
  const added = plan.programs
    .filter((spec) => !draft.index.has(spec.id))
    .map(
      (spec): ProgramRecord => ({
        ...createRecord(spec),
        pending: spec.autostart ? { restart: null } : null,
      }),
    );
  draft.plan = plan;
  setPrograms(draft, orderBySpec([...draft.programs, ...added]));
}

/** What waits for its turn to be stopped was to be restarted or removed by another plan: so it is not kept by this one. */
function changeOf(record: ProgramRecord, spec: ProgramSpec | undefined): Change {
  if (spec === undefined) return "removed";
  return record.dropping || record.stopDue !== null ? "restart" : diffSpecs(record.spec, spec);
}

/** Of all that stop, who has to be down before whom; `taken`: those that have not changed and are restarted with others. */
function stopsOf(
  draft: Draft,
  wanted: ReadonlyMap<ProgramId, ProgramSpec>,
  changes: readonly Change[],
): { readonly taken: readonly ProgramId[]; readonly first: ReturnType<typeof dependantsAmong> } {
  const isMeant = (wish: Change) => (_: unknown, i: number) => changes[i] === wish;
  const removed = draft.programs.filter(isMeant("removed"));
  const renewed = draft.programs.filter(isMeant("restart"));
  const ids = new Set([...removed, ...renewed].map(({ spec }) => spec.id));
  // Who is restarted with whom is said by the new plan, whose process needs whom by the old one.
  const programs = draft.programs.map((record) => ({
    ...record,
    spec: wanted.get(record.spec.id) ?? record.spec,
  }));
  const taken = renewed
    .filter(({ state }) => state.name === "STARTING" || state.name === "RUNNING")
    .flatMap(({ spec }) => restartedBefore({ programs, index: draft.index }, spec.id))
    .filter((id) => !ids.has(id));
  return { taken, first: dependantsAmong(draft, [...ids, ...taken]) };
}

function retire(draft: Draft, position: number, first: Dependants): void {
  patch(draft, position, { dropping: true, pending: null, queued: false, blocked: null });
  draft.isRemoving = true;
  if (changeDue(draft, position, first, { event: { type: "stop" } })) return;
  if (!stopRest(draft, position)) stopInTurn(draft, position, first, { type: "stop" });
}

/** Another plan finds it waiting for its turn to be stopped: it goes on to wait, for what it is to be now. */
function changeDue(draft: Draft, position: number, first: Dependants, fields: Partial<StopDue>): boolean {
  const due = draft.programs[position]?.stopDue ?? null;
  if (due === null) return false;
  const after = [...new Set([...due.after, ...(first ?? [])])];
  patch(draft, position, { stopDue: { ...due, ...fields, after } });
  return true;
}

/** The new keys apply to the process that runs. */
function keep(draft: Draft, position: number, record: ProgramRecord, spec: ProgramSpec): void {
  const state = adjust(record.spec, spec, record.state, draft.now);
  // Whoever waits for that starts now.
  if (isReady(state) && !isReady(record.state))
    say(draft, { type: "ready", id: spec.id, ready: true, reason: "" });
  patch(draft, position, { spec, state, pending: atOnce(record) ?? startAfterChange(record, spec) });
}

/** Under new keys a restart does not wait for what went wrong under the old ones. */
function atOnce({ pending }: ProgramRecord): ProgramRecord["pending"] {
  return pending === null ? null : { restart: pending.restart };
}

/**
 * What is down and would not be, had it had the new keys before: one that gave up is tried again, one that ended is
 * started when its new policy says so.
 */
function startAfterChange(record: ProgramRecord, next: ProgramSpec): ProgramRecord["pending"] {
  const { state, spec } = record;
  switch (state.name) {
    case "STOPPED":
      return newlyWanted(record, next);
    case "FATAL":
      return next.autostart ? { restart: "reload" } : null;
    case "EXITED": {
      const isOver = state.restartAt === null && !isRestarted(spec, state.status);
      return isOver && isRestarted(next, state.status) ? { restart: "reload" } : null;
    }
    case "STARTING":
    case "RUNNING":
    case "BACKOFF":
    case "STOPPING":
    case "UNKNOWN":
      return null;
  }
}

/** `autostart` was switched on for a program that nobody stopped: it starts as an added one would. */
function newlyWanted(
  { spec, state, stoppedByHand }: ProgramRecord,
  next: ProgramSpec,
): ProgramRecord["pending"] {
  const isNew = next.autostart && !spec.autostart && !stoppedByHand && state.name === "STOPPED";
  return isNew ? { restart: null } : null;
}

/**
 * Another process is needed. The old one gets the old spec's first stop signal; the record has the new spec
 * from here on, so the new process, whenever it may start, is the new one.
 */
function renew(
  draft: Draft,
  position: number,
  record: ProgramRecord,
  spec: ProgramSpec,
  first: Dependants,
): void {
  const wasDue = record.stopDue !== null;
  const pending = wasDue && !record.dropping ? record.pending : startAfterRenewal(record, spec);
  if (!wasDue && !stopRest(draft, position)) stopInTurn(draft, position, first, { type: "stop" });
  patch(draft, position, { dropping: false, pending });
  if (!changeDue(draft, position, first, { spec })) patch(draft, position, { spec });
}

function startAfterRenewal(record: ProgramRecord, spec: ProgramSpec): ProgramRecord["pending"] {
  const again = { restart: record.hasRun ? "reload" : null } as const;
  if (record.dropping && record.state.name === "STOPPED")
    return spec.autostart && !record.stoppedByHand ? again : null;
  switch (record.state.name) {
    case "STARTING":
    case "RUNNING":
      return again;
    case "STOPPING":
      if (!record.dropping) return atOnce(record);
      return spec.autostart && !record.stoppedByHand ? again : null;
    case "BACKOFF":
    case "EXITED":
    case "FATAL":
      return spec.autostart ? again : null;
    case "STOPPED":
      return atOnce(record) ?? newlyWanted(record, spec);
    case "UNKNOWN":
      return null;
  }
}
