/**
 * What the HTTP surface may ask of the daemon. A command is an event for the core; its answer is what the snapshot says
 * afterwards, so commands return nothing and callers watch the journal.
 */
import type { JournalEntry } from "../core/effect.ts";
import type { Signal } from "../core/signal-names.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { GroupSpec, Plan, ProgramId } from "../core/spec.ts";
import type { Timeline } from "./graph.ts";

export type Command =
  | { readonly type: "start"; readonly ids: readonly ProgramId[]; readonly gated: boolean }
  | { readonly type: "stop"; readonly ids: readonly ProgramId[] }
  | { readonly type: "signal"; readonly id: ProgramId; readonly signal: Signal }
  | { readonly type: "add-group"; readonly group: string }
  /** The group as the last reread has it; `stopped`: programs that were stopped for this, and come back. */
  | { readonly type: "replace-group"; readonly group: string; readonly stopped: readonly ProgramId[] }
  | { readonly type: "remove-group"; readonly group: string }
  | { readonly type: "update" }
  | { readonly type: "shutdown" }
  | { readonly type: "restart-all" };

/** The answer of a reread: differences by group, in the order of priority; or every error of the files. */
export type Reread =
  | {
      readonly ok: true;
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly ok: false; readonly errors: string[] };

export interface Control {
  snapshot(): Snapshot;
  /** Groups that run now. */
  groups(): readonly GroupSpec[];
  /** The configuration read last (by a reread, maybe not yet active). */
  lastRead(): Plan;
  perform(command: Command): void;
  /** Why the program's command cannot be run, before a start is tried: 127 it is not there, 126 it is no program. */
  commandProblem(id: ProgramId): { readonly reason: string; readonly code: number } | null;
  /** Reads the files again and remembers the result for `add-group` and `update`; changes nothing that runs. */
  reread(): Reread;
  /** Called after each journal entry, in order. Returns the way to stop. */
  subscribe(listener: (entry: JournalEntry) => void): () => void;
  /** When programs started, for the first time. */
  timeline(): Timeline;
  pid(): number;
  identifier(): string;
  version(): string;
  history(id: ProgramId, stream: "stdout" | "stderr"): { bytes: Uint8Array; end: number };
  /** The path of a log file whose name was made up (`AUTO`); empty: there is none. */
  automaticLog(id: ProgramId, stream: "stdout" | "stderr"): string;
  clearHistory(id: ProgramId): void;
  /** What the program writes from now on. Returns the way to stop. */
  follow(id: ProgramId, stream: "stdout" | "stderr", listener: (bytes: Uint8Array) => void): () => void;
  /** tsinit's own lines. */
  mainLog(): { bytes: Uint8Array; end: number };
  clearMainLog(): void;
  followMainLog(listener: (bytes: Uint8Array) => void): () => void;
  /**
   * Bytes for the program's stdin; what it does not read yet is kept. `not-running`: it has no process, or is being
   * stopped; `no-pipe`: its stdin is /dev/null or a socket; `closed`: it has closed its stdin; `full`: it does not read,
   * and no more than 1 MB is kept.
   */
  sendStdin(id: ProgramId, bytes: Uint8Array): "sent" | "not-running" | "no-pipe" | "closed" | "full";
  /** REMOTE_COMMUNICATION for the event listeners. */
  sendRemoteEvent(type: string, data: string): void;
}
