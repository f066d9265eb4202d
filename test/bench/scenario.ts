/** What a scenario is, and the loop that all of them share. */
import type { Row, Sheet } from "./sheet.ts";
import type { System } from "./systems.ts";

export type Context = {
  readonly sheet: Sheet;
  readonly quick: boolean;
  readonly say: (text: string) => void;
};

export type Scenario = {
  readonly id: string;
  readonly rows: readonly Row[];
  readonly run: (context: Context) => Promise<void>;
};

/** Runs `body`, and books its failure under every given row instead of ending the bench. */
export async function guard(
  context: Context,
  rows: readonly string[],
  system: string,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.say(`${system}: ${reason}`);
    for (const row of rows) context.sheet.fail(row, system, reason);
  }
}

/** Says who is not in these rows because there is nothing to measure of it. */
export function leaveOut(
  context: Context,
  rows: readonly string[],
  reason: string,
  systems: readonly System[],
): void {
  for (const row of rows) for (const { name } of systems) context.sheet.leaveOut(row, name, reason);
}

/** `times` rounds over the systems, so that a slow moment of the machine meets all of them alike. */
export async function interleave(
  context: Context,
  rows: readonly string[],
  times: number,
  systems: readonly System[],
  sample: (system: System, round: number) => Promise<void>,
): Promise<void> {
  const present = systems.filter((system) => {
    if (system.path === null) for (const row of rows) context.sheet.fail(row, system.name, "absent");
    return system.path !== null;
  });
  const failed = new Set<System>();
  for (let round = 0; round < times; round += 1) {
    for (const system of present) {
      if (failed.has(system)) continue;
      failed.add(system);
      await guard(context, rows, system.name, async () => {
        await sample(system, round);
        failed.delete(system);
      });
    }
  }
}
