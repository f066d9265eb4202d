/** One `[program:x]` section, or a listener or fcgi program, → a spec for each of its processes. */
import type { Credentials, ListenerSpec, ProgramSpec, SocketSpec } from "../core/spec.ts";
import { type Checks, checksReader } from "./checks.ts";
import type { Section } from "./document.ts";
import type { Names } from "./expand.ts";
import { credentialsOf, type Globals } from "./globals.ts";
import type { Link } from "./links.ts";
import { readStreams } from "./logfiles.ts";
import { Invalid } from "./problems.ts";
import { type Context, SectionReader } from "./reader.ts";
import { compareText, quote, strip } from "./text.ts";
import { absolutePath, expandHome } from "./values.ts";
import { parseVariables } from "./variables.ts";
import { parseCommand, shownCommand, uncutCommand } from "./words.ts";

/** What every program of a configuration has in common. */
export interface ProgramContext extends Context {
  /** `here`, the container's variables and those of `[supervisord] environment=`. */
  readonly names: Names;
  readonly globals: Globals;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: Credentials | null;
  /** Filled while programs are read. */
  readonly links: Link[];
}

export type ProgramKind = "program" | "eventlistener" | "fcgi-program";

/** What a section is beside a program. */
export interface Role {
  readonly kind: ProgramKind;
  readonly listener: ListenerSpec | null;
  readonly socket: SocketSpec | null;
}

/** The name rules of supervisord; also without an error the name is trimmed. */
function checkName(name: string, section: Section, context: Context): string {
  const trimmed = strip(name);
  const bad = Array.from(" :/").find((char) => trimmed.includes(char));
  if (bad !== undefined) {
    context.problems.error(
      { where: section.where, section: section.name, key: null },
      `Invalid name: ${quote(name)} because of character: ${quote(bad)}; expected a name without ` +
        `blank, colon and slash`,
    );
  }
  return trimmed;
}

/** `x` of `[program:x]`. */
export function sectionName(section: Section, context: Context): string {
  return checkName(section.name.slice(section.name.indexOf(":") + 1), section, context);
}

/** In supervisord's order: by priority, then name. Errors go to the context's problems. */
export function readProcesses(
  section: Section,
  role: Role,
  group: string,
  groupPriority: number,
  context: ProgramContext,
): ProgramSpec[] {
  const reader = new SectionReader("program", section, context);
  const program = sectionName(section, context);
  const names = context.names.with({
    program_name: program,
    host_node_name: context.host.hostname,
    group_name: group,
  });
  const count = reader.get("numprocs", names);
  const first = reader.get("numprocs_start", names);
  const template = checkProcessName(reader, count, context);
  const shared = { ...readShared(reader, names, context), ...role, group, groupPriority };
  const checksOf = checksReader(reader, context);
  const specs: ProgramSpec[] = [];
  for (let number = first; number < first + count; number++) {
    const spec = readProcess(
      reader,
      template,
      shared,
      checksOf,
      number,
      names.with({ process_num: number, numprocs: count }),
      context,
    );
    if (spec !== null) specs.push(spec);
  }
  context.links.push({
    program,
    ids: specs.map(({ id }) => id),
    dependsOn: reader.get("depends_on", names),
    restartWith: reader.get("restart_with", names),
    dependsPlace: reader.place("depends_on"),
    restartPlace: reader.place("restart_with"),
  });
  return specs.sort((a, b) => a.priority - b.priority || compareText(a.name, b.name));
}

/** The rules look at the text before expansion, as supervisord does. */
function checkProcessName(reader: SectionReader<"program">, count: number, context: Context): string {
  const text = reader.raw("process_name") ?? "";
  const place = reader.place("process_name");
  const template = strip(text);
  const bad = Array.from(" :/").find((char) => template.includes(char));
  if (bad !== undefined) {
    context.problems.error(
      place,
      `Invalid name: ${quote(text)} because of character: ${quote(bad)}; expected another name`,
    );
  }
  if (count > 1 && !template.includes("%(process_num)")) {
    context.problems.error(
      place,
      "%(process_num) must be present within process_name when numprocs > 1; expected for instance " +
        "%(program_name)s_%(process_num)02d",
    );
  }
  return template;
}

