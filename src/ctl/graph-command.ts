/** `graph`: the start order with timings, what waited for what, and the critical chain, in 80 columns. tsinit's own. */
import { chainFrom, type Graph, type GraphNode } from "../api/graph.ts";
import { EXIT, type Session } from "./session.ts";

const NAME_WIDTH = 20;
const TIME_WIDTH = 10;
const STATE_WIDTH = 9;
const WIDTH = 80;
/** A tier of hundreds waits for the same. */
const MOST_CHAINS = 8;
/** A chain that is deeper is not indented any further. */
const MAX_INDENT = 30;

export async function graph(session: Session): Promise<void> {
  if (!(await session.isUp())) return;
  const { status, body } = await session.get("/api/v1/graph");
  if (status !== 200) {
    session.say(`Error: ${session.serverUrl} knows no graph (status ${status})`);
    session.exitCode = EXIT.GENERIC;
    return;
  }
  session.say(...renderGraph(JSON.parse(body) as Graph));
}

export function renderGraph(graph: Graph): string[] {
  const { now, upAt, programs, criticalChain } = graph;
  const byName = new Map(programs.map((node) => [node.name, node]));
  const render = (chain: readonly string[]): string[] =>
    chain.flatMap((name, depth) => {
      const node = byName.get(name);
      return node === undefined ? [] : [indent(depth) + renderLink(node, now)];
    });
  const sequence = upAt === null ? "is not over" : `took ${seconds(upAt)}`;
  const lines = [`tsinit started ${seconds(now)} ago; its start sequence ${sequence}.`, ""];
  lines.push(...programs.map((node) => renderRow(node, now)));
  if (upAt !== null && criticalChain.length > 0)
    lines.push("", "Critical chain (@ when it began to start, + until it was up):", ...render(criticalChain));
  const waiting = chainsOfWaiting(programs, byName);
  if (waiting.length > 0) lines.push("", "Waiting now:", ...waiting.slice(0, MOST_CHAINS).flatMap(render));
  if (waiting.length > MOST_CHAINS) lines.push(`… and ${waiting.length - MOST_CHAINS} more`);
  return lines.map((line) => line.trimEnd());
}

/** From each program that still waits and that no other waits for. */
function chainsOfWaiting(programs: readonly GraphNode[], byName: ReadonlyMap<string, GraphNode>): string[][] {
  const waiting = programs.filter(({ reason }) => reason !== null);
  const awaited = new Set(waiting.map(({ waitedFor }) => waitedFor?.name));
  return waiting.filter(({ name }) => !awaited.has(name)).map((node) => chainFrom(node, byName));
}

function renderRow(node: GraphNode, now: number): string {
  const began = node.began === null ? "-" : `@${seconds(node.began)}`;
  const took = tookOf(node, now);
  const cells = [
    cut(node.name, NAME_WIDTH).padEnd(NAME_WIDTH),
    began.padStart(TIME_WIDTH),
    (took === null ? "-" : `+${seconds(took)}`).padStart(TIME_WIDTH),
    ` ${stateOf(node).padEnd(STATE_WIDTH)}`,
  ];
  const left = WIDTH - NAME_WIDTH - 2 * TIME_WIDTH - STATE_WIDTH - 5;
  return `${cells.join(" ")} ${cut(noteOf(node, now), left)}`;
}

function noteOf(node: GraphNode, now: number): string {
  const { waitedFor: wait, wanted, began, reason, schedule, tries } = node;
  if (schedule !== null) return schedule;
  if (reason !== null && began === null)
    return `waits ${seconds(now - (wanted ?? now))}${wait === null ? "" : ` for ${wait.name}`}`;
  if (wait !== null && began !== null && wanted !== null)
    return `waited ${seconds(began - wanted)} for ${wait.name}`;
  return tries > 1 ? `${tries} tries` : "";
}

/** A line of a chain. */
function renderLink(node: GraphNode, now: number): string {
  const { name, began, up, failed, reason, wanted } = node;
  if (began === null) return `${name} ${seconds(now - (wanted ?? now))}, ${reason ?? node.state}`;
  const took = tookOf(node, now);
  const length = took === null ? "" : ` +${seconds(took)}`;
  if (reason !== null) return `${name} ${node.state}, ${reason}`;
  return `${name} @${seconds(began)}${length}${up === null || failed !== null ? ` ${node.state}` : ""}`;
}

/** From its first try until it was up or given up, or until now; null: it has not begun, or came down before it was up. */
function tookOf({ began, up, failed, state }: GraphNode, now: number): number | null {
  if (began === null) return null;
  const end = up ?? failed ?? (["STARTING", "BACKOFF", "RUNNING"].includes(state) ? now : null);
  return end === null ? null : end - began;
}

/** What it has become; where that is no longer so, the state of now. */
function stateOf({ state, up, upAs }: GraphNode): string {
  const isSo = up !== null && (upAs === "done" ? state === "EXITED" : state === "RUNNING");
  return isSo ? upAs : state;
}

function indent(depth: number): string {
  return depth === 0 ? "" : `${" ".repeat(Math.min((depth - 1) * 2, MAX_INDENT))}└─`;
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}

/** `0.021s`, `2min 03s`, `1h 02min`, `3d 04h`. */
export function seconds(value: number): string {
  const two = (number: number): string => String(number).padStart(2, "0");
  const whole = Math.floor(value);
  if (value < 60) return `${Math.max(0, value).toFixed(3)}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}min ${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${two(Math.floor(whole / 60) % 60)}min`;
  return `${Math.floor(whole / 86_400)}d ${two(Math.floor(whole / 3600) % 24)}h`;
}
