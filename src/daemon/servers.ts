/** The listeners of the init: probes and metrics for everyone, control for its owner. Loaded when first needed. */
import type { ServerDeps, ServerHandle } from "../api/server.ts";
import { CONTROL_CANDIDATES, type Config, type ServerSpec } from "../config/config.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";

export interface Servers {
  /** Takes the public listener's port, without serving it yet; the text of the error, or null. */
  bindPublic(): string | null;
  /** Serves the public listener; the text of the error, or null. */
  openPublic(): Promise<string | null>;
  /** Opens all control servers. Trouble with one is a warning: programs come first. */
  openControl(): Promise<void>;
  closeAll(): void;
  /** Open client connections, all servers together. */
  connections(): number;
}

export function createServers(config: Config, deps: ServerDeps, logs: Logs, kernel: Kernel): Servers {
  let boundFd: number | null = null;
  const handles: ServerHandle[] = [];

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

  async function openConfigured(spec: ServerSpec): Promise<void> {
    const { startControlServer } = await import("../api/server.ts");
    if (spec.kind === "unix") {
      const error = await openUnix(spec.path, spec);
      if (error !== null) logs.say("warn", `[${spec.section}] ${error}`);
      return;
    }
    const { host, port, username, password } = spec;
    const opened = await startControlServer({ kind: "inet", host, port, username, password }, deps);
    if (opened.ok) handles.push(opened.server);
    else logs.say("warn", `[${spec.section}] ${opened.error}`);
  }

  return {
    bindPublic() {
      const { listen } = config.plan.global;
      if (listen === null) return null;
      const bound = kernel.listen(listen.host, listen.port);
      if (typeof bound === "number") boundFd = bound;
      else if (bound !== "ENOTSUP")
        return `${listen.host}:${listen.port}: ${bound === "EADDRINUSE" ? "another program is listening there" : bound}`;
      return null;
    },
    async openPublic() {
      const { listen } = config.plan.global;
      if (listen === null) return null;
      const { startPublicServer } = await import("../api/server.ts");
      const opened = await startPublicServer(
        { ...listen, ...(boundFd === null ? {} : { fd: boundFd }) },
        deps,
      );
      if (!opened.ok) return opened.error;
      handles.push(opened.server);
      return null;
    },
    async openControl() {
      for (const spec of config.servers) await openConfigured(spec);
      const unix = config.servers.filter((server) => server.kind === "unix");
      const { path, off } = config.control;
      if (off || unix.some((server) => server.path === path)) return;
      if (path !== null) {
        const error = await openUnix(path, null);
        if (error !== null) logs.say("warn", `[tsinit] control: ${error}`);
      } else if (unix.length === 0) await openDefault();
    },
    closeAll() {
      for (const handle of handles.splice(0)) handle.close();
    },
    connections: () => handles.reduce((sum, handle) => sum + handle.connections(), 0),
  };
}
