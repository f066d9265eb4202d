/**
 * The kernel interface on Linux. It belongs to the main thread of one process: ids, masks and the reaping of children are
 * the calling thread's business.
 */
import type { Signal } from "../core/signal-names.ts";
import type { ExitStatus } from "../core/states.ts";
import {
  ECHILD,
  EINVAL,
  errnoName,
  F_SETFD,
  F_SETPIPE_SZ,
  O_CLOEXEC,
  O_NOCTTY,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  POLLIN,
  PR_SET_CHILD_SUBREAPER,
  PR_SET_NAME,
  SA_RESETHAND,
  SIG_DFL,
  SIG_IGN,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGACTION,
  SIGSET_SIZE,
  SYS,
  WNOHANG,
} from "./abi.ts";
import { sendDatagram } from "./datagram.ts";
import { closeInheritedOnExec, statPath, writeAll } from "./files.ts";
import type { Errno, Kernel } from "./kernel.ts";
import * as libc from "./libc.ts";
import { knock, listenTcp, listenUnix, setBacklog } from "./listen.ts";
import { childrenOf, environmentOf, findDescendants, processAt, userOf } from "./processes.ts";
import { bindDatagrams, receiveDatagram } from "./receive.ts";
import { spawn } from "./spawn.ts";
import { decodeText } from "./text.ts";
import { watch } from "./watch.ts";

/** What an earlier stage prefixes to the names of variables that would steer Node or the loader. */
const STASH = "TSINIT_STASH_";

const OPEN_FLAGS = { read: O_RDONLY, write: O_WRONLY, "read-write": O_RDWR } as const;

/** Ready to use; every descriptor above 2 that was inherited is close-on-exec from now on. */
export function linuxKernel(): Kernel {
  closeInheritedOnExec();
  const childLimit = containerFileLimit();
  const handlers = new Map<Signal, libc.Memory>();
  return {
    pid: process.pid,
    uid: process.getuid?.() ?? 0,
    environment: readEnvironment,

    spawn: (request) => spawn(request, childLimit),
    reap,
    kill: (pid, signal) => errnoOf(libc.kill(pid, signal)),
    becomeSubreaper: () => errnoOf(libc.prctl(PR_SET_CHILD_SUBREAPER, 1n)),
    childrenOf,
    processAt,
    environmentOf,
    userOf,
    descendants: () => findDescendants(process.pid),
    openProcess(pid) {
      const fd = libc.syscall(SYS.pidfd_open, BigInt(pid));
      return fd < 0 ? errnoName(-fd) : fd;
    },

    pipe() {
      const ends = libc.pipe2(O_CLOEXEC);
      return typeof ends === "number" ? errnoName(-ends) : ends;
    },
    setPipeSize: (fd, bytes) => errnoOf(libc.fcntl(fd, F_SETPIPE_SZ, bytes)),
    chown: (fd, uid, gid) => errnoOf(libc.fchown(fd, uid, gid)),
    open(path, mode) {
      if (path.includes("\0")) return errnoName(EINVAL);
      const fd = libc.open(libc.cString(path), OPEN_FLAGS[mode] | O_CLOEXEC | O_NOCTTY);
      return fd < 0 ? errnoName(-fd) : fd;
    },
    listen: listenTcp,
    sendDatagram,
    bindDatagrams,
    receiveDatagram,
    watch,
    listenUnix,
    setBacklog: (fd, backlog) => errnoOf(setBacklog(fd, backlog)),
    knock,
    close: libc.close,
    read(fd, into) {
      const count = libc.read(fd, into);
      return count < 0 ? errnoName(-count) : count;
    },
    readable: (fd) => libc.poll(fd, POLLIN, 0) > 0,
    isatty: libc.isatty,
    stat: statPath,

    unblock(signals) {
      const set = libc.allocate(SIGSET_SIZE);
      for (const signal of signals) addSignal(set, signal);
      libc.changeSignalMask(SIG_UNBLOCK, set);
    },
    armOnce: (signal) => armOnce(signal, handlers),
    isDefault(signal) {
      const action = libc.allocate(SIGACTION.size);
      return libc.sigaction(signal, null, action) === 0 && handlerOf(action) === SIG_DFL;
    },
    setName(name) {
      const bytes = libc.cString(name);
      libc.prctl(PR_SET_NAME, libc.addressOf(bytes));
    },
    raiseFileLimit() {
      const { soft, hard } = libc.fileLimit();
      if (soft !== hard) libc.setFileLimit(hard, hard);
    },
    releaseMemory: libc.trimHeap,
    replace(file, argv, environment, { keep = [], freshSignals = false } = {}) {
      const words = libc.cStrings(argv);
      const variables = libc.cStrings(environment);
      if (!words || !variables || file.includes("\0")) return errnoName(EINVAL);
      // Node marks its own stdio close-on-exec.
      for (const fd of [0, 1, 2, ...keep]) libc.fcntl(fd, F_SETFD, 0);
      if (freshSignals) forgetSignals();
      return errnoName(-libc.execve(libc.cString(file), words, variables));
    },
    exit: libc.exit,
    writeNow: writeAll,
  };
}

