/** The listeners of the init: probes and metrics for everyone, control for its owner. Loaded when first needed. */
import type { Opened, ServerDeps, ServerHandle } from "../api/server.ts";
import { CONTROL_CANDIDATES, type Config, type ServerSpec } from "../config/config.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";
import { openUnixSocket, type UnixSocket } from "./unix-socket.ts";

export interface Servers {
  /**
   * Takes the sockets and the TCP ports that the user asked for, before anything is started; answers what cannot be had.
   * Clients that connect now wait until they are served.
   */
  bind(): Promise<string[]>;
  /** Serves all. Trouble now is a warning: programs come first. */
  open(): Promise<void>;
  closeAll(): void;
  /** Open client connections, all servers together. */
  connections(): number;
  /** What programs are told in SUPERVISOR_SERVER_URL; null when there is no control server. */
  url(): string | null;
}

/** A TCP listener: the public one, or a control server. */
interface Place {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly asked: boolean;
  /** `fd`: what the kernel has bound for it. */
  readonly serve: (fd: { readonly fd?: number }) => Promise<Opened>;
}

/** A control socket that listens and is not served yet. */
interface Bound {
  readonly label: string;
  readonly path: string;
  readonly socket: UnixSocket;
  readonly username: string | null;
  readonly password: string | null;
}

type UnixSpec = Extract<ServerSpec, { kind: "unix" }>;
type InetSpec = Extract<ServerSpec, { kind: "inet" }>;
const isInet = (server: ServerSpec): server is InetSpec => server.kind === "inet";

const BACKLOG = 1024;
const TAKEN = "another program is listening there";
/** supervisord's words and blanks. */
const IN_USE =
  "Another program is already listening on a port that one of our HTTP servers is configured to use.  " +
  "Shut this program down first before starting supervisord.";

