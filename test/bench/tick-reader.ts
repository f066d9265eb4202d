/**
 * The far end of a log pipeline that waits for the ticker's lines: node tick-reader.ts FIFO COUNT.
 * Prints the milliseconds from the writing of each line to its arrival here, as a JSON list. What comes before the first
 * `IGNORED` ticks is the start.
 */
import { openSync, readSync } from "node:fs";

const IGNORED = 20;
const [path = "", count = "0"] = process.argv.slice(2);
const fd = openSync(path, "r");
const buffer = Buffer.allocUnsafe(1 << 20);
const ages: number[] = [];
/** The end of what was read before may hold half a tick. */
const TAIL = 40;
let kept = 0;

while (ages.length < Number(count) + IGNORED) {
  const taken = readSync(fd, buffer, kept, buffer.length - kept, null);
  // The init went first: the bench says why.
  if (taken === 0) process.exit(1);
  const now = process.hrtime.bigint();
  const end = kept + taken;
  const seen = buffer.subarray(0, end);
  let done = 0;
  for (let at = seen.indexOf("@tick "); at >= 0; at = seen.indexOf("@tick ", at + 1)) {
    const close = seen.indexOf("@", at + 1);
    if (close < 0) break;
    ages.push(Number(now - BigInt(seen.toString("latin1", at + 6, close))) / 1e6);
    done = close + 1;
  }
  const from = Math.max(done, end - TAIL);
  kept = seen.copy(buffer, 0, from, end);
}
process.stdout.write(JSON.stringify(ages.slice(IGNORED)));
