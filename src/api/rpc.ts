/**
 * supervisor's XML-RPC API (supervisord.md 13): which methods there are and how one is called. A method is found by its whole
 * name in one flat map, so there is nothing to reach by clever names (CVE-2017-11610).
 */
import type { Control } from "./control.ts";
import { RpcError } from "./faults.ts";
import {
  type Arguments,
  type Method,
  type MethodContext,
  NAME,
  type NamedMethod,
  renderType,
  takeArguments,
} from "./method.ts";
import { SUPERVISOR_METHODS } from "./rpc-methods.ts";
import type { ServerClock } from "./surface.ts";
import { createUpdateSequence } from "./update-sequence.ts";
import { isStruct, type Value } from "./xmlrpc.ts";

export interface RpcReply {
  readonly value: Value;
  /** To be done once the reply is on its way. */
  readonly after: readonly (() => void)[];
}

export interface Rpc {
  /** Throws RpcError; anything else that is thrown is a fault of ours. */
  call(method: string, params: readonly Value[]): Promise<RpcReply>;
}

const SYSTEM_METHODS: readonly NamedMethod[] = [
  [
    "system.listMethods",
    {
      params: [],
      returns: "array",
      help: "The names of all methods.",
      run: () => [...METHODS.keys()].sort(),
    },
  ],
  [
    "system.methodHelp",
    {
      params: [NAME],
      returns: "string",
      help: "What a method does.",
      run: (_, args) => renderHelp(known(args.text(0))),
    },
  ],
  [
    "system.methodSignature",
    {
      params: [NAME],
      returns: "array",
      help: "The type of a method's answer, then those of its parameters.",
      run: (_, args) => {
        const { returns, params } = known(args.text(0));
        return [returns, ...params.map(renderType)];
      },
    },
  ],
  [
    "system.multicall",
    {
      params: [{ name: "calls", type: "array" }],
      returns: "array",
      help: "Calls several methods one after the other; the answer of each, or its fault as a struct.",
      run: multicall,
    },
  ],
];

const METHODS: ReadonlyMap<string, Method> = new Map([...SUPERVISOR_METHODS, ...SYSTEM_METHODS]);

export function createRpc(control: Control, clock: ServerClock): Rpc {
  const updates = createUpdateSequence(control, clock);
  return {
    async call(name, params) {
      const after: (() => void)[] = [];
      const value = await callMethod(
        { control, clock, updates, afterReply: (action) => after.push(action) },
        name,
        params,
      );
      return { value, after };
    },
  };
}

async function callMethod(context: MethodContext, name: string, params: readonly Value[]): Promise<Value> {
  const method = METHODS.get(name);
  if (!method) throw new RpcError("UNKNOWN_METHOD");
  const args = takeArguments(method, params);
  const released = context.updates.before(name, params[0]);
  if (released !== null) await released;
  return method.run(context, args);
}

function known(name: string): Method {
  const method = METHODS.get(name);
  if (!method) throw new RpcError("SIGNATURE_UNSUPPORTED");
  return method;
}

function renderHelp({ help, params, returns }: Method): string {
  const tags = params.map(
    (param) => `@param ${renderType(param)} ${param.name}${param.optional ? " (optional)" : ""}`,
  );
  return [help, "", ...tags, `@return ${returns}`].join("\n");
}

/**
 * A call of a megabyte holds thousands of calls, each of which may ask for everything: what they answer together is
 * limited, and others get a turn between them.
 */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const CALLS_PER_TURN = 16;

/** Answers are plain values, not arrays of one as the convention has it: that is how supervisord does it. */
async function multicall(context: MethodContext, args: Arguments): Promise<Value> {
  const results: Value[] = [];
  let size = 0;
  for (const call of args.list(0)) {
    if (results.length % CALLS_PER_TURN === CALLS_PER_TURN - 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
    try {
      if (size > MAX_ANSWER_BYTES) throw new RpcError("FAILED", "the answers before are too large");
      results.push(await oneOfMany(context, call));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      results.push({ faultCode: error.fault.code, faultString: error.fault.text });
    }
    size += weigh(results.at(-1) ?? null);
  }
  return results;
}

function oneOfMany(context: MethodContext, call: Value): Promise<Value> {
  if (!isStruct(call) || call["methodName"] === undefined)
    throw new RpcError("INCORRECT_PARAMETERS", "No methodName");
  const { methodName, params } = call;
  if (methodName === "system.multicall")
    throw new RpcError("INCORRECT_PARAMETERS", "Recursive system.multicall forbidden");
  if (typeof methodName !== "string" || (params !== undefined && !Array.isArray(params)))
    throw new RpcError("INCORRECT_PARAMETERS");
  return callMethod(context, methodName, params ?? []);
}

/** About how many bytes a value takes as XML. */
function weigh(value: Value): number {
  if (typeof value === "string") return 40 + value.length;
  if (typeof value !== "object" || value === null) return 40;
  return Object.values(value).reduce<number>((sum, part) => sum + weigh(part), 40);
}
