/** The log path as the daemon sees it: programs' pipes in, the container's stdout and stderr out. */
import type { GlobalSpec, ProgramId, ProgramSpec } from "../core/spec.ts";

export type StreamName = "stdout" | "stderr";
export type Level = GlobalSpec["logLevel"];

export interface StreamCounters {
  lines: number;
  bytes: number;
  droppedBytes: number;
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
  /** Bytes ever seen on the stream: the offset of the end of `history`, as log files have one. */
  historyEnd(id: ProgramId, stream: StreamName): number;
  clear(id: ProgramId): void;
  /** The program's last lines of both streams, newest last, at most `bytes` long (for the termination log). */
  lastLines(id: ProgramId, bytes: number): string;
  counters(id: ProgramId, stream: StreamName): Readonly<StreamCounters>;
  /** Whether everything written has left (for the health check `log`), and since when not (monotonic ms). */
  stuckSince(): number | null;
  /** Resolves when all is written, or after `millis`. */
  flush(millis: number): Promise<void>;
}
