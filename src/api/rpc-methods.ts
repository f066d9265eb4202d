/** The methods of supervisor's own namespace (supervisord.md 13.3), one table. */
import { parseSignal, type Signal } from "../core/signal-names.ts";
import type { ProgramSnapshot } from "../core/snapshot.ts";
import { RpcError } from "./faults.ts";
import { type Arguments, type MethodContext, method, NAME, type NamedMethod, type Param } from "./method.ts";
import { OUTPUT_METHODS } from "./output-methods.ts";
import { configInfo, processInfo } from "./process-info.ts";
import { findProgram, findTarget, groupMembers, inOrder, isActive, result } from "./targets.ts";
import { commandFault, type Settled, signalProgram, startPrograms, stopPrograms } from "./waits.ts";
import type { Value } from "./xmlrpc.ts";

const API_VERSION = "3.0";
/** The supervisor whose API this is; clients compare it. */
const SUPERVISOR_VERSION = "4.2.5";

const WAIT: Param = { name: "wait", type: "boolean", optional: true };
const SIGNAL: Param = { name: "signal", type: "signal" };

const apiVersion = method([], "string", "The version of this API.", () => API_VERSION);
export const SUPERVISOR_METHODS: readonly NamedMethod[] = [
  ...OUTPUT_METHODS,
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
      return processInfo(program, control.snapshot().now, control);
    }),
  ],
  [
    "supervisor.getAllProcessInfo",
    method([], "array", "What is known of all programs.", ({ control }) => {
      const { programs, now } = control.snapshot();
      return programs.map((program) => processInfo(program, now, control));
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
      start(context, inOrder(context.control).filter(isMeantByAll), args.flag(0)),
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
];

function isUp({ state }: ProgramSnapshot): boolean {
  return state.name === "RUNNING" || state.name === "STARTING" || state.name === "BACKOFF";
}

/** Up, or about to be: a start that waits for its turn, or a restart, is taken back by a stop. */
function isStoppable(program: ProgramSnapshot): boolean {
  const { state, pending } = program;
  return isUp(program) || pending || (state.name === "EXITED" && state.restartAt !== null);
}

/** Who starts all wants back what was stopped, not tonight's jobs at noon; by its name or group a job runs now. */
function isMeantByAll({ spec, stoppedByHand }: ProgramSnapshot): boolean {
  return spec.schedule === null || stoppedByHand;
}

function isSignallable({ state }: ProgramSnapshot): boolean {
  return state.name === "RUNNING" || state.name === "STARTING" || state.name === "STOPPING";
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
  const options = { wait: args.flag(1), gated: false, clock: context.clock };
  return single(await startPrograms(context.control, [program], options));
}

/** Several at once: tiers wait for one another as at boot. */
async function start(
  { control, clock }: MethodContext,
  programs: ProgramSnapshot[],
  wait: boolean,
): Promise<Value> {
  const down = programs.filter((program) => !isUp(program));
  return results(down, await startPrograms(control, down, { wait, gated: true, clock }));
}

async function stopProcess(context: MethodContext, args: Arguments): Promise<Value> {
  const name = args.text(0);
  const { group, program } = findTarget(context.control, name);
  if (!program) return stop(context, groupMembers(context.control, group), args.flag(1));
  if (!isStoppable(program)) throw new RpcError("NOT_RUNNING", name);
  return single(await stopPrograms(context.control, [program], args.flag(1)));
}

async function stop({ control }: MethodContext, programs: ProgramSnapshot[], wait: boolean): Promise<Value> {
  const up = programs.filter(isStoppable);
  return results(up, await stopPrograms(control, up, wait));
}

/** In the order in which they were asked for, whoever was first to be done. */
function results(programs: readonly ProgramSnapshot[], settled: readonly Settled[]): Value {
  const places = new Map(programs.map(({ id }, place) => [id, place]));
  const place = ({ spec }: Settled): number => places.get(spec.id) ?? 0;
  return settled.toSorted((left, right) => place(left) - place(right)).map(result);
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
  const signal = signalOf(args.text(1));
  if (signal === null) throw new RpcError("BAD_SIGNAL", args.text(1));
  if (!isSignallable(program)) throw new RpcError("NOT_RUNNING", name);
  return single([{ spec: program.spec, fault: signalProgram(control, program.id, signal) }]);
}

function signalAll({ control }: MethodContext, programs: ProgramSnapshot[], word: string): Value {
  const signal = signalOf(word);
  return programs.filter(isSignallable).map(({ spec, id }) => {
    const fault =
      signal === null ? new RpcError("BAD_SIGNAL", word).fault : signalProgram(control, id, signal);
    return result({ spec, fault });
  });
}

/** 0 asks whether a process is there, as kill(2) has it. */
function signalOf(word: string): Signal | null {
  return /^\s*[+-]?0+\s*$/.test(word) ? 0 : parseSignal(word);
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
