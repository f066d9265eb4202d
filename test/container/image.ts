/**
 * Real roots to run tsinit in: a Debian base made by debootstrap, and what a Dockerfile makes of it with buildah. Both are
 * cached outside the checkout by what went into them, and never written to afterwards (see bundle.ts).
 *
 * Needs root, debootstrap, buildah and podman; no engine runs and nothing but apt's own mirror is asked.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const SUITE = "bookworm";
/** The name that Dockerfile.example builds on; made here, so that no registry is asked. */
const BASE_IMAGE = "docker.io/library/debian:bookworm-slim";
/** Roots of earlier contents that are kept beside the newest. */
const KEPT = 2;

export interface Image {
  /** The unpacked file system. Read-only by agreement: others use it at the same time. */
  readonly root: string;
  /** ENTRYPOINT and CMD. */
  readonly command: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly stopSignal: string;
  readonly healthcheck: readonly string[];
}

interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Healthcheck?: { readonly Test?: readonly string[] };
}

/** `$TSINIT_CACHE`, else where root or a user keeps such things. */
export function cacheDirectory(): string {
  const directory =
    process.env["TSINIT_CACHE"] ??
    (process.getuid?.() === 0 ? "/var/cache/tsinit" : join(homedir(), ".cache/tsinit"));
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** A minimal Debian as `debian:bookworm-slim` is one: no libatomic, `/sbin` a symlink. About 30 s the first time. */
export function baseRoot(): string {
  const root = join(cacheDirectory(), `base-${SUITE}`);
  if (existsSync(root)) return root;
  const work = mkdtempSync(join(cacheDirectory(), ".base-"));
  const made = join(work, "root");
  try {
    const mirror = mirrorOf(SUITE);
    run("debootstrap", ["--variant=minbase", SUITE, made, ...(mirror === null ? [] : [mirror])]);
    writeFileSync(join(made, "etc/apt/apt.conf.d/90proxy"), proxySettings());
    rmSync(join(made, "var/cache/apt/archives"), { recursive: true });
    mkdirSync(join(made, "var/cache/apt/archives/partial"), { recursive: true });
    renameSync(made, root);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

/** Dockerfile.example with the overlay that is in dist/. A minute the first time; seconds when only tsinit changed. */
export function exampleImage(): Image {
  return buildImage("example", readFileSync(join(ROOT, "Dockerfile.example"), "utf8"), {
    "dist/overlay": join(ROOT, "dist/overlay"),
    "docker/example": join(ROOT, "docker/example"),
  });
}

/**
 * Builds `dockerfile` on the base. `context`: path in the build context → the file or folder that lies there.
 * `name` is for people; what counts is the contents.
 */
export function buildImage(
  name: string,
  dockerfile: string,
  context: Readonly<Record<string, string>>,
): Image {
  const hash = createHash("sha256").update(dockerfile);
  const base = statSync(baseRoot());
  hash.update(`${base.ino} ${base.birthtimeMs}`);
  for (const [path, from] of Object.entries(context)) hashTree(hash.update(path), from);
  const directory = join(cacheDirectory(), `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (!existsSync(directory)) {
    importBase();
    const work = mkdtempSync(join(cacheDirectory(), `.${name}-`));
    try {
      buildInto(work, `localhost/tsinit-test-${name}`, dockerfile, context);
      renameSync(work, directory);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    forgetOld(name);
  }
  const now = new Date();
  utimesSync(directory, now, now);
  const config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8")) as ImageConfig;
  return {
    root: join(directory, "root"),
    command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    environment: config.Env ?? [],
    workingDirectory: config.WorkingDir || "/",
    stopSignal: config.StopSignal ?? "SIGTERM",
    healthcheck: config.Healthcheck?.Test ?? [],
  };
}

function buildInto(
  directory: string,
  tag: string,
  dockerfile: string,
  context: Readonly<Record<string, string>>,
): void {
  const contextDirectory = join(directory, "context");
  mkdirSync(contextDirectory);
  for (const [path, from] of Object.entries(context)) {
    mkdirSync(join(contextDirectory, path, ".."), { recursive: true });
    run("cp", ["-a", from, join(contextDirectory, path)]);
  }
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  const options = ["--isolation", "chroot", "--pull-never", "--layers", "--format", "docker"];
  run("buildah", ["bud", ...options, "-t", tag, "-f", join(directory, "Dockerfile"), contextDirectory]);
  const container = run("buildah", ["from", "--pull-never", tag]).trim();
  try {
    const mounted = run("buildah", ["mount", container]).trim();
    run("cp", ["-a", mounted, join(directory, "root")]);
    const inspected = JSON.parse(run("buildah", ["inspect", container])) as {
      Docker: { config: ImageConfig };
    };
    writeFileSync(join(directory, "config.json"), JSON.stringify(inspected.Docker.config));
  } finally {
    run("buildah", ["rm", container]);
  }
  rmSync(contextDirectory, { recursive: true });
}

/** Gives the base the name that Dockerfiles use, unless it has it: layers built on it stay valid. */
function importBase(): void {
  const label = `tsinit.base=${statSync(baseRoot()).ino}`;
  const filters = ["--filter", `label=${label}`, "--filter", `reference=${BASE_IMAGE}`];
  if (run("podman", ["images", "--quiet", ...filters]).trim() !== "") return;
  const archive = join(cacheDirectory(), `.base-${process.pid}.tar`);
  try {
    run("tar", ["-C", baseRoot(), "-cf", archive, "."]);
    run("podman", ["import", "--quiet", "--change", `LABEL ${label}`, archive, BASE_IMAGE]);
  } finally {
    rmSync(archive, { force: true });
  }
}

/** The mirror that apt on this machine uses for the suite, from its one-line and deb822 files; null for the default one. */
export function mirrorOf(suite: string, etc = "/etc/apt"): string | null {
  const folder = join(etc, "sources.list.d");
  const files = existsSync(folder)
    ? readdirSync(folder)
        .sort()
        .map((name) => join(folder, name))
    : [];
  for (const file of [join(etc, "sources.list"), ...files]) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8").replace(/^[ \t]*#.*\n/gm, "");
    for (const [, uri, suites = ""] of text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/gm)) {
      if (uri !== undefined && suites === suite) return uri;
    }
    for (const stanza of text.split(/\n\s*\n/)) {
      const field = (name: string) =>
        new RegExp(`^${name}:(.*)$`, "im").exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
      const [uri] = field("URIs");
      if (uri !== undefined && field("Types").includes("deb") && field("Suites").includes(suite)) return uri;
    }
  }
  return null;
}

function proxySettings(): string {
  return run("apt-config", ["dump"]).replace(/^(?!Acquire::https?::).*\n/gm, "");
}

function hashTree(hash: ReturnType<typeof createHash>, path: string): void {
  const list = run("find", [path, "-printf", "%y %m %P %l\\n"]).split("\n").sort();
  hash.update(list.join("\n"));
  for (const line of list) {
    const [kind, , file = ""] = line.split(" ");
    if (kind === "f") hash.update(readFileSync(join(path, file)));
  }
}

function forgetOld(name: string): void {
  const cache = cacheDirectory();
  const age = (entry: string) => statSync(join(cache, entry)).mtimeMs;
  const roots = readdirSync(cache).filter((entry) => entry.startsWith(`${name}-`));
  for (const entry of roots.sort((a, b) => age(b) - age(a)).slice(1 + KEPT)) {
    rmSync(join(cache, entry), { recursive: true, force: true });
  }
}

/** Stdout. Throws with the command's stderr. */
function run(file: string, argv: readonly string[]): string {
  return execFileSync(file, argv, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
}
