/** Calls to the server's XML-RPC API over a unix socket or TCP. */
import { request } from "node:http";
import type { Fault } from "../api/faults.ts";
import { parseResponse, renderCall, type Value, XmlRpcError } from "../api/xmlrpc.ts";

export interface Credentials {
  readonly username: string | null;
  readonly password: string | null;
}

/** Where a server listens, as node:http takes it. */
export type Endpoint = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly body: string;
}

/** The server refused the call. */
export class FaultError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.text);
    this.fault = fault;
  }
}

/** The server answered with something that is no answer to a call. */
export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** There was no conversation: `code` is the errno's name. */
export class ConnectionError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const DEFAULT_PORT = 80;

/** `unix:///path`, `http://host[:port]`; null for anything else. */
export function parseServerUrl(url: string): Endpoint | null {
  if (url.startsWith("unix://")) return { socketPath: url.slice("unix://".length) };
  if (!url.startsWith("http://") || !URL.canParse(url)) return null;
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? DEFAULT_PORT : Number(port) };
}

export interface Exchange {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** Milliseconds for all of it; left out, there is no limit. */
  readonly timeout?: number;
}

/** One request. Rejects with ConnectionError. */
export function exchange(endpoint: Endpoint, credentials: Credentials, sent: Exchange): Promise<HttpAnswer> {
  const { method, path, body = "", timeout } = sent;
  const headers: Record<string, string | number> = {};
  if (method === "POST") {
    headers["Content-Type"] = "text/xml";
    headers["Content-Length"] = Buffer.byteLength(body);
  }
  const { username, password } = credentials;
  if (username !== null && password !== null)
    headers["Authorization"] = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  // No agent: it would keep the connection, and with it this process.
  const options = { ...endpoint, method, path, headers, agent: false };
  const limited = timeout === undefined ? options : { ...options, signal: AbortSignal.timeout(timeout) };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const code = "code" in error ? String(error.code) : "";
      reject(
        error.name === "AbortError"
          ? new ConnectionError("ETIMEDOUT", "timed out")
          : new ConnectionError(code, error.message),
      );
    };
    const asked = request(limited, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", fail);
      response.once("end", () => {
        const { statusCode: status = 0, statusMessage: statusText = "" } = response;
        resolve({ status, statusText, body: Buffer.concat(chunks).toString() });
      });
    });
    asked.once("error", fail);
    asked.end(body);
  });
}

export interface Client {
  readonly serverUrl: string;
  /** Rejects with FaultError, StatusError or ConnectionError. */
  call(method: string, ...params: Value[]): Promise<Value>;
}

/** Throws on a URL of another kind. */
export function createClient(serverUrl: string, credentials: Credentials): Client {
  const endpoint = parseServerUrl(serverUrl);
  if (endpoint === null) throw new TypeError(`Unknown protocol for serverurl ${serverUrl}`);
  return {
    serverUrl,
    async call(method, ...params) {
      const body = renderCall(`supervisor.${method}`, params);
      const answer = await exchange(endpoint, credentials, { method: "POST", path: "/RPC2", body });
      if (answer.status !== 200) throw new StatusError(answer.status, answer.statusText);
      const response = await parseResponse(answer.body).catch((error) => {
        if (error instanceof XmlRpcError) throw new StatusError(answer.status, error.message);
        throw error;
      });
      if (!response.ok) throw new FaultError(response.fault);
      return response.value;
    },
  };
}
