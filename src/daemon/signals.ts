/**
 * Signals to tsinit. Listeners for all of them are in place before anything else happens: a PID 1 without one loses the
 * signal, another process would die of it, and signal-exit would end us for those nobody listens to.
 */
import { SIGNALS, type Signal } from "../core/signal-names.ts";
import type { Kernel } from "../kernel/kernel.ts";

export interface Signals {
  /** Listens to SIGPIPE and SIGXFSZ too, which otherwise stay ignored as Node leaves them. */
  listenToAll(): void;
  /** From now on, and for what came before: in order. */
  deliver(listener: (signal: Signal) => void): void;
  received(): ReadonlyMap<string, number>;
}

/** The kernel raises these for faults of our own: a listener that returns would run into the same fault for ever. */
const FAULTS: readonly Signal[] = [
  SIGNALS.SEGV,
  SIGNALS.BUS,
  SIGNALS.FPE,
  SIGNALS.ILL,
  SIGNALS.TRAP,
  SIGNALS.SYS,
];
/** Raised by our own writes as well. Ignored, unless whoever wants them can tell the two apart. */
const OWN: readonly Signal[] = [SIGNALS.PIPE, SIGNALS.XFSZ];
const UNCATCHABLE: readonly Signal[] = [SIGNALS.KILL, SIGNALS.STOP];

/** What must not be missed from the first moment on. */
const FIRST: readonly Signal[] = [SIGNALS.TERM, SIGNALS.INT, SIGNALS.QUIT, SIGNALS.HUP, SIGNALS.CHLD];

export function listenForSignals(kernel: Kernel): Signals {
  const received = new Map<string, number>();
  const early: Signal[] = [];
  let listener: ((signal: Signal) => void) | null = null;

  function onSignal(name: NodeJS.Signals, signal: Signal): void {
    if (FAULTS.includes(signal)) kernel.armOnce(signal);
    if (signal !== SIGNALS.CHLD) received.set(name, (received.get(name) ?? 0) + 1);
    if (listener) listener(signal);
    else early.push(signal);
  }

  function listen(signal: Signal, name: NodeJS.Signals): void {
    // Node ends itself on TERM and INT until someone listens; for PID 1 the kernel ignores that, but the signal came.
    const cameBefore = (signal === SIGNALS.TERM || signal === SIGNALS.INT) && kernel.isDefault(signal);
    process.on(name, () => onSignal(name, signal));
    if (FAULTS.includes(signal)) kernel.armOnce(signal);
    if (cameBefore) onSignal(name, signal);
  }

  const names = Object.entries(SIGNALS).map(([name, signal]) => ({
    name: `SIG${name}` as NodeJS.Signals,
    signal,
  }));
  const wanted = names.filter(({ signal }) => !UNCATCHABLE.includes(signal) && !OWN.includes(signal));
  for (const { name, signal } of wanted) if (FIRST.includes(signal)) listen(signal, name);
  for (const { name, signal } of wanted) if (!FIRST.includes(signal)) listen(signal, name);
  // signal-exit knows ABRT and IO by these names too, and takes a name without a listener for the end.
  for (const alias of ["SIGIOT", "SIGPOLL"] as const) process.on(alias, () => {});
  // --disable-sigusr1 keeps Node from opening its inspector and leaves the signal blocked.
  kernel.unblock([SIGNALS.USR1]);

  return {
    listenToAll() {
      for (const { name, signal } of names) if (OWN.includes(signal)) listen(signal, name);
    },
    deliver(next) {
      listener = next;
      for (const signal of early.splice(0)) next(signal);
    },
    received: () => received,
  };
}
