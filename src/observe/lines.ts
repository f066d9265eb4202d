/** The lines of a family as Prometheus reads them, `name{group="web",program="web"} 1`. */

/** A label as a line has it: `program="web"`. */
export function labelText(name: string, value: string): string {
  return `${name}="${escapeValue(value)}"`;
}

/** Both text formats want these three, and no others. */
function escapeValue(value: string): string {
  // Not by a regular expression, which would have to be compiled first.
  if (!value.includes("\\") && !value.includes("\n") && !value.includes('"')) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/**
 * The lines of one program with one more label, but for its own labels: what stands before, between and after these. Programs
 * whose lines are alike share the texts, and `join` writes all lines of one in a single step: in a first scrape, which no
 * compiler has seen yet, steps are what costs.
 */
export function linesWithout(
  family: string,
  samples: readonly (readonly [label: string, value: number])[],
): readonly string[] {
  if (samples.length === 0) return [];
  const begin = `${family}{`;
  const ends = samples.map(([label, value]) => `,${label}} ${value}\n`);
  return [begin, ...ends.slice(0, -1).map((end) => end + begin), ...ends.slice(-1)];
}
