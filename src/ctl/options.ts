/** The client's own options, before the command (supervisord.md 14.1). */
import minimist from "minimist";

export interface CtlOptions {
  readonly configFile: string | null;
  readonly serverUrl: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly historyFile: string | null;
  readonly interactive: boolean;
  readonly help: boolean;
  /** The command and its arguments. */
  readonly words: readonly string[];
}

const VALUES = {
  configuration: "c",
  serverurl: "s",
  username: "u",
  password: "p",
  "history-file": "r",
} as const;
const FLAGS = { interactive: "i", help: "h" } as const;

/** The options, or what is wrong with them. */
export function parseCtlOptions(argv: readonly string[]): CtlOptions | { readonly error: string } {
  const unknown: string[] = [];
  let parsed: minimist.ParsedArgs;
  try {
    parsed = minimist(separate(argv), {
      string: ["_", ...Object.keys(VALUES)],
      boolean: Object.keys(FLAGS),
      alias: { ...VALUES, ...FLAGS },
      stopEarly: true,
      unknown: (word) => {
        if (word.startsWith("-")) unknown.push(word);
        return !word.startsWith("-");
      },
    });
  } catch {
    // minimist stumbles over names that every object has (--toString).
    return { error: "option not recognized" };
  }
  const help = unknown.includes("-?") || parsed["help"] === true;
  const stranger = unknown.find((word) => word !== "-?");
  if (stranger !== undefined) return { error: `option ${stranger} not recognized` };
  const values: Partial<Record<keyof typeof VALUES, string>> = {};
  for (const [name, letter] of Object.entries(VALUES)) {
    // Given twice, the last one counts.
    const value: unknown = [parsed[name]].flat().at(-1);
    if (value === "") return { error: `option -${letter} requires argument` };
    if (typeof value === "string") values[name as keyof typeof VALUES] = value;
  }
  return {
    configFile: values.configuration ?? null,
    serverUrl: values.serverurl ?? null,
    username: values.username ?? null,
    password: values.password ?? null,
    historyFile: values["history-file"] ?? null,
    interactive: parsed["interactive"] === true,
    help,
    words: parsed._,
  };
}

/** `-cFILE` → `-c FILE`: minimist would take it for five flags. Only before the command. */
function separate(argv: readonly string[]): string[] {
  const letters: readonly string[] = Object.values(VALUES);
  const result: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-") || word === "--") return [...result, ...argv.slice(at)];
    const letter = word[1] ?? "";
    const takesValue = letters.includes(letter) || word.slice(2) in VALUES;
    if (letters.includes(letter) && word.length > 2) result.push(`-${letter}`, word.slice(2));
    else if (takesValue && at + 1 < argv.length) result.push(word, argv[++at] ?? "");
    else result.push(word);
  }
  return result;
}
