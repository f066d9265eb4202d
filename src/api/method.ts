/** What a method of the XML-RPC API is: its parameters, its answer, and how arguments are taken. */
import type { Control } from "./control.ts";
import { RpcError } from "./faults.ts";
import type { ServerClock } from "./surface.ts";
import type { UpdateSequence } from "./update-sequence.ts";
import type { Value } from "./xmlrpc.ts";

export interface Param {
  readonly name: string;
  /** `signal`: a name or a number; `scalar`: a number or truth stands for its text. Both are strings in signatures. */
  readonly type: "string" | "int" | "boolean" | "array" | "signal" | "scalar";
  /** May be left out; only the last ones can. */
  readonly optional?: true;
}

export interface MethodContext {
  readonly control: Control;
  readonly clock: ServerClock;
  readonly updates: UpdateSequence;
  /** Done once the reply is on its way. */
  readonly afterReply: (action: () => void) => void;
}

/** Arguments as their types say. */
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

export type NamedMethod = readonly [name: string, method: Method];

export const NAME: Param = { name: "name", type: "string" };

/** A method of supervisor's namespace: refused once a shutdown has begun (supervisord.md 13.2). */
export function method(params: readonly Param[], returns: string, help: string, run: Method["run"]): Method {
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

/** Throws INCORRECT_PARAMETERS where number or types do not fit. */
export function takeArguments({ params }: Method, values: readonly Value[]): Arguments {
  const needed = params.filter((param) => !param.optional).length;
  const fits =
    values.length >= needed &&
    values.length <= params.length &&
    values.every((value, index) => isOfType(value, params[index]?.type));
  if (!fits) throw new RpcError("INCORRECT_PARAMETERS");
  return {
    text: (index) => String(values[index] ?? ""),
    int: (index) => Math.trunc(Number(values[index] ?? 0)),
    flag: (index) => values[index] === undefined || isTrue(values[index]),
    list: (index) => {
      const value = values[index];
      return Array.isArray(value) ? value : [];
    },
  };
}

export function renderType({ type }: Param): string {
  return type === "signal" || type === "scalar" ? "string" : type;
}

/** As lenient as supervisord, whose `int()` takes a number as text and whose truths are Python's. */
function isOfType(value: Value, type: Param["type"] | undefined): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "signal":
      return typeof value === "string" || Number.isInteger(value);
    case "int":
      if (typeof value === "string") return /^\s*[+-]?\d{1,15}\s*$/.test(value);
      return typeof value === "boolean" || Number.isFinite(value);
    case "boolean":
      return true;
    case "scalar":
      return typeof value !== "object";
    case "array":
      return Array.isArray(value);
    case undefined:
      return false;
  }
}

/** Python's truth: empty text, lists and structs are false. */
function isTrue(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
