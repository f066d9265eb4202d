/**
 * Commands that are answered when they are done. Whoever waits watches the journal and settles each program by its first
 * telling change; nothing is polled, and the end of a program, of its group or of tsinit settles it too.
 */
import type { JournalEntry } from "../core/effect.ts";
import type { Signal } from "../core/signal-names.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import { namespec, type ProgramId, type ProgramSpec } from "../core/spec.ts";
import type { ProgramState } from "../core/states.ts";
import type { Command, Control } from "./control.ts";
import { type Fault, fault } from "./faults.ts";

/** fault null: done. */
export interface Settled {
  readonly spec: ProgramSpec;
  readonly fault: Fault | null;
}

/** `undefined`: nothing can be said yet; null: done. */
type Verdict = Fault | null | undefined;

interface Waiting {
  readonly spec: ProgramSpec;
  /** The reason of a failed spawn, which comes beside the change of state. */
  spawnError: string | null;
  state: ProgramState | null;
}

interface Judge {
  /** A change of the program's state. */
  readonly changed: (waiting: Waiting, state: ProgramState) => Verdict;
  /** Right after the command, for a program that did not change. */
  readonly unchanged: (waiting: Waiting, program: ProgramSnapshot) => Verdict;
  /** The program no longer exists. */
  readonly removed: (waiting: Waiting) => Fault | null;
  /** tsinit itself is being stopped. */
  readonly shutdown: Verdict;
}

const START: Judge = {
  changed: ({ spec, spawnError }, state) => {
    switch (state.name) {
      case "STARTING":
        return undefined;
      case "RUNNING":
        return null;
      case "BACKOFF":
      case "FATAL":
        if (spawnError !== null && state.code === 127) return fault("NO_FILE", spawnError);
        if (spawnError !== null && state.code === 126) return fault("NOT_EXECUTABLE", spawnError);
        return fault("SPAWN_ERROR", namespec(spec));
      case "EXITED":
        if (!state.expected) return fault("SPAWN_ERROR", namespec(spec));
        return spec.type === "oneshot" ? null : fault("ABNORMAL_TERMINATION", namespec(spec));
      case "UNKNOWN":
        return fault("FAILED", `${namespec(spec)} is in an unknown process state`);
      case "STOPPING":
      case "STOPPED":
        return fault("ABNORMAL_TERMINATION", namespec(spec));
    }
  },
  unchanged: ({ spec }, { state, pending }) => {
    if (state.name === "RUNNING") return null;
    return pending || state.name === "STARTING" ? undefined : fault("ABNORMAL_TERMINATION", namespec(spec));
  },
  removed: ({ spec }) => fault("ABNORMAL_TERMINATION", namespec(spec)),
  shutdown: fault("SHUTDOWN_STATE"),
};

const STOP: Judge = {
  changed: (_waiting, state) => {
    switch (state.name) {
      case "STOPPED":
      case "EXITED":
      case "FATAL":
        return null;
      case "UNKNOWN":
        return fault("FAILED", state.reason);
      default:
        return undefined;
    }
  },
  unchanged: (waiting, { state }) => STOP.changed(waiting, state),
  removed: () => null,
  // It stops this program as well.
  shutdown: undefined,
};

export interface StartOptions {
  /** False: answered as soon as it is clear that the spawn worked. */
  readonly wait: boolean;
  /** Tier after tier, as at boot. */
  readonly gated: boolean;
}

/** Resolves with every program, in the order in which they settled. */
export function startPrograms(
  control: Control,
  programs: readonly ProgramSnapshot[],
  { wait, gated }: StartOptions,
): Promise<Settled[]> {
  const broken: Settled[] = [];
  const sound: ProgramSpec[] = [];
  for (const { spec } of programs) {
    if (spec.commandError === null) sound.push(spec);
    else broken.push({ spec, fault: fault("NOT_EXECUTABLE", spec.commandError) });
  }
  const command: Command = { type: "start", ids: sound.map(({ id }) => id), gated };
  return perform(control, command, sound, START, wait).then((settled) => [...broken, ...settled]);
}

