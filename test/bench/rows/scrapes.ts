/**
 * /metrics of a thousand programs: how long an answer takes, and how late tsinit is with a signal and with a dead program
 * while somebody scrapes it without a pause.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { get } from "../rpc.ts";
import { allAsleep, type Running, ringer, sleepers, withInit } from "../run.ts";
import { type Context, interleave, type Scenario } from "../scenario.ts";
import { track } from "../scratch.ts";
import { bar, type Row } from "../sheet.ts";
import { type Program, type System, tsinit } from "../systems.ts";
import { sleep, within } from "../wait.ts";
import { crash } from "./restart.ts";

const SCRAPE = "metrics-1000";
const RESTART = "scraped-restart";
const SIGNAL = "scraped-signal";
const PROGRAMS = 1_000;
/** Those that are killed in turn, so that each has been RUNNING for a while when its turn comes. */
const CRASHERS = 12;
const SETTLED_MS = 1_500;
const DEADLINE_MS = 30_000;

/** Rings the bell at each SIGUSR1 that tsinit passes on. */
function catcher(bell: string): Program {
  const script = `trap 'echo caught > ${bell}' USR1\necho c0 $$ > ${bell}\nwhile :; do sleep 100000 & wait; done`;
  return { name: "c0", script, keys: ["forward_signals=USR1"] };
}

/**
 * The client's own first request of such a size takes 25 ms more than its later ones: let it be to somebody else. tsinit's first
 * is among the twelve.
 */
async function warmUp(): Promise<void> {
  const answer = Buffer.alloc(2_000_000, "x");
  const server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  for (let turn = 0; turn < 5; turn += 1) await get(port, "/");
  server.close();
  await once(server, "close");
}

async function scrape(running: Running, context: Context): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) {
    const answer = await get(running.port, "/metrics");
    const programs = answer.body.match(/^tsinit_program_up\{/gm)?.length ?? 0;
    if (answer.status !== 200 || programs !== PROGRAMS) {
      throw new Error(`/metrics: ${answer.status}, ${programs} programs`);
    }
    context.sheet.add(SCRAPE, running.system.name, answer.ms);
    await sleep(200);
  }
}

/** Somebody who scrapes without a pause, once the first answer has come. */
async function startScraper(port: number): Promise<ChildProcess> {
  const script = new URL("../scraper.ts", import.meta.url).pathname;
  const scraper = spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  track(scraper);
  if (scraper.stdout === null) throw new Error("the scraper has no output");
  await within(DEADLINE_MS, "first scrape", once(scraper.stdout, "data"));
  scraper.stdout.resume();
  return scraper;
}

/** A killed program and a passed-on signal for each crasher; `column` is the name they go under. */
async function disturb(running: Running, column: string, context: Context): Promise<void> {
  const { bell } = running;
  for (let turn = 0; turn < CRASHERS; turn += 1) {
    context.sheet.add(RESTART, column, await crash(running, `r${turn}`, SETTLED_MS));
    const from = bell.rings.length;
    const since = performance.now();
    process.kill(running.pid, "SIGUSR1");
    const ring = await bell.wait("caught", from, DEADLINE_MS);
    context.sheet.add(SIGNAL, column, ring.at - since);
    // Not in step with the scrapes.
    await sleep(Math.random() * 100);
  }
}

async function sample(system: System, context: Context): Promise<void> {
  const programs = (bell: string): Program[] => [
    ...sleepers(PROGRAMS - CRASHERS - 1),
    ...Array.from({ length: CRASHERS }, (_, index) => ringer(`r${index}`, bell)),
    catcher(bell),
  ];
  await withInit(system, { programs }, async (running) => {
    // The catcher's sleep is no child of the init.
    await allAsleep(running, PROGRAMS - 1, 60_000);
    await sleep(2_500);
    await warmUp();
    await scrape(running, context);
    for (let round = 0; round < (context.quick ? 1 : 4); round += 1) {
      await disturb(running, "not scraped", context);
      const scraper = await startScraper(running.port);
      try {
        await disturb(running, system.name, context);
        if (scraper.exitCode !== null) throw new Error("the scraper ended");
      } finally {
        scraper.kill("SIGKILL");
      }
    }
  });
}

function lateness(id: string, title: string): Row {
  return { id, title, unit: "ms", statistic: "p99", bars: [bar("< 25 ms", "less than", 25)] };
}

export const scrapes: Scenario = {
  id: "scrapes",
  rows: [
    {
      id: SCRAPE,
      title: "/metrics with 1,000 programs, slowest of 12",
      unit: "ms",
      statistic: "max",
      bars: [bar("< 100 ms", "less than", 100)],
    },
    lateness(
      RESTART,
      "crash to the next exec while /metrics of 1,000 programs is scraped without a pause, p99",
    ),
    lateness(SIGNAL, "the same for a signal passed on to a program, p99"),
  ],
  run: (context) =>
    interleave(context, [SCRAPE, RESTART, SIGNAL], 1, [tsinit], (system) => sample(system, context)),
};
