/**
 * XML-RPC on the wire (supervisord.md 13.1): parse-xml reads the XML, this file knows what its elements mean and writes what
 * Python's xmlrpc.client reads. Both ends use it, server and client.
 */
import type { XmlDocument, XmlElement } from "@rgrove/parse-xml";
import type { Fault } from "./faults.ts";

/** `nil` is null, `base64` and `dateTime.iso8601` are strings. Structs have no prototype. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

export interface MethodCall {
  readonly method: string;
  readonly params: readonly Value[];
}

export type MethodResponse =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Fault };

/** The text is not XML, or not XML-RPC. */
export class XmlRpcError extends Error {}

/** Deeper than any call has a reason to be; the parser is recursive. */
const MAX_DEPTH = 64;

export async function parseCall(xml: string): Promise<MethodCall> {
  const root = await parseRoot(xml, "methodCall");
  const [name, params, ...rest] = elements(root);
  if (name?.name !== "methodName" || rest.length > 0)
    throw new XmlRpcError("expected <methodName> and <params>");
  const method = leafText(name).trim();
  if (method === "") throw new XmlRpcError("no method name");
  return { method, params: params ? parseParams(params) : [] };
}

export async function parseResponse(xml: string): Promise<MethodResponse> {
  const root = await parseRoot(xml, "methodResponse");
  const child = only(root);
  if (child.name !== "fault") {
    const [value] = parseParams(child);
    if (value === undefined) throw new XmlRpcError("a response without a value");
    return { ok: true, value };
  }
  const struct = parseValue(only(child, "value"));
  if (!isStruct(struct)) throw new XmlRpcError("a fault that is not a struct");
  const { faultCode, faultString } = struct;
  if (typeof faultCode !== "number" || typeof faultString !== "string")
    throw new XmlRpcError("a fault without a code");
  return { ok: false, fault: { code: faultCode, text: faultString } };
}

export function isStruct(value: Value | undefined): value is { readonly [name: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function parseRoot(xml: string, name: string): Promise<XmlElement> {
  // The parser does this by itself, but in a time that grows with the square of their number.
  const text = xml.replace(/\r\n?/g, "\n");
  checkShape(text);
  const { parseXml } = await import("@rgrove/parse-xml");
  let document: XmlDocument;
  try {
    document = parseXml(text);
  } catch (error) {
    throw new XmlRpcError(error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error));
  }
  const { root } = document;
  if (root?.name !== name) throw new XmlRpcError(`expected <${name}>`);
  return root;
}

/** Refuses declarations (no entities, no DTD) and deep nesting before the parser sees them. One pass, no backtracking. */
function checkShape(xml: string): void {
  let depth = 0;
  for (let at = xml.indexOf("<"); at >= 0; at = xml.indexOf("<", at)) {
    let end: string;
    if (xml.startsWith("<!--", at)) end = "-->";
    else if (xml.startsWith("<![CDATA[", at)) end = "]]>";
    else if (xml.startsWith("<?", at)) end = "?>";
    else if (xml.startsWith("<!", at)) throw new XmlRpcError("a document type is not accepted");
    else end = ">";
    const close = xml.indexOf(end, at + 2);
    if (close < 0) throw new XmlRpcError("unexpected end");
    if (end === ">") {
      if (xml[at + 1] === "/") depth--;
      else if (xml[close - 1] !== "/") depth++;
      if (depth > MAX_DEPTH) throw new XmlRpcError("nested too deeply");
    }
    at = close + end.length;
  }
}

/** Child elements; text between them may only be white space. */
function elements(parent: XmlElement): XmlElement[] {
  const found: XmlElement[] = [];
  for (const child of parent.children) {
    if (child.type === "element") found.push(child as XmlElement);
    else if (child.type === "text" && /\S/.test(textOf(child)))
      throw new XmlRpcError(`text inside <${parent.name}>`);
  }
  return found;
}

function only(parent: XmlElement, name?: string): XmlElement {
  const [child, ...rest] = elements(parent);
  if (!child || rest.length > 0 || (name !== undefined && child.name !== name))
    throw new XmlRpcError(`expected one <${name ?? "element"}> inside <${parent.name}>`);
  return child;
}

function leafText(element: XmlElement): string {
  let text = "";
  for (const child of element.children) {
    if (child.type === "element") throw new XmlRpcError(`an element inside <${element.name}>`);
    if (child.type === "text") text += textOf(child);
  }
  return text;
}

function textOf(node: object): string {
  return "text" in node && typeof node.text === "string" ? node.text : "";
}

function parseParams(element: XmlElement): Value[] {
  if (element.name !== "params") throw new XmlRpcError(`expected <params>, not <${element.name}>`);
  return elements(element).map((param) => {
    if (param.name !== "param") throw new XmlRpcError(`expected <param>, not <${param.name}>`);
    return parseValue(only(param, "value"));
  });
}

function parseValue(element: XmlElement): Value {
  const typed = element.children.some((child) => child.type === "element");
  if (!typed) return leafText(element);
  const type = only(element);
  switch (type.name) {
    case "string":
    case "dateTime.iso8601":
      return leafText(type);
    case "int":
    case "i4":
    case "i8":
      return parseInteger(leafText(type));
    case "boolean":
      return leafText(type).trim() === "1";
    case "double":
      return parseDouble(leafText(type));
    case "base64":
      return Buffer.from(leafText(type), "base64").toString();
    case "nil":
      return null;
    case "array":
      return elements(only(type, "data")).map((value) => {
        if (value.name !== "value") throw new XmlRpcError(`expected <value>, not <${value.name}>`);
        return parseValue(value);
      });
    case "struct":
      return parseStruct(type);
    default:
      throw new XmlRpcError(`unknown type <${type.name}>`);
  }
}

function parseStruct(element: XmlElement): Value {
  // No prototype: a member called `__proto__` is a member like any other.
  const struct: Record<string, Value> = Object.create(null);
  for (const member of elements(element)) {
    const [name, value, ...rest] = elements(member);
    if (member.name !== "member" || name?.name !== "name" || value?.name !== "value" || rest.length > 0)
      throw new XmlRpcError("expected <member> with <name> and <value>");
    struct[leafText(name)] = parseValue(value);
  }
  return struct;
}

function parseInteger(text: string): number {
  const digits = text.trim();
  const value = Number(digits);
  if (!/^[+-]?\d+$/.test(digits) || !Number.isSafeInteger(value)) throw new XmlRpcError("not an integer");
  return value;
}

function parseDouble(text: string): number {
  const digits = text.trim();
  const value = Number(digits);
  if (!/^[+-]?(?:\d|\.\d)/.test(digits) || Number.isNaN(value)) throw new XmlRpcError("not a number");
  return value;
}

/** What XML 1.0 cannot hold (the ESC of a coloured log line, half a surrogate pair) kills Python's parser: U+FFFD instead. */
const UNWRITABLE =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;" };

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (char) => ESCAPES[char] ?? char).replace(UNWRITABLE, "\ufffd");
}

