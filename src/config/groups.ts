/**
 * Which groups there are and what is in them (supervisord.md 4), heterogeneous ones first, as supervisord
 * reads them.
 */
import type { GroupSpec, ProgramId, ProgramSpec } from "../core/spec.ts";
import type { Section } from "./document.ts";
import { readListener, readSocket } from "./plugins.ts";
import type { Place } from "./problems.ts";
import { type ProgramContext, type ProgramKind, type Role, readProcesses, sectionName } from "./programs.ts";
import { SectionReader, sectionKind } from "./reader.ts";
import { compareText } from "./text.ts";

interface DraftGroup {
  readonly name: string;
  readonly priority: number;
  readonly place: Place;
  readonly programs: readonly ProgramSpec[];
}

export interface Members {
  readonly groups: readonly GroupSpec[];
  /** In no particular order. */
  readonly programs: readonly ProgramSpec[];
}

/** Reads every group and program, listeners and fcgi programs among them. */
export function readMembers(context: ProgramContext): Members {
  const sections = [...context.document.sections.values()];
  const grouped = new Set<string>();
  const drafts: DraftGroup[] = [];
  for (const section of sections) {
    if (sectionKind(section.name) === "group") drafts.push(readGroup(section, grouped, context));
  }
  for (const section of sections) {
    const kind = sectionKind(section.name);
    if (kind !== "program" && kind !== "fcgi-program" && kind !== "eventlistener") continue;
    checkKeys(section, kind, context);
    if (grouped.has(section.name)) continue;
    const alone = readAlone(section, kind, context);
    if (alone !== null) drafts.push(alone);
  }
  checkSockets(drafts, context);
  return settle(drafts, context);
}

/** A socket belongs to one section: two servers behind one address would answer each other's clients by turns. */
function checkSockets(drafts: readonly DraftGroup[], context: ProgramContext): void {
  const owners = new Map<string, string>();
  for (const { socket, section: name } of drafts.flatMap((draft) => draft.programs)) {
    const owner = owners.get(socket?.url ?? "") ?? name;
    const section = context.document.sections.get(name);
    if (socket === null || section === undefined) continue;
    owners.set(socket.url, owner);
    if (owner === name) continue;
    const text = `${socket.url} is the socket of [${owner}] too; expected one of its own`;
    context.problems.error(new SectionReader("fcgi-program", section, context).place("socket"), text);
  }
}

function checkKeys(section: Section, kind: ProgramKind, context: ProgramContext): void {
  new SectionReader(kind, section, context).checkKeys();
}

/** A program that is in no group is its own group. null: a listener whose work tsinit does itself. */
function readAlone(section: Section, kind: ProgramKind, context: ProgramContext): DraftGroup | null {
  const reader = new SectionReader("program", section, context);
  // The priority of the group is read without program_name and the like.
  const isDefault = kind === "eventlistener" && !reader.has("priority");
  const priority = isDefault ? -1 : reader.get("priority", context.names);
  const name =
    kind === "eventlistener" ? section.name.slice("eventlistener:".length) : sectionName(section, context);
  const role = readRole(section, kind, name, context);
  if (kind === "eventlistener" && role.listener === null) return null;
  const programs = readProcesses(section, role, name, priority, context);
  return { name, priority, place: { where: section.where, section: section.name, key: null }, programs };
}

function readRole(section: Section, kind: ProgramKind, name: string, context: ProgramContext): Role {
  return {
    kind,
    listener: kind === "eventlistener" ? readListener(section, context) : null,
    socket: kind === "fcgi-program" ? readSocket(section, name, context) : null,
  };
}

/** `[group:x]`: its members in the order of `programs=`. Each loses its own group. */
function readGroup(section: Section, grouped: Set<string>, context: ProgramContext): DraftGroup {
  const { document, problems } = context;
  const reader = new SectionReader("group", section, context);
  reader.checkKeys();
  const name = sectionName(section, context);
  const priority = reader.get("priority", context.names);
  const place = reader.place("programs");
  const programs: ProgramSpec[] = [];
  const unknown: string[] = [];
  for (const member of reader.get("programs", context.names)) {
    const candidates = [`program:${member}`, `fcgi-program:${member}`].filter((key) =>
      document.sections.has(key),
    );
    const [found, other] = candidates;
    if (found === undefined) {
      const isListener = document.sections.has(`eventlistener:${member}`);
      unknown.push(isListener ? `${member} (event listeners cannot be grouped)` : member);
      continue;
    }
    if (other !== undefined) {
      const text = `name ${member} is ambiguous (exists as program and fcgi-program)`;
      problems.error(place, `${text}; expected one section of this name`);
    }
    grouped.add(found);
    const target = document.sections.get(found);
    if (target === undefined) continue;
    const kind = found.startsWith("fcgi-program:") ? "fcgi-program" : "program";
    const role = readRole(target, kind, member, context);
    programs.push(...readProcesses(target, role, name, priority, context));
  }
  if (unknown.length > 0) {
    const text = `names unknown program or fcgi-program ${unknown.join(", ")}`;
    problems.error(place, `${text}; expected one of ${known(context)}`);
  }
  return { name, priority, place: { ...place, key: null }, programs };
}

function known(context: ProgramContext): string {
  const names = [...context.document.sections.keys()]
    .filter((name) => name.startsWith("program:"))
    .map((name) => name.slice("program:".length));
  return names.length === 0 ? "the programs, of which there are none" : names.join(", ");
}

/**
 * Order, and what is there twice: of groups the first by (priority, name) stays, of processes the last one
 * read.
 */
function settle(drafts: readonly DraftGroup[], context: ProgramContext): Members {
  const groups: GroupSpec[] = [];
  const programs: ProgramSpec[] = [];
  const seen = new Set<string>();
  const sorted = [...drafts].sort((a, b) => a.priority - b.priority || compareText(a.name, b.name));
  for (const draft of sorted) {
    if (seen.has(draft.name)) {
      const text = `another group ${draft.name} has a lower or the same priority; this one is dropped`;
      context.problems.warning(draft.place, text);
      continue;
    }
    seen.add(draft.name);
    const members = new Map<ProgramId, ProgramSpec>();
    for (const spec of draft.programs) {
      if (members.has(spec.id)) {
        context.problems.warning(
          draft.place,
          `two processes are called ${spec.id}; the later one replaces the other`,
        );
      }
      members.set(spec.id, spec);
    }
    groups.push({ name: draft.name, priority: draft.priority, programs: [...members.keys()] });
    programs.push(...members.values());
  }
  return { groups, programs };
}
