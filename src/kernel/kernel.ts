/**
 * The operating system as tsinit sees it: some thirty verbs under our own names. `linux.ts` does them through libc,
 * `test/fakes/kernel.ts` in memory; one contract suite (`test/kernel-contract.ts`) runs on both.
 *
 * Verbs that can fail in ways a caller handles return an errno name ("ENOENT"); null means done. They never throw, but
 * for `CredentialsLost`.
 * Text from the system (environment, paths) is UTF-8 with surrogateescape: a byte 0x80+n that is not UTF-8 is U+DC80+n.
 */
import type { Signal } from "../core/signal-names.ts";
import type { Credentials } from "../core/spec.ts";
import type { ExitStatus, Pid } from "../core/states.ts";

export type Fd = number;
/** An errno's name, e.g. "EAGAIN". */
export type Errno = string;

export interface SpawnRequest {
  /** A path; it is not searched for. */
  readonly file: string;
  readonly argv: readonly string[];
  /** `KEY=VALUE`, in order. */
  readonly environment: readonly string[];
  /** null: ours. */
  readonly directory: string | null;
  /** What becomes fds 0, 1 and 2; nothing but these and `extra` is inherited. Stay open here: the caller closes them. */
  readonly stdio: readonly [Fd, Fd, Fd];
  /** Further descriptors, each under the number that it has in the new process, 3 or above. */
  readonly extra?: readonly ExtraFd[];
  /** null: ours. */
  readonly user: Credentials | null;
  readonly umask: number | null;
  /** Make the new process group the foreground group of the terminal on stdio[0]. */
  readonly foreground: boolean;
  /** `own`, the default: a process group of its own; `ours`: in our group; `session`: a session of its own. */
  readonly group?: "own" | "ours" | "session";
}

export interface ExtraFd {
  readonly from: Fd;
  readonly as: Fd;
}

/** `step` says what failed: changing to the user, the directory, the program itself, or making a process at all. */
export type SpawnResult =
  | { readonly ok: true; readonly pid: Pid }
  | { readonly ok: false; readonly step: "user" | "directory" | "exec" | "fork"; readonly errno: Errno };

export interface Reaped {
  readonly pid: Pid;
  readonly status: ExitStatus;
}

/** `pid` and `uid` of its sender are the kernel's word; pid 0: somebody outside of our pid namespace. */
export interface Datagram {
  readonly pid: Pid;
  readonly uid: number;
  /** null: longer than 4096 bytes. */
  readonly bytes: Uint8Array | null;
}

/** How a process is replaced. */
export interface ReplaceOptions {
  /** Descriptors besides 0, 1 and 2 that stay open. */
  readonly keep?: readonly Fd[];
  /** Default dispositions and an empty mask, as a spawned program has them; else what Node has made of them stays. */
  readonly freshSignals?: boolean;
}

/**
 * A spawn became its program's user and could not become itself again: this process now has ids that are not its own
 * and must end (70) without starting or signalling anything more.
 */
export class CredentialsLost extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`cannot take back the credentials after a spawn as another user (errno ${errno})`);
    this.name = "CredentialsLost";
    this.errno = errno;
  }
}

/** What tells a process from a later one with the same pid, and whose it may be. */
export interface ProcessInfo {
  readonly parent: Pid;
  readonly group: Pid;
  readonly session: Pid;
  /** Clock ticks since the machine started. */
  readonly startedAt: number;
  /** Not a zombie. */
  readonly alive: boolean;
}

export type FileKind = { readonly type: "file" | "directory" | "other"; readonly executable: boolean };

export interface Kernel {
  readonly pid: Pid;
  readonly uid: number;
  /** The environment as the container gave it, raw and in order; what steered the init away is back in it. */
  environment(): [name: string, value: string][];

