/** The listeners of the init: probes and metrics for everyone, control for its owner. Loaded when first needed. */
import type { Opened, ServerDeps, ServerHandle } from "../api/server.ts";
import { CONTROL_CANDIDATES, type Config, type ServerSpec } from "../config/config.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";

export interface Servers {
  /** Takes the TCP ports that the user asked for, before anything is started; answers what cannot be had. */
  bindAsked(): Promise<string[]>;
  /** Serves all. Trouble now is a warning: programs come first. */
  open(): Promise<void>;
  closeAll(): void;
  /** Open client connections, all servers together. */
  connections(): number;
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

type InetSpec = Extract<ServerSpec, { kind: "inet" }>;
const isInet = (server: ServerSpec): server is InetSpec => server.kind === "inet";

export function createServers(config: Config, deps: ServerDeps, logs: Logs, kernel: Kernel): Servers {
  const handles: ServerHandle[] = [];
  const bound = new Map<Place, number>();
  const served = new Set<Place>();
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
    const fd = kernel.listen(place.host, place.port);
    if (fd === "ENOTSUP") return serve(place);
    if (typeof fd === "number") bound.set(place, fd);
    else
      return `${place.label}: ${place.host}:${place.port}: ${fd === "EADDRINUSE" ? "another program is listening there" : fd}`;
    return null;
  }

  async function openUnix(
    path: string,
    spec: Extract<ServerSpec, { kind: "unix" }> | null,
  ): Promise<string | null> {
    const { startControlServer } = await import("../api/server.ts");
    const opened = await startControlServer(
      {
        kind: "unix",
        path,
        mode: spec?.chmod ?? 0o700,
        owner: spec?.chown ?? null,
        username: spec?.username ?? null,
        password: spec?.password ?? null,
      },
      deps,
    );
    if (!opened.ok) return opened.error;
    handles.push(opened.server);
    return null;
  }

  async function openDefault(): Promise<void> {
    const errors: string[] = [];
    for (const path of CONTROL_CANDIDATES) {
      const error = await openUnix(path, null);
      if (error === null) {
        if (errors.length > 0) logs.say("info", `control socket at ${path} (${errors.join("; ")})`);
        return;
      }
      errors.push(error);
    }
    logs.say("warn", `no control socket, ctl will not work: ${errors.join("; ")}`);
  }

  async function openSockets(): Promise<void> {
    const unix = config.servers.filter((server) => server.kind === "unix");
    for (const spec of unix) {
      const error = await openUnix(spec.path, spec);
      if (error !== null) logs.say("warn", `[${spec.section}] file: ${error}`);
    }
    const { path, off } = config.control;
    if (off || unix.some((server) => server.path === path)) return;
    if (path !== null) {
      const error = await openUnix(path, null);
      if (error !== null) logs.say("warn", `[tsinit] control: ${error}`);
    } else if (unix.length === 0) await openDefault();
  }

  return {
    async bindAsked() {
      const errors: string[] = [];
      for (const place of places) {
        const error = place.asked ? await bind(place) : null;
        if (error !== null) errors.push(error);
      }
      return errors;
    },
    async open() {
      await openSockets();
      for (const place of places) {
        const error = served.has(place) ? null : await serve(place);
        if (error !== null) logs.say("warn", error);
      }
    },
    closeAll() {
      for (const handle of handles.splice(0)) handle.close();
    },
    connections: () => handles.reduce((sum, handle) => sum + handle.connections(), 0),
  };
}
