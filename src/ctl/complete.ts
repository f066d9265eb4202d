/** What the tab key offers (supervisord.md 14.1). Pure. */
import { formatName, type Info } from "./print.ts";

/** What a word of this command may be. */
type Kind = "action" | "group" | "process";

const KINDS: Readonly<Record<string, Kind>> = {
  help: "action",
  add: "group",
  remove: "group",
  update: "group",
  clear: "process",
  fg: "process",
  pid: "process",
  restart: "process",
  signal: "process",
  start: "process",
  status: "process",
  stop: "process",
  tail: "process",
};

/** The word at the end of the line; `:`, `*` and `-` belong to names. */
export function wordOf(line: string): string {
  return /[^\s`~!@#$%^&()=+[{\]}\\|;'",<>/?]*$/.exec(line)?.[0] ?? "";
}

/** What is asked for at the end of the line; null: nothing can be offered. */
export function kindAt(line: string): Kind | null {
  const words = line.trim().split(/\s+/);
  const isFirst = line.trim() === "" || (words.length === 1 && !/\s$/.test(line));
  if (isFirst) return "action";
  const action = words[0] ?? "";
  return Object.hasOwn(KINDS, action) ? (KINDS[action] ?? null) : null;
}

/** Every word that could stand there, a blank behind it; `infos` are of all programs. */
export function candidates(
  kind: Kind,
  word: string,
  actions: readonly string[],
  infos: readonly Info[],
): string[] {
  return [...new Set(words(kind, word, actions, infos))]
    .filter((each) => each.startsWith(word))
    .map((each) => `${each} `);
}

function words(kind: Kind, word: string, actions: readonly string[], infos: readonly Info[]): string[] {
  switch (kind) {
    case "action":
      return [...actions];
    case "group":
      return infos.map((info) => String(info["group"]));
    case "process":
      return infos.flatMap((info) => {
        const [group, name] = [String(info["group"]), String(info["name"])];
        // Once a colon is typed the long form is what is being written, also of a program alone in its group.
        const isLong = word.includes(":") || group !== name;
        return isLong ? [`${group}:${name}`, formatName(group, null)] : [name];
      });
  }
}
