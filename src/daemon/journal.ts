/** Everything that happened passes here once: facts for the snapshot, counters for the metrics, lines for the log. */
import { describeStatus } from "../core/describe.ts";
import type { JournalEntry, RestartReason } from "../core/effect.ts";
import { signalName } from "../core/signal-names.ts";
import type { ProgramFacts } from "../core/snapshot.ts";
import type { ProgramId } from "../core/spec.ts";
import type { ExitStatus } from "../core/states.ts";
import type { Clock } from "./clock.ts";

/** What one program did since tsinit started; kept when the program is removed, so that counters never go down. */
export interface ProgramRecord {
  facts: ProgramFacts;
  starts: number;
  readonly restarts: Map<RestartReason, number>;
  /** By exit code, or signal name. */
  readonly exits: Map<string, number>;
  startDurationSeconds: number | null;
  lastExit: ExitStatus | null;
}

export interface Journal {
  record(entry: JournalEntry): void;
  program(id: ProgramId): Readonly<ProgramRecord>;
  /** All but `nextRunAt`, which has not happened yet. */
  facts(id: ProgramId): ProgramFacts;
  /** Called after each entry, in order; the answer stops it. A listener that throws is dropped. */
  subscribe(listener: (entry: JournalEntry) => void): () => void;
}

const NEVER: ProgramFacts = {
  startedAt: 0,
  stoppedAt: 0,
  exitStatus: 0,
  spawnError: "",
  said: "",
  lastSuccessAt: 0,
  lastResult: "",
  nextRunAt: 0,
};

function count<K>(counters: Map<K, number>, key: K): void {
  counters.set(key, (counters.get(key) ?? 0) + 1);
}

export function createJournal(clock: Clock, onListenerFault: (error: unknown) => void): Journal {
  const programs = new Map<ProgramId, ProgramRecord>();
  const listeners = new Set<(entry: JournalEntry) => void>();

  function program(id: ProgramId): ProgramRecord {
    let record = programs.get(id);
    if (!record) {
      record = {
        facts: NEVER,
        starts: 0,
        restarts: new Map(),
        exits: new Map(),
        startDurationSeconds: null,
        lastExit: null,
      };
      programs.set(id, record);
    }
    return record;
  }

  /** supervisord's exitstatus and spawnerr (supervisord.md 7): 0 while starting and after a too quick exit, -1 for a signal. */
  function noteState(entry: Extract<JournalEntry, { type: "state" }>): void {
    const record = program(entry.id);
    const { to, ended } = entry;
    const facts = { ...record.facts };
    if (ended) {
      record.lastExit = ended.status;
      count(
        record.exits,
        ended.status.kind === "exited" ? String(ended.status.code) : signalName(ended.status.signal),
      );
      facts.stoppedAt = clock.wall();
      facts.said = "";
      facts.lastResult = describeStatus(ended.status);
      if (ended.expected && to.name === "EXITED") facts.lastSuccessAt = facts.stoppedAt;
      facts.exitStatus = ended.tooQuick ? 0 : ended.status.kind === "exited" ? ended.status.code : -1;
      if (!ended.tooQuick && !ended.expected && to.name === "EXITED")
        facts.spawnError = `Bad exit code ${facts.exitStatus}`;
    }
    if (entry.restart) count(record.restarts, entry.restart);
    switch (to.name) {
      case "STARTING":
        facts.startedAt = clock.wall();
        facts.exitStatus = 0;
        facts.spawnError = "";
        facts.said = "";
        break;
      case "RUNNING":
        if (entry.from === "STARTING") record.startDurationSeconds = clock.wall() - facts.startedAt;
        break;
      case "BACKOFF":
      case "FATAL":
      case "UNKNOWN":
        facts.spawnError = to.reason;
        break;
      default:
        break;
    }
    record.facts = facts;
  }

  return {
    program,
    facts: (id) => programs.get(id)?.facts ?? NEVER,
    record(entry) {
      if (entry.type === "state") noteState(entry);
      if (entry.type === "spawned") program(entry.id).starts++;
      if (entry.type === "said") {
        const record = program(entry.id);
        record.facts = { ...record.facts, said: entry.text };
      }
      for (const listener of listeners) {
        try {
          listener(entry);
        } catch (error) {
          listeners.delete(listener);
          onListenerFault(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
