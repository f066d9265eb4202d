/**
 * SCHED_BATCH (sched(7)) for the main thread: whoever wakes it goes on running, where the processors are busy, and it comes
 * after. What it is woken to read has grown meanwhile. Programs are spawned under the container's policy all the same.
 */
import { SCHED_BATCH, SCHED_OTHER } from "./abi.ts";
import * as libc from "./libc.ts";

const getScheduler = libc.later("sched_getscheduler", { arguments: ["int32"], return: "int32" });
const setScheduler = libc.later("sched_setscheduler", {
  arguments: ["int32", "int32", "pointer"],
  return: "int32",
});

let isBatch = false;
/** A sched_param: the static priority, which is 0 for both policies. */
let parameter: libc.Memory | null = null;

/** 0, or minus the errno. A container under another policy than the usual one keeps it. */
export function setBatch(wanted: boolean): number {
  if (wanted === isBatch) return 0;
  if (wanted && getScheduler()(0) !== SCHED_OTHER) return 0;
  const result = change(wanted ? SCHED_BATCH : SCHED_OTHER);
  if (result === 0) isBatch = wanted;
  return result;
}

/** What a child inherits is as the container gave it. */
export function outOfBatch<T>(work: () => T): T {
  if (!isBatch) return work();
  change(SCHED_OTHER);
  try {
    return work();
  } finally {
    change(SCHED_BATCH);
  }
}

function change(policy: number): number {
  parameter ??= libc.allocate(4);
  return libc.orErrno(setScheduler()(0, policy, parameter.at));
}
