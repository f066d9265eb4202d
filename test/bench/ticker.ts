/** A program that writes one line every 50 ms: `@tick N@`, N the nanoseconds of the clock that all processes share. */
import { writeSync } from "node:fs";

setInterval(() => writeSync(1, `@tick ${process.hrtime.bigint()}@\n`), 50);
