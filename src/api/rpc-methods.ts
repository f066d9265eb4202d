/** The methods of supervisor's own namespace (supervisord.md 13.3), one table. */
import { compareText } from "../core/plan.ts";
import { parseSignal } from "../core/signal-names.ts";
import type { ProgramSnapshot, Snapshot } from "../core/snapshot.ts";
import { namespec } from "../core/spec.ts";
import type { Control } from "./control.ts";
import { FAULTS, RpcError } from "./faults.ts";
import { type LogWindow, readLog, tailLog } from "./log-window.ts";
import { configInfo, processInfo } from "./process-info.ts";
import type { Arguments, Method, MethodContext, Param } from "./rpc.ts";
import { commandFault, type Settled, signalProgram, startPrograms, stopPrograms } from "./waits.ts";
import type { Value } from "./xmlrpc.ts";

const API_VERSION = "3.0";
/** The supervisor whose API this is; clients compare it. */
const SUPERVISOR_VERSION = "4.2.5";

const NAME: Param = { name: "name", type: "string" };
const WAIT: Param = { name: "wait", type: "boolean", optional: true };
const SIGNAL: Param = { name: "signal", type: "signal" };
const RANGE: readonly Param[] = [NAME, { name: "offset", type: "int" }, { name: "length", type: "int" }];

type Stream = "stdout" | "stderr";

/** A method of the namespace: refused once a shutdown has begun (supervisord.md 13.2). */
function method(params: readonly Param[], returns: string, help: string, run: Method["run"]): Method {
  return {
    params,
    returns,
    help,
    run: (context, args) => {
      const { phase } = context.control.snapshot();
      if (phase !== "booting" && phase !== "running") throw new RpcError("SHUTDOWN_STATE");
      return run(context, args);
    },
  };
}

const apiVersion = method([], "string", "The version of this API.", () => API_VERSION);
const noMainLog = method(
  [
    { name: "offset", type: "int" },
    { name: "length", type: "int" },
  ],
  "string",
  "tsinit has no log file: refused with NO_FILE.",
  () => {
    throw new RpcError("NO_FILE");
  },
);
const readStdout = method(RANGE, "string", "A part of a program's stdout.", (context, args) =>
  read(context, args, "stdout"),
);
const tailStdout = method(
  RANGE,
  "array",
  "The end of a program's stdout: text, offset, overflow.",
  (context, args) => tail(context, args, "stdout"),
);
const clearLogs = method([NAME], "boolean", "Forgets the output kept of a program.", ({ control }, args) => {
  control.clearHistory(findProgram(control, args.text(0)).id);
  return true;
});

