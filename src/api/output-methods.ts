/** The methods about what programs write, what they are given to read, and tsinit's own log (supervisord.md 13.3). */
import type { ProgramSnapshot } from "../core/snapshot.ts";
import type { Control } from "./control.ts";
import { RpcError } from "./faults.ts";
import { type LogWindow, readLog, tailLog } from "./log-window.ts";
import {
  type Arguments,
  type Method,
  type MethodContext,
  method,
  NAME,
  type NamedMethod,
  type Param,
} from "./method.ts";
import { findProgram, inOrder, result } from "./targets.ts";
import type { Value } from "./xmlrpc.ts";

export type Stream = "stdout" | "stderr";

const OFFSET: Param = { name: "offset", type: "int" };
const LENGTH: Param = { name: "length", type: "int" };

const readMain = method([OFFSET, LENGTH], "string", "A part of tsinit's own log.", ({ control }, args) =>
  readLog(control.mainLog(), args.int(0), args.int(1)),
);
const readStdout = reader("stdout");
const tailStdout = tailer("stdout");
const clearLogs = method([NAME], "boolean", "Forgets the output kept of a program.", ({ control }, args) => {
  control.clearHistory(findProgram(control, args.text(0)).id);
  return true;
});

export const OUTPUT_METHODS: readonly NamedMethod[] = [
  ["supervisor.readLog", readMain],
  ["supervisor.readMainLog", readMain],
  [
    "supervisor.clearLog",
    method([], "boolean", "Forgets what is kept of tsinit's own log.", ({ control }) => {
      control.clearMainLog();
      return true;
    }),
  ],
  ["supervisor.readProcessStdoutLog", readStdout],
  ["supervisor.readProcessLog", readStdout],
  ["supervisor.readProcessStderrLog", reader("stderr")],
  ["supervisor.tailProcessStdoutLog", tailStdout],
  ["supervisor.tailProcessLog", tailStdout],
  ["supervisor.tailProcessStderrLog", tailer("stderr")],
  ["supervisor.clearProcessLogs", clearLogs],
  ["supervisor.clearProcessLog", clearLogs],
  [
    "supervisor.clearAllProcessLogs",
    method([], "array", "Forgets the output kept of all programs.", ({ control }) =>
      inOrder(control).map(({ id, spec }) => {
        control.clearHistory(id);
        return result({ spec, fault: null });
      }),
    ),
  ],
  [
    "supervisor.sendProcessStdin",
    method(
      [NAME, { name: "chars", type: "string" }],
      "boolean",
      "Writes text to a program's stdin, as UTF-8.",
      sendStdin,
    ),
  ],
  [
    "supervisor.sendRemoteCommEvent",
    {
      params: [
        { name: "type", type: "scalar" },
        { name: "data", type: "scalar" },
      ],
      returns: "boolean",
      help: "Sends a REMOTE_COMMUNICATION event to the event listeners.",
      // The one method of the namespace that supervisord answers during its shutdown.
      run: ({ control }, args) => {
        control.sendRemoteEvent(args.text(0), args.text(1));
        return true;
      },
    },
  ],
];

/**
 * What clients may read of a program's output. `none`: it goes nowhere, or stderr to where stdout goes; `empty`: it goes to
 * /dev/null, which to supervisord is a log file like another.
 */
export function logKind({ spec }: ProgramSnapshot, stream: Stream): "kept" | "empty" | "none" {
  if (stream === "stderr" && spec.redirectStderr) return "none";
  if (spec[stream].target !== "discard") return "kept";
  return spec[stream].logfile === "/dev/null" ? "empty" : "none";
}

function logOf(control: Control, program: ProgramSnapshot, stream: Stream): LogWindow | null {
  const kind = logKind(program, stream);
  if (kind === "none") return null;
  return kind === "empty" ? { bytes: new Uint8Array(0), end: 0 } : control.history(program.id, stream);
}

function reader(stream: Stream): Method {
  return method([NAME, OFFSET, LENGTH], "string", `A part of a program's ${stream}.`, ({ control }, args) => {
    const log = logOf(control, findProgram(control, args.text(0)), stream);
    if (log === null) throw new RpcError("NO_FILE");
    return readLog(log, args.int(1), args.int(2));
  });
}

function tailer(stream: Stream): Method {
  const help = `The end of a program's ${stream}: text, offset after it, whether something was skipped.`;
  return method([NAME, OFFSET, LENGTH], "array", help, ({ control }, args) => {
    const log = logOf(control, findProgram(control, args.text(0)), stream);
    return log === null ? ["", 0, false] : tailLog(log, args.int(1), args.int(2));
  });
}

function sendStdin({ control }: MethodContext, args: Arguments): Value {
  const name = args.text(0);
  switch (control.sendStdin(findProgram(control, name).id, Buffer.from(args.text(1)))) {
    case "sent":
      return true;
    case "not-running":
      throw new RpcError("NOT_RUNNING", name);
    case "no-pipe":
    case "closed":
      throw new RpcError("NO_FILE", name);
    case "full":
      throw new RpcError("FAILED", `${name} does not read its stdin, and no more is kept for it`);
  }
}
