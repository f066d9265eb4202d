/** The log path as the daemon sees it: programs' pipes in, the container's stdout and stderr out. */
import type { GlobalSpec, ProgramId, ProgramSpec } from "../core/spec.ts";

export type StreamName = "stdout" | "stderr";
export type Level = GlobalSpec["logLevel"];

export interface StreamCounters {
  lines: number;
  bytes: number;
  droppedBytes: number;
}

/**
 * What event listeners need of the output, as it is read: chunks, not lines. The bytes are only valid during the call.
 * `chunk` is called for streams with `eventsEnabled`, and for the stdout of an event listener, which is its side of the
 * protocol; `captured` for what stood between the tags of a stream with `captureMaxbytes`.
 */
export interface OutputListener {
  chunk(spec: ProgramSpec, pid: number, stream: StreamName, bytes: Uint8Array): void;
  captured(spec: ProgramSpec, pid: number, stream: StreamName, bytes: Uint8Array): void;
}

export interface Logs {
  /**
   * Starts reading one stream of a fresh run. `fd` is the read end of a pipe; logs owns it from now on and closes it at
   * its end, `lingerSeconds` after `finish`, or at `close`.
   */
  attach(spec: ProgramSpec, pid: number, stream: StreamName, fd: number): void;
  /**
   * The run's process is gone: read what its pipes still hold, end an unfinished line, so that whatever `say` writes
   * next comes after the program's last words. A pipe that an orphan keeps open is read for some seconds more.
   */
  finish(id: ProgramId, pid: number): void;
  /** A line of tsinit's own, on stderr, under the prefix `tsinit`. Level below the setting: nothing. */
  say(level: Level, text: string): void;
  /** New settings and programs (prefix width is the longest name). Runs in progress keep their pipes. */
  configure(global: GlobalSpec, programs: readonly ProgramSpec[]): void;
  /** The last output kept in memory, oldest first; empty for an unknown program. */
  history(id: ProgramId, stream: StreamName): Uint8Array;
  /** Bytes seen on the stream since the last `clear`: the offset of the end of `history`, as log files have one. */
  historyEnd(id: ProgramId, stream: StreamName): number;
  /** The path made up for `*_logfile=AUTO` with `log_files=also`; empty: there is no such file. */
  automaticFile(id: ProgramId, stream: StreamName): string;
  clear(id: ProgramId): void;
  /** What the program writes from now on, as it comes, after `strip_ansi`. Returns the way to stop. */
  follow(id: ProgramId, stream: StreamName, listener: (bytes: Uint8Array) => void): () => void;
  /** tsinit's own last lines, as supervisord's log file would hold them (supervisord.md 9.1), and where they end. */
  mainHistory(): { readonly bytes: Uint8Array; readonly end: number };
  clearMain(): void;
  followMain(listener: (text: Uint8Array) => void): () => void;
  /** SIGUSR2: closes and opens every log file, so that a rotation from outside takes effect. */
  reopen(): void;
  /** The program's last lines of both streams, newest last, at most `bytes` long (for the termination log). */
  lastLines(id: ProgramId, bytes: number): string;
  counters(id: ProgramId, stream: StreamName): Readonly<StreamCounters>;
  /** Whether everything written has left (for the health check `log`), and since when not (monotonic ms). */
  stuckSince(): number | null;
  /**
   * For the end: what the pipes still hold is read. Resolves when all is written, when nothing has left for `patience`
   * milliseconds, or after `limit` of them: a reader that is slow gets everything, one that is stuck holds nobody up.
   */
  flush(patience: number, limit: number | null): Promise<void>;
}
