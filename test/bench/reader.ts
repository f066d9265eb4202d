/**
 * The far end of a log pipeline, a program of its own: node reader.ts FIFO WARM_BYTES BYTES.
 * Discards WARM_BYTES, times the next BYTES, prints {ms, bytes, line} where line is one whole line of that stretch.
 */
import { openSync, readSync } from "node:fs";

const [path = "", warm = "0", wanted = "0"] = process.argv.slice(2);
const fd = openSync(path, "r");
const buffer = Buffer.allocUnsafe(1 << 20);

function take(bytes: number): number {
  let taken = 0;
  while (taken < bytes) {
    const count = readSync(fd, buffer);
    // The init went first: the bench says why.
    if (count === 0) process.exit(1);
    taken += count;
  }
  return taken;
}

take(Number(warm));
const since = performance.now();
const bytes = take(Number(wanted));
const ms = performance.now() - since;
const begin = buffer.indexOf("\n") + 1;
const line = buffer.toString("latin1", begin, buffer.indexOf("\n", begin) + 1);
process.stdout.write(JSON.stringify({ ms, bytes, line }));
