/** Collects every child that ended: programs become events, orphans are counted and forgotten. */

import type { SystemEvent } from "../core/event.ts";
import { SIGNALS, type Signal } from "../core/signal-names.ts";
import type { ProgramId } from "../core/spec.ts";
import type { ExitStatus, Pid } from "../core/states.ts";
import type { Kernel, Reaped } from "../kernel/kernel.ts";
import type { Clock } from "./clock.ts";
import { createFamilies } from "./families.ts";
import type { OomWatch } from "./oom.ts";

export interface Reaper {
  /** A program's process, from its spawn until it is reaped. `pre`: what is left of its group is killed at its end. */
  track(pid: Pid, id: ProgramId, stage: "pre" | "main"): void;
  /** A process of ours that is no program: neither its end nor it is an orphan's. */
  trackHelper(pid: Pid, onEnd: (status: ExitStatus) => void): void;
  owner(pid: Pid): ProgramId | null;
  /** Another process is the program now: a descendant, in whatever group. The one before is nobody's. */
  handOver(id: ProgramId, from: Pid, to: Pid): void;
  /** What kill(2) takes to reach the group of a program's process: the process alone where the group is not its own. */
  groupTarget(pid: Pid): Pid;
  /** A SIGKILL of ours: the death that follows is not the kernel's doing. */
  noteKilled(pid: Pid): void;
  /** A stop of the program begins. */
  noteStopping(id: ProgramId, leader: Pid): void;
  /** To what a program has left behind, but for members of the group `except`. */
  killRest(id: ProgramId, signal: Signal, except: Pid | null): void;
  /** SIGCHLD came: take all that ended. */
  reap(): void;
  /** Report `group-gone` when no process of the group is left, nor anything else that the program left behind. */
  watchGroup(id: ProgramId, group: Pid): void;
  /** Report `alone` once nothing but ourselves lives. */
  watchAlone(): void;
  orphans(): number;
}

export interface ReaperOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly submit: (event: SystemEvent) => void;
  /** A process of the program has ended, and that is not told yet: what it has said until then comes first. */
  readonly beforeProgramEnd: (id: ProgramId) => void;
  /** Before the exit of a program is told: its last words. `pid`: the process that was started. */
  readonly onProgramEnd: (id: ProgramId, pid: Pid) => void;
  /** `owner`: the program that it belonged to, where that is known. */
  readonly onOrphan: (reaped: Reaped, owner: ProgramId | null) => void;
  readonly isProgram: (id: ProgramId) => boolean;
  /** Memory ran out and some process was killed, and now the program has ended otherwise than well. */
  readonly onOomNear: (id: ProgramId) => void;
  readonly oom: OomWatch;
}

/** Group members that are nobody's orphans end without a signal to us: look again this often while one is awaited. */
const LOOK_AGAIN_MS = 50;
/** What is told of the end of a program whose parent is not us: only its parent learns how it ended. */
const END_UNSEEN: ExitStatus = { kind: "exited", code: 1 };

/** A program's process. */
interface Tracked {
  readonly id: ProgramId;
  /** The one that was started: it, or the one that it handed over to. */
  readonly started: Pid;
  readonly stage: "pre" | "main";
}

/** Pids that SIGKILL was sent to. */
const KILLED_LIMIT = 10_000;