export const SUPERVISOR_METHODS: readonly (readonly [string, Method])[] = [
  ["supervisor.getAPIVersion", apiVersion],
  ["supervisor.getVersion", apiVersion],
  [
    "supervisor.getSupervisorVersion",
    method([], "string", "The version of supervisor that tsinit stands in for.", () => SUPERVISOR_VERSION),
  ],
  [
    "supervisor.getIdentification",
    method([], "string", "The identifier of the configuration.", ({ control }) => control.identifier()),
  ],
  [
    "supervisor.getState",
    method([], "struct", "The state of tsinit.", () => ({ statecode: 1, statename: "RUNNING" })),
  ],
  ["supervisor.getPID", method([], "int", "The pid of tsinit.", ({ control }) => control.pid())],
  ["supervisor.readLog", noMainLog],
  ["supervisor.readMainLog", noMainLog],
  [
    "supervisor.shutdown",
    method([], "boolean", "Stops everything, in order.", ({ control, afterReply }) => {
      afterReply(() => control.perform({ type: "shutdown" }));
      return true;
    }),
  ],
  [
    "supervisor.restart",
    method(
      [],
      "boolean",
      "Stops all programs, reads the configuration, starts them again.",
      ({ control, afterReply }) => {
        afterReply(() => control.perform({ type: "restart-all" }));
        return true;
      },
    ),
  ],
  [
    "supervisor.getProcessInfo",
    method([NAME], "struct", "What is known of a program.", ({ control }, args) => {
      const program = findProgram(control, args.text(0));
      return processInfo(program, control.snapshot().now);
    }),
  ],
  [
    "supervisor.getAllProcessInfo",
    method([], "array", "What is known of all programs.", ({ control }) => {
      const { programs, now } = control.snapshot();
      return programs.map((program) => processInfo(program, now));
    }),
  ],
  ["supervisor.getAllConfigInfo", method([], "array", "The configuration read last.", allConfigInfo)],
  [
    "supervisor.reloadConfig",
    method([], "array", "Reads the configuration again: added, changed, removed.", reloadConfig),
  ],
  [
    "supervisor.addProcessGroup",
    method([NAME], "boolean", "Activates a group of the configuration read last.", addGroup),
  ],
  ["supervisor.removeProcessGroup", method([NAME], "boolean", "Removes a stopped group.", removeGroup)],
  ["supervisor.startProcess", method([NAME, WAIT], "boolean", "Starts a program.", startProcess)],
  [
    "supervisor.startProcessGroup",
    method([NAME, WAIT], "array", "Starts the programs of a group.", (context, args) =>
      start(context, groupMembers(context.control, args.text(0)), args.flag(1)),
    ),
  ],
  [
    "supervisor.startAllProcesses",
    method([WAIT], "array", "Starts all programs.", (context, args) =>
      start(context, inOrder(context.control), args.flag(0)),
    ),
  ],
  ["supervisor.stopProcess", method([NAME, WAIT], "boolean", "Stops a program.", stopProcess)],
  ["supervisor.stopProcessGroup", method([NAME, WAIT], "array", "Stops the programs of a group.", stopGroup)],
  [
    "supervisor.stopAllProcesses",
    method([WAIT], "array", "Stops all programs.", (context, args) =>
      stop(context, inOrder(context.control), args.flag(0)),
    ),
  ],
  [
    "supervisor.signalProcess",
    method([NAME, SIGNAL], "boolean", "Sends a signal to a program.", signalProcess),
  ],
  [
    "supervisor.signalProcessGroup",
    method([NAME, SIGNAL], "array", "Sends a signal to the programs of a group.", (context, args) =>
      signalAll(context, groupMembers(context.control, args.text(0)), args.text(1)),
    ),
  ],
  [
    "supervisor.signalAllProcesses",
    method([SIGNAL], "array", "Sends a signal to all programs.", (context, args) =>
      signalAll(context, inOrder(context.control), args.text(0)),
    ),
  ],
  ["supervisor.readProcessStdoutLog", readStdout],
  ["supervisor.readProcessLog", readStdout],
  [
    "supervisor.readProcessStderrLog",
    method(RANGE, "string", "A part of a program's stderr.", (context, args) =>
      read(context, args, "stderr"),
    ),
  ],
  ["supervisor.tailProcessStdoutLog", tailStdout],
  ["supervisor.tailProcessLog", tailStdout],
  [
    "supervisor.tailProcessStderrLog",
    method(RANGE, "array", "The end of a program's stderr: text, offset, overflow.", (context, args) =>
      tail(context, args, "stderr"),
    ),
  ],
  ["supervisor.clearProcessLogs", clearLogs],
  ["supervisor.clearProcessLog", clearLogs],
  [
    "supervisor.clearAllProcessLogs",
    method([], "array", "Forgets the output kept of all programs.", ({ control }) =>
      inOrder(control).map((program) => {
        control.clearHistory(program.id);
        return result({ spec: program.spec, fault: null });
      }),
    ),
  ],
];

/** `group:name`, `name`, or `group:*` and `group:`, which stand for a whole group: program null then. */
function findTarget(control: Control, name: string): { group: string; program: ProgramSnapshot | null } {
  const colon = name.indexOf(":");
  const group = colon < 0 ? name : name.slice(0, colon);
  const member = colon < 0 ? name : name.slice(colon + 1);
  if (colon >= 0 && (member === "" || member === "*")) {
    if (!isActive(control, group)) throw new RpcError("BAD_NAME", name);
    return { group, program: null };
  }
  const program = control
    .snapshot()
    .programs.find(({ spec }) => spec.group === group && spec.name === member);
  if (!program) throw new RpcError("BAD_NAME", name);
  return { group, program };
}

