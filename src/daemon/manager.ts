/** What whoever started tsinit has given it for itself: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3). Pure. */
import type { Millis, Pid } from "../core/states.ts";
import type { Fd } from "../kernel/kernel.ts";

type Environment = readonly (readonly [name: string, value: string])[];

export interface Manager {
  /** Where it wants to be told how we are: a path or `@name`. */
  readonly notify: string | null;
  /** It expects a sign of life within so long. */
  readonly watchdog: Millis | null;
  /** Sockets that it opened for the program in our place: 3 and up. */
  readonly sockets: readonly Fd[];
  /** How that program is told of them, but for its own pid. */
  readonly socketVariables: readonly string[];
  /** The environment without what is ours alone. */
  readonly hide: (environment: Environment) => Environment;
}

const FIRST_SOCKET = 3;

/** `isOpen`: a number of descriptors is believed only as far as there are some. */
export function readManager(environment: Environment, pid: Pid, isOpen: (fd: Fd) => boolean): Manager {
  const value = (name: string): string => environment.findLast(([key]) => key === name)?.[1] ?? "";
  const isOurs = (name: string): boolean => value(name) === `${pid}`;
  const hidden = new Set<string>();

  const address = value("NOTIFY_SOCKET");
  const notify = /^[/@]./.test(address) ? address : null;
  const micros = value("WATCHDOG_USEC");
  const mayWatch = notify !== null && (value("WATCHDOG_PID") === "" || isOurs("WATCHDOG_PID"));
  const watchdog = mayWatch && /^[1-9]\d{0,14}$/.test(micros) ? Number(micros) / 1000 : null;
  if (notify !== null) hidden.add("NOTIFY_SOCKET");
  if (mayWatch) for (const name of ["WATCHDOG_USEC", "WATCHDOG_PID"]) hidden.add(name);

  const sockets: Fd[] = [];
  if (isOurs("LISTEN_PID")) {
    const count = Number(/^\d{1,4}$/.exec(value("LISTEN_FDS"))?.[0] ?? 0);
    for (let fd = FIRST_SOCKET; fd < FIRST_SOCKET + count && isOpen(fd); fd++) sockets.push(fd);
    for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"]) hidden.add(name);
  }
  const names = value("LISTEN_FDNAMES");
  return {
    notify,
    watchdog,
    sockets,
    socketVariables: [`LISTEN_FDS=${sockets.length}`, ...(names === "" ? [] : [`LISTEN_FDNAMES=${names}`])],
    hide: (all) => (hidden.size === 0 ? all : all.filter(([name]) => !hidden.has(name))),
  };
}
