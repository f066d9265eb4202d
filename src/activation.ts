/**
 * A stage between tsinit and the program that gets its sockets (sd_listen_fds(3)): LISTEN_PID must be the program's own
 * pid, which nobody knows before its process is there. Only who was given sockets pays for it.
 */
import { NOT_EXECUTABLE, NOT_FOUND } from "./core/exit-codes.ts";
import type { Fd, Kernel, SpawnRequest } from "./kernel/kernel.ts";
import { STAGE, withoutEffect } from "./stage.ts";

/** The same spawn by way of the stage, which hands on `sockets` under the numbers that they have. */
export function throughStage(
  request: SpawnRequest,
  sockets: readonly Fd[],
  variables: readonly string[],
): SpawnRequest {
  const extra = [...(request.extra ?? []), ...sockets.map((fd) => ({ from: fd, as: fd }))];
  const keep = extra.map(({ as }) => as).join(",");
  return {
    ...request,
    file: process.execPath,
    argv: [STAGE, keep, request.file, ...request.argv],
    environment: [...withoutEffect(request.environment), ...variables],
    extra,
  };
}

/** `words`: descriptors to keep, the program's file, its argv. Comes back only when it cannot be run. */
export function runStage(kernel: Kernel, [keep = "", file = "", ...argv]: readonly string[]): number {
  const environment = kernel.environment().map(([name, value]) => `${name}=${value}`);
  environment.push(`LISTEN_PID=${kernel.pid}`);
  const errno = kernel.replace(file, argv, environment, {
    keep: keep.split(",").map(Number),
    freshSignals: true,
  });
  kernel.writeNow(2, `couldn't exec ${file}: ${errno}\n`);
  return errno === "ENOENT" ? NOT_FOUND : NOT_EXECUTABLE;
}
