/** Field by field: equal, or different in the name of a listed difference and then as that says on both sides. */
import assert from "node:assert/strict";
import { type Observed, observedOf } from "./differences.ts";
import type { Differs, Seen } from "./scenario.ts";
import { isList } from "./side.ts";

/** Fails with what is seen where. An explanation that explains nothing fails too. */
export function compare(label: string, theirs: Seen, ours: Seen, differs: Differs | undefined): void {
  const [left, right] = [flatten(theirs), flatten(ours)];
  const rules = rulesOf(differs);
  const used = new Set<string>();
  const unexplained: string[] = [];
  for (const path of [...new Set([...left.keys(), ...right.keys()])]) {
    const [their, our] = [left.get(path) ?? "absent", right.get(path) ?? "absent"];
    const rule = rules.find(([, pattern]) => pattern.test(path));
    if (their === our) continue;
    const where = path === "" ? label : `${label}: ${path}`;
    if (rule === undefined) {
      unexplained.push(`${path}\n  supervisord: ${their}\n  tsinit:      ${our}`);
      continue;
    }
    const [reference, , observed] = rule;
    assert.match(readable(their), observed.supervisord, `${where}: supervisord, by ${reference}`);
    assert.match(readable(our), observed.tsinit, `${where}: tsinit, by ${reference}`);
    used.add(reference);
  }
  if (unexplained.length > 0)
    assert.fail(`${label}: no listed difference explains\n${unexplained.join("\n")}`);
  for (const [reference] of rules)
    assert.ok(used.has(reference), `${label}: it does not differ; ${reference} is not shown by it`);
}

function rulesOf(differs: Differs | undefined): [reference: string, path: RegExp, observed: Observed][] {
  if (differs === undefined) return [];
  const rules = typeof differs === "string" ? { [differs]: /(?:)/ } : differs;
  return Object.entries(rules).map(([reference, path]) => [reference, path, observedOf(reference)]);
}

/** Path → what is there: as JSON, so that 1 is not "1"; text by line. */
function flatten(seen: Seen, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof seen === "string" && seen.includes("\n")) return flatten(seen.split("\n"), path, into);
  if (seen === null || typeof seen !== "object") return into.set(path, JSON.stringify(seen));
  const entries = isList(seen) ? seen.map((each, at) => [String(at), each] as const) : Object.entries(seen);
  if (entries.length === 0) into.set(path, isList(seen) ? "[]" : "{}");
  for (const [name, each] of entries) flatten(each, path === "" ? name : `${path}.${name}`, into);
  return into;
}

/** Strings as they are, so that patterns are written for their lines. */
function readable(json: string): string {
  return json.startsWith('"') ? String(JSON.parse(json)) : json;
}
