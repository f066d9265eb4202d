/** OCI bundles for runc: an image's root with a layer of its own on top, as an engine would hand it to the runtime. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What engines leave to root in a container by default. */
const CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "NET_RAW",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
].map((name) => `CAP_${name}`);

export interface BundleOptions {
  /** Lies under the container's own writable layer and is not changed. */
  readonly root: string;
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly environment?: readonly string[];
  readonly cwd?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly capabilities?: readonly string[];
  readonly readonlyRoot?: boolean;
  readonly memoryBytes?: number;
  readonly pidsLimit?: number;
}

/** The part of an OCI runtime configuration that is changed here. */
interface RuntimeConfig {
  process: Record<string, unknown>;
  root: { path: string; readonly: boolean };
  hostname: string;
  linux: { resources?: Record<string, unknown> };
}

/** `runc run --bundle DIRECTORY ID` runs it. */
export class Bundle {
  readonly directory = mkdtempSync(join(tmpdir(), "tsinit-bundle-"));
  /** What the container sees as `/`; files put here before it runs are its own. */
  readonly rootfs = join(this.directory, "rootfs");

  constructor(options: BundleOptions) {
    const layers = ["upper", "work", "rootfs"].map((name) => join(this.directory, name));
    for (const layer of layers) mkdirSync(layer);
    const [upper, work] = layers;
    const mount = `lowerdir=${options.root},upperdir=${upper},workdir=${work}`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", mount, this.rootfs]);
    writeFileSync(join(this.directory, "config.json"), JSON.stringify(runtimeConfig(options)));
  }

  /** After the container has ended. */
  remove(): void {
    execFileSync("umount", [this.rootfs]);
    rmSync(this.directory, { recursive: true });
  }
}

function runtimeConfig(options: BundleOptions): RuntimeConfig {
  const directory = mkdtempSync(join(tmpdir(), "tsinit-spec-"));
  let config: RuntimeConfig;
  try {
    execFileSync("runc", ["spec", "--bundle", directory]);
    config = JSON.parse(readFileSync(join(directory, "config.json"), "utf8")) as RuntimeConfig;
  } finally {
    rmSync(directory, { recursive: true });
  }
  const capabilities = options.user && options.user.uid !== 0 ? [] : (options.capabilities ?? CAPABILITIES);
  config.process = {
    terminal: false,
    user: options.user ?? { uid: 0, gid: 0 },
    args: options.args,
    env: options.environment ?? ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    cwd: options.cwd ?? "/",
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    noNewPrivileges: options.user !== undefined,
    // No rlimits: raising them needs CAP_SYS_RESOURCE, which a machine that is a container itself may lack.
  };
  config.root = { path: "rootfs", readonly: options.readonlyRoot ?? false };
  config.hostname = "container";
  if (options.memoryBytes !== undefined || options.pidsLimit !== undefined) {
    config.linux.resources = {
      ...config.linux.resources,
      ...(options.memoryBytes === undefined
        ? {}
        : { memory: { limit: options.memoryBytes, swap: options.memoryBytes } }),
      ...(options.pidsLimit === undefined ? {} : { pids: { limit: options.pidsLimit } }),
    };
  }
  return config;
}