function errnoOf(result: number): Errno | null {
  return result < 0 ? errnoName(-result) : null;
}

function readEnvironment(): [name: string, value: string][] {
  const entries: [string, string][] = [];
  for (const bytes of libc.environ()) {
    const entry = decodeText(bytes);
    const equals = entry.indexOf("=");
    // An entry without a name or without `=` is legal to execve and of use to nobody.
    if (equals <= 0) continue;
    const name = entry.slice(0, equals);
    const stashed = name.startsWith(STASH) && name.length > STASH.length;
    entries.push([stashed ? name.slice(STASH.length) : name, entry.slice(equals + 1)]);
  }
  return entries;
}

function reap(): ReturnType<Kernel["reap"]> {
  const pid = libc.waitpid(-1, WNOHANG);
  if (pid > 0) return { pid, status: decodeStatus(libc.lastWaitStatus()) };
  return pid === -ECHILD ? "childless" : "none";
}

/** A wait status, wait(2): without WUNTRACED a child has either exited or was killed by a signal. */
export function decodeStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0
    ? { kind: "exited", code: (status >> 8) & 0xff }
    : { kind: "signalled", signal, coreDumped: (status & 0x80) !== 0 };
}

/** What is ignored or blocked outlives an exec. */
function forgetSignals(): void {
  const action = libc.allocate(SIGACTION.size);
  for (let signal = 1; signal < 32; signal++) {
    if (libc.sigaction(signal, null, action) < 0 || handlerOf(action) !== SIG_IGN) continue;
    libc.sigaction(signal, libc.allocate(SIGACTION.size), null);
  }
  libc.changeSignalMask(SIG_SETMASK, libc.allocate(SIGSET_SIZE));
}

function addSignal(set: libc.Memory, signal: Signal): void {
  const byte = (signal - 1) >> 3;
  set.bytes.writeUInt8(set.bytes.readUInt8(byte) | (1 << ((signal - 1) & 7)), byte);
}

function handlerOf(action: libc.Memory): bigint {
  return action.bytes.readBigUInt64LE(SIGACTION.handler);
}

/**
 * The handler is libuv's, which only notes the signal; a fault that it returns to would happen again for ever. With
 * SA_RESETHAND the second time ends the process. After each delivery the disposition is the default, so the handler seen
 * first is remembered for the next time.
 */
function armOnce(signal: Signal, handlers: Map<Signal, libc.Memory>): void {
  const current = libc.allocate(SIGACTION.size);
  if (libc.sigaction(signal, null, current) < 0) return;
  const handler = handlerOf(current);
  if (handler === SIG_IGN) return;
  if (handler !== SIG_DFL) handlers.set(signal, current);
  const action = handlers.get(signal);
  if (!action) return;
  const flags = action.bytes.readUInt32LE(SIGACTION.flags);
  action.bytes.writeUInt32LE((flags | SA_RESETHAND) >>> 0, SIGACTION.flags);
  libc.sigaction(signal, action, null);
}

/** What Node raises the soft limit to at most, and what a program is given when the original is not known. */
const NODE_RAISES_TO = 2n ** 20n;
const USUAL_LIMIT = 1024n;

/**
 * The soft RLIMIT_NOFILE that the container gave. The built executable starts with it. A plain `node` has raised it to
 * the hard one before any JavaScript runs, so the usual default stands in, unless somebody has set it since.
 */
function containerFileLimit(): bigint {
  const { soft, hard } = libc.fileLimit();
  const isNode = /(^|\/)node[^/]*$/.test(process.execPath);
  const raised = hard < NODE_RAISES_TO ? hard : NODE_RAISES_TO;
  if (!isNode || soft < raised) return soft;
  return hard < USUAL_LIMIT ? hard : USUAL_LIMIT;
}
