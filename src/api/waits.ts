/**
 * Commands that are answered when they are done. Whoever waits watches the journal and settles each program by its first
 * telling change; nothing is polled, and the end of a program, of its group or of tsinit settles it too.
 */
import type { JournalEntry } from "../core/effect.ts";
import { NOT_EXECUTABLE, NOT_FOUND } from "../core/exit-codes.ts";
import type { Signal } from "../core/signal-names.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import { namespec, type ProgramId, type ProgramSpec } from "../core/spec.ts";
import type { ProgramState } from "../core/states.ts";
import type { Command, Control } from "./control.ts";
import { type Fault, fault } from "./faults.ts";
import type { ServerClock } from "./surface.ts";

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
  /** It waits for another program, whose changes matter then. */
  isBlocked: boolean;
  /** What its last run left behind is stopped first: states that mean nothing yet. */
  isClearing: boolean;
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
        if (spawnError !== null && state.code === NOT_FOUND) return fault("NO_FILE", spawnError);
        if (spawnError !== null && state.code === NOT_EXECUTABLE) return fault("NOT_EXECUTABLE", spawnError);
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
  unchanged: ({ spec }, program) => {
    const { state, pending, stuck } = program;
    if (state.name === "RUNNING") return null;
    if (pending) return stuck ? waitsInVain(program) : undefined;
    return state.name === "STARTING" ? undefined : fault("ABNORMAL_TERMINATION", namespec(spec));
  },
  removed: ({ spec }) => fault("ABNORMAL_TERMINATION", namespec(spec)),
  shutdown: fault("SHUTDOWN_STATE"),
};

/**
 * It does not start now, because of another program: of supervisord's faults the one that says so least wrongly, with the
 * reason behind the name. The wish to start stays: when the other one comes up, it starts.
 */
function waitsInVain({ spec, description }: ProgramSnapshot): Fault {
  return fault("ABNORMAL_TERMINATION", `${namespec(spec)}: ${description}`);
}

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
  readonly clock: ServerClock;
}

/**
 * A program may wait for another that never comes up and is tried for ever: nobody is kept longer than that. (supervisord,
 * where no program waits for another, has its answer after startsecs.)
 */
const PATIENCE_MS = 5 * 60_000;

/** What cannot be run is not tried: no change of state, no retries (supervisord.md 13.3). */
export function commandFault(control: Control, id: ProgramId): Fault | null {
  const problem = control.commandProblem(id);
  return problem && fault(problem.code === NOT_FOUND ? "NO_FILE" : "NOT_EXECUTABLE", problem.reason);
}

/** Resolves with every program, in the order asked for; what was not even tried comes first. */
export function startPrograms(
  control: Control,
  programs: readonly ProgramSnapshot[],
  { wait, gated, clock }: StartOptions,
): Promise<Settled[]> {
  const broken: Settled[] = [];
  const sound: ProgramSpec[] = [];
  for (const { spec } of programs) {
    const problem = commandFault(control, spec.id);
    if (problem === null) sound.push(spec);
    else broken.push({ spec, fault: problem });
  }
  const command: Command = { type: "start", ids: sound.map(({ id }) => id), gated };
  return perform(control, command, sound, START, wait, clock).then((settled) => [...broken, ...settled]);
}

/** Resolves with every program, in the order asked for. */
export function stopPrograms(
  control: Control,
  programs: readonly ProgramSnapshot[],
  wait: boolean,
): Promise<Settled[]> {
  const specs = programs.map(({ spec }) => spec);
  return perform(control, { type: "stop", ids: specs.map(({ id }) => id) }, specs, STOP, wait);
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
  clock: ServerClock | null = null,
): Promise<Settled[]> {
  if (specs.length === 0) return Promise.resolve([]);
  return new Promise((resolve) => {
    // supervisord reports in its own order whoever was done within a second or so; ours are told apart more finely.
    const order = new Map(specs.map(({ id }, index) => [id, index]));
    const place = ({ spec }: Settled): number => order.get(spec.id) ?? specs.length;
    const done = (settled: Settled[]): void => {
      cancel?.();
      resolve(settled.sort((a, b) => place(a) - place(b)));
    };
    const watch = new Watch(control, specs, judge, done);
    const cancel = clock?.after(PATIENCE_MS, () => watch.loseHope());
    control.perform(command);
    setImmediate(() => {
      watch.lookAgain();
      if (!wait) watch.giveUp();
      if (command.type === "stop") for (const other of watchesOf(control)) other.lookAgain();
    });
  });
}

/** A stop may take back a start that waits for its turn, which shows in no entry: whoever waits looks again then. */
const watches = new WeakMap<Control, Set<Watch>>();

function watchesOf(control: Control): Set<Watch> {
  const known = watches.get(control) ?? new Set<Watch>();
  watches.set(control, known);
  return known;
}

