/**
 * A soak: the built tsinit as PID 1 of its own namespaces, laps of every kind of load at random, and after each lap a calm in
 * which it must be what it was before. The first laps only warm up: what is loaded and compiled once is no leak.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Init } from "../container/init.ts";
import { contextSwitches, readLink, statusField } from "../container/processes.ts";
import { delay } from "../container/scene.ts";
import { Account, shortfalls } from "./account.ts";
import { CounterWatch, parseMetrics, sumOf } from "./counters.ts";
import { type Load, runLoad } from "./load.ts";
import { createRandom, type Random } from "./random.ts";
import { busyConfig, calmConfig, KEEPERS } from "./scenery.ts";
import {
  FLOOR_KIB,
  judgeSamples,
  noneOf,
  QUIET_SWITCHES,
  type Sample,
  UNCOLLECTED_KIB,
  type Verdict,
} from "./verdicts.ts";

export interface SoakOptions {
  readonly seed: number;
  /** Of load a lap. */
  readonly lapSeconds: number;
  readonly warmLaps: number;
  /** After those. */
  readonly laps: number;
  /**
   * How long V8 is given after each lap to collect what the lap left, so that memory tells what lives and not what is garbage.
   * 0: not at all; then only the last sample waits until the wake-ups of that are over.
   */
  readonly collectSeconds: number;
  readonly say: (text: string) => void;
}

export interface SoakReport {
  readonly samples: readonly Sample[];
  readonly verdicts: readonly Verdict[];
  readonly turns: ReadonlyMap<string, number>;
}

/** Calls in one request, and requests: some hundred megabytes of short-lived objects, more than V8 lets lie. */
const CALLS = 500;
const REQUESTS = 30;
/** How long nobody asks anything while wake-ups are counted. */
const QUIET_MS = 4_000;
const QUIET_DEADLINE_MS = 60_000;
/** What the events of a lap's end may take: the slowest of them is a start that waits for a check. */
const SETTLE_MS = 60_000;
const FORGET_MS = 15_000;
const LAST_LINES = 60;

