/** supervisord's command line (supervisord.md 5.1): what a file would say under [supervisord], by option. */
import minimist from "minimist";

export type SupervisordOptions =
  | {
      readonly show: "run" | "help" | "version";
      readonly config: string | null;
      /** Keys of [supervisord] and their values; they beat the file. */
      readonly overrides: Record<string, string>;
    }
  | { readonly error: string };

/** Long name → short one. Flags switch on, the others take a value. */
const VALUES: Readonly<Record<string, string | null>> = {
  configuration: "c",
  user: "u",
  umask: "m",
  directory: "d",
  logfile: "l",
  logfile_maxbytes: "y",
  logfile_backups: "z",
  loglevel: "e",
  pidfile: "j",
  identifier: "i",
  childlogdir: "q",
  minfds: "a",
  minprocs: null,
  profile_options: null,
};
const FLAGS: Readonly<Record<string, string>> = {
  nodaemon: "n",
  silent: "s",
  help: "h",
  version: "v",
  nocleanup: "k",
  strip_ansi: "t",
};

/** getopt's way: options may be bundled (-nc FILE) and long ones shortened to a unique beginning. */
export function parseSupervisord(words: readonly string[]): SupervisordOptions {
  const spread = spreadShort(words);
  if ("error" in spread) return spread;
  const unknown: string[] = [];
  const aliases = Object.entries({ ...VALUES, ...FLAGS }).flatMap(([long, short]) =>
    short ? [[long, short]] : [],
  );
  const parsed = minimist(spread.words, {
    string: ["_", ...Object.keys(VALUES)],
    boolean: Object.keys(FLAGS),
    alias: Object.fromEntries(aliases),
    unknown: (word) => {
      unknown.push(word);
      return false;
    },
  });
  const strange = unknown.find((word) => word.startsWith("-"));
  if (strange !== undefined) return { error: `option ${strange} not recognized` };
  if (unknown.length > 0)
    return { error: `positional arguments are not supported: ['${unknown.join("', '")}']` };

  const overrides: Record<string, string> = {};
  for (const long of Object.keys(VALUES)) {
    const value: unknown = parsed[long];
    if (Array.isArray(value))
      return { error: `conflicting command line option '-${VALUES[long] ?? `-${long}`}'` };
    if (value === "") return { error: `option --${long} requires argument` };
    if (typeof value === "string" && long !== "configuration" && long !== "profile_options")
      overrides[long] = value;
  }
  for (const long of ["nodaemon", "silent", "nocleanup", "strip_ansi"])
    if (parsed[long] === true) overrides[long] = "true";
  const config: unknown = parsed["configuration"];
  return {
    show: parsed["help"] === true ? "help" : parsed["version"] === true ? "version" : "run",
    config: typeof config === "string" ? config : null,
    overrides,
  };
}

/** `-nc FILE` → `-n -c FILE`, `-lFILE` → `-l FILE`, `--conf=x` → `--configuration=x`, `-?` → `-h`. */
function spreadShort(words: readonly string[]): { words: string[] } | { error: string } {
  const takesValue = new Set(Object.values(VALUES));
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word.startsWith("--") && word.length > 2) {
      const [typed = "", ...value] = word.slice(2).split("=");
      const long = completeLong(typed);
      if (long === null) return { error: `option --${typed} not recognized` };
      if (value.length > 0) out.push(`--${long}=${value.join("=")}`);
      else if (Object.hasOwn(VALUES, long)) out.push(`--${long}=${words[++i] ?? ""}`);
      else out.push(`--${long}`);
      continue;
    }
    if (!word.startsWith("-") || word.length < 2) {
      out.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] === "?" ? "h" : (word[at] ?? "");
      const long = longOf(letter);
      if (long === null) return { error: `option -${letter} not recognized` };
      if (!takesValue.has(letter)) {
        out.push(`--${long}`);
        continue;
      }
      const attached = word.slice(at + 1);
      out.push(`--${long}=${attached !== "" ? attached : (words[++i] ?? "")}`);
      break;
    }
  }
  return { words: out };
}

function longOf(letter: string): string | null {
  for (const [long, short] of Object.entries({ ...VALUES, ...FLAGS })) if (short === letter) return long;
  return null;
}

function completeLong(typed: string): string | null {
  const names = [...Object.keys(VALUES), ...Object.keys(FLAGS)];
  if (names.includes(typed)) return typed;
  const matches = names.filter((name) => name.startsWith(typed));
  return matches.length === 1 ? (matches[0] ?? null) : null;
}
