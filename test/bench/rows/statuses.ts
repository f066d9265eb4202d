/**
 * Programs that end with codes of their own in the middle of a storm of orphans: how many of those codes does the init not
 * have, or have wrong? A supervisor is asked (s6 and runit tell their finish script); a single init must end with its
 * command's code.
 */
import { writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { children } from "../proc.ts";
import { call, exitCodes } from "../rpc.ts";
import { type Running, withInit } from "../run.ts";
import { type Context, interleave, leaveOut } from "../scenario.ts";
import { makeFifo } from "../scratch.ts";
import { bar, type Row } from "../sheet.ts";
import { gateOf, stormProgram } from "../storm.ts";
import { everyone, type Program, pm2 } from "../systems.ts";
import { sleep, until } from "../wait.ts";

const ROW = "orphans-status";
const ORPHANS = 2_000;
const PROGRAMS = 20;
const DEADLINE_MS = 60_000;
/** supervisord reaps a hundred processes a second: it may take so long until a program's turn comes. */
const TOLD_MS = 30_000;

const codeOf = (index: number): number => 100 + index;

/** Waits at the same gate as the orphans do. */
function enders(bell: string): Program[] {
  return Array.from({ length: PROGRAMS }, (_, index) => ({
    name: `e${index}`,
    script: `exec 3<${gateOf(bell)}\necho waiting > ${bell}\nread x <&3\nexit ${codeOf(index)}`,
    endsOnce: bell,
  }));
}

/** What the init says of who has ended. */
async function told(running: Running): Promise<Map<string, number>> {
  if (running.system.helpers.length === 0)
    return exitCodes((await call(running.socket, "supervisor.getAllProcessInfo")).body);
  const rings = running.bell.rings.filter(({ words }) => words[0] === "ended");
  return new Map(rings.map(({ words }) => [words[1] ?? "", Number(words[2])]));
}

async function lostBySupervisor(running: Running): Promise<number> {
  const deadline = performance.now() + TOLD_MS;
  let codes = await told(running);
  while (codes.size < PROGRAMS && performance.now() < deadline) {
    await sleep(50);
    codes = await told(running);
  }
  const right = Array.from({ length: PROGRAMS }, (_, index) => codes.get(`e${index}`) === codeOf(index));
  return right.filter((isRight) => !isRight).length;
}

async function sample(running: Running, context: Context): Promise<void> {
  const { bell, system } = running;
  const isSingle = system.kind === "single";
  const waiting = (): number => bell.rings.filter(({ words }) => words[0] === "waiting").length;
  const gate = await open(gateOf(bell.path), "w");
  try {
    await bell.wait("forked", 0, DEADLINE_MS);
    await until("adoption of all orphans", DEADLINE_MS, () => children(running.pid).length > ORPHANS, 10);
    if (!isSingle) await until("all programs", DEADLINE_MS, () => waiting() === PROGRAMS, 10);
    writeSync(gate.fd, "\n".repeat(ORPHANS + PROGRAMS));
    const lost = isSingle
      ? Number((await running.exitCode(DEADLINE_MS)) !== codeOf(0))
      : await lostBySupervisor(running);
    context.sheet.add(ROW, system.name, lost);
  } finally {
    await gate.close();
  }
}

export async function runStatuses(context: Context): Promise<void> {
  leaveOut(context, [ROW], "tells exit codes in its log only", [pm2]);
  const systems = everyone.filter((system) => system !== pm2);
  await interleave(context, [ROW], context.quick ? 1 : 3, systems, (system) =>
    withInit(
      system,
      {
        programs: (bell) => {
          makeFifo(gateOf(bell));
          const then =
            system.kind === "single" ? `exec 3<${gateOf(bell)}\nread x <&3\nexit ${codeOf(0)}` : undefined;
          return [stormProgram(bell, ORPHANS, then), ...enders(bell)];
        },
      },
      (running) => sample(running, context),
    ),
  );
}

export const statusRow: Row = {
  id: ROW,
  title: `exit codes lost of ${PROGRAMS} programs that end among 2,000 orphans (single inits: of 1)`,
  unit: "",
  statistic: "max",
  bars: [bar("none lost", "at most", 0)],
};