/** Settles programs by what the journal tells of them, and hands them over when the last one is settled. */
class Watch {
  readonly #control: Control;
  readonly #judge: Judge;
  readonly #done: (settled: Settled[]) => void;
  readonly #waiting: Map<ProgramId, Waiting>;
  readonly #settled: Settled[] = [];
  readonly #unsubscribe: () => void;
  #checkDue = false;

  constructor(
    control: Control,
    specs: readonly ProgramSpec[],
    judge: Judge,
    done: (settled: Settled[]) => void,
  ) {
    this.#control = control;
    this.#judge = judge;
    this.#done = done;
    this.#waiting = new Map(
      specs.map((spec) => [
        spec.id,
        { spec, spawnError: null, state: null, isBlocked: false, isClearing: false },
      ]),
    );
    this.#unsubscribe = control.subscribe((entry) => this.#onEntry(entry));
    watchesOf(control).add(this);
  }

  /** At what has not changed since the command: it may never. */
  lookAgain(): void {
    if (this.#waiting.size === 0) return;
    const programs = new Map(this.#control.snapshot().programs.map((program) => [program.id, program]));
    this.#settleAll((one) => {
      if (one.state) return undefined;
      const program = programs.get(one.spec.id);
      one.isBlocked = program !== undefined && program.blocked !== null;
      return program ? this.#judge.unchanged(one, program) : this.#judge.removed(one);
    });
  }

  /** What has not even begun to start by now: others keep it from it. */
  loseHope(): void {
    const programs = new Map(this.#control.snapshot().programs.map((program) => [program.id, program]));
    this.#settleAll((one) => {
      const program = programs.get(one.spec.id);
      return program?.pending && one.state === null ? waitsInVain(program) : undefined;
    });
  }

  /** Nobody wants to know how the rest ends. */
  giveUp(): void {
    this.#settleAll(() => null);
  }

  #onEntry(entry: JournalEntry): void {
    switch (entry.type) {
      case "state":
        this.#onState(entry.id, entry.to);
        return this.#lookAtBlocked();
      case "blocked": {
        const one = this.#waiting.get(entry.id);
        if (one) one.isBlocked = true;
        return this.#lookAtBlocked();
      }
      case "spawn-error": {
        const one = this.#waiting.get(entry.id);
        if (one) one.spawnError = entry.reason;
        return;
      }
      case "left-behind": {
        const one = this.#waiting.get(entry.id);
        if (one) one.isClearing = true;
        return;
      }
      case "group-removed":
      case "reloaded":
        return this.#dropRemoved();
      case "draining":
      case "stopping":
        return this.#settleAll(() => this.#judge.shutdown);
      default:
        return;
    }
  }

  #onState(id: ProgramId, state: ProgramState): void {
    const one = this.#waiting.get(id);
    if (!one) return;
    if (one.isClearing) {
      if (state.name === "STOPPING") return;
      one.isClearing = false;
      // Its start follows, unless that was taken back or waits for others.
      if (state.name === "STOPPED") return queueMicrotask(() => this.lookAgain());
    }
    one.state = state;
    // RUNNING may be left at once (startsecs=0), and counts all the same.
    if (this.#judge.changed(one, state) === null) this.#settle(id, null);
    else this.#checkSoon();
  }

  /** Once what happens now has happened entirely: the entries of one event may come in any order. */
  #checkSoon(): void {
    if (this.#checkDue) return;
    this.#checkDue = true;
    queueMicrotask(() => {
      this.#checkDue = false;
      this.#settleAll((one) => (one.state ? this.#judge.changed(one, one.state) : undefined));
      for (const { isBlocked, state } of this.#waiting.values())
        if (isBlocked && state === null) return this.lookAgain();
    });
  }

  /** Whatever happens to others may be the end of its hope. */
  #lookAtBlocked(): void {
    if (this.#checkDue) return;
    for (const { isBlocked, state } of this.#waiting.values())
      if (isBlocked && state === null) return this.#checkSoon();
  }

  #dropRemoved(): void {
    const known = new Set(this.#control.snapshot().programs.map(({ id }) => id));
    this.#settleAll((one) => (known.has(one.spec.id) ? undefined : this.#judge.removed(one)));
  }

  #settleAll(verdict: (one: Waiting) => Verdict): void {
    for (const [id, one] of this.#waiting) this.#settle(id, verdict(one));
  }

  #settle(id: ProgramId, verdict: Verdict): void {
    const one = this.#waiting.get(id);
    if (!one || verdict === undefined) return;
    this.#waiting.delete(id);
    this.#settled.push({ spec: one.spec, fault: verdict });
    if (this.#waiting.size > 0) return;
    this.#unsubscribe();
    watchesOf(this.#control).delete(this);
    this.#done(this.#settled);
  }
}
