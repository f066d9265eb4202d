/** The resolved plan as text for `tsinit check`. Values of variables and passwords are never printed. */
import { tiersOf } from "../core/plan.ts";
import { signalName } from "../core/signal-names.ts";
import {
  type GlobalSpec,
  type LogFileSpec,
  namespec,
  type ProgramId,
  type ProgramSpec,
} from "../core/spec.ts";
import { renderOrder } from "./check-order.ts";
import type { Config, ServerSpec } from "./config.ts";
import { defaultGlobals } from "./globals.ts";
import { isDevice } from "./logfiles.ts";
import { quote } from "./text.ts";

/** The lines of the plan: files, programs in start order, settings that differ from their default, servers. */
export function renderPlan(config: Config): string[] {
  const { plan } = config;
  const out = [config.files.length === 0 ? "Files: none" : `Files: ${config.files.join(", ")}`, ""];
  out.push(plan.programs.length === 0 ? "No programs." : "Programs, in the order they start:");
  const specs = new Map(plan.programs.map((spec) => [spec.id, spec]));
  const tiers = tiersOf(plan.programs);
  let tier = 0;
  let last = "";
  for (const spec of plan.programs) {
    const key = tiers.get(spec.id)?.slice(0, 2).join("/") ?? "";
    if (key !== last) tier++;
    last = key;
    out.push(...renderProgram(spec, tier, specs));
  }
  out.push("");
  const settings = changedSettings(plan.global);
  if (settings.length > 0)
    out.push("Settings that differ from their default:", ...settings.map((line) => `  ${line}`), "");
  out.push("Servers:", ...renderServers(config).map((line) => `  ${line}`), "");
  return out;
}

/** A command with control characters is shown with escapes, so that it stays on its line. */
function oneLine(text: string): string {
  return /[\p{Cc}\u2028\u2029]/u.test(text) ? quote(text) : text;
}

function renderProgram(
  spec: ProgramSpec,
  tier: number,
  specs: ReadonlyMap<ProgramId, ProgramSpec>,
): string[] {
  const flags = [
    spec.critical ? "critical" : "",
    spec.type === "oneshot" ? "oneshot" : "",
    spec.autostart || spec.schedule !== null ? "" : "no autostart",
  ];
  const head = [`tier ${tier}`, `priority ${spec.priority}`, ...flags.filter((flag) => flag !== "")].join(
    ", ",
  );
  const rows: [string, string][] = [["command", oneLine(spec.command)]];
  if (spec.commandError !== null) rows.push(["problem", `${oneLine(spec.commandError)}: it will not start`]);
  if (spec.user !== null) rows.push(["user", renderUser(spec.user)]);
  if (spec.directory !== null) rows.push(["directory", oneLine(spec.directory)]);
  const variables = Object.keys(spec.environment);
  if (variables.length > 0) rows.push(["variables", oneLine(variables.join(", "))]);
  rows.push(...renderOrder(spec, specs).map(([name, value]): [string, string] => [name, oneLine(value)]));
  rows.push(["restart", renderRestart(spec)], ["stop", renderStop(spec)]);
  const answers = spec.kind === "eventlistener" && !isDevice(spec.stdout.logfile);
  const stdout = answers ? "stdout answers events" : `stdout to ${outputOf(spec.stdout)}`;
  rows.push(["output", `${stdout}, stderr to ${outputOf(spec.stderr)}`]);
  if (spec.forwardSignals.size > 0) rows.push(["forwards", renderForwards(spec).join(", ")]);
  return [
    `  ${oneLine(namespec(spec))} (${head})`,
    ...rows.map(([name, value]) => `    ${name.padEnd(10)} ${value}`),
  ];
}

function renderUser(user: NonNullable<ProgramSpec["user"]>): string {
  const name = user.name === null ? "" : `${user.name}, `;
  return `${name}uid ${user.uid}, gid ${user.gid}, groups ${user.groups.join(" ")}`;
}

function renderRestart(spec: ProgramSpec): string {
  if (spec.schedule !== null) return "none, the next run comes by its schedule";
  const codes = spec.exitcodes.length === 0 ? "no code" : spec.exitcodes.join(", ");
  const when = spec.autorestart === "unexpected" ? `when unexpected (expected: ${codes})` : spec.autorestart;
  const retries = spec.startretries < 0 ? "endless" : String(spec.startretries);
  const parts = [`${when}; RUNNING after ${spec.startsecs} s, ${retries} retries`];
  const { delay, delayMax, jitter, limit } = spec.restart;
  if (delay !== null) {
    const more = jitter > 0 ? ` and up to ${Math.round(jitter * 100)} % more` : "";
    parts.push(`delay ${delay} s doubling to ${Math.max(delay, delayMax)} s${more}`);
  }
  if (limit !== null) parts.push(`given up after ${limit.count} restarts in ${limit.seconds} s`);
  return parts.join("; ");
}

function renderStop(spec: ProgramSpec): string {
  const group = spec.stopasgroup ? " to the group" : "";
  const kill = spec.killasgroup ? "SIGKILL to the group" : "SIGKILL";
  return `${spec.stopsignals.map(signalName).join(", ")}${group}, ${spec.stopwaitsecs} s each, then ${kill}`;
}

/** `SIGHUP as SIGUSR2`. */
export function renderForwards(spec: ProgramSpec): string[] {
  return [...spec.forwardSignals].map(([from, to]) =>
    from === to ? signalName(from) : `${signalName(from)} as ${signalName(to)}`,
  );
}

function changedSettings(global: GlobalSpec): string[] {
  const defaults = new Map<string, unknown>(Object.entries(defaultGlobals()));
  return Object.entries(global)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults.get(key)))
    .map(([key, value]) => `${snake(key)} = ${oneLine(renderSetting(value))}`);
}

/** `startGate` → the key it is written as. */
function snake(key: string): string {
  return key === "logLevel" ? "loglevel" : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function renderSetting(value: GlobalSpec[keyof GlobalSpec]): string {
  if (value === null) return "none";
  if (typeof value !== "object") return String(value);
  if ("port" in value) return `${host(value.host)}:${value.port}`;
  return value.file ?? (value.syslog ? "syslog" : "none");
}

function host(name: string): string {
  return name.includes(":") ? `[${name}]` : name;
}

function renderServers(config: Config): string[] {
  const { listen } = config.plan.global;
  const out = [
    listen === null
      ? "probes and metrics: off"
      : `probes and metrics: http on ${host(listen.host)}:${listen.port}`,
  ];
  const { control } = config;
  if (control.off) out.push("control socket: off");
  else out.push(`control socket: ${control.path ?? "/run/tsinit.sock, or the first writable place"}`);
  return [...out, ...config.servers.map(renderServer)];
}

function renderServer(server: ServerSpec): string {
  const login = server.password === null ? "no password" : "with a password";
  if (server.kind === "inet")
    return `[${server.section}]: http on ${host(server.host)}:${server.port}, ${login}`;
  return `[${server.section}]: ${server.path}, mode ${server.chmod.toString(8).padStart(4, "0")}, ${login}`;
}

function outputOf({ target, file, syslog }: LogFileSpec): string {
  const beside = file === "auto" ? " and a file in childlogdir" : file === null ? "" : ` and ${file}`;
  return `${target}${beside}${syslog && target !== "syslog" ? " and syslog" : ""}`;
}
