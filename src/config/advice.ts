/** What somebody who runs this configuration in a container would want to change. Never an error: it works as it is. */
import type { ProgramSpec } from "../core/spec.ts";
import { adviseProgram } from "./advice-programs.ts";
import type { Finding, Survey } from "./findings.ts";

/** One program after the other; what concerns the whole comes last. */
export function advise(survey: Survey): Finding[] {
  const out: Finding[] = [];
  const seen = new Set<string>();
  for (const spec of survey.config.plan.programs) {
    // The processes of one section say the same.
    if (seen.has(spec.section)) continue;
    seen.add(spec.section);
    for (const { key, text } of adviseProgram(spec, survey))
      out.push(survey.finding("advice", spec.section, key, text));
  }
  // The advice about such a listener says so already.
  const isTold = out.some(({ key }) => key === "events");
  return [
    ...out,
    ...needlessLogLines(survey),
    ...openServers(survey),
    ...(isTold ? [] : nobodyCritical(survey)),
  ];
}

/** `stdout_logfile=/dev/stdout` and its three companions, which every container image carries. */
function needlessLogLines(survey: Survey): Finding[] {
  const text =
    "no longer needed: stdout goes to the container's stdout and stderr to its stderr by themselves, and there is no file to rotate";
  const lines: Finding[] = [];
  const seen = new Set<string>();
  for (const spec of survey.config.plan.programs) {
    if (seen.has(spec.section)) continue;
    seen.add(spec.section);
    for (const key of needlessKeys(spec)) {
      if (survey.entry(spec.section, key) === undefined) continue;
      const finding = survey.finding("advice", spec.section, key, text);
      // A line of [DEFAULT] is one line, however many inherit it.
      if (!lines.some(({ where, key: other }) => where === finding.where && other === key))
        lines.push(finding);
    }
  }
  return lines;
}

function needlessKeys(spec: ProgramSpec): string[] {
  return (["stdout", "stderr"] as const).flatMap((stream) => {
    const { logfile, target, maxbytes } = spec[stream];
    // What a listener answers is shown where somebody asks for it, and nowhere by itself.
    if (spec.kind === "eventlistener" && stream === "stdout") return [];
    if (!/^\/dev\/(?:stdout|stderr|fd\/[12])$|^\/proc\/(?:self|1)\/fd\/[12]$/.test(logfile)) return [];
    const keys = target === stream ? [`${stream}_logfile`] : [];
    return maxbytes === 0 ? [...keys, `${stream}_logfile_maxbytes`] : keys;
  });
}

function openServers(survey: Survey): Finding[] {
  return survey.config.servers
    .filter((server) => server.kind === "inet" && server.password === null)
    .map(({ section }) =>
      survey.finding(
        "advice",
        section,
        "port",
        "whoever reaches this port can run the programs, and so can every other container of the pod: a username and password, " +
          "or only the unix socket",
      ),
    );
}

function nobodyCritical({ config }: Survey): Finding[] {
  const { programs, passthrough } = config.plan;
  const work = programs.filter(({ kind }) => kind !== "eventlistener");
  if (passthrough || work.length === 0 || work.some(({ critical, kind }) => critical || kind === "main"))
    return [];
  const text =
    "no program is critical: when one gives up the container runs on without it. critical=true on the one that matters ends the " +
    "container with its exit code, so that it is started anew";
  return [{ kind: "advice", where: "", section: null, key: null, text }];
}