type PerProcess =
  | "id"
  | "name"
  | "processNum"
  | "command"
  | "argv"
  | "commandError"
  | "directory"
  | "environment"
  | "stdout"
  | "stderr"
  | keyof Checks;
type Shared = Omit<ProgramSpec, PerProcess>;

/** The keys that are the same for every process of the section. */
function readShared(
  reader: SectionReader<"program">,
  names: Names,
  context: ProgramContext,
): Omit<Shared, keyof Role | "group" | "groupPriority"> {
  const { globals, problems } = context;
  const stopasgroup = reader.get("stopasgroup", names);
  const killasgroup = reader.get("killasgroup", names) ?? stopasgroup;
  if (stopasgroup && !killasgroup) {
    problems.error(
      reader.place("killasgroup"),
      "Cannot set stopasgroup=true and killasgroup=false; expected killasgroup=true",
    );
  }
  const serverurl = reader.get("serverurl", names);
  return {
    section: reader.section.label,
    priority: reader.get("priority", names),
    autostart: reader.get("autostart", names),
    autorestart: reader.get("autorestart", names),
    startsecs: reader.get("startsecs", names),
    startretries: reader.get("startretries", names),
    exitcodes: reader.get("exitcodes", names),
    stopsignals: reader.get("stopsignal", names),
    stopwaitsecs: reader.get("stopwaitsecs", names),
    stopasgroup,
    killasgroup,
    critical: reader.get("critical", names) ?? globals.critical,
    type: reader.get("type", names),
    user: readUser(reader, names, context),
    umask: reader.get("umask", names),
    forwardSignals: reader.get("forward_signals", names) ?? globals.forwardSignals,
    redirectStderr: reader.get("redirect_stderr", names),
    logFormat: reader.get("log_format", names) ?? globals.global.logFormat,
    logPrefix: reader.get("log_prefix", names) ?? globals.global.logPrefix,
    logLevelPrefix: reader.get("log_level_prefix", names) ?? globals.logLevelPrefix,
    stdin: reader.get("stdin", names) ?? (context.document.sections.has("supervisord") ? "pipe" : "null"),
    dependsOn: [],
    restartWith: [],
    serverurl: serverurl?.trim().toUpperCase() === "AUTO" ? null : serverurl,
  };
}

/** A unix socket belongs to the program's user unless somebody else is named. */
function ownedBy(socket: SocketSpec | null, user: Credentials | null): SocketSpec | null {
  if (socket?.kind !== "unix" || socket.owner !== null || user === null) return socket;
  return { ...socket, owner: { uid: user.uid, gid: user.gid } };
}

function readUser(
  reader: SectionReader<"program">,
  names: Names,
  context: ProgramContext,
): Credentials | null {
  const user = reader.get("user", names);
  if (user === null) return context.user;
  const text = user.name ?? String(user.uid);
  return credentialsOf(user, text, reader.place("user"), context);
}

