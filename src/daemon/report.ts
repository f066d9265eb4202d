/** Tells whoever started tsinit how it is (sd_notify(3)). Loaded when it asks for that with NOTIFY_SOCKET. */
import type { JournalEntry } from "../core/effect.ts";
import { evaluate } from "../core/health.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Millis } from "../core/states.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Level } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";

export interface ReportOptions {
  readonly kernel: Pick<Kernel, "sendDatagram">;
  readonly clock: Clock;
  readonly address: string;
  /** A sign of life is due within so long; null: none is. */
  readonly watchdog: Millis | null;
  readonly snapshot: () => Snapshot;
  readonly say: (level: Level, text: string) => void;
}

export interface Report {
  onEntry(entry: JournalEntry): void;
  /** Between the two it is not ready. */
  aroundReload(reload: () => void): void;
}

/** Between two STATUS=. */
const STATUS_MS = 1000;
/** Its queue is full: after so long once more. */
const RETRY_MS = 100;

export function createReport(options: ReportOptions): Report {
  const { clock } = options;
  let isReady = false;
  let isStopping = false;
  let willLook = false;
  /** For a manager that is behind: the last word of each kind, in order. */
  let waiting: string[] = [];
  let willRetry = false;
  let hasComplained = false;
  let told = "";
  let toldAt = Number.NEGATIVE_INFINITY;
  let isStatusDue = false;

  function flush(): void {
    while (waiting.length > 0) {
      const errno = options.kernel.sendDatagram(options.address, Buffer.from(waiting[0] ?? ""));
      if (errno === "EAGAIN") return retryLater();
      waiting.shift();
      if (errno === null || hasComplained) continue;
      hasComplained = true;
      options.say("warn", `NOTIFY_SOCKET=${options.address}: ${errno}`);
    }
  }

  function retryLater(): void {
    willRetry = true;
    clock.after(RETRY_MS, () => {
      willRetry = false;
      flush();
    });
  }

  function send(text: string): void {
    const kind = text.slice(0, text.indexOf("="));
    waiting = [...waiting.filter((other) => !other.startsWith(`${kind}=`)), text];
    if (!willRetry) flush();
  }

  function look(): void {
    willLook = false;
    const snapshot = options.snapshot();
    // The start is over, as well as it went: a manager that is told of nothing ends the container, and with it what runs
    // although a program that is not critical has given up.
    if (!isReady && !isStopping && evaluate(snapshot, "startup", { exclude: [] }).ok) {
      isReady = true;
      send("READY=1");
    }
    tellStatus();
  }

  function tellStatus(): void {
    const status = describe(options.snapshot());
    if (status === told || isStatusDue) return;
    const wait = toldAt + STATUS_MS - clock.now();
    if (wait > 0) {
      isStatusDue = true;
      clock.after(wait, () => {
        isStatusDue = false;
        tellStatus();
      });
      return;
    }
    told = status;
    toldAt = clock.now();
    send(`STATUS=${status}`);
  }

  function beat(every: Millis): void {
    send("WATCHDOG=1");
    clock.after(every, () => beat(every));
  }

  if (options.watchdog !== null) beat(options.watchdog / 2);

  return {
    onEntry(entry) {
      if ((entry.type === "draining" || entry.type === "stopping") && !isStopping) {
        isStopping = true;
        send("STOPPING=1");
      }
      if (willLook) return;
      willLook = true;
      setImmediate(look);
    },
    aroundReload(reload) {
      // READY=1 at the end of it would say more than is true if it was never ready before.
      if (!isReady || isStopping) return reload();
      send(`RELOADING=1\nMONOTONIC_USEC=${clock.monotonicMicros()}`);
      reload();
      send("READY=1");
    },
  };
}

/** What is done, or is not to run by itself, is not counted as missing. */
function describe({ programs }: Snapshot): string {
  const isRunning = ({ state }: Snapshot["programs"][number]): boolean => state.name === "RUNNING";
  const running = programs.filter(isRunning).length;
  const all = programs.filter((each) => isRunning(each) || (each.spec.autostart && !each.done)).length;
  return `${running} of ${all} ${all === 1 ? "program is" : "programs are"} running`;
}
