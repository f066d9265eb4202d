/**
 * What is done to an init during a lap: actors that take turns at random, each until the lap ends. A request that is refused is
 * fine; one that gets no answer, or the wrong kind of one, is a complaint.
 */
import type { Init } from "../container/init.ts";
import { PYTHON } from "../container/probe.ts";
import { BINARY, delay } from "../container/scene.ts";
import { type CounterWatch, parseMetrics } from "./counters.ts";
import type { Random } from "./random.ts";
import { brokenConfig, busyConfig, KEEPERS } from "./scenery.ts";

export interface Load {
  readonly init: Init;
  readonly seed: number;
  readonly random: Random;
  readonly counters: CounterWatch;
  readonly complaints: string[];
  /** How often each actor had its turn. */
  readonly turns: Map<string, number>;
}

interface Actor {
  readonly name: string;
  /** Milliseconds between two turns: from, to. */
  readonly pause: readonly [number, number];
  readonly act: (load: Load, random: Random) => Promise<void>;
}

interface Info {
  readonly name: string;
  readonly group: string;
  readonly pid: number;
  readonly statename: string;
}

const INET = 9001;
const SOCKET = "/run/tsinit.sock";

async function infos(init: Init): Promise<Info[]> {
  return (await init.rpc("getAllProcessInfo")) as Info[];
}

/** Whoever may be harmed. */
async function victims(init: Init): Promise<string[]> {
  const all = await infos(init);
  return all
    .filter(({ name, group }) => !KEEPERS.includes(name) && group !== "ears")
    .map(({ name, group }) => (name === group ? name : `${group}:${name}`));
}

async function expectStatus(load: Load, path: string, ...allowed: readonly number[]): Promise<string> {
  const { status, body } = await load.init.http(path);
  if (!allowed.includes(status)) load.complaints.push(`GET ${path}: ${status} ${body.slice(0, 200)}`);
  return body;
}

async function kill({ init }: Load, random: Random): Promise<void> {
  const running = (await infos(init)).filter(({ name, pid }) => pid > 0 && !KEEPERS.includes(name));
  if (running.length === 0) return;
  const { pid, name, group } = random.pick(running);
  const signal = random.pick(["KILL", "KILL", "TERM", "SEGV", "HUP", "USR1"] as const);
  if (random.isOneIn(2)) await init.rpc("signalProcess", `${group}:${name}`, signal);
  // As `docker exec … kill` does, past tsinit.
  else await init.run("kill", `-${signal}`, String(pid));
}

async function reload({ init, seed }: Load, random: Random): Promise<void> {
  const isBroken = random.isOneIn(6);
  init.writeConfig(isBroken ? brokenConfig(seed, random) : busyConfig(seed, random));
  if (random.isOneIn(2)) init.signal("SIGHUP");
  else await init.ctl("update");
}

async function probe(load: Load, random: Random): Promise<void> {
  await expectStatus(load, random.pick(["/livez", "/healthz", "/livez?verbose"]), 200);
  await expectStatus(
    load,
    random.pick(["/readyz", "/readyz?verbose", "/startupz", "/readyz/notify"]),
    200,
    503,
  );
  if (random.isOneIn(10)) await expectStatus(load, "/nosuch", 404);
}

async function scrape(load: Load, random: Random): Promise<void> {
  if (random.isOneIn(4)) {
    const headers = { accept: "application/openmetrics-text" };
    const { body } = await load.init.http("/metrics", { headers });
    if (!body.endsWith("# EOF\n")) load.complaints.push("an OpenMetrics answer without its end");
    return;
  }
  load.counters.check(parseMetrics(await expectStatus(load, "/metrics", 200)));
}

async function control({ init }: Load, random: Random): Promise<void> {
  const names = await victims(init);
  const name = names.length === 0 ? "keeper0" : random.pick(names);
  const commands: readonly (readonly string[])[] = [
    ["status"],
    ["status", name],
    ["tail", name],
    ["tail", "-100", name, "stderr"],
    ["start", name],
    ["stop", name],
    ["restart", name],
    ["pid", name],
    ["avail"],
    ["graph"],
    ["maintail"],
  ];
  if (random.isOneIn(5)) await init.run("timeout", "1", BINARY, "ctl", "tail", "-f", name);
  else await init.ctl(...random.pick(commands));
}

