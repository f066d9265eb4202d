/**
 * Python's shlex, as supervisord uses it: to split `command=` and to read `environment=` (supervisord.md 2.3,
 * 2.4).
 */
import { Invalid } from "./problems.ts";
import { quote } from "./text.ts";

interface Grammar {
  /** Quotes and backslashes mean what they mean in a shell; else quotes only delimit and stay in the word. */
  readonly posix: boolean;
  /** Every character but blanks and quotes belongs to a word; no comments. */
  readonly blanksOnly: boolean;
}

const BLANKS = " \t\r\n";
const QUOTES = "'\"";
const WORD = /^[A-Za-z0-9_/.+\-():]$/;
/** Latin-1 letters count as word characters in POSIX mode only. */
const LATIN = /^[\xc0-\xd6\xd8-\xf6\xf8-\xff]$/;

type LexState = "between" | "word" | "quoted" | "escaped";

/** shlex.read_token in a loop. Throws Invalid("No closing quotation") or Invalid("No escaped character"). */
function lex(text: string, grammar: Grammar): string[] {
  const { posix, blanksOnly } = grammar;
  const chars = Array.from(text);
  const tokens: string[] = [];
  let state: LexState = "between";
  let token = "";
  let wasQuoted = false;
  let mark = "";
  let outer: LexState = "word";
  let i = 0;
  const end = (): void => {
    if (token !== "" || (posix && wasQuoted)) tokens.push(token);
    token = "";
    wasQuoted = false;
    state = "between";
  };
  const isWord = (char: string): boolean => blanksOnly || WORD.test(char) || (posix && LATIN.test(char));
  const skipComment = (): void => {
    while (i < chars.length && chars[i] !== "\n") i++;
    i++;
  };
  while (i < chars.length) {
    const char = chars[i++] ?? "";
    if (state === "quoted") {
      wasQuoted = true;
      if (char === mark) {
        if (posix) state = "word";
        else {
          token += char;
          end();
        }
      } else if (posix && char === "\\" && mark === '"') {
        outer = "quoted";
        state = "escaped";
      } else token += char;
    } else if (state === "escaped") {
      // Within quotes a backslash only escapes itself and the quote.
      if (outer === "quoted" && char !== "\\" && char !== mark) token += "\\";
      token += char;
      state = outer;
    } else if (BLANKS.includes(char)) {
      end();
    } else if (char === "#" && !blanksOnly) {
      skipComment();
      if (posix || state === "between") end();
    } else if (posix && char === "\\") {
      outer = "word";
      state = "escaped";
    } else if (QUOTES.includes(char) && (posix || state === "between")) {
      if (!posix) token = char;
      mark = char;
      state = "quoted";
    } else if (isWord(char) || (state === "word" && QUOTES.includes(char))) {
      token += char;
      state = "word";
    } else {
      end();
      tokens.push(char);
    }
  }
  if (state === "quoted") throw new Invalid("No closing quotation");
  if (state === "escaped") throw new Invalid("No escaped character");
  end();
  return tokens;
}

/**
 * `shlex.split`: the words of a command, as a shell would split them, without its other meanings. Throws
 * Invalid.
 */
export function splitCommand(command: string): string[] {
  return lex(command, { posix: true, blanksOnly: true });
}

/** The command for messages: as it was written where variables were put into it, which may be secrets. */
export function shownCommand(command: string, written: string): string {
  return written.includes("%(ENV_") ? written : command;
}

/**
 * The words, or supervisord's words for a command that cannot be run: found when it is started, not at load. `written`: before
 * variables were put into it.
 */
export function parseCommand(
  command: string,
  written = command,
): { readonly argv: string[]; readonly error: string | null } {
  try {
    const argv = splitCommand(command);
    return argv.length === 0 ? { argv, error: "command is empty" } : { argv, error: null };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return {
      argv: [],
      error: `can't parse command ${quote(shownCommand(command, written))}: ${error.message}`,
    };
  }
}

/** `shlex.join`: a command line that splits into these words again. */
export function joinCommand(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`))
    .join(" ");
}

/**
 * `KEY=VALUE,KEY2="quoted, value"`: tokens in steps of four, any token may separate. The quoting is POSIX, as
 * in supervisord 4.4 (`A="x\"y"`, `A=a"b c"d`); a text that only the older, non-POSIX reading accepts
 * (`A=it's`, `DIR="C:\tmp\"`) is read that way, so that what works under 4.2.5 goes on working. Last
 * assignment of a key wins. Throws Invalid; the message has no values in it, for they may be secrets.
 */
export function parseEnvironment(text: string): Map<string, string> {
  try {
    return asPosix(text);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    try {
      return asBefore(text);
    } catch (legacy) {
      if (!(legacy instanceof Invalid)) throw legacy;
      throw error;
    }
  }
}

function asPosix(text: string): Map<string, string> {
  return pairs(lex(text, { posix: true, blanksOnly: false }), (value) => value);
}

function asBefore(text: string): Map<string, string> {
  return pairs(lex(text, { posix: false, blanksOnly: false }), stripQuotes);
}

/** Whether supervisord 4.2 reads this `environment=` too, and as something else: quotes within quotes, `\\` in them. */
export function isReadAnew(text: string): boolean {
  try {
    const [now, before] = [asPosix(text), asBefore(text)];
    return now.size !== before.size || [...now].some(([name, value]) => before.get(name) !== value);
  } catch (error) {
    if (error instanceof Invalid) return false;
    throw error;
  }
}

function pairs(tokens: readonly string[], clean: (value: string) => string): Map<string, string> {
  const out = new Map<string, string>();
  let last = "";
  for (let i = 0; i < tokens.length; i += 4) {
    const [key, equals, value] = tokens.slice(i, i + 3);
    if (key === undefined || equals !== "=" || value === undefined) {
      const after = last === "" ? "at its start" : `after ${last}=…`;
      throw new Invalid(`Unexpected end of key/value pairs in value, ${after}`);
    }
    if (key === "" || key.includes("=")) throw new Invalid(`'${key}' cannot be the name of a variable`);
    out.set(key, clean(value));
    last = key;
  }
  return out;
}

/** `str.strip("'\"")`. */
function stripQuotes(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && QUOTES.includes(value[start] ?? "")) start++;
  while (end > start && QUOTES.includes(value[end - 1] ?? "")) end--;
  return value.slice(start, end);
}

/**
 * The value of `command=` when quotes protect ` ;` and ` #`: each line is cut at the first comment mark that
 * follows a blank and stands outside quotes. null when a quote stays open, for then nothing shows what was
 * meant.
 */
export function uncutCommand(lines: readonly string[]): string | null {
  let mark = "";
  const out: string[] = [];
  for (const line of lines) {
    let kept = "";
    for (let i = 0; i < line.length; i++) {
      const char = line[i] ?? "";
      if (mark === "" && (char === ";" || char === "#") && (i === 0 || BLANKS.includes(line[i - 1] ?? "")))
        break;
      kept += char;
      if (char === "\\" && mark !== "'") {
        kept += line[i + 1] ?? "";
        i++;
      } else if (mark === "" && QUOTES.includes(char)) mark = char;
      else if (char === mark) mark = "";
    }
    out.push(kept.trimEnd());
  }
  return mark === "" ? out.join("\n").trimEnd() : null;
}
