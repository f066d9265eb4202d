/** The few files the init writes or looks at. None of them may stop it: every failure is an answer. */
import { closeSync, constants, fstatSync, openSync, unlinkSync, writeSync } from "node:fs";

/** The text of the error, or null. */
export function writePidfile(path: string, pid: number): string | null {
  return attempt(() => {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o644);
    try {
      writeSync(fd, `${pid}\n`);
    } finally {
      closeSync(fd);
    }
  });
}

export function removeFile(path: string): void {
  attempt(() => unlinkSync(path));
}

export function isOpen(fd: number): boolean {
  return attempt(() => fstatSync(fd)) === null;
}

/** Kubernetes reads at most this much of a termination message. */
export const TERMINATION_LOG_BYTES = 4096;

/** Written only where the orchestrator has put the file: never created (ops: in Docker there is none). */
export function writeTerminationLog(path: string, text: string): void {
  attempt(() => {
    const fd = openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK);
    try {
      writeSync(fd, cut(text, TERMINATION_LOG_BYTES));
    } finally {
      closeSync(fd);
    }
  });
}

/** The first `bytes` bytes, not ending inside a character. */
function cut(text: string, bytes: number): Buffer {
  const all = Buffer.from(text);
  if (all.length <= bytes) return all;
  let end = bytes;
  while (end > 0 && ((all[end] ?? 0) & 0xc0) === 0x80) end--;
  return all.subarray(0, end);
}

function attempt(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
