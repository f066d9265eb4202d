/**
 * What a program leaves behind when its leader has ended: members of its process group, and descendants that left it
 * (setsid, a double fork). All of that are children of ours by then, or descend from one: orphans come to PID 1 and to
 * a subreaper. Whose an orphan is shows in its group and session, in what was seen below the leader when its stop began,
 * and in the environment that it was started with.
 */
import type { ProgramId } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Kernel } from "../kernel/kernel.ts";

export interface Families {
  /** A stop begins: whoever descends from the leader now belongs to the program wherever it goes. */
  remember(id: ProgramId, leader: Pid): void;
  /** Children of ours that nobody answers for. */
  findOrphans(): Pid[];
  /** The leader was reaped. Whether anything is left, `orphans` being those there are. */
  leaderEnded(id: ProgramId, leader: Pid, orphans: readonly Pid[]): boolean;
  /** An orphan was reaped. */
  orphanEnded(pid: Pid): void;
  /** Whose orphan it is, as far as that was looked at while it lived. */
  ownerOf(orphan: Pid): ProgramId | null;
  /** What is left of the program now. Nothing while its leader lives. */
  rest(id: ProgramId): Relative[];
  /** Whether anything is left of the program that `counts`. */
  isLeft(id: ProgramId, counts: (pid: Pid) => boolean): boolean;
  /** Programs that left something behind of which nothing is left since this was asked last, by the leader of their last run. */
  takeGone(): { readonly id: ProgramId; readonly leader: Pid }[];
}

export interface Relative {
  readonly pid: Pid;
  readonly group: Pid;
  readonly session: Pid;
}

/** What is known of one program's processes besides the leader. */
interface Family {
  /** Null while the leader lives. */
  group: Pid | null;
  /** By the time they started: a pid may be used again. */
  readonly members: Map<Pid, number>;
  /** Pids that are or were members: groups and sessions are named after them. */
  names: Set<Pid>;
  /** One of them was reaped since the last look. */
  isStale: boolean;
}

/** An orphan as it was when it was first looked at; it is a child of ours, so its pid stays its own until we reap it. */
interface Orphan {
  readonly group: Pid;
  readonly session: Pid;
  readonly startedAt: number;
  readonly owner: ProgramId | null;
}

export interface FamilyOptions {
  readonly kernel: Pick<Kernel, "pid" | "childrenOf" | "processAt" | "environmentOf">;
  /** Processes that somebody else answers for: programs, and what is run on their behalf. */
  readonly isTracked: (pid: Pid) => boolean;
  /** Another supervisor below one of ours marks its own programs the same way. */
  readonly isProgram: (id: ProgramId) => boolean;
}