export function createServers(config: Config, deps: ServerDeps, logs: Logs, kernel: Kernel): Servers {
  const handles: ServerHandle[] = [];
  const bound = new Map<Place, number>();
  const served = new Set<Place>();
  const sockets: Bound[] = [];
  let defaultSocket: string | null = null;
  const places = [...publicPlace(), ...config.servers.filter(isInet).map(inetPlace)];

  function publicPlace(): Place[] {
    const { listen } = config.plan.global;
    if (listen === null) return [];
    const serve: Place["serve"] = async (fd) => {
      const { startPublicServer } = await import("../api/server.ts");
      return startPublicServer({ ...listen, ...fd }, deps);
    };
    return [
      { label: "[tsinit] listen", host: listen.host, port: listen.port, asked: listen.setByUser, serve },
    ];
  }

  function inetPlace(spec: InetSpec): Place {
    // supervisord's servers speak IPv4.
    const host = spec.host === "" || spec.host === "*" ? "0.0.0.0" : spec.host;
    const { section, port, username, password } = spec;
    const serve: Place["serve"] = async (fd) => {
      const { startControlServer } = await import("../api/server.ts");
      if (username === null)
        logs.say("critical", `Server '${section}' running without any HTTP authentication checking`);
      return startControlServer({ kind: "inet", host, port, username, password, ...fd }, deps);
    };
    return { label: `[${section}] port`, host, port, asked: true, serve };
  }

  async function serve(place: Place): Promise<string | null> {
    const fd = bound.get(place);
    const opened = await place.serve(fd === undefined ? {} : { fd });
    served.add(place);
    if (!opened.ok) return `${place.label}: ${opened.error}`;
    handles.push(opened.server);
    return null;
  }

  /** A host that is a name is left to Node, which has to be loaded for it. */
  async function bind(place: Place): Promise<string | null> {
    const fd = kernel.listen(place.host, place.port, BACKLOG);
    if (fd === "ENOTSUP") return serve(place);
    if (typeof fd === "number") bound.set(place, fd);
    else return `${place.label}: ${place.host}:${place.port}: ${fd === "EADDRINUSE" ? TAKEN : fd}`;
    return null;
  }

  function bindUnix(label: string, path: string, spec: UnixSpec | null): ReturnType<typeof openUnixSocket> {
    const result = openUnixSocket(kernel, {
      path,
      mode: spec?.chmod ?? 0o700,
      owner: spec?.chown ?? null,
      backlog: BACKLOG,
      living: "respect",
    });
    if (!result.ok) return result;
    const { socket } = result;
    if (socket.wasStale) tell("info", `Unlinking stale socket ${path}`);
    const login = { username: spec?.username ?? null, password: spec?.password ?? null };
    sockets.push({ label, path, socket, ...login });
    return result;
  }

  /** What is taken is refused, for two inits would fight for it. Anything else is a warning: programs come first. */
  function bindConfigured(label: string, path: string, spec: UnixSpec | null): string | null {
    const result = bindUnix(label, path, spec);
    if (result.ok) return null;
    if (result.isTaken) return `${label}: ${result.error}`;
    logs.say("warn", `${label}: ${result.error}`);
    return null;
  }

  function bindDefault(): void {
    const errors: string[] = [];
    for (const path of CONTROL_CANDIDATES) {
      const result = bindUnix("control socket", path, null);
      if (result.ok) {
        if (errors.length > 0) tell("info", `control socket at ${path} (${errors.join("; ")})`);
        defaultSocket = path;
        return;
      }
      errors.push(result.error);
    }
    logs.say("warn", `no control socket, ctl will not work: ${errors.join("; ")}`);
  }

  function bindSockets(): string[] {
    const unix = config.servers.filter((server) => server.kind === "unix");
    const errors = unix.map((spec) => bindConfigured(`[${spec.section}] file`, spec.path, spec));
    const { path, off } = config.control;
    if (!off && path === null) bindDefault();
    else if (!off && path !== null && !unix.some((server) => server.path === path))
      errors.push(bindConfigured("[tsinit] control", path, null));
    return errors.filter((error) => error !== null);
  }

  /** In tini's place tsinit is as silent as tini. */
  function tell(level: "info", text: string): void {
    if (!config.plan.passthrough) logs.say(level, text);
  }

  async function serveSocket({ label, path, socket, username, password }: Bound): Promise<void> {
    const { startControlServer } = await import("../api/server.ts");
    const opened = await startControlServer({ kind: "unix", fd: socket.fd, username, password }, deps);
    if (opened.ok) handles.push(opened.server);
    else logs.say("warn", `${label}: ${path}: ${opened.error}`);
  }

  return {
    async bind() {
      const errors: string[] = [];
      for (const place of places) {
        const error = place.asked ? await bind(place) : null;
        if (error !== null) errors.push(error);
      }
      errors.push(...bindSockets());
      const isTaken = errors.some((error) => error.endsWith(TAKEN));
      return isTaken ? [IN_USE, ...errors] : errors;
    },
    async open() {
      for (const socket of sockets) await serveSocket(socket);
      for (const place of places) {
        const error = served.has(place) ? null : await serve(place);
        if (error !== null) logs.say("warn", error);
      }
    },
    closeAll() {
      for (const handle of handles.splice(0)) handle.close();
      for (const { socket } of sockets) socket.remove();
    },
    url: () => serverUrl(config, defaultSocket),
    connections: () => handles.reduce((sum, handle) => sum + handle.connections(), 0),
  };
}

/**
 * supervisord's serverurl=AUTO: the first unix server, else the last inet one (supervisord.md 5.6 says the first, its loop
 * has no end), else our own socket.
 */
export function serverUrl(
  { servers, control }: Pick<Config, "servers" | "control">,
  defaultSocket: string | null,
): string | null {
  const unix = servers.find((server) => server.kind === "unix");
  if (unix !== undefined) return `unix://${unix.path}`;
  const inet = servers.findLast(isInet);
  if (inet !== undefined)
    return `http://${inet.host === "" || inet.host === "*" ? "localhost" : inet.host}:${inet.port}`;
  const path = control.path ?? defaultSocket;
  return path === null ? null : `unix://${path}`;
}
