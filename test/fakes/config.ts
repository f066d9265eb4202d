/** A machine without a disk, for loading configurations: files by path, their parents are directories. */
import assert from "node:assert/strict";
import { type Config, renderProblem } from "../../src/config/config.ts";
import { type Loaded, type LoadRequest, type Surveyed, surveyConfig } from "../../src/config/load.ts";
import type { Files } from "../../src/config/search.ts";
import type { ProgramSpec } from "../../src/core/spec.ts";

export const PASSWD = `root:x:0:0:root:/root:/bin/sh
www-data:x:33:33::/var/www:/usr/sbin/nologin
app:x:1000:1000:App:/home/app:/bin/sh
sail:x:1001:1001::/home/sail:
paperless:x:1002:1002::/home/paperless:
frappe:x:1003:1003::/home/frappe:
`;
export const GROUP = "root:x:0:\nwww-data:x:33:\nadm:x:4:app\napp:x:1000:\nvideo:x:44:www-data,app\n";

export interface FakeFiles extends Files {
  /** Paths that were read, in order. */
  readonly reads: string[];
}

/** `directories`: more of them; `everyDirectory`: each path is one when asked. */
export function fakeFiles(
  contents: Readonly<Record<string, string>>,
  directories: readonly string[] = [],
  everyDirectory = false,
): FakeFiles {
  const files = new Map(Object.entries({ "/etc/passwd": PASSWD, "/etc/group": GROUP, ...contents }));
  const known = new Set(["/", ...directories]);
  for (const path of [...files.keys(), ...directories]) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) known.add(path.slice(0, at));
  }
  const clean = (path: string): string => (path.length > 1 ? path.replace(/\/+$/, "") : path);
  const reads: string[] = [];
  return {
    reads,
    read(path) {
      reads.push(path);
      const text = files.get(path);
      if (text !== undefined) return text === "EACCES" ? { errno: "EACCES" } : { text };
      return { errno: known.has(clean(path)) ? "EISDIR" : "ENOENT" };
    },
    list(path) {
      const prefix = path === "/" ? "/" : `${clean(path)}/`;
      if (!known.has(clean(path))) return null;
      const names = [...files.keys(), ...known].filter((name) => name.startsWith(prefix) && name !== prefix);
      return [...new Set(names.map((name) => name.slice(prefix.length).split("/")[0] ?? ""))].reverse();
    },
    isDirectory: (path) => everyDirectory || known.has(clean(path)),
    exists: (path) => files.has(path) || known.has(clean(path)),
  };
}

/** Loads `/etc/tsinit.ini` with this text, as root, on a fake machine. */
export function loadText(text: string, request: Partial<LoadRequest> = {}): Loaded {
  return load({ files: fakeFiles({ "/etc/tsinit.ini": text }), ...request });
}

export function load(request: Partial<LoadRequest>): Loaded {
  return survey(request).loaded;
}

/** The same with its keys, as `tsinit check` wants them. */
export function surveyText(text: string, request: Partial<LoadRequest> = {}): Surveyed {
  return survey({ files: fakeFiles({ "/etc/tsinit.ini": text }), ...request });
}

export function survey(request: Partial<LoadRequest>): Surveyed {
  return surveyConfig({
    configFile: null,
    command: [],
    environment: [["HOME", "/root"]],
    cwd: "/",
    argv0: "/sbin/tsinit",
    uid: 0,
    hostname: "testhost",
    purpose: "init",
    files: fakeFiles({}),
    ...request,
  });
}

/** What was loaded; its errors fail the test. */
export function config(loaded: Loaded): Config {
  if (!loaded.ok) assert.fail(errors(loaded).join("\n"));
  return loaded.config;
}

export const errors = (loaded: Loaded): string[] => (loaded.ok ? [] : loaded.errors.map(renderProblem));
export const warnings = (text: string): string[] => config(loadText(text)).warnings.map(renderProblem);
export const notices = (text: string): string[] => config(loadText(text)).notices.map(renderProblem);

/** The one program of a file that has this under `[program:p]`. */
export function program(keys: string, request: Partial<LoadRequest> = {}, more = ""): ProgramSpec {
  const [spec] = config(loadText(`[program:p]\ncommand=run\n${keys}\n${more}`, request)).plan.programs;
  assert(spec !== undefined);
  return spec;
}
