/**
 * supervisor's XML-RPC API (supervisord.md 13): which methods there are and how one is called. A method is found by its whole
 * name in one flat map, so there is nothing to reach by clever names (CVE-2017-11610).
 */

import type { Control } from "./control.ts";
import { RpcError } from "./faults.ts";
import { SUPERVISOR_METHODS } from "./rpc-methods.ts";
import type { ServerClock } from "./surface.ts";
import { createUpdateSequence, type UpdateSequence } from "./update-sequence.ts";
import { isStruct, type Value } from "./xmlrpc.ts";

export interface Param {
  readonly name: string;
  readonly type: "string" | "int" | "boolean" | "array" | "signal";
  /** May be left out; only the last ones can. */
  readonly optional?: true;
}

export interface MethodContext {
  readonly control: Control;
  readonly updates: UpdateSequence;
  /** Done once the reply is on its way. */
  readonly afterReply: (action: () => void) => void;
}

/** Arguments as their types say; a missing optional one is undefined. */
export interface Arguments {
  text(index: number): string;
  int(index: number): number;
  /** True when left out. */
  flag(index: number): boolean;
  list(index: number): readonly Value[];
}

export interface Method {
  readonly params: readonly Param[];
  /** The type of the answer, for `system.methodSignature`. */
  readonly returns: string;
  readonly help: string;
  /** Throws RpcError to refuse. */
  readonly run: (context: MethodContext, args: Arguments) => Value | Promise<Value>;
}

export interface RpcReply {
  readonly value: Value;
  /** To be done once the reply is on its way. */
  readonly after: readonly (() => void)[];
}

export interface Rpc {
  /** Throws RpcError; anything else that is thrown is a fault of ours. */
  call(method: string, params: readonly Value[]): Promise<RpcReply>;
}

const NAME: Param = { name: "name", type: "string" };

const SYSTEM_METHODS: readonly (readonly [string, Method])[] = [
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
        { control, updates, afterReply: (action) => after.push(action) },
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
  const args = checkArguments(method, params);
  const released = context.updates.before(name, params[0]);
  if (released !== null) await released;
  return method.run(context, args);
}

function checkArguments({ params }: Method, values: readonly Value[]): Arguments {
  const needed = params.filter((param) => !param.optional).length;
  const fits =
    values.length >= needed &&
    values.length <= params.length &&
    values.every((value, index) => isOfType(value, params[index]?.type));
  if (!fits) throw new RpcError("INCORRECT_PARAMETERS");
  return {
    text: (index) => String(values[index] ?? ""),
    int: (index) => Number(values[index] ?? 0),
    flag: (index) => values[index] === undefined || Boolean(values[index]),
    list: (index) => {
      const value = values[index];
      return Array.isArray(value) ? value : [];
    },
  };
}

/** As lenient as supervisord, where that is harmless: a number may come as text, a truth as a number. */
function isOfType(value: Value, type: Param["type"] | undefined): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "signal":
      return typeof value === "string" || Number.isInteger(value);
    case "int":
      return Number.isInteger(value) || (typeof value === "string" && /^[+-]?\d{1,15}$/.test(value));
    case "boolean":
      return typeof value === "boolean" || Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case undefined:
      return false;
  }
}

function known(name: string): Method {
  const method = METHODS.get(name);
  if (!method) throw new RpcError("SIGNATURE_UNSUPPORTED");
  return method;
}

function renderType({ type }: Param): string {
  return type === "signal" ? "string" : type;
}

function renderHelp({ help, params, returns }: Method): string {
  const tags = params.map(
    (param) => `@param ${renderType(param)} ${param.name}${param.optional ? " (optional)" : ""}`,
  );
  return [help, "", ...tags, `@return ${returns}`].join("\n");
}

/** Answers are plain values, not arrays of one as the convention has it: that is how supervisord does it. */
async function multicall(context: MethodContext, args: Arguments): Promise<Value> {
  const results: Value[] = [];
  for (const call of args.list(0)) {
    try {
      if (!isStruct(call) || typeof call["methodName"] !== "string")
        throw new RpcError("INCORRECT_PARAMETERS", "No methodName");
      const { methodName, params } = call;
      if (methodName === "system.multicall")
        throw new RpcError("INCORRECT_PARAMETERS", "Recursive system.multicall forbidden");
      if (params !== undefined && !Array.isArray(params)) throw new RpcError("INCORRECT_PARAMETERS");
      results.push(await callMethod(context, String(methodName), params ?? []));
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      results.push({ faultCode: error.fault.code, faultString: error.fault.text });
    }
  }
  return results;
}
