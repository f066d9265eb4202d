/**
 * The start order with timings: what waited for what, for how long, and the chain of waits that took longest. Pure: from a
 * snapshot and the timeline of the first start of each program to the JSON of `GET /api/v1/graph`.
 */
import { compareTiers, orderPrograms, type Tier, tierOf, tiersOf } from "../core/plan.ts";
import type { ProgramSnapshot, Snapshot } from "../core/snapshot.ts";
import { type Condition, namespec, type ProgramId } from "../core/spec.ts";
import type { StateName } from "../core/states.ts";

/** Seconds since tsinit started; null: not yet. */
export interface StartTimes {
  /** Asked to start, by the start sequence or somebody. */
  readonly wanted: number | null;
  readonly began: number | null;
  readonly running: number | null;
  readonly ready: number | null;
  /** Ended as wanted. */
  readonly done: number | null;
  /** Given up, for the first time. It may be up later, when somebody starts it. */
  readonly failed: number | null;
  /** How often it was started until it was up. */
  readonly tries: number;
}

export interface Timeline {
  readonly now: number;
  /** Seconds since 1970 of the timeline's 0. */
  readonly startedAt: number;
  /** When the start sequence was over. */
  readonly upAt: number | null;
  of(id: ProgramId): StartTimes | null;
}

/** `tier`: it was its turn only after this one, by their priorities. */
export interface Wait {
  readonly name: string;
  readonly for: Condition | "tier";
  /** When that was over; null: it still waits. */
  readonly until: number | null;
}

/** One program. Names are as in `status`; times are seconds since tsinit started, of the program's first start. */
export interface GraphNode {
  readonly name: string;
  readonly state: StateName;
  /** From 1, counted over all programs; a tier starts when the one before has settled. */
  readonly tier: number;
  readonly dependsOn: readonly { readonly name: string; readonly condition: Condition }[];
  readonly schedule: string | null;
  readonly wanted: number | null;
  readonly began: number | null;
  /** When it was what makes it up: `upAs`. */
  readonly up: number | null;
  readonly upAs: "running" | "ready" | "done";
  readonly failed: number | null;
  readonly tries: number;
  /** What kept it longest; null: nothing did. */
  readonly waitedFor: Wait | null;
  /** Why it does not start now, in the words of `status`; null: it does not wait. */
  readonly reason: string | null;
}

/** The answer of `GET /api/v1/graph`. */
export interface Graph {
  readonly now: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  /** When the start sequence was over; null: it is not. */
  readonly upAt: number | null;
  /** In the order in which they began; those that have not come last. */
  readonly programs: readonly GraphNode[];
  /**
   * Names, the last program to be up first; each waited for the next. While the start sequence is not over: from one that
   * still waits down to what everything waits for.
   */
  readonly criticalChain: readonly string[];
}

interface Entry {
  readonly program: ProgramSnapshot;
  readonly times: StartTimes;
  readonly tier: Tier;
}

const NO_TIMES: StartTimes = {
  wanted: null,
  began: null,
  running: null,
  ready: null,
  done: null,
  failed: null,
  tries: 0,
};

export function createGraph(snapshot: Snapshot, timeline: Timeline): Graph {
  const nodes = nodesOf(snapshot, timeline);
  const { now, startedAt, upAt } = timeline;
  const programs = nodes.toSorted(
    (a, b) => (a.began ?? Number.POSITIVE_INFINITY) - (b.began ?? Number.POSITIVE_INFINITY) || 0,
  );
  return { now, startedAt, upAt, programs, criticalChain: criticalChain(nodes, upAt) };
}

/** In the order of the plan. */
function nodesOf(snapshot: Snapshot, timeline: Timeline): GraphNode[] {
  const specs = orderPrograms(snapshot.programs.map(({ spec }) => spec));
  const tiers = tiersOf(specs);
  const programs = new Map(snapshot.programs.map((program) => [program.id, program]));
  const entries = new Map<ProgramId, Entry>();
  for (const spec of specs) {
    const program = programs.get(spec.id);
    if (program === undefined) continue;
    const tier = tiers.get(spec.id) ?? tierOf(spec);
    // A schedule has nothing to do with the start.
    const times = spec.schedule === null ? timeline.of(spec.id) : null;
    entries.set(spec.id, { program, times: times ?? NO_TIMES, tier });
  }
  const isGated = snapshot.startGate === "running";
  const nodes: GraphNode[] = [];
  let number = 0;
  let last: Tier | null = null;
  // What the tiers so far had to wait for: of this tier, and of all before it.
  let before: Wait | null = null;
  let current: Wait | null = null;
  for (const entry of entries.values()) {
    if (last === null || compareTiers(last, entry.tier) !== 0) {
      number++;
      before = current;
    }
    last = entry.tier;
    nodes.push(nodeOf(entry, number, entries, isGated ? before : null));
    if (isGate(entry)) current = later(current, gateOf(entry));
  }
  return nodes;
}

