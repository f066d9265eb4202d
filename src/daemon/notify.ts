/**
 * What programs with `ready_notify` or `watchdog_secs` say of themselves (sd_notify(3)). Loaded when there is one. Each run
 * of a program has a socket of its own: what an earlier run left behind cannot speak for this one, and nobody else's flood
 * holds up its messages. Who sent a datagram is the kernel's word; whoever is not of the program is not heard.
 */
import type { JournalEntry } from "../core/effect.ts";
import type { SystemEvent } from "../core/event.ts";
import type { ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Datagram, Errno, Fd, Kernel } from "../kernel/kernel.ts";
import type { Level } from "../logs/logs.ts";
import type { Clock } from "./clock.ts";
import { removeFile } from "./files.ts";
import { parseNotification } from "./notification.ts";

export interface NotifyOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly submit: (event: SystemEvent) => void;
  readonly record: (entry: JournalEntry) => void;
  /** Whose process a pid is. */
  readonly owner: (pid: Pid) => ProgramId | null;
  readonly say: (level: Level, text: string) => void;
  readonly fault: (where: string, error: unknown) => void;
}

/** The socket of a run that is about to begin. */
export interface Channel {
  /** What the program gets in its environment. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** The run has begun. */
  keep(pid: Pid): void;
  /** It has not. */
  discard(): void;
}

export interface Notify {
  /** Or why there can be none, as the reason of a failed start. */
  open(spec: ProgramSpec): Channel | string;
  /** Takes what the program has sent until now: before its end is told, for a message may come before that. */
  drain(id: ProgramId): void;
  /** Another process is the program. */
  onMainPid(id: ProgramId, pid: Pid): void;
  end(id: ProgramId): void;
  closeAll(): void;
}

interface Run {
  readonly spec: ProgramSpec;
  readonly path: string;
  readonly fd: Fd;
  /** The process that was started: its group, and its session if it leads one, are the program's. */
  readonly leader: Pid;
  /** The program: the leader, or whom it handed over to. */
  main: Pid;
  stopWatching: () => void;
  /** Datagrams in the second that began at `since`. */
  received: number;
  since: number;
  ignored: number;
  readonly status: StatusLine;
}

/** The last STATUS=, and what was told of it. */
interface StatusLine {
  text: string;
  told: string;
  toldAt: number;
  cancel: (() => void) | null;
}

/** Where the control socket goes as well. An abstract name is what is left where nothing can be written. */
const DIRECTORIES = ["/run", "/tmp", "/dev/shm"] as const;
/** Names that sockets of another init may hold. */
const ATTEMPTS = 16;
/** At one go; the rest waits for the next turn of the event loop. */
const DATAGRAMS_A_TURN = 32;
/** Of one program; then its socket fills, and it waits. */
const DATAGRAMS_A_SECOND = 1000;
const SECOND_MS = 1000;
/** Processes between one and its ancestor that are looked at. */
const DEPTH = 64;

