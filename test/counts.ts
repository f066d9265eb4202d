/** A reporter for `node --test` that writes one line of JSON: how many tests passed and failed, and why any was skipped. */
import type { TestEvent } from "node:test/reporters";

export interface Counts {
  passed: number;
  failed: number;
  /** Reasons, one for each skipped test. */
  skipped: string[];
}

export default async function* counts(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counted: Counts = { passed: 0, failed: 0, skipped: [] };
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { details, skip } = event.data;
    if (details.type === "suite") continue;
    if (skip !== undefined && skip !== false) counted.skipped.push(skip === true ? "skipped" : skip);
    else if (event.type === "test:pass") counted.passed++;
    else counted.failed++;
  }
  yield JSON.stringify(counted);
}
