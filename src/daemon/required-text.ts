/**
 * What every match of a regular expression has in it, as far as that is plain to see: a search for text is a thousand times
 * faster than V8's engine for linear time, which takes 70 ns a byte, and floods without it need not be searched any further.
 * Too little is always right here, too much never. Pure.
 */

/** Each match has one of these in it; null: nothing that helps. */
export type RequiredText = readonly string[] | null;

/** Escapes that are whole with one letter; after others more follows, which is no text. */
const CLASSES = "dDwWsSbB";
/** Of one or two bytes is found everywhere. */
const SHORTEST = 3;
/** Each is searched for by itself. */
const MOST = 8;

export function requiredText(pattern: string): RequiredText {
  const reader: Reader = { pattern, at: 0, isUnclear: false };
  const found = readAlternatives(reader);
  if (reader.isUnclear || reader.at < pattern.length || found === null) return null;
  return found.length > MOST || strength(found) < SHORTEST ? null : found;
}

interface Reader {
  readonly pattern: string;
  at: number;
  /** Something that this does not understand: then nothing of it is believed. */
  isUnclear: boolean;
}

/** Up to the end, or to the `)` of the group. */
function readAlternatives(reader: Reader): RequiredText {
  const all: string[] = [];
  let isSure = true;
  for (;;) {
    const found = readSequence(reader);
    if (found === null) isSure = false;
    else all.push(...found);
    if (reader.pattern[reader.at] !== "|") return isSure ? all : null;
    reader.at++;
  }
}

function readSequence(reader: Reader): RequiredText {
  const { pattern } = reader;
  let best: RequiredText = null;
  let run = "";
  const take = (found: RequiredText): void => {
    if (strength(found) > strength(best)) best = found;
  };
  const end = (): void => {
    if (run !== "") take([run]);
    run = "";
  };
  while (reader.at < pattern.length && !reader.isUnclear) {
    const char = pattern[reader.at] ?? "";
    if (char === "|" || char === ")") break;
    reader.at++;
    switch (char) {
      case "\\": {
        const escaped = pattern[reader.at++] ?? "";
        if (/[!-/:-@[-`{-~]/.test(escaped)) run += escaped;
        else if (CLASSES.includes(escaped)) end();
        else reader.isUnclear = true;
        break;
      }
      case "[":
        end();
        skipClass(reader);
        break;
      case "(": {
        end();
        const group = readGroup(reader);
        if (!/[?*{]/.test(pattern[reader.at] ?? "")) take(group);
        break;
      }
      case "?":
      case "*":
        run = run.slice(0, -1);
        end();
        break;
      case "{":
        run = run.slice(0, -1);
        end();
        reader.at += (/^\d+(?:,\d*)?\}/.exec(pattern.slice(reader.at))?.[0] ?? "").length;
        break;
      // Once at least, but who knows how often.
      case "+":
      case ".":
      case "^":
      case "$":
        end();
        break;
      default:
        if (/[ -~]/.test(char)) run += char;
        else end();
    }
  }
  end();
  return best;
}

/** After its `(`. */
function readGroup(reader: Reader): RequiredText {
  const kind = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(reader.pattern.slice(reader.at))?.[0];
  if (kind !== undefined) reader.at += kind.length;
  else if (reader.pattern[reader.at] === "?") reader.isUnclear = true;
  const found = readAlternatives(reader);
  if (reader.pattern[reader.at] === ")") reader.at++;
  else reader.isUnclear = true;
  return found;
}

/** After its `[`. */
function skipClass(reader: Reader): void {
  const { pattern } = reader;
  while (reader.at < pattern.length && pattern[reader.at] !== "]")
    reader.at += pattern[reader.at] === "\\" ? 2 : 1;
  reader.at++;
}

/** The length of the shortest. */
function strength(found: RequiredText): number {
  return found === null ? 0 : Math.min(...found.map((text) => text.length));
}
