/**
 * What `tsinit check` prints: what is wrong, the resolved plan, what of the configuration means something else here, and
 * what a container would want changed. Values of variables and passwords are never printed.
 */
import { signalName } from "../core/signal-names.ts";
import { advise } from "./advice.ts";
import { renderForwards, renderPlan } from "./check-plan.ts";
import { type Config, type Problem, renderProblem } from "./config.ts";
import { compareKeys } from "./differences.ts";
import { type Finding, type FindingKind, placeOf, renderFindings, Survey, sortByPlace } from "./findings.ts";
import type { Surveyed } from "./load.ts";
import { secretsHider, withoutLogin } from "./secrets.ts";

export interface CheckFormat {
  readonly format: "text" | "json";
  /** Also every key that does what supervisord does with it. */
  readonly verbose: boolean;
}

const TITLES: readonly (readonly [FindingKind, string])[] = [
  ["error", "Errors"],
  ["warning", "Warnings"],
  ["notice", "Notices"],
  ["differs", "Differs from supervisord"],
  ["advice", "Advice"],
  ["honoured", "Honoured"],
];

/** Ends with a newline. */
export function renderCheck(surveyed: Surveyed, { format, verbose }: CheckFormat): string {
  const { loaded, environment } = surveyed;
  const hide = secretsHider(environment);
  const all = findings(surveyed).filter(({ kind }) => verbose || !isQuiet(kind, surveyed));
  if (format === "json") {
    const head = loaded.ok ? describe(loaded.config) : { ok: false };
    const hideSecrets = (key: string, value: unknown): unknown =>
      typeof value === "string" ? hide(key === "url" ? withoutLogin(value) : value) : value;
    return `${JSON.stringify({ ...head, ...describeFindings(all) }, hideSecrets, 2)}\n`;
  }
  const lines = loaded.ok ? renderPlan(loaded.config) : [];
  for (const [kind, title] of TITLES) {
    const some = all.filter((finding) => finding.kind === kind);
    if (some.length > 0) lines.push(`${title}:`, ...renderFindings(some).map((line) => `  ${line}`), "");
  }
  const errors = all.filter(({ kind }) => kind === "error").length;
  lines.push(
    loaded.ok
      ? "The configuration is valid."
      : `The configuration is not valid: ${errors === 1 ? "1 error" : `${errors} errors`}.`,
  );
  return `${hide(lines.join("\n"))}\n`;
}

function findings({ loaded, document }: Surveyed): Finding[] {
  const of = (kind: FindingKind, problems: readonly Problem[]): Finding[] =>
    problems.map((problem) => ({ kind, ...problem }));
  if (!loaded.ok) return [...of("error", loaded.errors), ...of("warning", loaded.warnings)];
  const survey = new Survey(loaded.config, document);
  const { warnings, notices } = loaded.config;
  const { files } = loaded.config;
  const compared = sortByPlace(compareKeys(survey), files);
  const advice = sortByPlace(advise(survey), files);
  return [...of("warning", warnings), ...of("notice", notices), ...compared, ...advice];
}

/** Only on demand: what is as it always was, and how supervisord would do what was not written for it. */
function isQuiet(kind: FindingKind, { document }: Surveyed): boolean {
  return kind === "honoured" || (kind === "differs" && document.isNative);
}

/** The plan: specs as they are, but for secrets, which are names only, and signals, which are names. */
function describe(config: Config): Record<string, unknown> {
  return {
    ok: true,
    files: config.files,
    programs: config.plan.programs.map((spec) => ({
      ...spec,
      environment: Object.keys(spec.environment),
      stopsignals: spec.stopsignals.map(signalName),
      forwardSignals: renderForwards(spec),
    })),
    groups: config.plan.groups,
    settings: config.plan.global,
    control: config.control,
    servers: config.servers.map(({ password, ...server }) => ({ ...server, password: password !== null })),
  };
}

function describeFindings(all: readonly Finding[]): Record<string, unknown> {
  const of = (kind: FindingKind) =>
    all
      .filter((finding) => finding.kind === kind)
      .map((finding) => ({ ...pick(finding), message: renderProblem(finding) }));
  return {
    errors: of("error"),
    warnings: of("warning"),
    notices: of("notice"),
    findings: all.map(({ kind, where, section, key, text }) => ({
      ...placeOf(where),
      section,
      key,
      kind,
      text,
    })),
  };
}

function pick({ where, section, key, text }: Finding): Problem {
  return { where, section, key, text };
}
