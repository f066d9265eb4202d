/** tsinit's own command line: `-c FILE`, for `check` also `--format` and `--verbose`, and the words that follow. */
import minimist from "minimist";

/** A command line that makes no sense: told in one line, exit code 2. */
export class UsageError extends Error {}

export interface Options {
  readonly config: string | null;
  readonly rest: string[];
}

export interface CheckOptions {
  readonly config: string | null;
  readonly format: "text" | "json";
  /** Also what is as with supervisord. */
  readonly verbose: boolean;
}

/** `-c FILE` and `--`; with `stopEarly` everything from the first other word on belongs to the command. */
export function parseOptions(argv: readonly string[], stopEarly = true): Options {
  const parsed = parse(argv, [], stopEarly);
  return { config: configOf(parsed), rest: parsed._ };
}

/** A word too many is an error: `tsinit check FILE` must not pass for having checked another file. */
export function parseCheckOptions(argv: readonly string[]): CheckOptions {
  const parsed = parse(argv, ["format"], false, ["verbose"]);
  const [word] = parsed._;
  if (word !== undefined)
    throw new UsageError(`check takes no argument ${word}; a file is named with -c FILE`);
  const format: unknown = parsed["format"] ?? "text";
  if (format !== "text" && format !== "json")
    throw new UsageError(`--format: ${String(format)} is not a format, expected text or json`);
  return { config: configOf(parsed), format, verbose: parsed["verbose"] === true };
}

function parse(
  argv: readonly string[],
  more: readonly string[],
  stopEarly: boolean,
  flags: readonly string[] = [],
): minimist.ParsedArgs {
  const unknown: string[] = [];
  let parsed: minimist.ParsedArgs;
  try {
    parsed = minimist([...argv], {
      string: ["_", "configuration", ...more],
      boolean: [...flags],
      alias: { configuration: ["c", "config"] },
      stopEarly,
      unknown: (word) => {
        if (!word.startsWith("-")) return true;
        unknown.push(word);
        return false;
      },
    });
  } catch (error) {
    // minimist stumbles over option names that every object has (--toString).
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (unknown.length > 0) throw new UsageError(`option ${unknown[0]} not recognized`);
  return parsed;
}

function configOf(parsed: minimist.ParsedArgs): string | null {
  const config: unknown = parsed["configuration"];
  if (Array.isArray(config)) throw new UsageError("conflicting command line option '-c'");
  if (config === "") throw new UsageError("option -c requires argument: the path of a configuration file");
  return typeof config === "string" ? config : null;
}
