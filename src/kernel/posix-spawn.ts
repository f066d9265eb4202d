/** posix_spawn and what it takes. Other than what stands in libc.ts these answer the error number itself, as C does. */
import { allocate, atOnce, type CStrings, later, type Memory } from "./libc.ts";

const c = atOnce({
  posix_spawn: {
    arguments: ["pointer", "pointer", "pointer", "pointer", "pointer", "pointer"],
    return: "int32",
  },
  posix_spawn_file_actions_adddup2: { arguments: ["pointer", "int32", "int32"], return: "int32" },
  posix_spawn_file_actions_destroy: { arguments: ["pointer"], return: "int32" },
  posix_spawn_file_actions_init: { arguments: ["pointer"], return: "int32" },
  posix_spawnattr_init: { arguments: ["pointer"], return: "int32" },
  posix_spawnattr_setflags: { arguments: ["pointer", "int16"], return: "int32" },
  posix_spawnattr_setsigdefault: { arguments: ["pointer", "pointer"], return: "int32" },
});

const lateAddChdir = later("posix_spawn_file_actions_addchdir_np", {
  arguments: ["pointer", "pointer"],
  return: "int32",
});
const lateAddTcsetpgrp = later("posix_spawn_file_actions_addtcsetpgrp_np", {
  arguments: ["pointer", "int32"],
  return: "int32",
});

export function initSpawnAttributes(attributes: Memory, flags: number, defaults: Memory): number {
  return (
    c.posix_spawnattr_init(attributes.at) ||
    c.posix_spawnattr_setsigdefault(attributes.at, defaults.at) ||
    c.posix_spawnattr_setflags(attributes.at, flags)
  );
}

export function initFileActions(actions: Memory): number {
  return c.posix_spawn_file_actions_init(actions.at);
}

export function destroyFileActions(actions: Memory): void {
  c.posix_spawn_file_actions_destroy(actions.at);
}

export function addDup2(actions: Memory, from: number, to: number): number {
  return c.posix_spawn_file_actions_adddup2(actions.at, from, to);
}

/** glibc 2.29. */
export function addChdir(actions: Memory, directory: Buffer): number {
  return lateAddChdir()(actions.at, directory);
}

/** glibc 2.35; null where there is no such function. */
export function addForeground(actions: Memory, fd: number): number | null {
  let call: ReturnType<typeof lateAddTcsetpgrp>;
  try {
    call = lateAddTcsetpgrp();
  } catch {
    return null;
  }
  return call(actions.at, fd);
}

const spawnedPid = allocate(4);

/** A pid, or minus the error number. */
export function posixSpawn(
  file: Buffer,
  actions: Memory,
  attributes: Memory,
  argv: CStrings,
  environment: CStrings,
): number {
  const failed = c.posix_spawn(
    spawnedPid.at,
    file,
    actions.at,
    attributes.at,
    argv.pointers,
    environment.pointers,
  );
  return failed === 0 ? spawnedPid.bytes.readInt32LE(0) : -failed;
}
