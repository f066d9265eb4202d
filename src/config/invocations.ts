/** What a `command=` really runs: through a shell's script, env, gosu and their like. For advice: it guesses, and never runs anything. */

export interface Invocation {
  /** The last part of the program's path: `nginx`, `python3.11`. */
  readonly name: string;
  readonly args: readonly string[];
}

const SHELLS = new Set(["sh", "bash", "dash", "ash", "zsh"]);
/** Wrappers that run the rest of their words; those that take a word of their own first. */
const WRAPPERS = new Set([
  "exec",
  "nohup",
  "command",
  "time",
  "tini",
  "dumb-init",
  "catatonit",
  "setsid",
  "unbuffer",
]);
const WRAPPERS_WITH_WORD = new Set(["gosu", "su-exec", "chpst", "pidproxy"]);
const RUNNERS = new Set(["uv", "poetry", "pipenv", "pdm", "hatch"]);

/** The script of `sh -c SCRIPT`; null when the command is no such thing. */
export function shellScript(argv: readonly string[]): string | null {
  const { name, args } = unwrap(argv);
  if (!SHELLS.has(name)) return null;
  const flag = args.findIndex((word) => /^-[a-z]*c$/.test(word));
  return flag < 0 ? null : (args[flag + 1] ?? null);
}

/** The commands of a script, as words; quotes keep a separator from being one. */
export function scriptCommands(script: string): string[][] {
  const commands: string[][] = [[]];
  for (const match of script.matchAll(
    /&&|\|\||[;|&\n]|(?:"(?:\\.|[^"])*"|'[^']*'|`[^`]*`|\\.|[^\s;|&"'`\\])+/gs,
  )) {
    const [word] = match;
    if (/^(?:&&|\|\||[;|&\n])$/.test(word)) commands.push([]);
    else commands.at(-1)?.push(word.replace(/^(["'])(.*)\1$/s, "$2"));
  }
  return commands.filter((words) => words.length > 0);
}

/** Everything that the command runs, as far as its words tell. */
export function invocations(argv: readonly string[]): Invocation[] {
  const script = shellScript(argv);
  return script === null ? [unwrap(argv)] : scriptCommands(script).map(unwrap);
}

/** Without what only leads to the program: `env A=1 gosu app python -m celery worker` is `celery worker`. */
export function unwrap(argv: readonly string[]): Invocation {
  let rest = argv;
  for (;;) {
    const name = baseName(rest[0] ?? "");
    const next = skipWrapper(name, rest.slice(1));
    if (next === null || next.length === 0) return { name, args: rest.slice(1) };
    rest = next;
  }
}

function skipWrapper(name: string, args: readonly string[]): readonly string[] | null {
  if (name.includes("=")) return args;
  if (name === "env")
    return args.slice(countWhile(args, (word) => word.startsWith("-") || word.includes("=")));
  if (name === "nice" || name === "ionice")
    return args.slice(countWhile(args, (word) => word.startsWith("-") || /^\d+$/.test(word)));
  if (WRAPPERS.has(name)) return args.slice(countWhile(args, (word) => word.startsWith("-")));
  if (WRAPPERS_WITH_WORD.has(name)) return args.slice(1);
  if (RUNNERS.has(name) && args[0] === "run") return args.slice(1);
  const module = args.indexOf("-m");
  if (
    /^python[\d.]*$/.test(name) &&
    module >= 0 &&
    args.slice(0, module).every((word) => word.startsWith("-"))
  )
    return args.slice(module + 1);
  return null;
}

function countWhile(words: readonly string[], test: (word: string) => boolean): number {
  const end = words.findIndex((word) => !test(word));
  return end < 0 ? words.length : end;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