export function createNotify(options: NotifyOptions): Notify {
  const { kernel, clock, submit } = options;
  const runs = new Map<ProgramId, Run>();
  /** Sockets whose program is being started. */
  const opening = new Map<Fd, string>();
  let count = 0;

  /** A socket at the first place that has room for it. */
  function bind(): { fd: Fd; path: string } | Errno {
    let refusal: Errno = "EADDRINUSE";
    for (const directory of DIRECTORIES) {
      const found = bindIn((n) => `${directory}/tsinit-notify.${kernel.pid}.${n}`);
      if (typeof found !== "string") return found;
      refusal = found;
      if (refusal === "EMFILE" || refusal === "ENFILE") return refusal;
    }
    const found = bindIn((n) => `@tsinit-notify.${kernel.pid}.${clock.wall()}.${n}`);
    return typeof found === "string" ? refusal : found;
  }

  function bindIn(nameOf: (n: number) => string): { fd: Fd; path: string } | Errno {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const path = nameOf(++count);
      let fd = kernel.bindDatagrams(path);
      // One that nobody reads was left by an init that did not come to its end.
      if (fd === "EADDRINUSE" && kernel.sendDatagram(path, new Uint8Array(0)) === "ECONNREFUSED") {
        remove(path);
        fd = kernel.bindDatagrams(path);
      }
      if (typeof fd === "number") return { fd, path };
      if (fd !== "EADDRINUSE") return fd;
    }
    return "EADDRINUSE";
  }

  function remove(path: string): void {
    if (!path.startsWith("@")) removeFile(path);
  }

  function begin(spec: ProgramSpec, pid: Pid, fd: Fd, path: string): void {
    const status: StatusLine = { text: "", told: "", toldAt: Number.NEGATIVE_INFINITY, cancel: null };
    const run: Run = {
      spec,
      path,
      fd,
      leader: pid,
      main: pid,
      stopWatching: () => {},
      received: 0,
      since: clock.now(),
      ignored: 0,
      status,
    };
    end(spec.id);
    runs.set(spec.id, run);
    listen(run);
  }

  function listen(run: Run): void {
    const stop = kernel.watch(run.fd, () => onReadable(run));
    if (typeof stop === "string") options.fault(`the notifications of ${run.spec.id}`, new Error(stop));
    else run.stopWatching = stop;
  }

  function onReadable(run: Run): void {
    try {
      take(run);
    } catch (error) {
      options.fault(`the notifications of ${run.spec.id}`, error);
    }
  }

  function take(run: Run): void {
    for (let taken = 0; taken < DATAGRAMS_A_TURN; taken++) {
      // What came before may have ended it.
      if (runs.get(run.spec.id) !== run) return;
      const datagram = kernel.receiveDatagram(run.fd);
      if (typeof datagram === "string") return;
      handle(run, datagram);
      if (isFlood(run)) return;
    }
  }

  /** Nobody is told to send so much: it is listened to again in a second. */
  function isFlood(run: Run): boolean {
    const now = clock.now();
    if (now - run.since >= SECOND_MS) {
      run.since = now;
      run.received = 0;
    }
    if (++run.received < DATAGRAMS_A_SECOND) return false;
    run.stopWatching();
    const cancel = clock.after(SECOND_MS - (now - run.since), () => listen(run));
    run.stopWatching = cancel;
    return true;
  }

  function handle(run: Run, datagram: Datagram): void {
    const { id, ready } = run.spec;
    if (!isFromProgram(run, datagram)) return ignore(run, `from pid ${datagram.pid} of uid ${datagram.uid}`);
    const notification = datagram.bytes === null ? null : parseNotification(datagram.bytes);
    if (notification === null) return ignore(run, "that is no notification");
    const { mainPid, states, status, extend, watchdog } = notification;
    if (mainPid !== null && mainPid !== run.main) handOver(run, mainPid);
    const pid = run.main;
    if (status !== null) onStatus(run, status);
    for (const state of ready?.way.kind === "notify" ? states : [])
      submit({ type: "probed", id, pid, check: "ready", ok: state === "ready", reason: REASONS[state] });
    if (extend !== null) submit({ type: "extend", id, pid, millis: extend });
    if (watchdog !== null) submit({ type: "watchdog", id, pid, trigger: watchdog === "trigger" });
  }

  function ignore(run: Run, what: string): void {
    if (run.ignored++ === 0)
      options.say("debug", `${run.spec.name}: ignored a notification ${what}, and all alike`);
  }

  // ---- who sent it

  /**
   * The program's user, root, or the user that the program has become; and a process of it. One that has ended since and is
   * gone cannot be placed any more: then its user is enough, which could as well have signalled the program.
   */
  function isFromProgram(run: Run, { pid, uid }: Datagram): boolean {
    if (pid === run.main || pid === run.leader) return true;
    if (pid <= 0) return false;
    const user = run.spec.user?.uid ?? kernel.uid;
    if (uid !== user && uid !== 0 && uid !== kernel.userOf(run.main)) return false;
    return kernel.kill(pid, 0) === "ESRCH" ? uid === user : isOfRun(run, pid);
  }

  /** Its descendants, its group, its session; and whoever left all of these and still has its environment. */
  function isOfRun(run: Run, pid: Pid): boolean {
    let at = pid;
    for (let depth = 0; depth < DEPTH; depth++) {
      if (at === run.main || at === run.leader) return true;
      const process = kernel.processAt(at);
      if (process === null) break;
      if (process.group === run.leader || process.session === run.leader) return true;
      if (process.parent <= 1 || process.parent === kernel.pid) break;
      at = process.parent;
    }
    return kernel.environmentOf(pid)?.includes(`NOTIFY_SOCKET=${run.path}`) ?? false;
  }

  function handOver(run: Run, to: Pid): void {
    const { id } = run.spec;
    if (isDescendant(id, to)) submit({ type: "main-pid", id, pid: run.main, mainPid: to });
    else ignore(run, `with MAINPID=${to}, which is no process of it`);
  }

  /** A living process below us, and below no other program. */
  function isDescendant(id: ProgramId, pid: Pid): boolean {
    let at = pid;
    for (let depth = 0; depth < DEPTH; depth++) {
      const owner = options.owner(at);
      if (owner !== null && owner !== id) return false;
      const process = at === kernel.pid ? null : kernel.processAt(at);
      if (!process?.alive) return false;
      if (process.parent === kernel.pid) return true;
      at = process.parent;
    }
    return false;
  }

  // ---- what it says of itself

  /** At most one line a second, and the last one always. */
  function onStatus(run: Run, text: string): void {
    const { status } = run;
    status.text = text;
    if (status.cancel !== null) return;
    const wait = status.toldAt + SECOND_MS - clock.now();
    if (wait <= 0) tellStatus(run);
    else status.cancel = clock.after(wait, () => tellStatus(run));
  }

  function tellStatus(run: Run): void {
    const { status } = run;
    status.cancel = null;
    if (status.text === status.told) return;
    status.told = status.text;
    status.toldAt = clock.now();
    options.record({ type: "said", id: run.spec.id, text: status.text });
  }

  function end(id: ProgramId): void {
    const run = runs.get(id);
    if (run === undefined) return;
    runs.delete(id);
    run.status.cancel?.();
    run.stopWatching();
    kernel.close(run.fd);
    remove(run.path);
  }

  return {
    open(spec) {
      const bound = bind();
      if (typeof bound === "string") return `cannot make a socket for notifications: ${bound}`;
      const { fd, path } = bound;
      opening.set(fd, path);
      const seconds = spec.watchdogSecs;
      return {
        variables: [
          ["NOTIFY_SOCKET", path],
          ...(seconds === null ? [] : [["WATCHDOG_USEC", `${Math.round(seconds * 1e6)}`] as const]),
        ],
        keep(pid) {
          opening.delete(fd);
          begin(spec, pid, fd, path);
        },
        discard() {
          opening.delete(fd);
          kernel.close(fd);
          remove(path);
        },
      };
    },
    drain(id) {
      const run = runs.get(id);
      if (run !== undefined) onReadable(run);
    },
    onMainPid(id, pid) {
      const run = runs.get(id);
      if (run !== undefined) run.main = pid;
    },
    end,
    closeAll() {
      for (const id of [...runs.keys()]) end(id);
      for (const path of opening.values()) remove(path);
    },
  };
}

const REASONS = {
  reloading: "it sent RELOADING=1",
  ready: "",
  stopping: "it sent STOPPING=1",
} as const;
