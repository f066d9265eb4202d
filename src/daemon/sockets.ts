/**
 * The listening sockets of `[fcgi-program:x]`: one for each section, passed to its processes as descriptor 0. It is
 * kept while any of them is in the plan, over restarts and reloads, so that clients wait instead of being refused
 * (supervisord.md 11 closes it with the last process).
 */
import { isDown, isForgettable } from "../core/reload.ts";
import type { Plan, SocketSpec } from "../core/spec.ts";
import type { System } from "../core/system.ts";
import type { Errno, Fd, Kernel } from "../kernel/kernel.ts";
import type { Logs } from "../logs/logs.ts";
import { openUnixSocket } from "./unix-socket.ts";

export interface Sockets {
  /**
   * Makes those of all programs, before anything is started; answers what cannot be had. Of sections that do not start
   * by themselves it is tried and given back.
   */
  prepare(plan: Plan): Promise<string[]>;
  /** Finds the addresses of names that a new plan has brought; until they are known `open` says so. */
  resolve(plan: Plan): Promise<void>;
  /** The descriptor, which stays ours, or why there is none. */
  open(spec: SocketSpec): Fd | string;
  /** Closes those that no program may need any more. */
  keepFor(system: System): void;
  closeAll(): void;
}

interface Open {
  readonly spec: SocketSpec;
  readonly fd: Fd;
  readonly remove: () => void;
}

/** The kernel takes its own limit (net.core.somaxconn) for more. */
const MAX_BACKLOG = 65535;

const asIs: ReadonlyMap<string, string> = new Map([
  ["localhost", "127.0.0.1"],
  // supervisord's sockets speak IPv4.
  ["*", "0.0.0.0"],
]);

export function createSockets(kernel: Kernel, say: Logs["say"]): Sockets {
  /** By URL; the configuration has each in one section only. */
  const sockets = new Map<string, Open>();
  const addresses = new Map(asIs);

  function open(spec: SocketSpec): Fd | string {
    const held = sockets.get(spec.url);
    if (held && isSame(held.spec, spec)) return held.fd;
    // The processes of the old one may still hold the port: it is ours to keep.
    if (held && spec.kind === "tcp") {
      kernel.setBacklog(held.fd, spec.backlog ?? MAX_BACKLOG);
      sockets.set(spec.url, { ...held, spec });
      return held.fd;
    }
    say("info", `Creating socket ${spec.url}`);
    const made = spec.kind === "tcp" ? openTcp(spec) : openUnix(spec);
    if (typeof made === "string") return `Could not create FastCGI socket ${spec.url}: ${made}`;
    if (held) kernel.close(held.fd);
    sockets.set(spec.url, { spec, ...made });
    return made.fd;
  }

  function openTcp(spec: Extract<SocketSpec, { kind: "tcp" }>): Omit<Open, "spec"> | string {
    const address = addresses.get(spec.host) ?? spec.host;
    const fd = kernel.listen(address, spec.port, spec.backlog ?? MAX_BACKLOG);
    if (typeof fd === "number") return { fd, remove: () => {} };
    return tcpProblem(spec.host, fd);
  }

  function openUnix(spec: Extract<SocketSpec, { kind: "unix" }>): Omit<Open, "spec"> | string {
    const { path, mode, owner, backlog } = spec;
    // As supervisord, which asks nobody either.
    const living = "replace";
    const result = openUnixSocket(kernel, { path, mode, owner, living, backlog: backlog ?? MAX_BACKLOG });
    return result.ok ? result.socket : result.error;
  }

  function close(socket: Open): void {
    say("info", `Closing socket ${socket.spec.url}`);
    sockets.delete(socket.spec.url);
    kernel.close(socket.fd);
    socket.remove();
  }

  async function resolve(plan: Plan): Promise<void> {
    const hosts = plan.programs.map(({ socket }) => (socket?.kind === "tcp" ? socket.host : null));
    for (const host of new Set(hosts)) {
      if (host === null || addresses.has(host) || isNumber(host)) continue;
      const { lookup } = await import("node:dns");
      await new Promise<void>((done) =>
        lookup(host, { family: 4 }, (error, address) => {
          if (error === null) addresses.set(host, address);
          done();
        }),
      );
    }
  }

  function keepOnly(urls: ReadonlySet<string>): void {
    for (const socket of [...sockets.values()]) if (!urls.has(socket.spec.url)) close(socket);
  }

  return {
    open,
    resolve,
    async prepare(plan) {
      const errors = new Map<string, string>();
      await resolve(plan);
      for (const { section, socket } of plan.programs) {
        const fd = socket === null || errors.has(section) ? 0 : open(socket);
        if (typeof fd === "string") errors.set(section, `[${section}] socket: ${fd}`);
      }
      const starting = plan.programs.filter((spec) => spec.autostart);
      keepOnly(new Set(starting.map((spec) => spec.socket?.url ?? "")));
      return [...errors.values()];
    },
    keepFor(system) {
      if (sockets.size === 0) return;
      const isEnding = system.phase !== "booting" && system.phase !== "running";
      const urls = new Set<string>();
      for (const record of system.programs) {
        // At the end nobody comes back to answer those who would wait.
        const isOver = isEnding ? isDown(record) : isForgettable(record);
        if (record.spec.socket !== null && !isOver) urls.add(record.spec.socket.url);
      }
      keepOnly(urls);
    },
    closeAll() {
      for (const { fd, remove } of sockets.values()) {
        kernel.close(fd);
        remove();
      }
      sockets.clear();
    },
  };
}

const isNumber = (host: string): boolean => /^\d+(\.\d+){3}$/.test(host);

function isSame(a: SocketSpec, b: SocketSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function tcpProblem(host: string, errno: Errno): string {
  switch (errno) {
    case "EADDRINUSE":
      return "another program is listening there";
    case "ENOTSUP":
      return `the address of ${host} is not known (yet)`;
    case "EADDRNOTAVAIL":
      return `${host} is no address of this container`;
    case "EACCES":
      return "no permission to bind that port (EACCES)";
    default:
      return errno;
  }
}