async function rpc({ init }: Load, random: Random): Promise<void> {
  const names = await victims(init);
  const name = names.length === 0 ? "keeper0" : random.pick(names);
  const calls: readonly (readonly [string, ...unknown[]])[] = [
    ["getState"],
    ["getProcessInfo", name],
    ["tailProcessStdoutLog", name, 0, 5_000],
    ["readProcessStdoutLog", name, -2_000, 0],
    ["clearProcessLogs", name],
    ["startProcess", name, random.isOneIn(2)],
    ["stopProcess", name, random.isOneIn(2)],
    ["readLog", -1_000, 0],
    ["getAllConfigInfo"],
    ["sendRemoteCommEvent", "soak", "x".repeat(random.below(500))],
    ["sendProcessStdin", name, "hello\n"],
    ["system.listMethods"],
    ["noSuchMethod"],
  ];
  const [method, ...params] = random.pick(calls);
  await init.rpc(method, ...params);
}

/** Clients that go away in the middle. */
async function drop({ init }: Load, random: Random): Promise<void> {
  const where = random.pick([{ port: 9180 }, { port: INET }, { socket: SOCKET }]);
  const text = random.pick([
    "",
    "GET /metr",
    "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n<?xml",
    "GET /logtail/text0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "\0\xff garbage\r\n\r\n",
  ]);
  await init.dropped(where, text, random.between(0, 0.5));
}

/** What `docker exec` leaves behind. */
async function visit({ init }: Load, random: Random): Promise<void> {
  const script = `import os,time
for n in range(${random.below(20)}):
    os.fork() or (time.sleep(${random.between(0, 1).toFixed(2)}), os._exit(n))`;
  await init.run(PYTHON, "-I", "-S", "-c", script);
}

/** A log driver that takes its time. */
async function stall({ init }: Load, random: Random): Promise<void> {
  const stream = random.isOneIn(4) ? init.stderr : init.stdout;
  stream.pause();
  await delay(random.between(100, 2_500));
  stream.resume();
}

/** Both streams long enough to fill: what is opened and made larger for a slow reader is there from then on. */
async function stallBoth({ init }: Load): Promise<void> {
  const streams = [init.stdout, init.stderr];
  for (const stream of streams) stream.pause();
  await delay(2_000);
  for (const stream of streams) stream.resume();
}

const ACTORS: readonly Actor[] = [
  { name: "kill", pause: [300, 1_200], act: kill },
  { name: "reload", pause: [1_000, 4_000], act: reload },
  { name: "probe", pause: [50, 300], act: probe },
  { name: "scrape", pause: [200, 1_500], act: scrape },
  { name: "control", pause: [300, 2_000], act: control },
  { name: "rpc", pause: [50, 400], act: rpc },
  { name: "drop", pause: [100, 800], act: drop },
  { name: "visit", pause: [500, 3_000], act: visit },
  { name: "stall", pause: [1_000, 6_000], act: stall },
];

/** Runs all actors for so long; resolves when each has finished its last turn. */
export async function runLoad(load: Load, millis: number, lap: number): Promise<void> {
  const until = performance.now() + millis;
  const play = async (actor: Actor): Promise<void> => {
    const random = load.random.fork(`${actor.name} ${lap}`);
    for (;;) {
      await delay(Math.min(random.between(...actor.pause), Math.max(0, until - performance.now())));
      if (performance.now() >= until) return;
      load.turns.set(actor.name, (load.turns.get(actor.name) ?? 0) + 1);
      try {
        await actor.act(load, random);
      } catch (error) {
        // The first line: the rest is the container's whole output.
        const text = error instanceof Error ? error.message : String(error);
        const { dir } = load.init;
        load.complaints.push(`${actor.name}, lap ${lap}: ${text.split("\n")[0]}`.replaceAll(dir, "@DIR@"));
      }
    }
  };
  if (lap === 0) await stallBoth(load);
  await Promise.all(ACTORS.map(play));
}