export function createFamilies({ kernel, isTracked, isProgram }: FamilyOptions): Families {
  const families = new Map<ProgramId, Family>();
  const orphans = new Map<Pid, Orphan>();
  const owners = new Map<Pid, ProgramId>();

  function familyOf(id: ProgramId): Family {
    const known = families.get(id);
    if (known) return known;
    const family: Family = { group: null, members: new Map(), names: new Set(), isStale: false };
    families.set(id, family);
    return family;
  }

  function forget(id: ProgramId, family: Family): void {
    for (const pid of family.members.keys()) owners.delete(pid);
    families.delete(id);
  }

  function add(id: ProgramId, family: Family, pid: Pid, startedAt: number): void {
    family.members.set(pid, startedAt);
    family.names.add(pid);
    owners.set(pid, id);
  }

  /** All that descends from these, and they themselves if they live. */
  function addBelow(id: ProgramId, family: Family, pids: readonly Pid[]): Relative[] {
    const living: Relative[] = [];
    const seen = new Set<Pid>();
    const open = [...pids];
    for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
      if (seen.has(pid) || isTracked(pid)) continue;
      seen.add(pid);
      const found = kernel.processAt(pid);
      if (!found?.alive) continue;
      add(id, family, pid, found.startedAt);
      living.push({ pid, group: found.group, session: found.session });
      open.push(...(kernel.childrenOf(pid) ?? []));
    }
    return living;
  }

  function lookAt(pid: Pid): Orphan | null {
    const known = orphans.get(pid);
    if (known) return known;
    const found = kernel.processAt(pid);
    if (!found?.alive) return null;
    const { group, session, startedAt } = found;
    const owner = ownerIn(kernel.environmentOf(pid));
    const orphan = { group, session, startedAt, owner: owner !== null && isProgram(owner) ? owner : null };
    orphans.set(pid, orphan);
    return orphan;
  }

  function findOrphans(): Pid[] {
    return (kernel.childrenOf(kernel.pid) ?? []).filter((pid) => !isTracked(pid));
  }

  function belongs(id: ProgramId, family: Family, pid: Pid): boolean {
    const orphan = lookAt(pid);
    if (orphan === null) return false;
    if (orphan.owner !== null) return orphan.owner === id;
    return family.names.has(orphan.group) || family.names.has(orphan.session);
  }

  function isMember(pid: Pid, startedAt: number): boolean {
    const found = kernel.processAt(pid);
    return found?.alive === true && found.startedAt === startedAt;
  }

  /** Forgets the family when nothing of it is left. */
  function look(id: ProgramId, family: Family, roots: readonly Pid[]): Relative[] {
    family.isStale = false;
    const still = [...family.members].filter(([pid, startedAt]) => {
      if (isMember(pid, startedAt)) return true;
      family.members.delete(pid);
      owners.delete(pid);
      return false;
    });
    const living = addBelow(id, family, [
      ...still.map(([pid]) => pid),
      ...roots.filter((pid) => !family.members.has(pid) && belongs(id, family, pid)),
    ]);
    if (living.length === 0) forget(id, family);
    const named = living.flatMap(({ group, session }) => [group, session]);
    family.names = new Set([
      ...family.members.keys(),
      ...named.filter((pid) => pid === family.group || family.names.has(pid)),
    ]);
    return living;
  }

  function rest(id: ProgramId): Relative[] {
    const family = families.get(id);
    return family && family.group !== null ? look(id, family, findOrphans()) : [];
  }

  return {
    remember(id, leader) {
      const below = kernel.childrenOf(leader) ?? [];
      if (below.length > 0) addBelow(id, familyOf(id), below);
    },
    findOrphans,
    leaderEnded(id, leader, roots) {
      if (roots.length === 0) {
        const family = families.get(id);
        if (family) forget(id, family);
        return false;
      }
      const family = familyOf(id);
      family.group = leader;
      family.names.add(leader);
      return look(id, family, roots).length > 0;
    },
    orphanEnded(pid) {
      orphans.delete(pid);
      const id = owners.get(pid);
      if (id === undefined) return;
      owners.delete(pid);
      const family = families.get(id);
      if (!family?.members.delete(pid)) return;
      family.isStale = true;
    },
    ownerOf: (orphan) => owners.get(orphan) ?? orphans.get(orphan)?.owner ?? null,
    rest,
    isLeft(id, counts) {
      // Asked again and again while thousands may be on their way out: the first that lives is enough.
      for (const [pid, startedAt] of families.get(id)?.members ?? [])
        if (isMember(pid, startedAt) && counts(pid)) return true;
      return rest(id).some(({ pid }) => counts(pid));
    },
    takeGone() {
      const gone: ReturnType<Families["takeGone"]> = [];
      for (const [id, family] of families) {
        const leader = family.group;
        if (!family.isStale || leader === null) continue;
        if (look(id, family, findOrphans()).length === 0) gone.push({ id, leader });
      }
      return gone;
    },
  };
}

/** The program that an environment names: every program's has these two, and what it starts inherits them. */
function ownerIn(environment: readonly string[] | null): ProgramId | null {
  if (environment === null) return null;
  const variable = (name: string): string | undefined =>
    environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  const name = variable("SUPERVISOR_PROCESS_NAME");
  const group = variable("SUPERVISOR_GROUP_NAME");
  return name === undefined || group === undefined ? null : `${group}:${name}`;
}
