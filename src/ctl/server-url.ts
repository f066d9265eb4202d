/** `unix:///path` and `http://host[:port]`: where a server listens, read as supervisorctl reads it. */
import { PythonError } from "./errors.ts";

/** Where a server listens, as node:http takes it. */
export type Endpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number };

const DEFAULT_PORT = 80;
const MAX_PORT = 65535;

/** A scheme, and a host or a path behind it: what `-s` takes. A server of that kind need not exist. */
export function isUrl(text: string): boolean {
  const rest = /^[a-z][a-z0-9+.-]*:([^?#]*)/i.exec(text)?.[1] ?? "";
  return rest.replace(/^\/\//, "") !== "";
}

/** Throws PythonError in supervisorctl's words. */
export function parseServerUrl(url: string): Endpoint {
  if (url.startsWith("unix://")) {
    const socketPath = url.slice("unix://".length);
    // An empty path would be taken for no path at all, and TCP be tried.
    if (socketPath === "") throw new PythonError("OSError", "[Errno 22] Invalid argument");
    return { socketPath };
  }
  const authority = /^http:\/\/([^/?#]*)/.exec(url)?.[1];
  if (authority === undefined) throw new PythonError("ValueError", `Unknown protocol for serverurl ${url}`);
  const place = authority.slice(authority.lastIndexOf("@") + 1);
  const [, bracketed, plain = "", port = ""] = /^(?:\[([^\]]*)\]|([^:]*)):?([^]*)$/.exec(place) ?? [];
  return { host: bracketed ?? (plain === "" ? "localhost" : plain), port: parsePort(port) };
}

function parsePort(text: string): number {
  if (text === "") return DEFAULT_PORT;
  if (!/^\d+$/.test(text))
    throw new PythonError("ValueError", `Port could not be cast to integer value as '${text}'`);
  if (Number(text) > MAX_PORT) throw new PythonError("ValueError", "Port out of range 0-65535");
  return Number(text);
}
