/** Runs scenarios, each on both sides at once, several at a time: most of their time is waiting. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compare } from "./compare.ts";
import { Helper } from "./helper.ts";
import type { Scenario, Step } from "./scenario.ts";
import { Side } from "./side.ts";

const AT_ONCE = 4;

/** The scenarios of one test file. */
export function runScenarios(topic: string, scenarios: readonly Scenario[]): void {
  let helper: Helper | null = null;
  const folder = mkdtempSync(join(tmpdir(), "diff-"));
  chmodSync(folder, 0o755);
  describe(topic, { concurrency: AT_ONCE }, () => {
    before(async () => {
      helper = await Helper.start(folder);
    });
    after(() => {
      helper?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    for (const scenario of scenarios)
      test(scenario.title, { timeout: 90_000 }, async () => {
        if (helper === null) throw new Error("no helper");
        await runScenario(scenario, mkdtempSync(join(folder, "s-")), helper);
      });
  });
}

async function runScenario(scenario: Scenario, folder: string, helper: Helper): Promise<void> {
  chmodSync(folder, 0o755);
  const real = new Side("real", folder, scenario, helper);
  const ours = new Side("ours", folder, scenario, helper);
  const both = [real, ours] as const;
  try {
    for (const side of both) await side.prepare();
    await Promise.all(both.map((side) => side.start()));
    const failures: string[] = [];
    for (const step of scenario.steps) {
      const error = await runStep(step, real, ours).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) continue;
      failures.push(error instanceof Error ? error.message : String(error));
      // What was awaited did not come: nothing after it means anything.
      if (step.compares === null) break;
    }
    // All of them at once: a scenario costs seconds.
    if (failures.length > 0) throw new Error(failures.join("\n\n"));
  } finally {
    for (const side of both) side.cleanUp();
  }
}

async function runStep(step: Step, real: Side, ours: Side): Promise<void> {
  const [theirSeen = null, ourSeen = null] = await Promise.all([step.act(real), step.act(ours)]);
  if (step.compares === null) return;
  const [theirs, seen] = [real.normalise(theirSeen), ours.normalise(ourSeen)];
  const { differs, reconcile } = step.compares;
  compare(step.label, theirs, reconcile === undefined ? seen : reconcile(theirs, seen), differs);
}