function findProgram(control: Control, name: string): ProgramSnapshot {
  const { program } = findTarget(control, name);
  if (!program) throw new RpcError("BAD_NAME", name);
  return program;
}

function isActive(control: Control, group: string): boolean {
  return control.groups().some(({ name }) => name === group);
}

function groupMembers(control: Control, group: string): ProgramSnapshot[] {
  if (!isActive(control, group)) throw new RpcError("BAD_NAME", group);
  return inOrder(control).filter(({ spec }) => spec.group === group);
}

/** Group by group by their priority, in each by that of the programs; what is equal stays in the order of the group. */
function inOrder(control: Control): ProgramSnapshot[] {
  const { programs }: Snapshot = control.snapshot();
  const listed = new Map(control.groups().flatMap((group) => group.programs.map((id, index) => [id, index])));
  return programs.toSorted(({ id, spec }, { id: otherId, spec: other }) => {
    if (spec.groupPriority !== other.groupPriority) return spec.groupPriority - other.groupPriority;
    if (spec.group !== other.group) return compareText(spec.group, other.group);
    return spec.priority - other.priority || (listed.get(id) ?? 0) - (listed.get(otherId) ?? 0);
  });
}

function isUp({ state }: ProgramSnapshot): boolean {
  return state.name === "RUNNING" || state.name === "STARTING" || state.name === "BACKOFF";
}

/** Up, or about to be: a start that waits for its turn, or a restart, is taken back by a stop. */
function isStoppable(program: ProgramSnapshot): boolean {
  const { state, pending } = program;
  return isUp(program) || pending || (state.name === "EXITED" && state.restartAt !== null);
}

function isSignallable({ state }: ProgramSnapshot): boolean {
  return state.name === "RUNNING" || state.name === "STARTING" || state.name === "STOPPING";
}

function result({ spec, fault }: Settled): Value {
  return {
    name: spec.name,
    group: spec.group,
    status: fault?.code ?? FAULTS.SUCCESS,
    description: fault?.text ?? "OK",
  };
}

/** The answer for one program: true, or its fault. */
function single(settled: readonly Settled[]): Value {
  const fault = settled[0]?.fault ?? null;
  if (fault) throw RpcError.of(fault);
  return true;
}

async function startProcess(context: MethodContext, args: Arguments): Promise<Value> {
  const name = args.text(0);
  const { group, program } = findTarget(context.control, name);
  if (!program) return start(context, groupMembers(context.control, group), args.flag(1));
  const problem = commandFault(context.control, program.id);
  if (problem) throw RpcError.of(problem);
  if (isUp(program)) throw new RpcError("ALREADY_STARTED", name);
  if (program.state.name === "UNKNOWN")
    throw new RpcError("FAILED", `${name} is in an unknown process state`);
  return single(await startPrograms(context.control, [program], { wait: args.flag(1), gated: false }));
}

/** Several at once: tiers wait for one another as at boot. */
async function start({ control }: MethodContext, programs: ProgramSnapshot[], wait: boolean): Promise<Value> {
  const down = programs.filter((program) => !isUp(program));
  return (await startPrograms(control, down, { wait, gated: true })).map(result);
}

async function stopProcess(context: MethodContext, args: Arguments): Promise<Value> {
  const name = args.text(0);
  const { group, program } = findTarget(context.control, name);
  if (!program) return stop(context, groupMembers(context.control, group), args.flag(1));
  if (!isStoppable(program)) throw new RpcError("NOT_RUNNING", name);
  return single(await stopPrograms(context.control, [program], args.flag(1)));
}

async function stop({ control }: MethodContext, programs: ProgramSnapshot[], wait: boolean): Promise<Value> {
  return (await stopPrograms(control, programs.filter(isStoppable), wait)).map(result);
}

