/** Every path there is, as one table: on which listener, with which method, who answers. */
import type { HealthKind } from "../core/health.ts";
import { namespec } from "../core/spec.ts";
import { prefersOpenMetrics } from "./accept.ts";
import { RpcError } from "./faults.ts";
import { answerHealth } from "./health.ts";
import { mainLog, programLog } from "./log-stream.ts";
import { plain, type Reply, type StreamReply } from "./reply.ts";
import type { Surface } from "./surface.ts";
import { type MethodCall, parseCall, renderFault, renderResponse, XmlRpcError } from "./xmlrpc.ts";

export type Listener = "public" | "control";

export interface Request {
  /** The last part of the path, decoded, where the route has one. */
  readonly name: string | null;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  readonly origin: string | undefined;
  /** Empty for GET. */
  readonly body: string;
}

export interface Route {
  readonly listeners: readonly Listener[];
  /** A route of GET answers HEAD as well. */
  readonly method: "GET" | "POST";
  /** A last part `:name` stands for any one part, `*` for one or more. */
  readonly path: string;
  /** supervisord's answer to any other method, HEAD among them, where it is not 405. */
  readonly otherwise?: 400;
  readonly handle: (request: Request, surface: Surface) => Reply | StreamReply | Promise<Reply>;
}

const BOTH: readonly Listener[] = ["public", "control"];

function health(kind: HealthKind, title: string): Route["handle"] {
  return ({ name, query, accept }, { control }) =>
    answerHealth({ kind, title, program: name, query, accept }, control.snapshot());
}

export const ROUTES: readonly Route[] = [
  { listeners: BOTH, method: "GET", path: "/livez", handle: health("live", "livez") },
  { listeners: BOTH, method: "GET", path: "/livez/:name", handle: health("live", "livez") },
  { listeners: BOTH, method: "GET", path: "/readyz", handle: health("ready", "readyz") },
  { listeners: BOTH, method: "GET", path: "/readyz/:name", handle: health("ready", "readyz") },
  { listeners: BOTH, method: "GET", path: "/startupz", handle: health("startup", "startupz") },
  { listeners: BOTH, method: "GET", path: "/healthz", handle: health("live", "healthz") },
  { listeners: ["public"], method: "GET", path: "/metrics", handle: metrics },
  { listeners: ["control"], method: "POST", path: "/RPC2", otherwise: 400, handle: rpc },
  {
    listeners: ["control"],
    method: "GET",
    path: "/logtail/*",
    otherwise: 400,
    handle: ({ name }, { control }) => programLog(control, name ?? ""),
  },
  {
    listeners: ["control"],
    method: "GET",
    path: "/mainlogtail",
    otherwise: 400,
    handle: (_, { control }) => mainLog(control),
  },
  { listeners: ["control"], method: "GET", path: "/api/v1/graph", handle: graph },
  // What monitors of supervisord ask for.
  { listeners: ["control"], method: "GET", path: "/ok.html", handle: () => text("OK") },
  { listeners: ["control"], method: "GET", path: "/", handle: overview },
  { listeners: ["control"], method: "GET", path: "/index.html", handle: overview },
];

/** The route and the decoded name in its path, or the reply that there is none. HEAD is GET here. */
export function findRoute(
  listener: Listener,
  method: string,
  pathname: string,
): { readonly route: Route; readonly name: string | null } | { readonly reply: Reply } {
  const path = pathname.length > 1 && pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
  const found = ROUTES.filter((route) => route.listeners.includes(listener)).flatMap((route) => {
    const match = matchPath(route.path, path);
    return match ? [{ route, name: match.name }] : [];
  });
  const best = found.find(
    ({ route }) =>
      route.method === method ||
      (method === "HEAD" && route.method === "GET" && route.otherwise === undefined),
  );
  if (best) return best;
  const [only] = found;
  if (only === undefined) return { reply: plain(404, "not found") };
  if (only.route.otherwise !== undefined)
    return { reply: plain(only.route.otherwise, `only ${only.route.method} is answered here`) };
  const allowed = found.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
  return { reply: plain(405, "method not allowed", { Allow: allowed.join(", ") }) };
}

function matchPath(pattern: string, path: string): { readonly name: string | null } | null {
  const last = /(?<=\/)(?::name|\*)$/.exec(pattern)?.[0];
  if (last === undefined) return pattern === path ? { name: null } : null;
  const prefix = pattern.slice(0, -last.length);
  const rest = path.slice(prefix.length);
  if (!path.startsWith(prefix) || rest === "" || (last === ":name" && rest.includes("/"))) return null;
  try {
    return { name: decodeURIComponent(rest) };
  } catch {
    return null;
  }
}

function text(body: string): Reply {
  return { ...plain(200, ""), body };
}

/** For people who open it in a browser: what runs. */
function overview(_: Request, { control }: Surface): Reply {
  const { programs } = control.snapshot();
  const lines = programs.map(
    ({ spec, state, description }) => `${namespec(spec).padEnd(32)} ${state.name.padEnd(9)} ${description}\n`,
  );
  return text(`tsinit ${control.version()}\n${lines.join("")}`);
}

/** The shape is `Graph`, in graph.ts. */
async function graph(_: Request, { control }: Surface): Promise<Reply> {
  const { createGraph } = await import("./graph.ts");
  const body = `${JSON.stringify(createGraph(control.snapshot(), control.timeline()))}\n`;
  return { status: 200, contentType: "application/json", body };
}

async function metrics({ accept }: Request, surface: Surface): Promise<Reply> {
  const { contentType, body, release } = await (await surface.metrics()).render(prefersOpenMetrics(accept));
  return { status: 200, contentType, body, after: [release] };
}

async function rpc({ body, origin }: Request, surface: Surface): Promise<Reply> {
  // Only browsers send it, and none has business here: a page anywhere could command a server on the loopback.
  if (origin !== undefined) return plain(403, "not for browsers");
  let call: MethodCall;
  try {
    call = await parseCall(body);
  } catch (error) {
    if (error instanceof XmlRpcError) return plain(400, `not an XML-RPC call: ${error.message}`);
    throw error;
  }
  try {
    const { value, after } = await surface.rpc().call(call.method, call.params);
    return { status: 200, contentType: "text/xml", body: renderResponse(value), after };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { status: 200, contentType: "text/xml", body: renderFault(error.fault) };
  }
}
