/** Makes a running process trip over an illegal instruction, as a fault of its own would. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** The instruction that raises SIGILL, by architecture. */
const ILLEGAL: Readonly<Record<string, Buffer>> = {
  x64: Buffer.from([0x0f, 0x0b]),
  arm64: Buffer.from([0x00, 0x00, 0x00, 0x00]),
};

/**
 * Plants it where the main thread, which must sleep in a system call, goes on when that returns. Only this process's
 * copy of the page changes.
 */
export function plantFault(pid: number): void {
  const instruction = ILLEGAL[process.arch];
  if (instruction === undefined) throw new Error(`no illegal instruction known for ${process.arch}`);
  const words = readFileSync(`/proc/${pid}/syscall`, "latin1").trim().split(" ");
  if (words.length < 9) throw new Error(`process ${pid} does not sleep: ${words.join(" ")}`);
  const memory = openSync(`/proc/${pid}/mem`, "r+");
  try {
    writeSync(memory, instruction, 0, instruction.length, Number(words.at(-1)));
  } finally {
    closeSync(memory);
  }
}
