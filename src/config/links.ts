/** `depends_on` and `restart_with`: names → processes, once all of them are known; circles are errors. */
import { findCycle } from "../core/plan.ts";
import { type Condition, type Dependency, namespec, type ProgramId, type ProgramSpec } from "../core/spec.ts";
import type { Place, Problems } from "./problems.ts";
import { nearest, quote } from "./text.ts";
import type { DependsValue } from "./values.ts";

/** What a section asks for, kept until every section is read. */
export interface Link {
  /** `x` of `[program:x]`. */
  readonly program: string;
  readonly ids: readonly ProgramId[];
  readonly dependsOn: readonly DependsValue[];
  readonly restartWith: readonly string[];
  readonly dependsPlace: Place;
  readonly restartPlace: Place;
}

/** The same specs with their dependencies. */
export function connect(
  specs: readonly ProgramSpec[],
  links: readonly Link[],
  problems: Problems,
): ProgramSpec[] {
  if (links.every((link) => link.dependsOn.length === 0 && link.restartWith.length === 0)) return [...specs];
  const byId = new Map(specs.map((spec) => [spec.id, spec]));
  const names = namesOf(specs, links);
  const find = (name: string, place: Place, own: Link): readonly ProgramId[] => {
    const ids = names.get(name);
    if (ids === undefined) {
      problems.error(place, unknownName(name, names));
      return [];
    }
    if (name === own.program || ids.some((id) => own.ids.includes(id))) {
      problems.error(place, `${own.program} -> ${own.program}: a program cannot wait for itself`);
      return [];
    }
    return ids;
  };
  const wanted = new Map<ProgramId, Pick<ProgramSpec, "dependsOn" | "restartWith">>();
  for (const link of links) {
    const dependsOn = link.dependsOn.flatMap(({ name, condition }) =>
      find(name, link.dependsPlace, link).flatMap((id) => toDependency(byId.get(id), condition)),
    );
    for (const { id, condition } of dependsOn) {
      warnIfIdle(byId.get(id), link, problems);
      warnIfNeverDone(byId.get(id), condition, link, problems);
    }
    const restartWith = link.restartWith
      .filter((name) => name !== "")
      .flatMap((name) => find(name, link.restartPlace, link));
    for (const id of link.ids) wanted.set(id, { dependsOn, restartWith });
  }
  const connected = specs.map((spec) => ({ ...spec, ...wanted.get(spec.id) }));
  reportCycle(connected, links, problems);
  return connected;
}

/** Sections, groups, and processes in full; a section's own name goes before a group's. */
function namesOf(specs: readonly ProgramSpec[], links: readonly Link[]): Map<string, readonly ProgramId[]> {
  const names = new Map<string, readonly ProgramId[]>();
  for (const spec of specs) {
    names.set(namespec(spec), [spec.id]);
    names.set(spec.id, [spec.id]);
  }
  for (const group of new Set(specs.map((spec) => spec.group)))
    names.set(
      group,
      specs.filter((spec) => spec.group === group).map(({ id }) => id),
    );
  const known = new Set(specs.map(({ id }) => id));
  for (const { program } of links) {
    const ids = links.filter((link) => link.program === program).flatMap((link) => link.ids);
    names.set(
      program,
      ids.filter((id) => known.has(id)),
    );
  }
  return names;
}

function unknownName(name: string, names: ReadonlyMap<string, unknown>): string {
  const colon = name.lastIndexOf(":");
  const base = name.slice(0, colon);
  if (colon > 0 && names.has(base))
    return `${quote(name.slice(colon + 1))} is no condition for ${base}; expected started, ready or done`;
  // `web:web` is `web` to its users.
  const shown = [...names.keys()].filter((known) => !names.has(known.slice(0, known.lastIndexOf(":"))));
  const meant = nearest(name, shown);
  const hint = meant === null ? `expected one of ${shown.join(", ")}` : `maybe ${meant}`;
  return `there is no program ${quote(name)}; ${hint}`;
}

function toDependency(other: ProgramSpec | undefined, condition: Condition | null): Dependency[] {
  if (other === undefined) return [];
  const suited = other.type === "oneshot" ? "done" : other.ready === null ? "started" : "ready";
  return [{ id: other.id, condition: condition ?? suited }];
}

function warnIfIdle(other: ProgramSpec | undefined, link: Link, problems: Problems): void {
  if (other === undefined || (other.autostart && other.schedule === null)) return;
  const why = other.schedule === null ? "has autostart=false" : "runs by its schedule";
  problems.warning(
    link.dependsPlace,
    `${namespec(other)} ${why}: ${link.program} waits at the start until it has run`,
  );
}

/** It ends, and begins again in the same moment. */
function warnIfNeverDone(
  other: ProgramSpec | undefined,
  condition: Condition,
  link: Link,
  problems: Problems,
): void {
  if (other === undefined || condition !== "done" || other.autorestart !== "always") return;
  if (other.schedule !== null) return;
  problems.warning(
    link.dependsPlace,
    `${namespec(other)} has autorestart=true and never stays done: ${link.program} waits for ever`,
  );
}

function reportCycle(specs: readonly ProgramSpec[], links: readonly Link[], problems: Problems): void {
  const cycle = findCycle(specs);
  if (cycle === null) return;
  const byId = new Map(specs.map((spec) => [spec.id, spec]));
  const name = (id: ProgramId): string => {
    const spec = byId.get(id);
    return spec === undefined ? id : namespec(spec);
  };
  const first = links.find((link) => link.ids.some((id) => id === cycle[0]));
  if (first === undefined) return;
  problems.error(
    first.dependsPlace,
    `a circle: ${cycle.map(name).join(" -> ")}; each would wait for the next`,
  );
}
