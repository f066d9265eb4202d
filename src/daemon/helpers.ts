/**
 * Commands beside a program, in its clothes: `stop_command` and the checks that run a command. None of them is the
 * program: each leads a process group of its own, and what is left of that is killed with it.
 */
import { SIGNALS } from "../core/signal-names.ts";
import type { HookSpec, ProgramSpec } from "../core/spec.ts";
import type { ExitStatus, Pid } from "../core/states.ts";
import type { Errno, Fd, Kernel } from "../kernel/kernel.ts";
import { Capture, CaptureContext } from "../logs/capture.ts";
import type { Logs } from "../logs/logs.ts";
import { asProgram, type LaunchContext, launchBeside, OTHER } from "./launch.ts";
import { Opened } from "./outfit.ts";
import type { Reaper } from "./reaper.ts";

export interface HelperRequest {
  readonly spec: ProgramSpec;
  readonly hook: HookSpec;
  /** The program's process: `$MAINPID`. */
  readonly mainPid: Pid;
  /** Where its output goes: into the program's log, or it is kept for `onEnd`. */
  readonly output: "log" | "keep";
  /** It ended by itself. `output`: the first of what it wrote, if that was kept. */
  readonly onEnd: (status: ExitStatus, output: string) => void;
  /** It was reaped, whether it ended by itself or was killed. */
  readonly onGone?: () => void;
}

export interface Helper {
  /** Reaped. */
  readonly gone: boolean;
  /** Kills its group; `onEnd` is not called any more. */
  kill(): void;
}

/** `code` as a shell has it; `OTHER` when it was not the command's fault. */
export type HelperStart =
  | { readonly ok: true; readonly helper: Helper }
  | { readonly ok: false; readonly reason: string; readonly code: number };

export interface Helpers {
  run(request: HelperRequest): HelperStart;
}

export interface HelperOptions {
  readonly launchContext: () => LaunchContext;
  readonly reaper: Pick<Reaper, "trackHelper">;
}

/** Kept of a check's output. What comes beyond is read and dropped, so that the command is not held up. */
const KEPT_BYTES = 4096;
/** What may still stand in its pipe when it has ended. */
const PIPE_BYTES = 64 * 1024;

/** Where the output of one goes. */
interface Outlet {
  readonly stdout: Fd;
  readonly stderr: Fd;
  /** The reading ends, which stay open. */
  readonly kept: readonly Fd[];
  started(pid: Pid): void;
  /** What was kept of it. */
  ended(pid: Pid): string;
}

export function createHelpers({ launchContext, reaper }: HelperOptions): Helpers {
  let captures: CaptureContext | null = null;

  /** Both streams in one pipe, of which the beginning is kept. */
  function keptOutlet(opened: Opened, kernel: Kernel): Outlet | Errno {
    const pipe = opened.pipe();
    if (typeof pipe === "string") return pipe;
    captures ??= new CaptureContext(kernel);
    const shared = captures;
    const kept: Buffer[] = [];
    let room = KEPT_BYTES;
    let capture: Capture | null = null;
    return {
      stdout: pipe.write,
      stderr: pipe.write,
      kept: [pipe.read],
      started() {
        capture = new Capture(pipe.read, shared, {
          onBytes(buffer, count) {
            if (room === 0) return;
            // A copy: the buffer is the next read's too.
            const piece = Buffer.from(buffer.subarray(0, Math.min(count, room)));
            room -= piece.length;
            kept.push(piece);
          },
          onEnd() {},
        });
      },
      ended() {
        capture?.drain(PIPE_BYTES);
        capture?.close();
        return Buffer.concat(kept).toString();
      },
    };
  }

  /** As the program's own. */
  function logOutlet(given: ProgramSpec, opened: Opened, logs: Logs): Outlet | Errno {
    const spec = asProgram(given);
    const out = opened.pipe();
    if (typeof out === "string") return out;
    const err = spec.redirectStderr ? out : opened.pipe();
    if (typeof err === "string") return err;
    return {
      stdout: out.write,
      stderr: err.write,
      kept: [out.read, err.read],
      started(pid) {
        logs.attach(spec, pid, "stdout", out.read);
        if (err !== out) logs.attach(spec, pid, "stderr", err.read);
      },
      ended(pid) {
        logs.finish(spec.id, pid);
        return "";
      },
    };
  }

  return {
    run(request) {
      const { spec, hook, mainPid } = request;
      const context = launchContext();
      const { kernel } = context;
      const opened = new Opened(kernel);
      const refused = (reason: string, code: number): HelperStart => {
        opened.closeBut([]);
        return { ok: false, reason, code };
      };
      const stdin = opened.nothing();
      if (typeof stdin === "string") return refused(stdin, OTHER);
      const outlet =
        request.output === "log" ? logOutlet(spec, opened, context.logs) : keptOutlet(opened, kernel);
      if (typeof outlet === "string") return refused(outlet, OTHER);
      const { stdout, stderr } = outlet;
      if (spec.user)
        for (const fd of new Set([stdout, stderr])) kernel.chown(fd, spec.user.uid, spec.user.gid);
      const variables = [`MAINPID=${mainPid}`];
      const launched = launchBeside(spec, hook.argv, [stdin, stdout, stderr], variables, context);
      if (!launched.ok) return refused(launched.reason, launched.code);
      const { pid } = launched;
      opened.closeBut(outlet.kept);
      let gone = false;
      let killed = false;
      const killGroup = (): void => void kernel.kill(-pid, SIGNALS.KILL);
      outlet.started(pid);
      reaper.trackHelper(pid, (status) => {
        gone = true;
        // Its children, which would stay for ever where a check leaves one each time.
        killGroup();
        const output = outlet.ended(pid);
        if (!killed) request.onEnd(status, output);
        request.onGone?.();
      });
      const helper: Helper = {
        get gone() {
          return gone;
        },
        kill() {
          if (gone || killed) return;
          killed = true;
          killGroup();
        },
      };
      return { ok: true, helper };
    },
  };
}