/** Integers beyond 32 bits are written as `i8`, which Python reads though it would not write it. */
function renderValue(value: Value): string {
  if (value === null) return "<value><nil/></value>";
  switch (typeof value) {
    case "string":
      return `<value><string>${escapeText(value)}</string></value>`;
    case "boolean":
      return `<value><boolean>${value ? 1 : 0}</boolean></value>`;
    case "number":
      if (!Number.isSafeInteger(value)) return `<value><double>${value}</double></value>`;
      return (value | 0) === value
        ? `<value><int>${value}</int></value>`
        : `<value><i8>${value}</i8></value>`;
    default:
      return Array.isArray(value)
        ? renderArray(value)
        : renderStruct(value as { readonly [name: string]: Value });
  }
}

function renderArray(values: readonly Value[]): string {
  return `<value><array><data>\n${values.map(renderValue).join("\n")}\n</data></array></value>`;
}

function renderStruct(struct: { readonly [name: string]: Value }): string {
  const members = Object.entries(struct).map(
    ([name, value]) => `<member>\n<name>${escapeText(name)}</name>\n${renderValue(value)}\n</member>`,
  );
  return `<value><struct>\n${members.join("\n")}\n</struct></value>`;
}

const DECLARATION = "<?xml version='1.0'?>";

export function renderResponse(value: Value): string {
  return `${DECLARATION}\n<methodResponse>\n<params>\n<param>\n${renderValue(value)}\n</param>\n</params>\n</methodResponse>\n`;
}

export function renderFault(fault: Fault): string {
  const struct = renderStruct({ faultCode: fault.code, faultString: fault.text });
  return `${DECLARATION}\n<methodResponse>\n<fault>\n${struct}\n</fault>\n</methodResponse>\n`;
}

export function renderCall(method: string, params: readonly Value[]): string {
  const rendered = params.map((param) => `<param>\n${renderValue(param)}\n</param>\n`).join("");
  return `${DECLARATION}\n<methodCall>\n<methodName>${escapeText(method)}</methodName>\n<params>\n${rendered}</params>\n</methodCall>\n`;
}