export function createReaper(options: ReaperOptions): Reaper {
  const { kernel, clock, submit } = options;
  const programs = new Map<Pid, Tracked>();
  const helpers = new Map<Pid, (status: ExitStatus) => void>();
  /** Of programs that handed over: the new process, and its group where that is the program's alone. */
  const handedOver = new Map<ProgramId, { readonly pid: Pid; readonly group: Pid | null }>();
  const killed = new Set<Pid>();
  const groups = new Map<ProgramId, Pid>();
  let awaitingAlone = false;
  let looking = false;
  let orphans = 0;

  const families = createFamilies({
    kernel,
    isTracked: (pid) => programs.has(pid) || helpers.has(pid),
    isProgram: options.isProgram,
  });

  function groupTarget(pid: Pid): Pid {
    for (const handed of handedOver.values())
      if (handed.pid === pid) return handed.group === null ? pid : -handed.group;
    return -pid;
  }

  const groupLives = (pid: Pid) => kernel.kill(groupTarget(pid), 0) !== "ESRCH";

  function isAlone(): boolean {
    // kill(-1) reaches all but ourselves, docker exec's processes too; only the real PID 1 may ask that way.
    if (kernel.pid === 1 && kernel.kill(-1, 0) === "ESRCH") return true;
    const left = kernel.descendants();
    if (kernel.pid === 1 && !left?.length) return false;
    // Whom we may not signal there is no point in waiting for.
    return (left ?? []).every((pid) => kernel.kill(pid, 0) === "EPERM");
  }

  function look(): void {
    for (const [id, group] of groups) {
      if (groupLives(group) || isHeldUp(id)) continue;
      groups.delete(id);
      submit({ type: "group-gone", id, pid: group });
    }
    if (awaitingAlone && isAlone()) {
      awaitingAlone = false;
      submit({ type: "alone" });
    }
    if (looking || (groups.size === 0 && !awaitingAlone)) return;
    looking = true;
    clock.after(LOOK_AGAIN_MS, () => {
      looking = false;
      reap();
    });
  }

  /** Whom we may not signal there is no point in waiting for. */
  function isHeldUp(id: ProgramId): boolean {
    return families.isLeft(id, (pid) => kernel.kill(pid, 0) !== "EPERM");
  }

  function noteKilled(pid: Pid): void {
    // Relatives that others reap stay in it.
    if (killed.size >= KILLED_LIMIT) killed.clear();
    killed.add(pid);
  }

  /** A SIGKILL that was not ours may have been the kernel's. */
  function attribute({ pid, status }: Reaped): ExitStatus {
    const isOurs = killed.delete(pid);
    if (isOurs || status.kind !== "signalled" || status.signal !== SIGNALS.KILL) return status;
    return options.oom.takeStrike(clock.now()) ? { ...status, oom: true } : status;
  }

  /** A leader may end because a process of its own was killed, which it has reaped itself. */
  function isOomNear(status: ExitStatus): boolean {
    const isKilled = status.kind === "signalled" && status.signal === SIGNALS.KILL;
    const isFine = status.kind === "exited" && status.code === 0;
    return !isKilled && !isFine && options.oom.takeStrike(clock.now());
  }

  function reap(): void {
    const ended: Reaped[] = [];
    for (;;) {
      const next = kernel.reap();
      if (next === "none" || next === "childless") break;
      // Thousands of orphans may end at once: only programs and helpers are worth keeping.
      if (helpers.has(next.pid)) ended.push(next);
      else if (programs.has(next.pid)) ended.push({ pid: next.pid, status: attribute(next) });
      else {
        orphans++;
        const owner = families.ownerOf(next.pid);
        families.orphanEnded(next.pid);
        options.onOrphan({ pid: next.pid, status: attribute(next) }, owner);
      }
    }
    // It may just have said that another process is the program.
    for (const { pid } of ended) {
      const tracked = programs.get(pid);
      if (tracked !== undefined) options.beforeProgramEnd(tracked.id);
    }
    const left = ended.length > 0 ? families.findOrphans() : [];
    for (const { pid, status } of ended) {
      const onHelperEnd = helpers.get(pid);
      if (onHelperEnd !== undefined) {
        helpers.delete(pid);
        onHelperEnd(status);
        continue;
      }
      const tracked = programs.get(pid);
      if (tracked === undefined) orphans++;
      else finish(pid, tracked, status, left);
    }
    // Where its group is watched, look() tells when that is gone too.
    for (const { id, leader } of families.takeGone())
      if (groups.get(id) !== leader) submit({ type: "group-gone", id, pid: leader });
    look();
  }

  /** `left`: the orphans that there are now. */
  function finish(pid: Pid, { id, started, stage }: Tracked, status: ExitStatus, left: readonly Pid[]): void {
    programs.delete(pid);
    // The program itself is to find the place as it was.
    if (stage === "pre") kernel.kill(-pid, SIGNALS.KILL);
    options.onProgramEnd(id, started);
    if (isOomNear(status)) options.onOomNear(id);
    const isRestLeft = stage === "main" && families.leaderEnded(id, pid, left);
    submit({ type: "exited", pid, status, groupAlive: isRestLeft || groupLives(pid) });
  }

  function handOver(id: ProgramId, from: Pid, to: Pid): void {
    const tracked = programs.get(from);
    if (tracked === undefined) return;
    programs.delete(from);
    programs.set(to, tracked);
    const { group = null, parent } = kernel.processAt(to) ?? {};
    const owner = group === null ? undefined : programs.get(group);
    const isForeign =
      group === kernel.processAt(kernel.pid)?.group || (owner !== undefined && owner.id !== id);
    handedOver.set(id, { pid: to, group: isForeign ? null : group });
    if (parent !== kernel.pid) awaitEnd(to);
  }

  /** No SIGCHLD comes for a process whose parent lives. Where the kernel is too old for this, only the parent's end tells. */
  function awaitEnd(pid: Pid): void {
    const tracked = programs.get(pid);
    const fd = kernel.openProcess(pid);
    if (typeof fd === "string") return;
    const stop = kernel.watch(fd, () => {
      if (typeof stop !== "string") stop();
      kernel.close(fd);
      // Its parent may have ended before it, and then it is ours after all.
      reap();
      const now = programs.get(pid);
      if (now !== undefined && now === tracked) finish(pid, now, END_UNSEEN, families.findOrphans());
    });
    if (typeof stop === "string") kernel.close(fd);
  }

  return {
    track(pid, id, stage) {
      // A relative that somebody else reaped may have had the same one.
      killed.delete(pid);
      handedOver.delete(id);
      programs.set(pid, { id, started: pid, stage });
    },
    trackHelper: (pid, onEnd) => void helpers.set(pid, onEnd),
    handOver,
    groupTarget,
    owner: (pid) => programs.get(pid)?.id ?? null,
    noteKilled,
    noteStopping: families.remember,
    killRest(id, signal, except) {
      for (const { pid, group } of families.rest(id)) {
        if (group === except) continue;
        if (signal === SIGNALS.KILL) noteKilled(pid);
        kernel.kill(pid, signal);
      }
    },
    reap,
    watchGroup(id, group) {
      groups.set(id, group);
      look();
    },
    watchAlone() {
      awaitingAlone = true;
      // Zombies count as alive for kill(2): collect them first.
      reap();
    },
    orphans: () => orphans,
  };
}
