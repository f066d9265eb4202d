/**
 * The event listeners of a running system: journal, output, ticks and clients → pools → the listeners' stdin. Loaded when a
 * configuration has listeners. Nothing here waits, and nobody waits for it.
 */
import type { JournalEntry } from "../core/effect.ts";
import type { Blame } from "../core/event.ts";
import { type Pool, renderEnvelope } from "../core/listener.ts";
import { ListenerPools, poolsOfPlan } from "../core/listener-pools.ts";
import type { Plan, ProgramId, ProgramSpec } from "../core/spec.ts";
import {
  communicationEvent,
  eventOfEntry,
  groupEvent,
  logEvent,
  remoteEvent,
  runningEvent,
  type SupervisorEvent,
  tickEvent,
} from "../core/supervisor-events.ts";
import type { Level, StreamName } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";
import type { StdinResult } from "./stdin.ts";
import { createTicks } from "./ticks.ts";

export interface ListenerOptions {
  readonly clock: Clock;
  /** In force. */
  readonly plan: () => Plan;
  readonly specOf: (id: ProgramId) => ProgramSpec | null;
  readonly write: (id: ProgramId, bytes: Uint8Array) => StdinResult;
  readonly say: (level: Level, text: string) => void;
}

export interface Listeners {
  /** Before the first program is started. */
  onBoot(): void;
  onEntry(entry: JournalEntry): void;
  onChunk(spec: ProgramSpec, pid: number, stream: StreamName, bytes: Uint8Array): void;
  onCaptured(spec: ProgramSpec, pid: number, stream: StreamName, bytes: Uint8Array): void;
  /** A listener has read what was kept for it. */
  onDrained(id: ProgramId): void;
  onRemoteEvent(type: string, data: string): void;
  /** The failure that a listener is told of right now. */
  blame(): Blame | null;
  /** Calls once, when all is dealt with; at once if it is. */
  whenIdle(done: () => void): void;
}

/** How much later than what a listener did after it a signal may be handled. */
const SIGNAL_MS = 50;

export function createListeners(options: ListenerOptions): Listeners {
  const { clock } = options;
  const pools = new ListenerPools();
  const ticks = createTicks(clock, (name, when) => tell(tickEvent(name, when)));
  let waiting: (() => void)[] = [];
  let forgetting = false;

  const namesOf = (id: ProgramId): { name: string; group: string } => {
    const spec = options.specOf(id);
    const colon = id.indexOf(":");
    return spec ?? { group: id.slice(0, colon), name: id.slice(colon + 1) };
  };

  function configure(): void {
    pools.configure(poolsOfPlan(options.plan()));
    ticks.configure((name) => pools.wants(name));
  }

  function tell(event: SupervisorEvent): void {
    pools.accept(event);
    dispatch();
  }

  /** Hands out what can be, says what there is to say. */
  function dispatch(): void {
    const { identifier } = options.plan().global;
    for (const pool of pools.pools()) {
      send(pool, identifier);
      for (const { level, text } of pool.takeRemarks()) options.say(level, text);
    }
    if (pools.hasAnswered) forgetSoon();
    if (waiting.length === 0 || !pools.isIdle()) return;
    const done = waiting;
    waiting = [];
    for (const each of done) each();
  }

  function send(pool: Pool, identifier: string): void {
    for (let next = pool.next(); next !== null; next = pool.next()) {
      const bytes = renderEnvelope(identifier, pool.name, next.queued);
      if (options.write(next.id, bytes) !== "sent") pool.onSendFailed(next.id);
    }
  }

  /**
   * A signal that was sent before the answer was written is handled by then: the time is for one that the kernel gave to
   * another thread, the turn for a loop that was held up so long that both wait for it.
   */
  function forgetSoon(): void {
    if (forgetting) return;
    forgetting = true;
    clock.after(SIGNAL_MS, () =>
      setImmediate(() => {
        forgetting = false;
        pools.forgetAnswers();
      }),
    );
  }

  return {
    onBoot() {
      const specs = poolsOfPlan(options.plan());
      const groups = [...options.plan().groups].sort(
        (a, b) => a.priority - b.priority || (a.name < b.name ? -1 : 1),
      );
      for (const { name } of groups) {
        const spec = specs.get(name);
        // A pool hears of itself and of the groups after it.
        if (spec !== undefined) pools.add(spec);
        pools.accept(groupEvent("ADDED", name));
      }
      configure();
      tell(runningEvent());
    },
    onEntry(entry) {
      if (entry.type === "reloaded" || entry.type === "group-added" || entry.type === "group-removed")
        configure();
      const event = eventOfEntry(entry, namesOf);
      if (event !== null) pools.accept(event);
      if (entry.type === "state") pools.onState(entry);
      dispatch();
    },
    onChunk(spec, pid, stream, bytes) {
      if (spec.kind === "eventlistener" && stream === "stdout") {
        pools.onOutput(spec.id, bytes);
        return dispatch();
      }
      const { name, group } = spec;
      if (!pools.wants(stream === "stdout" ? "PROCESS_LOG_STDOUT" : "PROCESS_LOG_STDERR")) return;
      tell(logEvent({ name, group, pid, stream, bytes }));
    },
    onCaptured(spec, pid, stream, bytes) {
      if (spec.kind === "eventlistener" && stream === "stdout") return;
      const wanted = stream === "stdout" ? "PROCESS_COMMUNICATION_STDOUT" : "PROCESS_COMMUNICATION_STDERR";
      if (!pools.wants(wanted)) return;
      tell(communicationEvent({ name: spec.name, group: spec.group, pid, stream, bytes }));
    },
    onDrained(id) {
      pools.onDrained(id);
      dispatch();
    },
    onRemoteEvent: (type, data) => tell(remoteEvent(type, data)),
    blame: () => pools.blame(),
    whenIdle(done) {
      waiting.push(done);
      dispatch();
    },
  };
}