  /**
   * New process, in its own process group unless asked otherwise: default dispositions, empty mask, the soft RLIMIT_NOFILE that the container
   * gave, ids and groups of `user` (real, effective, saved). A failed exec is an answer, never a zombie.
   */
  spawn(request: SpawnRequest): SpawnResult;
  /** The next ended child without waiting; "none": children but none ended; "childless". */
  reap(): Reaped | "none" | "childless";
  /** pid < -1: the group; -1: everything we may signal (only as real PID 1). */
  kill(pid: Pid, signal: Signal | 0): Errno | null;
  becomeSubreaper(): Errno | null;
  /** The processes whose parent it is, zombies too, from /proc; null when /proc cannot tell. */
  childrenOf(pid: Pid): Pid[] | null;
  /** null: there is none of that pid, or /proc cannot tell. */
  processAt(pid: Pid): ProcessInfo | null;
  /** The real uid; null as above. */
  userOf(pid: Pid): number | null;
  /** `KEY=VALUE` as its program was started with; null when that is not ours to read. */
  environmentOf(pid: Pid): string[] | null;
  /** Descendants of ours that are alive (no zombies), from /proc; null when /proc cannot be read. */
  descendants(): Pid[] | null;
  /** A descriptor that is readable once the process has ended. "ENOSYS" before Linux 5.3. */
  openProcess(pid: Pid): Fd | Errno;

  /** Close-on-exec, blocking. */
  pipe(): { readonly read: Fd; readonly write: Fd } | Errno;
  /** Bytes the pipe may hold; the kernel may refuse, which is fine. */
  setPipeSize(fd: Fd, bytes: number): Errno | null;
  chown(fd: Fd, uid: number, gid: number): Errno | null;
  open(path: string, mode: "read" | "write" | "read-write"): Fd | Errno;
  /** One datagram to the unix socket at `path` (`@name`: an abstract one), without waiting: "EAGAIN" when its reader is behind. */
  sendDatagram(path: string, bytes: Uint8Array): Errno | null;
  /** A socket for datagrams at a path, which must be free ("EADDRINUSE"), or `@name`; everybody may send to it. */
  bindDatagrams(path: string): Fd | Errno;
  /** The next one, "EAGAIN" when there is none. Descriptors that came along are closed. */
  receiveDatagram(fd: Fd): Datagram | Errno;
  /** Calls back in each turn of the event loop in which the descriptor is readable; the answer ends that, before it is closed. */
  watch(fd: Fd, onReadable: () => void): (() => void) | Errno;
  /**
   * A listening TCP socket, close-on-exec, blocking. An empty host is every address. "ENOTSUP" for a host that is not a
   * number: that one is left to Node. `backlog`: the system's own limit holds too.
   */
  listen(host: string, port: number, backlog: number): Fd | Errno;
  /** The same at a path, which must be free ("EADDRINUSE"); the file's mode is 0600. */
  listenUnix(path: string, backlog: number): Fd | Errno;
  /** For a socket that listens already. */
  setBacklog(fd: Fd, backlog: number): Errno | null;
  /** Connects and goes away again. null: somebody listens; "EAGAIN": and is busy; "ECONNREFUSED": nobody does. */
  knock(path: string): Errno | null;
  close(fd: Fd): void;
  /** Does not block when the fd is non-blocking or has data. "EAGAIN" when there is nothing, 0 at the end. */
  read(fd: Fd, into: Uint8Array): number | Errno;
  /** Whether reading would not block; true at end of file too. */
  readable(fd: Fd): boolean;
  isatty(fd: Fd): boolean;
  /** null: no such file. Follows links. */
  stat(path: string): FileKind | null;

  /** Lets these signals through on the main thread (Node blocks SIGUSR1 with --disable-sigusr1). */
  unblock(signals: readonly Signal[]): void;
  /** Keeps a handler of a fault signal from looping: it runs once, then the default applies until armed again. */
  armOnce(signal: Signal): void;
  /** Whether the signal's disposition is the default one (nobody handles it). */
  isDefault(signal: Signal): boolean;
  /** The name shown by ps, at most 15 bytes. */
  setName(name: string): void;
  /** Soft RLIMIT_NOFILE of this process to the hard one; children keep the container's. */
  raiseFileLimit(): void;
  /** Gives memory that was freed back to the system; malloc would keep it for later. */
  releaseMemory(): void;
  /** Becomes another program with the same pid; comes back only when that failed. */
  replace(
    file: string,
    argv: readonly string[],
    environment: readonly string[],
    options?: ReplaceOptions,
  ): Errno;
  /** Ends this process at once, no handlers, nothing waited for. */
  exit(code: number): never;
  /** Raw write to a descriptor, for last words; short writes and errors are given up on. */
  writeNow(fd: Fd, text: string): void;
}
