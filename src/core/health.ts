/**
 * Health from a snapshot: what a probe answers and why (product 5). Pure; the paths and codes are the API's.
 */
import { WAITS_FOR_TIER } from "./describe.ts";
import type { ProgramSnapshot, Snapshot } from "./snapshot.ts";
import { namespec } from "./spec.ts";

export type HealthKind = "live" | "ready" | "startup";

/** One line of `?verbose`: `[+]web ok`, `[-]worker failed: BACKOFF: …`. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Empty when there is nothing to say; for a program it starts with the state's name. */
  readonly reason: string;
  /** Left out of the verdict by `?exclude`. */
  readonly excluded: boolean;
}

export interface HealthOptions {
  readonly exclude: readonly string[];
  /** One program alone, by namespec or `group:name`. */
  readonly program?: string;
  /** What only the caller can know, such as `ping`; they come first. */
  readonly extra?: readonly { readonly name: string; readonly ok: boolean; readonly reason: string }[];
}

export interface Health {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** Names in `exclude` that no check has. */
  readonly unmatchedExcludes: readonly string[];
}

type Finding = Omit<Check, "excluded">;

/** The verdict and every check behind it. A program that does not exist is a check that fails. */
export function evaluate(snapshot: Snapshot, kind: HealthKind, options: HealthOptions): Health {
  const findings = [...(options.extra ?? []), ...findingsOf(snapshot, kind, options.program)];
  const idOf = new Map(snapshot.programs.map((program) => [namespec(program.spec), program.id]));
  const matches = (finding: Finding, name: string): boolean =>
    finding.name === name || idOf.get(finding.name) === name;
  const checks = findings.map(({ name, ok, reason }) => {
    const excluded = options.exclude.some((word) => matches({ name, ok, reason }, word));
    return { name, ok, reason, excluded };
  });
  return {
    ok: checks.every((check) => check.ok || check.excluded),
    checks,
    unmatchedExcludes: options.exclude.filter((word) => !findings.some((finding) => matches(finding, word))),
  };
}

function findingsOf(snapshot: Snapshot, kind: HealthKind, name: string | undefined): Finding[] {
  if (name !== undefined) return findingsOfOne(snapshot, kind, name);
  switch (kind) {
    case "live":
      return snapshot.programs.filter((program) => program.spec.critical).map(liveness);
    case "startup":
      return [startup(snapshot)];
    case "ready":
      return [startup(snapshot), shutdown(snapshot), ...snapshot.programs.map(readiness)];
  }
}

/** For one program by name its own state counts, whether or not it is critical or started at boot. */
function findingsOfOne(snapshot: Snapshot, kind: HealthKind, name: string): Finding[] {
  const program = snapshot.programs.find((each) => each.id === name || namespec(each.spec) === name);
  if (program === undefined) return [{ name, ok: false, reason: "no such program" }];
  switch (kind) {
    case "live":
      return [liveness(program)];
    case "startup":
      return [snapshot.started ? { name: namespec(program.spec), ok: true, reason: "" } : presence(program)];
    case "ready":
      return [shutdown(snapshot), presence(program)];
  }
}

function startup(snapshot: Snapshot): Finding {
  const reason = snapshot.started ? "" : "the start sequence is not over";
  return { name: "startup", ok: snapshot.started, reason };
}

function shutdown(snapshot: Snapshot): Finding {
  const ok = snapshot.phase === "booting" || snapshot.phase === "running";
  return { name: "shutdown", ok, reason: ok ? "" : `a shutdown has begun (${snapshot.phase})` };
}

function liveness(program: ProgramSnapshot): Finding {
  const ok = program.state.name !== "FATAL";
  return { name: namespec(program.spec), ok, reason: ok ? "" : describe(program) };
}

function readiness(program: ProgramSnapshot): Finding {
  const finding = presence(program);
  if (finding.ok || (program.spec.autostart && program.spec.schedule === null)) return finding;
  if (program.spec.schedule !== null) return { ...finding, ok: true, reason: "on a schedule, not counted" };
  return { ...finding, ok: true, reason: `${finding.reason} (autostart=false, not counted)` };
}

/** RUNNING and ready, or done. */
function presence(program: ProgramSnapshot): Finding {
  const ok = (program.state.name === "RUNNING" && program.ready) || program.done;
  return { name: namespec(program.spec), ok, reason: ok ? "" : describe(program) };
}

/** The state's name, then what there is to say about it, and what the program says itself. */
function describe(program: ProgramSnapshot): string {
  const { state, said } = program;
  const detail = [detailOf(program), said].filter((text) => text !== "").join(": ");
  return detail === "" ? state.name : `${state.name}: ${detail}`;
}

function detailOf({ state, stoppedByHand, pending, blocked, description }: ProgramSnapshot): string {
  switch (state.name) {
    case "BACKOFF":
    case "FATAL":
      return description;
    case "STOPPED":
      return stoppedByHand ? "stopped by an operator" : pending ? (blocked ?? WAITS_FOR_TIER) : "";
    case "EXITED":
      return blocked ?? (state.expected ? "" : "ended unexpectedly");
    case "RUNNING":
      return state.readyReason === "" ? "not ready" : `not ready: ${state.readyReason}`;
    case "UNKNOWN":
      return state.reason;
    case "STARTING":
    case "STOPPING":
      return "";
  }
}
