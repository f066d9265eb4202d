/** The descriptors of one start: what a program gets as 0, 1 and 2, and the ends of it that stay here. */
import type { ProgramSpec } from "../core/spec.ts";
import type { Errno, Fd, Kernel } from "../kernel/kernel.ts";
import type { LaunchContext } from "./launch.ts";

/** What was opened for a start: once it is decided, what is not kept is closed. */
export class Opened {
  readonly #kernel: Kernel;
  readonly #fds: Fd[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  pipe(): { readonly read: Fd; readonly write: Fd } | Errno {
    const pipe = this.#kernel.pipe();
    if (typeof pipe !== "string") this.#fds.push(pipe.read, pipe.write);
    return pipe;
  }

  /** Reads as empty. An image may lack /dev/null; a pipe without a writer is the same to a reader. */
  nothing(): Fd | Errno {
    const fd = this.#kernel.open("/dev/null", "read");
    if (typeof fd !== "number") {
      const pipe = this.#kernel.pipe();
      if (typeof pipe === "string") return pipe;
      this.#kernel.close(pipe.write);
      this.#fds.push(pipe.read);
      return pipe.read;
    }
    this.#fds.push(fd);
    return fd;
  }

  closeBut(kept: readonly (Fd | null)[]): void {
    for (const fd of this.#fds.splice(0)) if (!kept.includes(fd)) this.#kernel.close(fd);
  }
}

/** What a start is given, and what of it stays here: the other ends. */
export interface Outfit {
  readonly stdio: readonly [Fd, Fd, Fd];
  readonly foreground: boolean;
  readonly stdin: Fd | null;
  readonly stdout: Fd | null;
  readonly stderr: Fd | null;
}

/** Why none can be had: an errno, or the words for it. */
export type Lack = { readonly errno: string } | { readonly reason: string };

export function openOutfit(
  spec: ProgramSpec,
  isMain: boolean,
  opened: Opened,
  context: LaunchContext,
): Outfit | Lack {
  const { kernel } = context;
  const inherits = context.inheritStdio(spec);
  if (inherits && isMain) {
    const foreground = kernel.isatty(0);
    return { stdio: [0, 1, 2], foreground, stdin: null, stdout: null, stderr: null };
  }
  const input = isMain ? openInput(spec, opened, context) : nothingToRead(opened);
  if (!("read" in input)) return input;
  const { read: stdin, write } = input;
  if (inherits) return { stdio: [stdin, 1, 2], foreground: false, stdin: null, stdout: null, stderr: null };
  const out = opened.pipe();
  if (typeof out === "string") return { errno: out };
  const err = spec.redirectStderr ? out : opened.pipe();
  if (typeof err === "string") return { errno: err };
  if (spec.user) {
    // The program may open /dev/stdout or /dev/stdin anew, which only the pipe's owner is allowed to.
    if (write !== null) kernel.chown(stdin, spec.user.uid, spec.user.gid);
    kernel.chown(out.write, spec.user.uid, spec.user.gid);
    if (err !== out) kernel.chown(err.write, spec.user.uid, spec.user.gid);
  }
  return {
    stdio: [stdin, out.write, err.write],
    foreground: false,
    stdin: write,
    stdout: out.read,
    stderr: err === out ? null : err.read,
  };
}

interface Input {
  readonly read: Fd;
  /** null: nobody writes there. */
  readonly write: Fd | null;
}

function openInput(spec: ProgramSpec, opened: Opened, context: LaunchContext): Input | Lack {
  if (spec.socket !== null) {
    const socket = context.sockets.open(spec.socket);
    return typeof socket === "string" ? { reason: socket } : { read: socket, write: null };
  }
  if (!isWritable(spec)) return nothingToRead(opened);
  const pipe = opened.pipe();
  return typeof pipe === "string" ? { errno: pipe } : pipe;
}

function nothingToRead(opened: Opened): Input | Lack {
  const fd = opened.nothing();
  return typeof fd === "string" ? { errno: fd } : { read: fd, write: null };
}

/** Clients may write to it, or events come that way. */
function isWritable(spec: ProgramSpec): boolean {
  return spec.stdin === "pipe" || spec.kind === "eventlistener";
}
