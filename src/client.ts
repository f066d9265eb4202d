/** The clients' side of the configuration: where the running init listens, and how to log in there. */
import { CONTROL_CANDIDATES, type Config, renderProblem } from "./config/config.ts";
import { type LoadRequest, loadConfig } from "./config/load.ts";
import type { HealthEndpoints } from "./ctl/health.ts";
import type { CtlIo, CtlSettings } from "./ctl/main.ts";

/** Where supervisorctl looks that nobody told anything. */
const SUPERVISORCTL_URL = "http://localhost:9001";

type Settings = ReturnType<CtlIo["settings"]>;

/** What the file found says; without one, the places where an init without a file listens. */
export function ctlSettings(request: LoadRequest): Settings {
  const loaded = loadConfig(request);
  if (!loaded.ok) return { ok: false, errors: loaded.errors.map(renderProblem) };
  return { ok: true, settings: settingsOf(loaded.config) };
}

function settingsOf(config: Config): CtlSettings {
  const { ctl } = config;
  const login = loginOf(config);
  return {
    serverUrl: ctl.serverurl ?? (config.control.off ? SUPERVISORCTL_URL : controlUrl(config)),
    candidates: candidatesOf(config),
    username: ctl.username ?? login.username,
    password: ctl.password ?? login.password,
    prompt: ctl.prompt,
    historyFile: ctl.historyFile,
  };
}

function controlUrl(config: Config): string | null {
  return config.control.path === null ? null : `unix://${config.control.path}`;
}

/** With the socket switched off, whoever answers at the usual places is another init. */
function candidatesOf(config: Config): readonly string[] {
  return config.control.off ? [] : CONTROL_CANDIDATES;
}

/** The control socket's own login: whoever can read the configuration may use it. A hash opens nothing. */
function loginOf(config: Config): { username: string | null; password: string | null } {
  const server = config.servers.find(({ kind }) => kind === "unix");
  const isPlain = server?.password !== undefined && !server.password?.startsWith("{SHA}");
  return isPlain
    ? { username: server.username, password: server.password }
    : { username: null, password: null };
}

/** Where to ask for health. A configuration that cannot be read is no reason not to ask at the usual places. */
export function healthEndpoints(request: LoadRequest): HealthEndpoints {
  const loaded = loadConfig(request);
  if (!loaded.ok)
    return {
      listen: { host: "", port: 9180 },
      serverUrl: null,
      candidates: CONTROL_CANDIDATES,
      username: null,
      password: null,
    };
  const { config } = loaded;
  return {
    listen: config.plan.global.listen,
    serverUrl: controlUrl(config),
    candidates: candidatesOf(config),
    ...loginOf(config),
  };
}
