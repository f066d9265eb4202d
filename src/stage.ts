/**
 * Variables that are meant for the programs would steer Node or the loader inside the init as well: a coverage folder,
 * a thread pool size, an allocator. Where one is set, tsinit replaces itself once by itself with those variables renamed;
 * `Kernel.environment` gives them back under their own names, so the programs see what the container was given.
 */
import { SIGNALS } from "./core/signal-names.ts";
import type { Kernel } from "./kernel/kernel.ts";

/** Prefixed to the name of a variable, it means nothing to Node and the loader. */
const STASH = "TSINIT_STASH_";
const STEERING = /^(NODE_|UV_|LD_|MALLOC_|OPENSSL_|GLIBC_TUNABLES$)/;
/** Set in ordinary Node images, and without effect on anything tsinit does. */
const HARMLESS = new Set(["NODE_ENV", "NODE_VERSION", "NODE_OPTIONS", "NODE_PATH", "NODE_EXTRA_CA_CERTS"]);

/** The name under which our own executable is the stage of `activation.ts`. */
export const STAGE = "tsinit-listen";

/** Returns when nothing steers; otherwise the process starts again with the same pid and does not come back. */
export function withoutSteering(kernel: Kernel, name: string, words: readonly string[]): void {
  const steering = Object.keys(process.env).filter(isSteering);
  // A plain node in development was started with arguments of its own; what steers it is the developer's business.
  if (steering.length === 0 || /(^|\/)node$/.test(process.execPath)) return;
  const environment = kernel
    .environment()
    .map(([key, value]) => `${steering.includes(key) ? STASH + key : key}=${value}`);
  // A TERM that came by now would be forgotten by the new image: nothing was started yet, so this is the end.
  if (kernel.isDefault(SIGNALS.TERM) || kernel.isDefault(SIGNALS.INT)) kernel.exit(0);
  // Where that is refused (no /proc to find ourselves by) tsinit lives with the variables.
  kernel.replace(process.execPath, [name, ...words], environment, { keep: inheritedSockets(kernel) });
}

/** Descriptors that were handed to us for the program (sd_listen_fds(3)): they are the next image's too. */
function inheritedSockets({ pid }: Kernel): number[] {
  const { LISTEN_PID, LISTEN_FDS = "" } = process.env;
  const count = LISTEN_PID === `${pid}` && /^\d{1,4}$/.test(LISTEN_FDS) ? Number(LISTEN_FDS) : 0;
  return Array.from({ length: count }, (_, i) => 3 + i);
}

/** `NAME=value` for an environment in which tsinit itself is started for a program: nothing of it steers tsinit. */
export function withoutEffect(variables: readonly string[]): string[] {
  return variables.map((entry) => (isSteering(entry.slice(0, entry.indexOf("="))) ? STASH + entry : entry));
}

function isSteering(name: string): boolean {
  return STEERING.test(name) && !HARMLESS.has(name);
}
