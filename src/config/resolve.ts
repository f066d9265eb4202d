/**
 * A document of files and variables → the configuration, or every error in it. Pure: the machine comes in as
 * `Host`.
 */
import { orderPrograms } from "../core/plan.ts";
import { namespec, type ProgramSpec } from "../core/spec.ts";
import type { Config, CtlSpec, SupervisordSpec } from "./config.ts";
import { Document, type Section } from "./document.ts";
import { applyVariables, type Environment, inheritedEnvironment } from "./env.ts";
import { Names } from "./expand.ts";
import { defaultUser, readCtl, readGlobals, readSupervisord } from "./globals.ts";
import { readMembers } from "./groups.ts";
import { connect } from "./links.ts";
import type { SupervisordCall } from "./load.ts";
import { isDevice } from "./logfiles.ts";
import { findOption, OPTIONS, optionKeys } from "./options.ts";
import { checkInterface } from "./plugins.ts";
import { NOWHERE, Problems } from "./problems.ts";
import { type ProgramContext, readProcesses } from "./programs.ts";
import { type Context, SectionReader, sectionKind } from "./reader.ts";
import { readControl, readServers } from "./servers.ts";
import { compareText, nearest } from "./text.ts";
import type { Host } from "./values.ts";
import { joinCommand } from "./words.ts";

export interface ResolveRequest {
  readonly document: Document;
  readonly problems: Problems;
  readonly host: Host;
  /** Directory of the main file, the working directory without one. */
  readonly here: string;
  readonly files: readonly string[];
  /** The container's, TSINIT_* included. */
  readonly environment: Environment;
  readonly supervisord: SupervisordCall | null;
  /** Program `main`; empty: none. */
  readonly command: readonly string[];
  /**
   * The client reads no programs: what is wrong with them must not keep it from talking to a running init.
   */
  readonly purpose: "init" | "check" | "ctl";
}

/** What was found; meaningless where `problems.errors` is not empty. */
export function resolve(request: ResolveRequest): Config {
  const { document, problems, host, here, environment } = request;
  applyVariables(environment, document, problems);
  applyOverrides(request);
  const context: Context = { document, problems: scoped(request), host, here };
  const container = new Names(new Map([["here", here]])).withVariables(environment);
  const supervisordSection = sectionOrEmpty(document, "supervisord");
  const mayDaemonize = request.supervisord?.mayDaemonize ?? false;
  const supervisord = readSupervisord(supervisordSection, container, context, mayDaemonize);
  const names = container.withVariables(Object.entries(supervisord.environment));
  const globals = readGlobals(sectionOrEmpty(document, "tsinit"), supervisord, names, context);
  const servers = readServers(names, context);
  const control = readControl(globals.control, servers, context);
  const ctl = readClient(request, names, context);
  const base = {
    servers,
    control,
    ctl,
    supervisord,
    environment: inheritedEnvironment(environment),
    files: request.files,
  };
  if (request.purpose === "ctl") {
    const plan = { global: globals.global, groups: [], programs: [], passthrough: false };
    return { ...base, plan, warnings: problems.warnings, notices: problems.notices };
  }
  checkSections(document, { ...context, names });
  const user = defaultUser(supervisord, supervisordSection, context);
  const programContext = {
    ...context,
    host: programHost(host, supervisord),
    names,
    globals,
    environment: supervisord.environment,
    user,
    links: [],
  };
  const plan = readPlan(request, programContext, supervisord);
  return { ...base, plan, warnings: problems.warnings, notices: problems.notices };
}

/** A daemon has gone to its directory by the time it opens the files of programs. */
function programHost(host: Host, { daemonizes, directory }: SupervisordSpec): Host {
  return daemonizes && directory !== null ? { ...host, cwd: directory } : host;
}

/** supervisord does not read the client's section: what is wrong in it keeps the client from working and nothing else. */
function readClient(request: ResolveRequest, names: Names, context: Context): CtlSpec {
  const section = sectionOrEmpty(request.document, "supervisorctl");
  if (request.purpose === "ctl") return readCtl(section, names, { ...context, problems: request.problems });
  const own = new Problems();
  const ctl = readCtl(section, names, { ...context, problems: own });
  for (const { text, ...place } of own.errors)
    request.problems.warning(place, `${text}; supervisorctl will refuse it`);
  for (const { text, ...place } of own.warnings) request.problems.warning(place, text);
  return ctl;
}

/** For the client only its own section can be wrong. */
function scoped(request: ResolveRequest): Problems {
  return request.purpose === "ctl" ? new Problems() : request.problems;
}

function sectionOrEmpty(document: Document, name: string): Section {
  return document.sections.get(name) ?? { name, where: "", label: name, entries: new Map() };
}

/** The command line beats the files; its values are not expanded. */
function applyOverrides(request: ResolveRequest): void {
  for (const [key, value] of Object.entries(request.supervisord?.overrides ?? {})) {
    const entry = { value: value.replaceAll("%", "%%"), where: "command line", uncut: null };
    request.document.open("supervisord", "command line").entries.set(key, entry);
  }
}

