/**
 * Health as HTTP, in the manner of the Kubernetes API server: `ok`, or one line per check. Says which state a program is in
 * and why in a few words; spawn errors, which name paths, stay inside.
 */
import { evaluate, type Health, type HealthKind } from "../core/health.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { namespec } from "../core/spec.ts";
import { prefersJson } from "./accept.ts";

export interface HealthRequest {
  readonly kind: HealthKind;
  /** The first word of the path, for the last line: `readyz`. */
  readonly title: string;
  /** One program alone, by name or `group:name`. */
  readonly program: string | null;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
}

export interface HealthReply {
  readonly status: 200 | 404 | 503;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = "text/plain; charset=utf-8";

/** 200 or 503 and why; 404 for a program that does not exist. */
export function answerHealth(request: HealthRequest, snapshot: Snapshot): HealthReply {
  const { kind, program, query, title } = request;
  if (
    program !== null &&
    !snapshot.programs.some(({ id, spec }) => id === program || namespec(spec) === program)
  )
    return { status: 404, contentType: TEXT, body: `no such program: ${JSON.stringify(program)}\n` };
  const options = {
    exclude: query.getAll("exclude"),
    extra: program === null ? [PING] : [],
  };
  const health = hideDetails(evaluate(snapshot, kind, program === null ? options : { ...options, program }));
  const status = health.ok ? 200 : 503;
  const name = program === null ? title : `${title}/${program}`;
  if (prefersJson(request.accept))
    return { status, contentType: "application/json", body: `${JSON.stringify(renderJson(health, name))}\n` };
  return { status, contentType: TEXT, body: renderText(health, name, query.has("verbose")) };
}

/** Whoever answers is alive. */
const PING = { name: "ping", ok: true, reason: "" };

/** What follows these states is an error of the system's, with paths in it, unless the program waits for another. */
const ERRORS = /^(BACKOFF|FATAL|UNKNOWN): (?!waiting for )[^]*$/;
/** The error of another, which keeps this one from starting: hidden too, but for words of our own. */
const ERRORS_OF_OTHERS =
  /^((?:STOPPED|EXITED): .*? failed): (?!exit status |terminated by |not ready within |restarted |Exited too )[^]*$/;

/** What an exec check prints may be anything. */
const EXEC_OUTPUT = /^(RUNNING: not ready: exec: exit status \d+|RUNNING: not ready: exec): [^]*$/;

function hideDetails(health: Health): Health {
  const checks = health.checks.map((check) => ({
    ...check,
    reason: check.reason.replace(ERRORS, "$1").replace(ERRORS_OF_OTHERS, "$1").replace(EXEC_OUTPUT, "$1"),
  }));
  return { ...health, checks };
}

function renderText({ ok, checks, unmatchedExcludes }: Health, name: string, verbose: boolean): string {
  if (ok && !verbose) return "ok\n";
  const lines = checks.map((check) => {
    if (check.excluded) return `[+]${check.name} excluded: ok`;
    return check.ok ? `[+]${check.name} ok` : `[-]${check.name} failed: ${check.reason}`;
  });
  if (unmatchedExcludes.length > 0) {
    const names = unmatchedExcludes.map((word) => JSON.stringify(word)).join(",");
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  lines.push(`${name} check ${ok ? "passed" : "failed"}`);
  return `${lines.join("\n")}\n`;
}

function renderJson({ ok, checks, unmatchedExcludes }: Health, name: string): object {
  return { check: name, ok, checks, unmatchedExcludes };
}
