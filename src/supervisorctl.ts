/** supervisorctl's command line, before the command (supervisord.md 14.1). */

import { quote } from "./ctl/errors.ts";
import type { CtlOptions } from "./ctl/main.ts";
import { isUrl } from "./ctl/server-url.ts";
import { type Grammar, getopt } from "./getopt.ts";
import { UsageError } from "./options.ts";

type Name = "help" | "configuration" | "interactive" | "serverurl" | "username" | "password" | "history_file";

/** By every way to write it; flags take no value. supervisorctl's help says history-file, its parser history_file. */
const NAMES: Readonly<Record<string, Name>> = {
  "-h": "help",
  "-?": "help",
  "--help": "help",
  "-c": "configuration",
  "--configuration": "configuration",
  "-i": "interactive",
  "--interactive": "interactive",
  "-s": "serverurl",
  "--serverurl": "serverurl",
  "-u": "username",
  "--username": "username",
  "-p": "password",
  "--password": "password",
  "-r": "history_file",
  "--history_file": "history_file",
  "--history-file": "history_file",
};
const FLAGS: readonly Name[] = ["help", "interactive"];

const GRAMMAR: Grammar = { short: written(/^-(.)$/), long: written(/^--(.+)$/) };

function written(shape: RegExp): Map<string, "flag" | "value"> {
  const found = new Map<string, "flag" | "value">();
  for (const [text, name] of Object.entries(NAMES)) {
    const key = shape.exec(text)?.[1];
    if (key !== undefined) found.set(key, FLAGS.includes(name) ? "flag" : "value");
  }
  return found;
}

/** Refused in supervisorctl's order and words. Throws UsageError. */
export function parseSupervisorctl(words: readonly string[]): CtlOptions {
  const { options, rest } = getopt(words, GRAMMAR);
  const given = new Map<Name, string>();
  for (const [written, value] of options) {
    const name = NAMES[written] ?? "help";
    if (name === "serverurl" && !isUrl(value))
      throw new UsageError(
        `invalid value for ${written} ${quote(value)}: value ${quote(value)} is not a URL`,
      );
    if (given.has(name)) throw new UsageError(`conflicting command line option ${quote(written)}`);
    given.set(name, value);
    // What comes after it is not looked at.
    if (name === "help") break;
  }
  return {
    configFile: given.get("configuration") ?? null,
    serverUrl: given.get("serverurl") ?? null,
    username: given.get("username") ?? null,
    password: given.get("password") ?? null,
    historyFile: given.get("history_file") ?? null,
    interactive: given.has("interactive"),
    help: given.has("help"),
    words: rest,
  };
}
