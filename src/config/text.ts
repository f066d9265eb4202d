/**
 * Small text tools with Python's meaning: what counts as blank, how a string is shown, which string comes
 * first.
 */

/** `str.isspace()`; differs from JavaScript's \s in \x1c-\x1f and \x85 (yes) and U+FEFF (no). */
const BLANK = /[\t\n\v\f\r\x1c-\x1f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export function isBlank(char: string | undefined): boolean {
  if (char === undefined) return false;
  const code = char.charCodeAt(0);
  // Nearly every character is one of these; the expression costs a hundred times as much.
  return code > 0x20 && code < 0x85 ? false : BLANK.test(char);
}

/** `str.strip()`. A loop, for a regular expression anchored at the end is quadratic in runs of blanks. */
export function strip(text: string): string {
  let start = 0;
  while (start < text.length && isBlank(text[start])) start++;
  return stripEnd(text.slice(start));
}

/** `str.rstrip()`. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text[end - 1])) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** How many leading characters are blank. */
export function indentOf(text: string): number {
  let start = 0;
  while (start < text.length && isBlank(text[start])) start++;
  return start;
}

/** `str.split()`: words between runs of blanks. */
export function splitBlanks(text: string): string[] {
  const words: string[] = [];
  let word = "";
  for (const char of text) {
    if (!isBlank(char)) word += char;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  if (word !== "") words.push(word);
  return words;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** `repr(str)`. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  let out = "";
  for (const char of text) {
    const escaped = ESCAPES[char];
    if (escaped !== undefined) out += escaped;
    else if (char === mark) out += `\\${char}`;
    else if (!isPrintableAscii(char) && /[\p{C}\p{Z}]/u.test(char))
      out += hexEscape(char.codePointAt(0) ?? 0);
    else out += char;
  }
  return mark + out + mark;
}

/** Most characters; asking Unicode for its classes takes a third of a millisecond, the first time. */
function isPrintableAscii(char: string): boolean {
  return char >= " " && char <= "~";
}

function hexEscape(code: number): string {
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/**
 * By code point, as Python orders strings; JavaScript's `<` puts U+E000 to U+FFFF after the astral planes.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
  }
  return a.length - b.length;
}

/** The candidate with the smallest edit distance to `word`, or null when none is close enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  if (word.length > 64) return null;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance && distance < Math.max(word.length, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