/** Resolves with every program, in the order in which they settled. */
export function stopPrograms(
  control: Control,
  programs: readonly ProgramSnapshot[],
  wait: boolean,
): Promise<Settled[]> {
  const specs = programs.map(({ spec }) => spec);
  return perform(control, { type: "stop", ids: specs.map(({ id }) => id) }, specs, STOP, wait);
}

/**
 * A stop may take back a start that waits for its turn, and that shows in no entry: whoever waits for one looks again then.
 */
const watchers = new WeakMap<Control, Set<() => void>>();

function watchersOf(control: Control): Set<() => void> {
  const known = watchers.get(control) ?? new Set<() => void>();
  watchers.set(control, known);
  return known;
}

/** Null when the signal was sent. */
export function signalProgram(control: Control, id: ProgramId, signal: Signal): Fault | null {
  let refused: string | null = null;
  const stopWatching = control.subscribe((entry) => {
    if (entry.type === "kill-error" && entry.id === id) refused = entry.reason;
  });
  control.perform({ type: "signal", id, signal });
  stopWatching();
  return refused === null ? null : fault("FAILED", refused);
}

function perform(
  control: Control,
  command: Command,
  specs: readonly ProgramSpec[],
  judge: Judge,
  wait: boolean,
): Promise<Settled[]> {
  if (specs.length === 0) return Promise.resolve([]);
  return new Promise((resolve) => {
    const waiting = new Map<ProgramId, Waiting>(
      specs.map((spec) => [spec.id, { spec, spawnError: null, state: null }]),
    );
    const settled: Settled[] = [];
    let checkDue = false;
    const unsubscribe = control.subscribe(onEntry);
    const others = watchersOf(control);
    others.add(checkUnchanged);

    function stopWatching(): void {
      unsubscribe();
      others.delete(checkUnchanged);
    }

    function settle(id: ProgramId, verdict: Verdict): void {
      const one = waiting.get(id);
      if (!one || verdict === undefined) return;
      waiting.delete(id);
      settled.push({ spec: one.spec, fault: verdict });
      if (waiting.size > 0) return;
      stopWatching();
      resolve(settled);
    }

    function settleAll(verdict: (one: Waiting) => Verdict): void {
      for (const [id, one] of waiting) settle(id, verdict(one));
    }

    /** Once what happens now has happened entirely: the entries of one event may come in any order. */
    function checkSoon(): void {
      if (checkDue) return;
      checkDue = true;
      queueMicrotask(() => {
        checkDue = false;
        settleAll((one) => (one.state ? judge.changed(one, one.state) : undefined));
      });
    }

    function dropRemoved(): void {
      const known = new Set(control.snapshot().programs.map(({ id }) => id));
      settleAll((one) => (known.has(one.spec.id) ? undefined : judge.removed(one)));
    }

    function onEntry(entry: JournalEntry): void {
      switch (entry.type) {
        case "state": {
          const one = waiting.get(entry.id);
          if (!one) return;
          one.state = entry.to;
          // RUNNING may be left at once (startsecs=0), and counts all the same.
          if (judge.changed(one, entry.to) === null) settle(entry.id, null);
          else checkSoon();
          return;
        }
        case "spawn-error": {
          const one = waiting.get(entry.id);
          if (one) one.spawnError = entry.reason;
          return;
        }
        case "group-removed":
        case "reloaded":
          return dropRemoved();
        case "draining":
        case "stopping":
          return settleAll(() => judge.shutdown);
        default:
          return;
      }
    }

    function checkUnchanged(): void {
      if (waiting.size === 0) return;
      const programs = new Map(control.snapshot().programs.map((program) => [program.id, program]));
      settleAll((one) => {
        if (one.state) return undefined;
        const program = programs.get(one.spec.id);
        return program ? judge.unchanged(one, program) : judge.removed(one);
      });
    }

    control.perform(command);
    setImmediate(() => {
      checkUnchanged();
      if (!wait) settleAll(() => null);
      if (command.type === "stop") for (const check of others) check();
    });
  });
}
