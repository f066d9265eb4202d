/** `[unix_http_server]` and `[inet_http_server]` (supervisord.md 3.1) and where the control socket is. */
import type { ControlSpec, ServerSpec } from "./config.ts";
import type { Section } from "./document.ts";
import type { Names } from "./expand.ts";
import { type Context, SectionReader, sectionKind } from "./reader.ts";
import { absolutePath, expandHome } from "./values.ts";

/** Inet servers first, then unix servers. `names`: `here` and every variable. */
export function readServers(names: Names, context: Context): ServerSpec[] {
  const sections = [...context.document.sections.values()];
  const servers: (ServerSpec | null)[] = [];
  for (const section of sections) {
    if (sectionKind(section.name) === "inet_http_server") servers.push(readInet(section, names, context));
  }
  for (const section of sections) {
    if (sectionKind(section.name) === "unix_http_server") servers.push(readUnix(section, names, context));
  }
  return servers.filter((server) => server !== null);
}

function readInet(section: Section, names: Names, context: Context): ServerSpec | null {
  const reader = new SectionReader("inet_http_server", section, context);
  reader.checkKeys();
  const place = reader.place("port");
  const address = reader.get("port", names);
  const login = readLogin(reader.get("username", names), reader.get("password", names), section, context);
  if (!reader.has("port")) {
    context.problems.error(
      place,
      `section [${section.name}] has no port value; expected port=127.0.0.1:9001`,
    );
  }
  if (address === null) return null;
  if (!isLoopback(address.host) && !login.password) {
    context.problems.error(
      place,
      `a control server on ${address.host === "" ? "every address" : address.host} without a ` +
        `password lets anyone in the ` +
        "network run programs; expected username= and password=, or port=127.0.0.1:" +
        `${address.port}`,
    );
  }
  return { kind: "inet", section: section.name, ...address, ...login };
}

function readUnix(section: Section, names: Names, context: Context): ServerSpec | null {
  const reader = new SectionReader("unix_http_server", section, context);
  reader.checkKeys();
  const file = reader.get("file", names);
  const login = readLogin(reader.get("username", names), reader.get("password", names), section, context);
  const chmod = reader.get("chmod", names);
  const owner = reader.get("chown", names);
  if (file === null) {
    if (!reader.has("file")) {
      const text = `section [${section.name}] has no file value; expected file=/path/of/the.sock`;
      context.problems.error(reader.place("file"), text);
    }
    return null;
  }
  const path = absolutePath(expandHome(file.trim(), context.host), context.host);
  return { kind: "unix", section: section.name, path, chmod, chown: owner, ...login };
}

function readLogin(
  username: string | null,
  password: string | null,
  section: Section,
  context: Context,
): { username: string | null; password: string | null } {
  if ((username === null) !== (password === null)) {
    const key = username === null ? "password" : "username";
    const entry = context.document.get(section, key);
    context.problems.error(
      { where: entry?.where ?? section.where, section: section.name, key },
      `Section [${section.name}] contains incomplete authentication: If a username or a password is ` +
        `specified, both the ` +
        "username and password must be specified",
    );
  }
  return { username, password };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `control=`, else the first unix server, else (null) the default with its fallbacks. */
export function readControl(
  setting: string | null,
  servers: readonly ServerSpec[],
  context: Context,
): ControlSpec {
  if (setting !== null && setting.toLowerCase() === "none") return { path: null, setByUser: true, off: true };
  if (setting !== null && setting !== "") {
    return { path: absolutePath(setting, context.host), setByUser: true, off: false };
  }
  const unix = servers.find((server) => server.kind === "unix");
  if (unix !== undefined) return { path: unix.path, setByUser: true, off: false };
  return { path: null, setByUser: false, off: false };
}
