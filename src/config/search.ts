/**
 * Which files are the configuration (product 2.1): search order, `[include]`, the directories of a lost main
 * file.
 */
import { Document } from "./document.ts";
import { type Environment, findVariable, hasVariables } from "./env.ts";
import { expand, Names } from "./expand.ts";
import { type Directories, glob } from "./glob.ts";
import { parseIni } from "./ini.ts";
import { NOWHERE, type Place, type Problems } from "./problems.ts";
import { splitBlanks } from "./text.ts";
import { absolutePath, type Host } from "./values.ts";

/** The files as the search sees them. */
export interface Files extends Directories {
  /** The text, or an errno's name. UTF-8 with surrogateescape. */
  read(path: string): { readonly text: string } | { readonly errno: string };
}

export interface SearchRequest {
  readonly configFile: string | null;
  readonly environment: Environment;
  readonly argv0: string;
  /** There is a command to run, or nothing is to be run at all: no configuration is needed. */
  readonly optional: boolean;
  /** What is not found is told in supervisord's words. */
  readonly asSupervisord: boolean;
  readonly host: Host;
  readonly files: Files;
  readonly problems: Problems;
}

export interface Found {
  readonly document: Document;
  readonly files: readonly string[];
  /** Directory of the main file, else the working directory. */
  readonly here: string;
}

/**
 * Used when there is no main file: Debian's and Alpine's directories, whose main file came with the package.
 */
const FALLBACKS = ["/etc/supervisor/conf.d/*.conf", "/etc/supervisor.d/*.ini"];

/** supervisord's own list comes last; its first two are relative to the executable's parent directory. */
export function searchPaths(argv0: string): string[] {
  return [...new Set(["/etc/tsinit.ini", "/etc/tsinit/tsinit.ini", ...supervisordsPaths(argv0)])];
}

function supervisordsPaths(argv0: string): string[] {
  const prefix = parentOf(parentOf(argv0));
  const join = (name: string): string => (prefix === "" ? name : `${prefix.replace(/\/$/, "")}/${name}`);
  return [
    join("etc/supervisord.conf"),
    join("supervisord.conf"),
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
  ];
}

/** `os.path.dirname`. */
function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : at === 0 ? "/" : path.slice(0, at);
}

export function findConfig(request: SearchRequest): Found {
  const { configFile, environment, files, host, problems } = request;
  const document = new Document();
  const named = findVariable(environment, "TSINIT_CONFIG");
  if (configFile !== null) return readMain(configFile, NOWHERE, document, request);
  if (named !== null && named !== "") {
    return readMain(named, { where: "TSINIT_CONFIG", section: null, key: null }, document, request);
  }
  const paths = searchPaths(request.argv0);
  const main = paths.find((path) => files.exists(absolutePath(path, host)));
  if (main !== undefined) return readMain(main, NOWHERE, document, request);
  const fallbacks = FALLBACKS.flatMap((pattern) => glob(pattern, files));
  const read = fallbacks.filter((path) => readExtra(path, document, request));
  if (read.length === 0 && !request.optional && !hasVariables(environment)) {
    problems.error(NOWHERE, nothingFound(paths, request));
  }
  return { document, files: read, here: host.cwd };
}

function nothingFound(paths: readonly string[], { asSupervisord, argv0 }: SearchRequest): string {
  return asSupervisord
    ? `No config file found at default paths (${supervisordsPaths(argv0).join(", ")}); ` +
        "use the -c option to specify a config file at a different path"
    : `No config file found at default paths (${[...paths, ...FALLBACKS].join(", ")}), ` +
        "no TSINIT_PROGRAM_<NAME> variable is set and no command is given; expected one of these, or -c FILE";
}

/** The main file and what it includes. */
function readMain(typed: string, place: Place, document: Document, request: SearchRequest): Found {
  const { files, host, problems } = request;
  const path = absolutePath(typed, host);
  const here = parentOf(path);
  const content = files.read(path);
  if (!("text" in content)) {
    const isMissing = content.errno === "ENOENT" || content.errno === "ENOTDIR";
    const text = `could not ${isMissing ? "find" : "read"} config file ${typed}`;
    const why = isMissing ? "" : `: ${content.errno}`;
    problems.error(place, request.asSupervisord ? text : `${text}${why}; expected a readable file`);
    return { document, files: [], here };
  }
  document.merge(parseIni(content.text), path, problems);
  const read = [path];
  const include = document.sections.get("include");
  if (include !== undefined) {
    document.expandHere(here);
    read.push(...readIncludes(here, document, request));
  }
  return { document, files: read, here };
}

/**
 * `[include] files=`: globs relative to the main file; each match in sorted order. An include in them has no
 * effect.
 */
function readIncludes(here: string, document: Document, request: SearchRequest): string[] {
  const { environment, files, host, problems } = request;
  const section = document.sections.get("include");
  if (section === undefined) return [];
  const entry = document.get(section, "files");
  if (entry === undefined) {
    const text = ".ini file has [include] section, but no files setting; expected files=conf.d/*.conf";
    problems.error({ where: section.where, section: "include", key: null }, text);
    return [];
  }
  const place = { where: entry.where, section: "include", key: "files" };
  const names = new Names(new Map([["here", here]])).withVariables(environment);
  const value = problems.attempt(place, () =>
    expand(entry.value, names.with({ host_node_name: host.hostname }), "include.files"),
  );
  const read: string[] = [];
  for (const word of splitBlanks(value ?? "")) {
    const pattern = word.startsWith("/") ? word : `${here === "/" ? "" : here}/${word}`;
    const matches = glob(pattern, files);
    if (matches.length === 0) problems.warning(place, `No file matches via include "${pattern}"`);
    read.push(...matches.filter((path) => readExtra(path, document, request, place)));
  }
  return read;
}

/** Merges one more file; false when it cannot be read, which is a warning, as supervisord goes on too. */
function readExtra(path: string, document: Document, request: SearchRequest, place = NOWHERE): boolean {
  const content = request.files.read(path);
  if (!("text" in content)) {
    request.problems.warning(place, `could not read ${path}: ${content.errno}; it is left out`);
    return false;
  }
  document.merge(parseIni(content.text), path, request.problems);
  document.expandHere(absolutePath(parentOf(path), request.host));
  return true;
}
