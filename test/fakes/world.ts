/**
 * A process table that answers the core: spawns that work or do not, processes that obey, ignore, linger, or
 * cannot be reached.
 */
import assert from "node:assert/strict";
import type { Effect } from "../../src/core/effect.ts";
import type { SystemEvent } from "../../src/core/event.ts";
import { SIGNALS } from "../../src/core/signal-names.ts";
import type { ProgramId } from "../../src/core/spec.ts";
import type { ExitStatus, Pid } from "../../src/core/states.ts";

interface Process {
  readonly id: ProgramId;
  readonly pid: Pid;
  readonly ignoresTerm: boolean;
  /** kill(2) on it gives EPERM. */
  readonly isForeign: boolean;
  /** Null while it lives; its end is told when it is reaped. */
  status: ExitStatus | null;
  isReaped: boolean;
  /** Living members of its group besides itself. */
  members: number;
  /** It was told that some outlived it. */
  hasLeft: boolean;
  isWatched: boolean;
}

export class World {
  readonly #random: () => number;
  readonly #processes = new Map<Pid, Process>();
  #nextPid = 100;
  #isSweeping = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** Does what the core wants and gives the answer, as the shell would. */
  perform(effect: Effect): SystemEvent | null {
    switch (effect.type) {
      case "spawn":
        return this.#spawn(effect.id, effect.stage);
      case "kill":
        return this.#kill(effect);
      case "watch-group": {
        const process = this.#processes.get(effect.pid);
        assert.ok(process?.isReaped, `group ${effect.pid} is watched while its leader lives`);
        process.isWatched = true;
        return null;
      }
      case "kill-rest":
        for (const process of this.#processes.values())
          if (
            process.id === effect.id &&
            process.isReaped &&
            process.pid !== effect.except &&
            !process.isForeign
          )
            this.#hit(process, effect.signal, true);
        return null;
      case "sweep":
        this.#isSweeping = true;
        for (const process of this.#processes.values())
          if (!process.isForeign) this.#hit(process, effect.signal, true);
        return null;
      case "stop-command": {
        const process = this.#processes.get(effect.pid);
        assert.ok(process && !process.isReaped, `${effect.id} has no process for its stop_command`);
        if (this.chance(0.5)) process.status ??= { kind: "exited", code: 0 };
        if (this.chance(0.7)) return null;
        return { type: "stop-command-failed", id: effect.id, pid: effect.pid, reason: "exit status 1" };
      }
      case "await-listeners":
        return this.chance(0.5) ? { type: "listeners-idle" } : null;
      case "journal":
      case "exit":
        return null;
    }
  }

  #spawn(id: ProgramId, stage: "pre" | "main"): SystemEvent {
    assert.equal(this.leaderOf(id), null, `${id} is spawned while a process of it lives`);
    if (this.chance(0.06)) return { type: "spawn-failed", id, reason: "can't find command", code: 127 };
    const pid = this.#nextPid++;
    this.#processes.set(pid, {
      id,
      pid,
      ignoresTerm: this.chance(0.25),
      isForeign: this.chance(0.01),
      status: stage === "pre" && this.chance(0.6) ? { kind: "exited", code: this.chance(0.8) ? 0 : 9 } : null,
      isReaped: false,
      members: stage === "main" && this.chance(0.25) ? 2 : 0,
      hasLeft: false,
      isWatched: false,
    });
    return { type: "spawned", id, pid };
  }

  #kill(effect: Extract<Effect, { type: "kill" }>): SystemEvent | null {
    const { id, pid, signal, group } = effect;
    const process = this.#processes.get(pid);
    assert.ok(process, `${pid} is signalled, and is no process of ours`);
    assert.equal(process.id, id, `${pid} is signalled for ${id}`);
    assert.ok(
      !process.isReaped || (group && process.isWatched),
      `${pid} is signalled after its end: the number may be another's by now`,
    );
    if (process.isForeign) return { type: "kill-failed", id, reason: "EPERM" };
    this.#hit(process, signal, group);
    return null;
  }

  #hit(process: Process, signal: number, group: boolean): void {
    const isDeadly = signal === SIGNALS.KILL || (!process.ignoresTerm && this.chance(0.7));
    if (process.status === null && isDeadly)
      process.status = this.chance(0.5)
        ? { kind: "signalled", signal, coreDumped: false }
        : { kind: "exited", code: signal === SIGNALS.KILL ? 137 : 0 };
    if (group && (signal === SIGNALS.KILL || this.chance(0.5))) process.members = 0;
  }

  /** The live or unreaped process of a program. */
  leaderOf(id: ProgramId): Pid | null {
    for (const process of this.#processes.values())
      if (process.id === id && !process.isReaped) return process.pid;
    return null;
  }

  /** Every process that lives or waits to be reaped. */
  unreaped(): Pid[] {
    return [...this.#processes.values()].filter((process) => !process.isReaped).map(({ pid }) => pid);
  }

  /** Whether members of a reaped leader's group live on and could be signalled. */
  hasReachableMembers(leader: Pid): boolean {
    const process = this.#processes.get(leader);
    return process !== undefined && !process.isForeign && process.members > 0;
  }

  /** One live process ends by itself. */
  crashOne(pid?: Pid): void {
    const living = [...this.#processes.values()].filter((each) => each.status === null && !each.isReaped);
    const victim =
      pid === undefined ? living[Math.floor(this.#random() * living.length)] : this.#processes.get(pid);
    if (victim?.status !== null) return;
    const code = Math.floor(this.#random() * 4);
    victim.status = this.chance(0.2)
      ? { kind: "signalled", signal: SIGNALS.SEGV, coreDumped: false }
      : { kind: "exited", code };
  }

  /** The next thing that the world has to tell, or null. */
  tell(): SystemEvent | null {
    for (const process of this.#processes.values()) {
      const { pid, status } = process;
      if (status !== null && !process.isReaped) {
        process.isReaped = true;
        process.hasLeft = process.members > 0;
        return { type: "exited", pid, status, groupAlive: process.hasLeft };
      }
      if (process.hasLeft && process.members > 0 && this.chance(0.02)) process.members = 0;
      if ((process.isWatched || process.hasLeft) && process.members === 0) {
        this.#processes.delete(pid);
        return { type: "group-gone", id: process.id, pid };
      }
    }
    const isAlone = this.#isSweeping && [...this.#processes.values()].every((each) => each.isReaped);
    return isAlone ? { type: "alone" } : null;
  }
}
