/** What a program waits for before it may start (product 2.4, `depends_on`), and what can no longer come true. */
import { describeStatus } from "./describe.ts";
import { type Dependency, namespec, type ProgramId } from "./spec.ts";
import type { ProgramRecord } from "./system.ts";

/** The first condition that does not hold. */
export interface Block {
  /** It cannot come true by itself: the other one has given up, or ended otherwise than wanted. */
  readonly failed: boolean;
  /** Nobody is about to make it true: the other one is down and stays so, has failed, or was removed. */
  readonly stuck: boolean;
  /** `waiting for redis to be ready`, `migrate failed: exit status 1`: for the status column. */
  readonly text: string;
  /** What a failed one ended with, as a shell would show it. */
  readonly code: number;
}

export interface Others {
  readonly programs: readonly ProgramRecord[];
  readonly index: ReadonlyMap<ProgramId, number>;
}

/**
 * `blocks`: what was found while states and wishes were as they are now. Without it a program that depends on three, which
 * depend on the same three … would have each of them looked at once for every way that leads there.
 */
export interface Judged extends Others {
  readonly blocks: Map<ProgramId, Block | null>;
}

/** Who waits for the one that is looked at. */
interface Path {
  readonly ids: Set<ProgramId>;
  hasCircle: boolean;
}

/** null: it may start. A failure is told before a wait: nothing is gained by waiting for the rest. */
export function blockOf(others: Judged, record: ProgramRecord): Block | null {
  if (record.spec.dependsOn.length === 0) return null;
  return blockWithin(others, record, { ids: new Set(), hasCircle: false });
}

/**
 * A configuration has no circle, but a group added from another reading of the files may close one: then everybody in it
 * waits, and what was found with somebody left out holds for nobody else.
 */
function blockWithin(others: Judged, record: ProgramRecord, path: Path): Block | null {
  const { id } = record.spec;
  const known = others.blocks.get(id);
  if (known !== undefined) return known;
  if (path.ids.has(id)) {
    path.hasCircle = true;
    return null;
  }
  path.ids.add(id);
  const block = firstBlock(others, record, path);
  path.ids.delete(id);
  if (!path.hasCircle) others.blocks.set(id, block);
  return block;
}

function firstBlock(others: Judged, record: ProgramRecord, path: Path): Block | null {
  let wait: Block | null = null;
  for (const dependency of record.spec.dependsOn) {
    const block = judge(others, dependency, path);
    if (block?.failed) return block;
    if (wait === null || (block?.stuck && !wait.stuck)) wait = block ?? wait;
  }
  return wait;
}

function judge(others: Judged, { id, condition }: Dependency, path: Path): Block | null {
  const other = others.programs[others.index.get(id) ?? -1];
  if (other === undefined) return waiting(`waiting for ${id}, which was removed`, true);
  const name = namespec(other.spec);
  const { state, pending } = other;
  const isOver = state.name === "EXITED" && state.restartAt === null && pending === null;
  if (isOver && state.expected && (condition === "done" || other.spec.type === "oneshot")) return null;
  switch (state.name) {
    case "RUNNING":
      // It is about to go: who started now would lose it at once.
      if (other.stopDue !== null) break;
      if (condition === "started" || (condition === "ready" && state.ready)) return null;
      break;
    case "FATAL":
      if (pending === null) return failed(`${name} failed: ${state.reason}`, state.code || 1);
      break;
    case "EXITED":
      if (!isOver) break;
      return failed(`${name} ${state.expected ? "has ended" : "failed"}: ${describeStatus(state.status)}`, 1);
    case "STOPPED":
    case "STARTING":
    case "BACKOFF":
    case "STOPPING":
    case "UNKNOWN":
      break;
  }
  // What cannot start because of a third one hands its reason on.
  const deeper = pending === null ? null : blockWithin(others, other, path);
  if (deeper?.failed) return deeper;
  const isDown = state.name === "STOPPED" || state.name === "UNKNOWN";
  const stuck = pending === null ? isDown : (deeper?.stuck ?? false);
  return waiting(`waiting for ${name} ${VERBS[condition]}`, stuck);
}

const VERBS: Readonly<Record<Dependency["condition"], string>> = {
  started: "to start",
  ready: "to be ready",
  done: "to be done",
};

function waiting(text: string, stuck: boolean): Block {
  return { failed: false, stuck, text, code: 0 };
}

function failed(text: string, code: number): Block {
  return { failed: true, stuck: true, text, code };
}

/** Everything that these depend on, also through others: a migration that is done still stands for its database. */
export function neededBy(others: Others, records: readonly ProgramRecord[]): ReadonlySet<ProgramId> {
  const needed = new Set<ProgramId>();
  const visit = ({ spec }: ProgramRecord): void => {
    for (const { id } of spec.dependsOn) {
      const other = others.programs[others.index.get(id) ?? -1];
      if (needed.has(id) || other === undefined) continue;
      needed.add(id);
      visit(other);
    }
  };
  for (const record of records) if (record.spec.dependsOn.length > 0) visit(record);
  return needed;
}

/** Those that are restarted with it, and those restarted with them. */
export function restartedWith(others: Others, id: ProgramId): ProgramId[] {
  const found = new Set<ProgramId>();
  const visit = (from: ProgramId): void => {
    for (const { spec } of others.programs) {
      if (spec.id === id || found.has(spec.id) || !spec.restartWith.includes(from)) continue;
      found.add(spec.id);
      visit(spec.id);
    }
  };
  visit(id);
  return [...found];
}

/**
 * Those of them that can go down before it is restarted: they need it, or another that goes down with it, and so stay down
 * until it is back. What is bound to it by less than that is restarted when it is.
 */
export function restartedBefore(others: Others, id: ProgramId): ProgramId[] {
  const bound = new Set([id]);
  const candidates = restartedWith(others, id).flatMap(
    (one) => others.programs[others.index.get(one) ?? -1] ?? [],
  );
  // In start order: whoever is needed comes before those that need it.
  candidates.sort((a, b) => (others.index.get(a.spec.id) ?? 0) - (others.index.get(b.spec.id) ?? 0));
  return candidates.flatMap(({ spec }) => {
    if (!spec.dependsOn.some((dependency) => bound.has(dependency.id))) return [];
    bound.add(spec.id);
    return [spec.id];
  });
}

/** For each of these programs, those of them that depend on it and have a process that it has to wait for. */
export function dependantsAmong(
  others: Others,
  ids: Iterable<ProgramId>,
): ReadonlyMap<ProgramId, readonly ProgramId[]> {
  const found = new Map<ProgramId, ProgramId[]>();
  const meant = new Set(ids);
  for (const id of meant) {
    const record = others.programs[others.index.get(id) ?? -1];
    if (record === undefined || record.spec.dependsOn.length === 0 || !isAlive(record)) continue;
    for (const needed of neededBy(others, [record]))
      if (needed !== id && meant.has(needed)) found.set(needed, [...(found.get(needed) ?? []), id]);
  }
  return found;
}

/** It has a process, or left one behind. One that nobody can signal is not waited for. */
function isAlive({ state, leftBy }: ProgramRecord): boolean {
  if (leftBy !== null) return true;
  return state.name === "STARTING" || state.name === "RUNNING" || state.name === "STOPPING";
}
