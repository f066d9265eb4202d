/**
 * Programs' stdin where it is a pipe: the write ends, which nobody else gets, and what a program has not read yet. Until
 * somebody writes a pipe is a bare descriptor.
 */
import type net from "node:net";
import type { ProgramId } from "../core/spec.ts";
import type { Pid } from "../core/states.ts";
import type { Fd } from "../kernel/kernel.ts";

/** `full`: too much waits that the program has not read. `closed`: it has closed its end. */
export type StdinResult = "sent" | "no-pipe" | "closed" | "full";

export interface StdinPipes {
  /** Owns `fd`, the write end, until the process has ended. */
  keep(id: ProgramId, pid: Pid, fd: Fd): void;
  /** Never waits: what the pipe does not take now is kept and goes when there is room. */
  write(id: ProgramId, bytes: Uint8Array): StdinResult;
  /** The process is gone. */
  end(id: ProgramId, pid: Pid): void;
}

/** Beyond what the pipe itself holds. One write of any size is taken when nothing waits; its sender has a bound. */
const HELD_BYTES = 1024 * 1024;

interface Pipe {
  readonly pid: Pid;
  readonly fd: Fd;
  socket: net.Socket | null;
}

/** `onDrained`: a program has read all that was kept. */
export function createStdinPipes(close: (fd: Fd) => void, onDrained: (id: ProgramId) => void): StdinPipes {
  const pipes = new Map<ProgramId, Pipe>();

  function open(id: ProgramId, pipe: Pipe): net.Socket | null {
    if (pipe.socket !== null) return pipe.socket;
    const { Socket } = process.getBuiltinModule("node:net");
    try {
      // Makes the write end non-blocking; the program's end of the pipe is another description and stays as it is.
      pipe.socket = new Socket({ fd: pipe.fd, readable: false, writable: true });
    } catch {
      pipes.delete(id);
      close(pipe.fd);
      return null;
    }
    // EPIPE. What it has not read is lost, as it would be in the pipe.
    pipe.socket.on("error", () => {});
    pipe.socket.on("drain", () => onDrained(id));
    return pipe.socket;
  }

  function drop(pipe: Pipe): void {
    if (pipe.socket === null) close(pipe.fd);
    else pipe.socket.destroy();
  }

  return {
    keep(id, pid, fd) {
      const before = pipes.get(id);
      if (before) drop(before);
      pipes.set(id, { pid, fd, socket: null });
    },
    write(id, bytes) {
      const pipe = pipes.get(id);
      if (pipe === undefined) return "no-pipe";
      const socket = open(id, pipe);
      if (socket === null || socket.destroyed || socket.errored) return "closed";
      const held = socket.writableLength;
      if (held > 0 && held + bytes.length > HELD_BYTES) return "full";
      socket.write(bytes);
      return socket.errored ? "closed" : "sent";
    },
    end(id, pid) {
      const pipe = pipes.get(id);
      if (pipe?.pid !== pid) return;
      pipes.delete(id);
      drop(pipe);
    },
  };
}