/** Sections nobody knows, and what of them is Python code. */
function checkSections(document: Document, context: Context & { readonly names: Names }): void {
  const { problems } = context;
  for (const [key, entry] of document.defaults) {
    const known = Object.keys(OPTIONS).some((kind) => isKind(kind) && findOption(kind, key) !== null);
    if (known) continue;
    const meant = nearest(key, optionKeys("program"));
    const hint = meant === null ? "" : `; maybe ${meant}`;
    problems.warning(
      { where: entry.where, section: "DEFAULT", key },
      `no section has such a key${hint}; it is ignored`,
    );
  }
  for (const section of document.sections.values()) {
    const place = { where: section.where, section: section.name, key: null };
    const kind = sectionKind(section.name);
    if (kind === "rpcinterface") checkInterface(section, context);
    else if (kind === "ctlplugin")
      problems.notice(place, "client plugins are Python code, which tsinit does not load");
    else if (kind === null) {
      const word = section.name.split(":")[0] ?? "";
      const meant = nearest(word, Object.keys(OPTIONS)) ?? (isKind(word) ? word : null);
      const hint = meant === null ? "" : `; maybe [${meant}${isNamed(meant) ? ":name" : ""}]`;
      problems.warning(place, `no such kind of section${hint}; it is ignored`);
    }
  }
}

function isKind(word: string): word is keyof typeof OPTIONS {
  return Object.hasOwn(OPTIONS, word);
}

function isNamed(kind: string): boolean {
  return ["program", "fcgi-program", "eventlistener", "group", "rpcinterface"].includes(kind);
}

function readPlan(
  request: ResolveRequest,
  context: ProgramContext,
  supervisord: SupervisordSpec,
): Config["plan"] {
  const { problems } = context;
  const { global } = context.globals;
  const main = request.command.length === 0 ? null : readMain(request, context);
  const { groups, programs } = readMembers(context);
  const connected = connect(main === null ? programs : [...programs, main], context.links, problems);
  const all = orderPrograms(connected);
  const allGroups = main === null ? [...groups] : [...groups, groupOf(main)];
  allGroups.sort((a, b) => a.priority - b.priority || compareText(a.name, b.name));
  // With another error it may only follow from that.
  if (all.length === 0 && global.exitWhenDone && problems.errors.length === 0) {
    const where = context.document.sections.get("tsinit")?.entries.get("exit_when_done")?.where;
    const read = request.files.length === 0 ? "no file was read" : `read ${request.files.join(", ")}`;
    problems.error(
      { where: where ?? request.files[0] ?? "", section: null, key: null },
      `no program is configured, so there is nothing to do (${read}); expected a [program:name] ` +
        `section, a variable ` +
        "TSINIT_PROGRAM_<NAME>, a command, or exit_when_done=false in [tsinit]",
    );
  }
  noticeLogFiles(all, supervisord, context);
  return { global, groups: allGroups, programs: all, passthrough: main !== null && programs.length === 0 };
}

function groupOf(main: ProgramSpec): Config["plan"]["groups"][number] {
  return { name: main.group, priority: main.groupPriority, programs: [main.id] };
}

/** One notice however many programs ask for files. */
function noticeLogFiles(
  programs: readonly ProgramSpec[],
  supervisord: SupervisordSpec,
  context: ProgramContext,
): void {
  if (context.globals.global.logFiles === "also") return;
  const wanting = programs.filter(({ stdout, stderr }) => [stdout.logfile, stderr.logfile].some(isFile));
  if (wanting.length === 0) return;
  const named = wanting.slice(0, 5).map(namespec).join(", ");
  const more = wanting.length > 5 ? ` and ${wanting.length - 5} more` : "";
  const own =
    supervisord.logfile === null || !isFile(supervisord.logfile)
      ? ""
      : ` (nor [supervisord] logfile=${supervisord.logfile})`;
  context.problems.notice(
    NOWHERE,
    `log files of programs are not written${own}, the output of ${named}${more} goes to stdout and ` +
      `stderr only`,
  );
}

function isFile(logfile: string): boolean {
  return logfile.includes("/") ? !isDevice(logfile) : !/^(auto|none|off|syslog)$/i.test(logfile);
}

/**
 * `tsinit COMMAND`: a program called main that is done when it ends. Variables may set its other keys
 * (`TSINIT_PROGRAM_MAIN__STOPWAITSECS`); a command of that name in the configuration would be a second one.
 */
function readMain(request: ResolveRequest, context: ProgramContext): ProgramSpec | null {
  const { document, problems } = context;
  for (const name of ["program:main", "fcgi-program:main", "eventlistener:main", "group:main"]) {
    const section = document.sections.get(name);
    const isKeysOnly = name === "program:main" && section?.entries.has("command") === false;
    if (section === undefined || isKeysOnly) continue;
    problems.error(
      { where: section.where, section: name, key: null },
      "main is the name of the command that was given on the command line; expected another name, or " +
        "no command",
    );
    return null;
  }
  const given = document.sections.get("program:main");
  const entry = (value: string) => ({ value, where: "command line", uncut: null });
  const entries = new Map([
    ["startsecs", entry("0")],
    ["startretries", entry("0")],
    ["autorestart", entry("false")],
    ...(given?.entries ?? []),
    ["command", entry(joinCommand(request.command).replaceAll("%", "%%"))],
  ]);
  document.sections.delete("program:main");
  const section: Section = { name: "program:main", where: "command line", label: "main", entries };
  // A document of its own: [DEFAULT] is for the programs of the file.
  const alone = { ...context, document: new Document() };
  new SectionReader("program", section, alone).checkKeys();
  const [spec] = readProcesses(section, { kind: "program", listener: null, socket: null }, "main", 0, alone);
  if (spec === undefined) return null;
  return { ...spec, kind: "main", groupPriority: spec.priority, argv: request.command, commandError: null };
}
