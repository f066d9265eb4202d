/**
 * The extra keys of event listeners and fcgi programs, and Python code that a configuration names
 * (supervisord.md 3.6-3.8).
 */
import type { ListenerSpec, SocketSpec } from "../core/spec.ts";
import type { Section } from "./document.ts";
import type { Names } from "./expand.ts";
import { type Context, SectionReader } from "./reader.ts";
import { nearest } from "./text.ts";

/** Event types of supervisord.md 10.1, the abstract ones included. */
export const EVENT_TYPES: readonly string[] = [
  "EVENT",
  "PROCESS_STATE",
  "PROCESS_STATE_STOPPED",
  "PROCESS_STATE_EXITED",
  "PROCESS_STATE_STARTING",
  "PROCESS_STATE_STOPPING",
  "PROCESS_STATE_BACKOFF",
  "PROCESS_STATE_FATAL",
  "PROCESS_STATE_RUNNING",
  "PROCESS_STATE_UNKNOWN",
  "PROCESS_COMMUNICATION",
  "PROCESS_COMMUNICATION_STDOUT",
  "PROCESS_COMMUNICATION_STDERR",
  "PROCESS_LOG",
  "PROCESS_LOG_STDOUT",
  "PROCESS_LOG_STDERR",
  "REMOTE_COMMUNICATION",
  "SUPERVISOR_STATE_CHANGE",
  "SUPERVISOR_STATE_CHANGE_RUNNING",
  "SUPERVISOR_STATE_CHANGE_STOPPING",
  "TICK",
  "TICK_5",
  "TICK_60",
  "TICK_3600",
  "PROCESS_GROUP",
  "PROCESS_GROUP_ADDED",
  "PROCESS_GROUP_REMOVED",
];

const STOCK_HANDLER = "supervisor.dispatchers:default_handler";
/** The handler of the supervisor-stdout package: it prefixes lines, which tsinit does by itself. */
const PREFIX_HANDLER = "supervisor_stdout:event_handler";
const STOCK_INTERFACE = "supervisor.rpcinterface:make_main_rpcinterface";
const FACTORY = "supervisor.rpcinterface_factory";

type Scope = Context & { readonly names: Names };

/**
 * `events`, `buffer_size`, `result_handler`, and no `redirect_stderr`. null: nothing is to be started, because it is
 * wrong, or because tsinit does its work itself.
 */
export function readListener(section: Section, context: Scope): ListenerSpec | null {
  const { names, problems } = context;
  const reader = new SectionReader("eventlistener", section, context);
  const size = reader.get("buffer_size", names);
  if (size < 1) {
    const text = `[${section.name}] section sets invalid buffer_size (${size})`;
    problems.error(reader.place("buffer_size"), `${text}; expected at least 1`);
  }
  const handler = reader.get("result_handler", names);
  if (handler === PREFIX_HANDLER) {
    const text = "lines get their prefix from tsinit itself, this listener is not needed";
    problems.notice(reader.place("result_handler"), text);
  } else if (handler !== STOCK_HANDLER) {
    problems.error(
      reader.place("result_handler"),
      `${handler} cannot be resolved within [${section.name}]: it is Python code, which tsinit does ` +
        `not load; expected no ` +
        `result_handler, ${STOCK_HANDLER} or ${PREFIX_HANDLER}`,
    );
  }
  const events = (reader.get("events", names) ?? []).map((event) => event.toUpperCase());
  if (events.length === 0) {
    const text = `[${section.name}] section requires an "events" line; expected events=PROCESS_STATE or so`;
    problems.error(reader.place("events"), text);
  }
  const unknown = events.filter((event) => !EVENT_TYPES.includes(event));
  if (unknown.length > 0) {
    const meant = nearest(unknown[0] ?? "", EVENT_TYPES);
    const hint = meant === null ? `expected some of ${EVENT_TYPES.join(", ")}` : `maybe ${meant}`;
    const text = `Unknown event type ${unknown.join(", ")} in [${section.name}] events; ${hint}`;
    problems.error(reader.place("events"), text);
  }
  if (reader.get("redirect_stderr", names)) {
    problems.error(
      reader.place("redirect_stderr"),
      `[${section.name}] section sets redirect_stderr=true but this is not allowed because it will ` +
        `interfere with the ` +
        "eventlistener protocol",
    );
  }
  if (handler === PREFIX_HANDLER) return null;
  return { pool: section.name.slice("eventlistener:".length), events, bufferSize: size };
}

/** `socket` and its companions; null when they are wrong. */
export function readSocket(section: Section, program: string, context: Scope): SocketSpec | null {
  const { names, problems } = context;
  const reader = new SectionReader("fcgi-program", section, context);
  const backlog = reader.get("socket_backlog", names);
  if (backlog !== null && (backlog < 1 || backlog > 65535)) {
    problems.error(
      reader.place("socket_backlog"),
      `Invalid socket_backlog value ${backlog}; expected 1 to 65535`,
    );
  }
  const owner = reader.get("socket_owner", names);
  const mode = reader.get("socket_mode", names);
  const socket = reader.get("socket", names.with({ program_name: program }));
  const place = reader.place("socket");
  const expected = "expected unix:///absolute/path or tcp://host:port";
  if (socket === null || socket === "") {
    problems.error(place, `[${section.name}] section requires a "socket" line; ${expected}`);
    return null;
  }
  if (socket.startsWith("unix://")) {
    const path = socket.slice("unix://".length);
    if (!path.startsWith("/"))
      problems.error(place, `Unix socket path ${path} is not an absolute path; ${expected}`);
    return { kind: "unix", url: socket, path, mode: mode ?? 0o700, owner, backlog };
  }
  if (owner !== null || mode !== null) {
    problems.error(
      place,
      "socket_owner and socket_mode params should only be used with a Unix domain socket in " +
        `[${section.name}] socket; ${expected}`,
    );
    return null;
  }
  const [, host, digits] = /^tcp:\/\/([^\s:]+):(\d+)$/.exec(socket) ?? [];
  if (host === undefined || digits === undefined) {
    problems.error(place, `Bad socket format ${socket} in [${section.name}] socket; ${expected}`);
    return null;
  }
  const port = Number(digits);
  if (port < 1 || port > 65535) problems.error(place, `${port} is not a port; ${expected}`);
  return { kind: "tcp", url: socket, host, port, backlog };
}

/** `[rpcinterface:x]`: the stock one is always there, others are Python code. */
export function checkInterface(section: Section, context: Scope): void {
  const { names, problems } = context;
  const reader = new SectionReader("rpcinterface", section, context);
  const place = reader.place(FACTORY);
  const factory = reader.get(FACTORY, names);
  if (factory === null && !reader.has(FACTORY)) {
    problems.error(
      place,
      `section [${section.name}] does not specify a ${FACTORY}; expected ${STOCK_INTERFACE}`,
    );
  } else if (factory !== null && factory !== STOCK_INTERFACE) {
    problems.warning(
      place,
      `${factory} is Python code, which tsinit does not load: its calls will not exist`,
    );
  }
}