/** null when its name cannot be made; the error is reported. */
function readProcess(
  reader: SectionReader<"program">,
  template: string,
  shared: Shared,
  checksOf: (names: Names) => Checks,
  number: number,
  names: Names,
  context: ProgramContext,
): ProgramSpec | null {
  const { problems, globals } = context;
  const own = reader.get("environment", names);
  checkVariables(reader, own, context);
  const inner = names.withVariables(own);
  const name = problems.attempt(reader.place("process_name"), () =>
    reader.expandText("process_name", template, inner),
  );
  const streams = readStreams(
    reader,
    inner,
    shared.redirectStderr,
    globals.global.logFiles === "also",
    context,
  );
  const directory = reader.get("directory", inner);
  const command = readCommand(reader, inner, context);
  const checks = checksOf(inner);
  if (name === null) return null;
  if (/[\s:/]/.test(name)) {
    const text = `the name ${quote(name)} has a blank, colon or slash in it, clients cannot name it`;
    problems.warning(reader.place("process_name"), text);
  }
  return {
    ...shared,
    ...checks,
    // A run of a schedule is meant to end.
    type: checks.schedule === null ? shared.type : "oneshot",
    socket: ownedBy(shared.socket, shared.user),
    id: `${shared.group}:${name}`,
    name,
    processNum: number,
    command: command.text,
    argv: command.argv,
    commandError: command.error,
    directory: directory === "" ? null : directory,
    environment: {
      ...context.environment,
      ...readVariables(reader, inner, context),
      ...Object.fromEntries(own),
    },
    ...streams,
  };
}

/** `environment_file`, read now: a reload sees what has changed in it. */
function readVariables(
  reader: SectionReader<"program">,
  names: Names,
  context: Context,
): Record<string, string> {
  const value = reader.get("environment_file", names)?.trim() ?? "";
  if (value === "") return {};
  const { host, problems } = context;
  const isOptional = value.startsWith("-");
  const path = absolutePath(expandHome(isOptional ? value.slice(1) : value, host), host);
  const file = host.read(path);
  const place = reader.place("environment_file");
  if ("errno" in file) {
    if (isOptional && file.errno === "ENOENT") return {};
    const hint =
      file.errno === "ENOENT" ? `; expected a file of KEY=VALUE lines, or -${path} if it may be missing` : "";
    problems.error(place, `cannot read ${path}: ${file.errno}${hint}`);
    return {};
  }
  return problems.attempt(place, () => parseVariables(file.text)) ?? {};
}

function checkVariables(
  reader: SectionReader<"program">,
  own: ReadonlyMap<string, string>,
  context: Context,
): void {
  for (const name of own.keys()) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    context.problems.warning(
      reader.place("environment"),
      `${quote(name)} is a name that a shell cannot read`,
    );
  }
}

interface Command {
  readonly text: string;
  readonly argv: readonly string[];
  readonly error: string | null;
}

const NO_COMMAND: Command = { text: "", argv: [], error: "command is empty" };

/**
 * Where supervisord's comment rule cuts a command in the middle of quotes (`sh -c "a ; b"`), which never
 * runs, the quotes protect it here, with a warning. Any other command is cut exactly as supervisord cuts it.
 */
function readCommand(reader: SectionReader<"program">, names: Names, context: Context): Command {
  const { problems } = context;
  const entry = reader.entry("command");
  if (entry === undefined) {
    problems.error(
      reader.place("command"),
      `program section ${reader.section.name} does not specify a command; expected command=…`,
    );
    return NO_COMMAND;
  }
  const label = `${reader.section.name}.command`;
  const cut = problems.attempt(reader.place("command"), () => reader.expandText(label, entry.value, names));
  if (cut === null) return NO_COMMAND;
  const parsed = parseCommand(cut, entry.value);
  const whole = entry.uncut === null ? null : uncutCommand(entry.uncut);
  if (parsed.error === null || whole === null || whole === entry.value) return { text: cut, ...parsed };
  try {
    const text = reader.expandText(label, whole, names);
    const uncut = parseCommand(text, whole);
    if (uncut.error !== null) return { text: cut, ...parsed };
    problems.warning(
      reader.place("command"),
      `a " ;" or " #" within quotes begins a comment for supervisord, which would run ${quote(shownCommand(cut, entry.value))}; ` +
        `here the quotes ` +
        "protect it",
    );
    return { text, ...uncut };
  } catch (error) {
    if (error instanceof Invalid) return { text: cut, ...parsed };
    throw error;
  }
}