/** For an update only what has to go is stopped, and all are reported (update-sequence.ts). */
async function stopGroup(context: MethodContext, args: Arguments): Promise<Value> {
  const { control, updates } = context;
  const group = args.text(0);
  const up = groupMembers(control, group).filter(isStoppable);
  const kept = args.flag(1)
    ? updates.hold(
        group,
        up.map(({ id }) => id),
      )
    : null;
  if (kept === null) return stop(context, up, args.flag(1));
  const leaving = up.filter(({ id }) => !kept.has(id));
  const settled = await stopPrograms(control, leaving, true).finally(() => updates.stopped());
  const faults = new Map(settled.map(({ spec, fault }) => [spec.id, fault]));
  return up.map(({ id, spec }) => result({ spec, fault: faults.get(id) ?? null }));
}

function signalProcess(context: MethodContext, args: Arguments): Value {
  const { control } = context;
  const name = args.text(0);
  const { group, program } = findTarget(control, name);
  if (!program) return signalAll(context, groupMembers(control, group), args.text(1));
  const signal = parseSignal(args.text(1));
  if (signal === null) throw new RpcError("BAD_SIGNAL", args.text(1));
  if (!isSignallable(program)) throw new RpcError("NOT_RUNNING", name);
  return single([{ spec: program.spec, fault: signalProgram(control, program.id, signal) }]);
}

function signalAll({ control }: MethodContext, programs: ProgramSnapshot[], word: string): Value {
  const signal = parseSignal(word);
  return programs.filter(isSignallable).map(({ spec, id }) => {
    const fault =
      signal === null ? new RpcError("BAD_SIGNAL", word).fault : signalProgram(control, id, signal);
    return result({ spec, fault });
  });
}

/** supervisord sorts these by process name. */
function allConfigInfo({ control }: MethodContext): Value {
  const plan = control.lastRead();
  const groups = new Map(plan.groups.map((group) => [group.name, group]));
  const active = new Set(control.groups().map(({ name }) => name));
  return plan.programs
    .toSorted((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
    .map((spec) => {
      const group = groups.get(spec.group) ?? {
        name: spec.group,
        priority: spec.groupPriority,
        programs: [],
      };
      return configInfo(spec, group, active.has(spec.group));
    });
}

function reloadConfig({ control, updates }: MethodContext): Value {
  const read = control.reread();
  if (!read.ok) throw new RpcError("CANT_REREAD", read.errors.join("; "));
  updates.reread(read);
  return [[read.added, read.changed, read.removed]];
}

function addGroup({ control, updates }: MethodContext, args: Arguments): Value {
  const group = args.text(0);
  if (updates.add(group)) return true;
  if (!control.lastRead().groups.some(({ name }) => name === group)) throw new RpcError("BAD_NAME", group);
  if (isActive(control, group)) throw new RpcError("ALREADY_ADDED", group);
  control.perform({ type: "add-group", group });
  return true;
}

function removeGroup({ control, updates }: MethodContext, args: Arguments): Value {
  const group = args.text(0);
  const kept = updates.kept(group);
  const lives = ({ state }: ProgramSnapshot): boolean => !["STOPPED", "EXITED", "FATAL"].includes(state.name);
  const members = groupMembers(control, group).filter(({ id }) => !kept?.has(id));
  if (members.some(lives)) throw new RpcError("STILL_RUNNING", group);
  if (kept !== null) updates.removed();
  else control.perform({ type: "remove-group", group });
  return true;
}

/** Output that goes nowhere, and stderr that goes where stdout goes, has no log of its own. */
function hasLog({ spec }: ProgramSnapshot, stream: Stream): boolean {
  return spec[stream].target !== "discard" && !(stream === "stderr" && spec.redirectStderr);
}

function logOf(control: Control, program: ProgramSnapshot, stream: Stream): LogWindow {
  return control.history(program.id, stream);
}

function read({ control }: MethodContext, args: Arguments, stream: Stream): Value {
  const program = findProgram(control, args.text(0));
  if (!hasLog(program, stream))
    throw new RpcError("NO_FILE", `${namespec(program.spec)} has no ${stream} log`);
  return readLog(logOf(control, program, stream), args.int(1), args.int(2));
}

function tail({ control }: MethodContext, args: Arguments, stream: Stream): Value {
  const program = findProgram(control, args.text(0));
  if (!hasLog(program, stream)) return ["", 0, false];
  return tailLog(logOf(control, program, stream), args.int(1), args.int(2));
}
