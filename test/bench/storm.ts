/** Orphans that all wait at one gate, a fifo: whoever writes a line each lets them end at the same moment. */
import { join } from "node:path";
import type { Program } from "./systems.ts";

/** A program whose grandchildren all wait for one byte of a fifo, and whose child leaves them behind. */
export function stormProgram(bell: string, count: number, then = "exec sleep 100000"): Program {
  const gate = gateOf(bell);
  const fork = `exec 3<${gate}; i=0; while [ $i -lt ${count} ]; do (read x <&3) & i=$((i+1)); done`;
  return { name: "p0", script: `/bin/sh -c '${fork}' <&-\necho forked > ${bell}\n${then}` };
}

/** The fifo that holds a storm back, beside the bell. */
export function gateOf(bell: string): string {
  return join(bell, "..", "gate");
}
