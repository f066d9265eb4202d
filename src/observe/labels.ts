/** Labels as a series has them, `group="web",program="web"`; made once for each object. */
import type { Labels } from "./prom-client.ts";

const texts = new WeakMap<Labels, string>();

export function textOf(labels: Labels): string {
  let text = texts.get(labels);
  if (text === undefined) {
    text = Object.entries(labels)
      .map(([name, value]) => `${name}="${escapeValue(`${value}`)}"`)
      .join(",");
    texts.set(labels, text);
  }
  return text;
}

/** Both text formats want these three, and no others. */
function escapeValue(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
