/** Collects every child that ended: programs become events, orphans are counted and forgotten. */

import type { SystemEvent } from "../core/event.ts";
import { SIGNALS } from "../core/signal-names.ts";
import type { ProgramId } from "../core/spec.ts";
import type { ExitStatus, Pid } from "../core/states.ts";
import type { Kernel, Reaped } from "../kernel/kernel.ts";
import type { Clock } from "./clock.ts";
import type { OomWatch } from "./oom.ts";

export interface Reaper {
  /** A program's process, from its spawn until it is reaped. `pre`: what is left of its group is killed at its end. */
  track(pid: Pid, id: ProgramId, stage: "pre" | "main"): void;
  /** A process of ours that is no program: neither its end nor it is an orphan's. */
  trackHelper(pid: Pid, onEnd: (status: ExitStatus) => void): void;
  owner(pid: Pid): ProgramId | null;
  /** A SIGKILL of ours: the death that follows is not the kernel's doing. */
  noteKilled(pid: Pid): void;
  /** SIGCHLD came: take all that ended. */
  reap(): void;
  /** Report `group-gone` when no process of the group is left. */
  watchGroup(id: ProgramId, group: Pid): void;
  /** Report `alone` once nothing but ourselves lives. */
  watchAlone(): void;
  orphans(): number;
}

export interface ReaperOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly submit: (event: SystemEvent) => void;
  /** Before the exit of a program is told: its last words. */
  readonly onProgramEnd: (id: ProgramId, pid: Pid) => void;
  readonly onOrphan: (reaped: Reaped) => void;
  readonly oom: OomWatch;
}

/** Group members that are nobody's orphans end without a signal to us: look again this often while one is awaited. */
const LOOK_AGAIN_MS = 50;

export function createReaper(options: ReaperOptions): Reaper {
  const { kernel, clock, submit } = options;
  const programs = new Map<Pid, ProgramId>();
  /** Those of them that run before the program itself. */
  const pres = new Set<Pid>();
  const helpers = new Map<Pid, (status: ExitStatus) => void>();
  const killed = new Set<Pid>();
  const groups = new Map<ProgramId, Pid>();
  let awaitingAlone = false;
  let looking = false;
  let orphans = 0;

  const groupLives = (group: Pid) => kernel.kill(-group, 0) !== "ESRCH";

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
      if (groupLives(group)) continue;
      groups.delete(id);
      submit({ type: "group-gone", id });
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

  /** A SIGKILL that was not ours may have been the kernel's. */
  function attribute({ pid, status }: Reaped): ExitStatus {
    const isOurs = killed.delete(pid);
    if (isOurs || status.kind !== "signalled" || status.signal !== SIGNALS.KILL) return status;
    return options.oom.hasStruck() ? { ...status, oom: true } : status;
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
        options.onOrphan(next);
      }
    }
    for (const { pid, status } of ended) {
      const onHelperEnd = helpers.get(pid);
      if (onHelperEnd !== undefined) {
        helpers.delete(pid);
        onHelperEnd(status);
        continue;
      }
      const id = programs.get(pid);
      if (id === undefined) continue;
      programs.delete(pid);
      // The program itself is to find the place as it was.
      if (pres.delete(pid)) kernel.kill(-pid, SIGNALS.KILL);
      options.onProgramEnd(id, pid);
      submit({ type: "exited", pid, status, groupAlive: groupLives(pid) });
    }
    look();
  }

  return {
    track(pid, id, stage) {
      programs.set(pid, id);
      if (stage === "pre") pres.add(pid);
    },
    trackHelper: (pid, onEnd) => void helpers.set(pid, onEnd),
    owner: (pid) => programs.get(pid) ?? null,
    noteKilled: (pid) => {
      if (programs.has(pid)) killed.add(pid);
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
