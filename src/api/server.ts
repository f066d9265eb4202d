/**
 * The HTTP listeners: one for everybody, read-only; control servers for the owner. One request a connection, so that no
 * keep-alive timer wakes an idle init. Trouble with opening one is an answer, never thrown.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isAuthorized, type Login } from "./auth.ts";
import { type Connections, createConnections } from "./connections.ts";
import { createFollowers, type Followers } from "./log-stream.ts";
import { plain, type Reply, type StreamReply } from "./reply.ts";
import { findRoute, type Listener } from "./routes.ts";
import { createSurface, type ServerDeps, type Surface } from "./surface.ts";

export type { ServerDeps } from "./surface.ts";

export interface ServerHandle {
  /** The TCP port; null for a unix socket. */
  readonly port: number | null;
  /** Open client connections. */
  connections(): number;
  /** At once; the file of a socket stays. */
  close(): void;
}

export type Opened =
  | { readonly ok: true; readonly server: ServerHandle }
  | { readonly ok: false; readonly error: string };

export type ControlAddress =
  | {
      readonly kind: "unix";
      /** A socket that listens already. */
      readonly fd: number;
      readonly username: string | null;
      readonly password: string | null;
    }
  | {
      readonly kind: "inet";
      /** Empty: every IPv4 address. */
      readonly host: string;
      readonly port: number;
      /** A socket that listens there already. */
      readonly fd?: number;
      readonly username: string | null;
      readonly password: string | null;
    };

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
/** Node looks for slow clients by a timer that always runs; ours run only with a connection. */
const NEVER_MS = 2 ** 31 - 1;
const BACKLOG = 1024;
const MAX_REQUESTS = 8;
const FOLLOWER_ALIVE_MS = 60_000;
const COMMON_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
  Connection: "close",
};

/** Probes and metrics. An empty host is every address, IPv6 too where there is any. `fd`: a socket that listens already. */
export async function startPublicServer(
  listen: { readonly host: string; readonly port: number; readonly fd?: number },
  deps: ServerDeps,
): Promise<Opened> {
  const listening = createListener("public", null, deps);
  const host = listen.host === "" || listen.host === "*" ? undefined : listen.host;
  return listenOnPort(listening, host, listen.port, listen.fd);
}

