/** Waiting with a deadline: nothing in the bench may hang. */
import { setTimeout as delay } from "node:timers/promises";

export const sleep = (ms: number): Promise<void> => delay(ms);

/** The promise's value, or an error that says what was waited for. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks every `everyMs` until the answer is true; returns the milliseconds since `since` (performance.now()). */
export async function until(
  what: string,
  ms: number,
  isTrue: () => boolean,
  everyMs = 2,
  since = performance.now(),
): Promise<number> {
  const deadline = performance.now() + ms;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`no ${what} within ${ms} ms`);
    await sleep(everyMs);
  }
  return performance.now() - since;
}