/** Whether later tiers wait for it. */
function isGate({ program: { spec, pending }, times }: Entry): boolean {
  return spec.kind !== "eventlistener" && spec.schedule === null && (times.wanted !== null || pending);
}

function gateOf(entry: Entry): Wait {
  const { failed, done } = entry.times;
  const [settled = null] = [upOf(entry), failed, done].filter((time) => time !== null).sort((a, b) => a - b);
  // What waits for something that has failed keeps nobody.
  const until = settled ?? (entry.program.stuck ? 0 : null);
  return { name: namespec(entry.program.spec), for: "tier", until };
}

/** The one that took longer; what is not over takes longest, and of those the one that depends on the others. */
function later(a: Wait | null, b: Wait | null): Wait | null {
  if (a === null || b === null) return a ?? b;
  if (a.until === null || b.until === null) return b.until === null ? b : a;
  return b.until > a.until ? b : a;
}

function upAsOf({ spec }: ProgramSnapshot): GraphNode["upAs"] {
  if (spec.type === "oneshot") return "done";
  return spec.ready === null ? "running" : "ready";
}

function upOf({ program, times }: Entry): number | null {
  return times[upAsOf(program)];
}

function nodeOf(
  entry: Entry,
  tier: number,
  entries: ReadonlyMap<ProgramId, Entry>,
  gate: Wait | null,
): GraphNode {
  const { program, times } = entry;
  const { spec, state, pending, description } = program;
  const name = (id: ProgramId): string => {
    const other = entries.get(id);
    return other === undefined ? id : namespec(other.program.spec);
  };
  const isWaiting = pending && times.began === null;
  let wait: Wait | null = null;
  for (const { id, condition } of spec.dependsOn) {
    const other = entries.get(id);
    const isMissing = isWaiting && (other === undefined || !holds(other.program, condition));
    const until = other === undefined || isMissing ? null : metAt(other, condition);
    wait = later(wait, { name: name(id), for: condition, until });
  }
  wait = later(wait, gate);
  return {
    name: namespec(spec),
    state: state.name,
    tier,
    dependsOn: spec.dependsOn.map(({ id, condition }) => ({ name: name(id), condition })),
    schedule: spec.schedule?.expression ?? null,
    wanted: times.wanted,
    began: times.began,
    up: upOf(entry),
    upAs: upAsOf(program),
    failed: times.failed,
    tries: times.tries,
    waitedFor: wait !== null && hasWaited(wait, times, isWaiting) ? wait : null,
    reason: pending && description !== "" ? description : null,
  };
}

/** What was over when it was first wanted, or came true after it had begun by somebody's hand, did not keep it. */
function hasWaited({ until }: Wait, { wanted, began }: StartTimes, isWaiting: boolean): boolean {
  if (until === null) return isWaiting;
  return began !== null && wanted !== null && until > wanted && until <= began;
}

/** Now. */
function holds(other: ProgramSnapshot, condition: Condition): boolean {
  if (other.done && (condition === "done" || other.spec.type === "oneshot")) return true;
  return condition === "started" ? other.state.name === "RUNNING" : condition === "ready" && other.ready;
}

/** For the first time. A oneshot that is done stands for one that was started or ready as well. */
function metAt({ program, times }: Entry, condition: Condition): number | null {
  if (condition === "done") return times.done;
  const reached = condition === "ready" && program.spec.ready !== null ? times.ready : times.running;
  if (program.spec.type !== "oneshot" || times.done === null) return reached;
  return reached === null ? times.done : Math.min(reached, times.done);
}

function criticalChain(nodes: readonly GraphNode[], upAt: number | null): string[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  if (upAt === null) {
    let longest: string[] = [];
    for (const node of nodes) {
      const isOnItsWay = node.up === null && node.failed === null && node.wanted !== null;
      const chain = isOnItsWay ? chainFrom(node, byName) : [];
      if (chain.length > longest.length) longest = chain;
    }
    return longest;
  }
  let head: GraphNode | null = null;
  for (const node of nodes) {
    const settled = node.up ?? node.failed;
    if (node.schedule !== null || settled === null || settled > upAt) continue;
    if (head === null || settled > (head.up ?? head.failed ?? 0)) head = node;
  }
  return head === null ? [] : chainFrom(head, byName);
}

/** The node, what it waited for, what that waited for … A circle, which the configuration does not let through, ends. */
export function chainFrom(
  node: Pick<GraphNode, "name" | "waitedFor">,
  byName: ReadonlyMap<string, Pick<GraphNode, "name" | "waitedFor">>,
): string[] {
  const chain: string[] = [];
  let at: Pick<GraphNode, "name" | "waitedFor"> | undefined = node;
  while (at !== undefined && !chain.includes(at.name)) {
    chain.push(at.name);
    at = at.waitedFor === null ? undefined : byName.get(at.waitedFor.name);
  }
  return chain;
}