class Soak {
  readonly init: Init;
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #stdout = new Account();
  readonly #stderr = new Account();
  readonly #own: string[] = [];
  readonly #faults: string[] = [];
  readonly #load: Load;
  readonly #lost: string[] = [];
  readonly #samples: Sample[] = [];
  readonly #began = performance.now();
  #keepers: readonly number[] = [];

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed);
    this.#stderr.onOther = (text) => this.#onOwnLine(text);
    this.init = new Init({
      config: calmConfig(),
      setup: "touch @DIR@/peace @DIR@/ended",
      onStdout: (chunk) => this.#stdout.push(chunk),
      onStderr: (chunk) => this.#stderr.push(chunk),
    });
    const turns = new Map<string, number>();
    const { seed } = options;
    const random = this.#random;
    this.#load = { init: this.init, seed, random, counters: new CounterWatch(), complaints: [], turns };
  }

  async run(): Promise<SoakReport> {
    const { init } = this;
    await init.ready();
    try {
      await this.#calmDown();
      this.#keepers = await this.#keeperPids();
      const { warmLaps, laps, collectSeconds, say } = this.#options;
      for (let lap = 0; lap < warmLaps; lap += 1) await this.#lap(lap);
      for (let lap = 1; lap <= laps; lap += 1) {
        await this.#lap(warmLaps + lap - 1);
        const sample = await this.#sample(lap === laps || collectSeconds > 0);
        this.#samples.push(sample);
        say(`lap ${lap}: ${sample.rssAnonKiB} KiB, ${sample.fds} descriptors`);
      }
      return await this.#finish();
    } catch (error) {
      if (error instanceof Error) error.message += `\n${this.#own.join("\n")}`;
      throw error;
    } finally {
      await init.close();
    }
  }

  #onOwnLine(text: string): void {
    if (/^tsinit +\| .*\bfault in /.test(text)) this.#faults.push(text);
    this.#own.push(text);
    if (this.#own.length > LAST_LINES) this.#own.shift();
  }

  get #peace(): string {
    return join(this.init.dir, "peace");
  }

  /** Load, then a state in which every program must run, then calm. */
  async #lap(lap: number): Promise<void> {
    const { init } = this;
    const { seed, lapSeconds } = this.#options;
    rmSync(this.#peace, { force: true });
    init.writeConfig(busyConfig(seed, this.#random));
    init.signal("SIGHUP");
    await runLoad(this.#load, lapSeconds * 1000, lap);
    writeFileSync(this.#peace, "");
    await this.#allRun();
    await this.#calmDown();
    const now = await this.#keeperPids();
    if (now.join() !== this.#keepers.join())
      this.#lost.push(`lap ${lap}: pids ${this.#keepers} of the unchanged programs are ${now}`);
  }

  /** With the last valid configuration and all that was stopped by hand started again, nothing may be missing. */
  async #allRun(): Promise<void> {
    const { init } = this;
    init.writeConfig(busyConfig(this.#options.seed, this.#random));
    await init.ctl("update");
    await init.ctl("start", "all");
    const deadline = performance.now() + SETTLE_MS;
    let missing = await this.#missing();
    while (missing.length > 0 && performance.now() < deadline) {
      await delay(100);
      missing = await this.#missing();
    }
    this.#lost.push(...missing);
  }

  /** What keeps the container from being ready, in words. */
  async #missing(): Promise<string[]> {
    const { init } = this;
    const infos = (await init.rpc("getAllProcessInfo")) as { name: string; statename: string }[];
    const down = infos
      .filter(({ name, statename }) => !["once", "cron"].includes(name) && statename !== "RUNNING")
      .map(({ name, statename }) => `${name} is ${statename}`);
    if (down.length > 0) return down;
    const { status, body } = await init.http("/readyz?verbose");
    return status === 200 ? [] : body.split("\n").filter((line) => line.startsWith("[-]"));
  }

  /** Back to the few programs that sleep, and nothing else in the container. */
  async #calmDown(): Promise<void> {
    const { init } = this;
    init.writeConfig(calmConfig());
    const keepers = KEEPERS.join();
    init.signal("SIGHUP");
    await init.until(
      "the calm configuration",
      async () => {
        const infos = (await init.rpc("getAllProcessInfo")) as { name: string; statename: string }[];
        return infos.map(({ name, statename }) => (statename === "RUNNING" ? name : "")).join() === keepers;
      },
      SETTLE_MS,
      100,
    );
    await init.until(
      "everything else to be gone",
      () => init.processes().length <= KEEPERS.length + 1,
      SETTLE_MS,
    );
  }

  async #keeperPids(): Promise<number[]> {
    const infos = (await this.init.rpc("getAllProcessInfo")) as { pid: number }[];
    return infos.map(({ pid }) => pid);
  }

  async #sample(settles: boolean): Promise<Sample> {
    const { init } = this;
    const { counters } = this.#load;
    const scraped = parseMetrics((await init.http("/metrics")).body);
    counters.check(scraped);
    const faults = sumOf(scraped, "tsinit_faults_total");
    if (faults > 0 && this.#faults.length === 0) this.#faults.push(`tsinit_faults_total is ${faults}`);
    if (this.#options.collectSeconds > 0) await this.#provokeCollection();
    await this.#forgetful();
    const switches = settles ? await this.#quiet() : null;
    return {
      at: (performance.now() - this.#began) / 1000,
      rssAnonKiB: Number.parseInt(statusField(init.pid, "RssAnon") ?? "", 10),
      fds: readdirSync(`/proc/${init.pid}/fd`).length,
      threads: readdirSync(`/proc/${init.pid}/task`).length,
      zombies: init.processes().filter(({ state }) => state === "Z").length,
      switches,
      crashes: counters.total("tsinit_program_exits_total"),
      orphans: counters.total("tsinit_reaped_orphans_total"),
      lines: this.#stdout.lines + this.#stderr.lines,
    };
  }

  /**
   * V8 collects in a calm only for some time after a collection that was due: what the lap left may lie for hours, and its
   * size says nothing. After one that is due for certain the calm that follows is enough.
   */
  async #provokeCollection(): Promise<void> {
    const calls = Array.from({ length: CALLS }, () => ({
      methodName: "supervisor.getAllProcessInfo",
      params: [],
    }));
    for (let request = 0; request < REQUESTS; request++) {
      const answers = await this.init.rpc("system.multicall", calls);
      if (!Array.isArray(answers) || answers.length !== CALLS)
        this.#load.complaints.push("multicall: too few answers");
    }
  }

  /** The scrape keeps a descriptor of each process for some seconds; what of them stays longer is counted. */
  async #forgetful(): Promise<void> {
    const directory = `/proc/${this.init.pid}/fd`;
    const isKept = (): boolean =>
      readdirSync(directory).some((fd) => /^\/proc\/\d+\/stat$/.test(readLink(join(directory, fd)) ?? ""));
    const deadline = performance.now() + FORGET_MS;
    while (isKept() && performance.now() < deadline) await delay(100);
  }

  /** Context switches a second, once there are few enough or it has been waited for long enough. */
  async #quiet(): Promise<number> {
    await delay(this.#options.collectSeconds * 1000);
    const deadline = performance.now() + QUIET_DEADLINE_MS;
    for (;;) {
      const before = contextSwitches(this.init.pid);
      const since = performance.now();
      await delay(QUIET_MS);
      const now = performance.now();
      const switches = (contextSwitches(this.init.pid) - before) / ((now - since) / 1000);
      if (switches <= QUIET_SWITCHES || now > deadline) return switches;
    }
  }

  async #finish(): Promise<SoakReport> {
    const { init } = this;
    init.signal("SIGTERM");
    const { code } = await init.exit(SETTLE_MS);
    const accounts = [this.#stdout, this.#stderr];
    const notes = readFileSync(join(init.dir, "ended"), "utf8");
    const { counters, complaints, turns } = this.#load;
    const lines = accounts.reduce((sum, account) => sum + account.lines, 0);
    const asked = [...turns.values()].reduce((sum, count) => sum + count, 0);
    const verdicts: Verdict[] = [
      ...judgeSamples(this.#samples, this.#options.collectSeconds > 0 ? FLOOR_KIB : UNCOLLECTED_KIB),
      noneOf("no counter went down", counters.complaints),
      noneOf("no fault", this.#faults),
      noneOf("no program is lost, and those that did not change keep their pids", this.#lost),
      noneOf(
        "every line came once, whole and in order",
        [...accounts.flatMap((account) => account.complaints), ...shortfalls(notes, accounts)],
        `${lines.toLocaleString("en")} lines of ${notes.split("\n").length - 1} lives`,
      ),
      noneOf("every request was answered", complaints, `${asked.toLocaleString("en")} turns`),
      { text: "exit code 0 at the end", isKept: code === 0, found: String(code) },
    ];
    return { samples: this.#samples, verdicts, turns };
  }
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  return await new Soak(options).run();
}