/** The API. Refuses an address that others can reach when it has no password. */
export async function startControlServer(address: ControlAddress, deps: ServerDeps): Promise<Opened> {
  const { username, password } = address;
  const login = username && typeof password === "string" ? { username, password } : null;
  if (address.kind === "inet") {
    const host = address.host === "" || address.host === "*" ? "0.0.0.0" : address.host;
    if (login === null && !isLoopback(host))
      return { ok: false, error: `${host}:${address.port} can be reached from outside and has no password` };
    return listenOnPort(createListener("control", login, deps), host, address.port, address.fd);
  }
  return listenAt(createListener("control", login, deps), "control socket", { fd: address.fd });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

interface Listening {
  readonly server: Server;
  readonly connections: Connections;
  readonly followers: Followers;
}

function createListener(listener: Listener, login: Login | null, deps: ServerDeps): Listening {
  const surface = createSurface(deps);
  const connections = createConnections(deps.clock);
  const followers = createFollowers();
  const asked = new WeakMap<Socket, number>();
  const server = createServer(
    {
      connectionsCheckingInterval: NEVER_MS,
      headersTimeout: 0,
      requestTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
      // HTTP/1.1 wants a Host of every client; scripts with three lines over a socket have none.
      requireHostHeader: false,
    },
    (request, response) => {
      // One request a connection. Some are sent along with it and never answered; many are an attack on memory.
      const count = (asked.get(request.socket) ?? 0) + 1;
      asked.set(request.socket, count);
      if (count > MAX_REQUESTS) request.socket.destroy();
      if (count > 1) return;
      respond({ request, response, listener, login, surface, connections, followers }).catch((error) => {
        surface.fault("a reply", error);
        request.socket.destroy();
      });
    },
  );
  server.maxHeadersCount = MAX_HEADERS;
  // Node would keep the connection.
  server.on("checkExpectation", (_request, response) => {
    response.writeHead(417, { "Content-Length": 0, ...COMMON_HEADERS }).end();
  });
  server.on("connection", (socket) => connections.accept(socket));
  return { server, connections, followers };
}

function listenOnPort(
  listening: Listening,
  host: string | undefined,
  port: number,
  fd?: number,
): Promise<Opened> {
  const place = fd === undefined ? { port, ...(host === undefined ? {} : { host }) } : { fd };
  return listenAt(listening, `${host ?? ""}:${port}`, place);
}

/** `where` is for the message when that fails. */
function listenAt(
  listening: Listening,
  where: string,
  place: { readonly fd: number } | { readonly port: number; readonly host?: string },
): Promise<Opened> {
  const { server } = listening;
  return new Promise((resolve) => {
    const onError = (error: Error & { readonly code?: string }): void => {
      const why = error.code === "EADDRINUSE" ? "another program is listening there" : error.message;
      resolve({ ok: false, error: `${where}: ${why}` });
    };
    server.once("error", onError);
    server.listen({ ...place, backlog: BACKLOG }, () => {
      server.off("error", onError);
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : null;
      resolve({ ok: true, server: createHandle(listening, port) });
    });
  });
}

function createHandle({ server, connections, followers }: Listening, port: number | null): ServerHandle {
  // A failing accept (no descriptors left) concerns that client alone.
  server.on("error", () => {});
  return {
    port,
    connections: () => connections.count(),
    close() {
      server.close();
      followers.close();
      connections.close();
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly listener: Listener;
  readonly login: Login | null;
  readonly surface: Surface;
  readonly connections: Connections;
  readonly followers: Followers;
}

async function respond(exchange: Exchange): Promise<void> {
  const { response, surface } = exchange;
  let reply: Reply | StreamReply | null;
  try {
    reply = await answer(exchange);
  } catch (error) {
    surface.fault(`the answer to ${exchange.request.method} ${exchange.request.url}`, error);
    reply = plain(500, "internal error");
  }
  if (reply !== null && "source" in reply) {
    if (stream(exchange, reply)) return;
    reply = plain(503, "too many clients follow logs");
  }
  // Closing a connection with something unread in it can take the reply away from the client.
  if (reply !== null && reply.status >= 400) await discardBody(exchange.request);
  const after = reply?.after ?? [];
  if (reply === null || response.destroyed) {
    // Nobody is left to hear it, but what was asked for was asked for.
    for (const action of after) action();
    return;
  }
  // A client that goes away before it has the answer has still given its command.
  response.once("close", () => {
    for (const action of after) action();
  });
  send(exchange, reply);
}

function send({ request, response, connections }: Exchange, reply: Reply): void {
  connections.leaving(request.socket);
  response.shouldKeepAlive = false;
  // Who is refused may still be sending, and would see a broken pipe instead of the answer: supervisor's own HTTP client ends
  // its requests with one line too many. Its time is limited all the same.
  const { socket } = request;
  if (reply.status >= 400) socket.destroySoon = () => socket.end();
  const body = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  response.writeHead(reply.status, {
    ...COMMON_HEADERS,
    "Content-Type": reply.contentType,
    "Content-Length": body.length,
    ...reply.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** False: there are too many already. */
function stream(
  { request, response, followers }: Exchange,
  { status, headers, source }: StreamReply,
): boolean {
  // Whoever went away without a word is noticed by the system, and not by a timer of ours.
  request.socket.setKeepAlive(true, FOLLOWER_ALIVE_MS);
  response.shouldKeepAlive = false;
  for (const [name, value] of Object.entries({ ...COMMON_HEADERS, ...headers }))
    response.setHeader(name, value);
  response.statusCode = status;
  return response.destroyed || followers.add(response, source);
}

/** null: the client has gone. */
async function answer({
  request,
  listener,
  login,
  surface,
  connections,
}: Exchange): Promise<Reply | StreamReply | null> {
  if (!isAuthorized(login, request.headers.authorization))
    return plain(401, "authentication is required", { "WWW-Authenticate": 'Basic realm="default"' });
  const target = parseTarget(request.url ?? "/");
  if (target === null) return plain(400, "bad request");
  const found = findRoute(listener, request.method ?? "", target.pathname);
  if ("reply" in found) return found.reply;
  const { route, name } = found;
  const body = route.method === "POST" ? await readBody(request) : "";
  if (body === null || typeof body === "object") return body;
  connections.answering(request.socket);
  const { accept, origin } = request.headers;
  return route.handle({ name, query: target.query, accept, origin, body }, surface);
}

function parseTarget(url: string): { readonly pathname: string; readonly query: URLSearchParams } | null {
  if (!url.startsWith("/")) return null;
  const mark = url.indexOf("?");
  return {
    pathname: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
  };
}

/** The body, a reply that refuses it, or null when the client went away. */
function readBody(request: IncomingMessage): Promise<string | Reply | null> {
  const length = request.headers["content-length"];
  if (length === undefined) return Promise.resolve(plain(411, "a Content-Length is required"));
  if (Number(length) > MAX_BODY_BYTES) return Promise.resolve(plain(413, "too large"));
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => resolve(decode(Buffer.concat(chunks)) ?? plain(400, "not UTF-8")));
    request.once("close", () => resolve(null));
  });
}

function decode(bytes: Buffer): string | null {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : null;
}

/** Reads what a refused request still has to say, if it is not too much; its time is limited as before. */
async function discardBody(request: IncomingMessage): Promise<void> {
  const length = Number(request.headers["content-length"] ?? 0);
  if (request.complete || request.destroyed || !(length > 0 && length <= MAX_BODY_BYTES)) return;
  await new Promise<void>((resolve) => {
    request.once("end", resolve);
    request.once("close", resolve);
    request.resume();
  });
}
