/** Calls to the server's XML-RPC API over a unix socket or TCP. */
import { request } from "node:http";
import { parseResponse, renderCall, type Value, XmlRpcError } from "../api/xmlrpc.ts";
import { ConnectionError, FaultError, Interrupted, PythonError, StatusError } from "./errors.ts";
import { type Endpoint, parseServerUrl } from "./server-url.ts";

export interface Credentials {
  readonly username: string | null;
  readonly password: string | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly body: string;
}

export interface Exchange {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  /** Milliseconds for all of it; left out, there is no limit. */
  readonly timeout?: number;
  /** Somebody breaks it off. */
  readonly signal?: AbortSignal | undefined;
}

/** One request, and its whole answer. Rejects with ConnectionError or Interrupted. */
export async function exchange(
  endpoint: Endpoint,
  credentials: Credentials,
  sent: Exchange,
): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  const { status, statusText } = await receive(
    endpoint,
    credentials,
    sent,
    (chunk) => void chunks.push(chunk),
  );
  return { status, statusText, body: Buffer.concat(chunks).toString() };
}

export interface HttpHead {
  readonly status: number;
  readonly statusText: string;
}

/**
 * One request; `take` gets its answer piece by piece and may hold it up. Resolves at the end of the answer. Rejects with
 * ConnectionError, also when the answer breaks off, or Interrupted.
 */
export function receive(
  endpoint: Endpoint,
  credentials: Credentials,
  sent: Exchange,
  take: (chunk: Buffer, head: HttpHead) => Promise<void> | void,
): Promise<HttpHead> {
  const { method, path, body = "", timeout, signal } = sent;
  // supervisord keeps back 64 KiB of a log from whoever says that one answer is all he wants.
  const headers: Record<string, string | number> = { Connection: "keep-alive" };
  if (method === "POST") {
    headers["Content-Type"] = "text/xml";
    headers["Content-Length"] = Buffer.byteLength(body);
  }
  const { username, password } = credentials;
  if (username !== null && password !== null)
    headers["Authorization"] = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  // No agent: it would keep the connection, and with it this process.
  const options = { ...endpoint, method, path, headers, agent: false };
  const signals = [signal ?? [], timeout === undefined ? [] : AbortSignal.timeout(timeout)].flat();
  const limited = signals.length === 0 ? options : { ...options, signal: AbortSignal.any(signals) };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const code = "code" in error ? String(error.code) : "";
      if (signal?.aborted) reject(new Interrupted());
      else if (error.name === "AbortError") reject(new ConnectionError("ETIMEDOUT", "timed out"));
      else reject(new ConnectionError(code, error.message));
    };
    const asked = request(limited, (response) => {
      const { statusCode: status = 0, statusMessage: statusText = "" } = response;
      const head = { status, statusText };
      const read = async (): Promise<void> => {
        for await (const chunk of response) await take(chunk as Buffer, head);
      };
      read().then(() => resolve(head), fail);
    });
    asked.once("error", fail);
    asked.end(body);
  });
}

export interface Client {
  /** Rejects with FaultError, StatusError, ConnectionError, PythonError or Interrupted. */
  call(method: string, ...params: Value[]): Promise<Value>;
}

/** Throws PythonError on a URL of another kind. */
export function createClient(
  serverUrl: string,
  credentials: Credentials,
  limits: Pick<Exchange, "timeout" | "signal">,
): Client {
  const endpoint = parseServerUrl(serverUrl);
  return {
    async call(method, ...params) {
      const body = renderCall(`supervisor.${method}`, params);
      const answer = await exchange(endpoint, credentials, {
        ...limits,
        method: "POST",
        path: "/RPC2",
        body,
      });
      if (answer.status !== 200) throw new StatusError(answer.status, answer.statusText);
      const response = await parseResponse(answer.body).catch((error) => {
        if (error instanceof XmlRpcError)
          throw new PythonError("xml.parsers.expat.ExpatError", error.message);
        throw error;
      });
      if (!response.ok) throw new FaultError(response.fault);
      return response.value;
    },
  };
}
