/** All pools of event listeners together: who is in which, the numbers of events, and who asked for a shutdown because of what. */
import type { JournalEntry } from "./effect.ts";
import type { Blame } from "./event.ts";
import { Pool, type PoolSpec } from "./listener.ts";
import type { Plan, ProgramId } from "./spec.ts";
import type { EventName, SupervisorEvent } from "./supervisor-events.ts";

/** The pools of a plan, by name. */
export function poolsOfPlan(plan: Plan): Map<string, PoolSpec> {
  const specs = new Map(plan.programs.map((spec) => [spec.id, spec]));
  const pools = new Map<string, PoolSpec>();
  for (const group of plan.groups) {
    const members = group.programs.map((id) => specs.get(id)).filter((spec) => spec !== undefined);
    const listener = members[0]?.listener;
    if (!listener) continue;
    const { pool: name, events, bufferSize } = listener;
    pools.set(name, { name, events, bufferSize, members: members.map(({ id, name }) => ({ id, name })) });
  }
  return pools;
}

export class ListenerPools {
  readonly #pools = new Map<string, Pool>();
  #nextSerial = 0;

  /** Which pools there are from now on. What waits in one that stays is kept. */
  configure(specs: ReadonlyMap<string, PoolSpec>): void {
    for (const name of this.#pools.keys()) if (!specs.has(name)) this.#pools.delete(name);
    for (const spec of specs.values()) this.add(spec);
  }

  add(spec: PoolSpec): void {
    const pool = this.#pools.get(spec.name);
    if (pool === undefined) this.#pools.set(spec.name, new Pool(spec));
    else pool.configure(spec);
  }

  pools(): Iterable<Pool> {
    return this.#pools.values();
  }

  wants(name: EventName): boolean {
    for (const pool of this.#pools.values()) if (pool.wants(name)) return true;
    return false;
  }

  /** Hands an event to every pool that is subscribed; one that nobody wants has no number. */
  accept(event: SupervisorEvent): void {
    let serial: number | null = null;
    for (const pool of this.#pools.values()) {
      if (!pool.wants(event.name)) continue;
      serial ??= this.#nextSerial++;
      pool.accept(event, serial);
    }
  }

  onState(entry: Extract<JournalEntry, { type: "state" }>): void {
    for (const pool of this.#pools.values()) pool.onState(entry);
  }

  onOutput(id: ProgramId, bytes: Uint8Array): void {
    for (const pool of this.#pools.values()) pool.onOutput(id, bytes);
  }

  get hasAnswered(): boolean {
    for (const pool of this.#pools.values()) if (pool.hasAnswered) return true;
    return false;
  }

  forgetAnswers(): void {
    for (const pool of this.#pools.values()) pool.forgetAnswers();
  }

  onDrained(id: ProgramId): void {
    for (const pool of this.#pools.values()) pool.onDrained(id);
  }

  isIdle(): boolean {
    for (const pool of this.#pools.values()) if (!pool.isIdle()) return false;
    return true;
  }

  /** The failure that a listener works on; of several the one told first. null: none. */
  blame(): Blame | null {
    let first: ReturnType<Pool["blame"]> = null;
    for (const pool of this.#pools.values()) {
      const found = pool.blame();
      if (found !== null && (first === null || found.serial < first.serial)) first = found;
    }
    return first?.blame ?? null;
  }
}
