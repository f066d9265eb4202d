/**
 * Whether a text is one JSON object, and where its members are. Nothing is built: members are passed on to the letter, so a
 * number keeps all its digits and `__proto__` is a name like any other. Stricter than JSON in two things that readers of logs
 * choke on (Python's json among them): deep nesting and numbers of a thousand digits make it no object. Pure.
 */

/** Levels of objects and arrays, the outermost included. */
export const DEEPEST = 64;
export const LONGEST_NUMBER = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** No place in the text. */
const INVALID = -1;
/** Offsets kept of each member: of its key, with quotes, and of its value. */
const OFFSETS = 4;

/** The members of the object that was read last; one is used for many texts. */
export class ObjectScan {
  count = 0;
  text = "";
  readonly #offsets: number[] = [];

  /** False: the text is not one object, white space around it allowed. */
  read(text: string): boolean {
    this.count = 0;
    const start = skipBlanks(text, 0);
    if (text.charCodeAt(start) !== OPEN_BRACE) return false;
    const end = endOfObject(text, start, 1, this);
    if (end === INVALID || skipBlanks(text, end) !== text.length) return false;
    this.text = text;
    return true;
  }

  /** Lets go of the text: it is a part of a whole chunk. */
  forget(): void {
    this.text = "";
  }

  /** Only for the reader. */
  add(key: number, keyEnd: number, value: number, valueEnd: number): void {
    const at = this.count++ * OFFSETS;
    const offsets = this.#offsets;
    offsets[at] = key;
    offsets[at + 1] = keyEnd;
    offsets[at + 2] = value;
    offsets[at + 3] = valueEnd;
  }

  /** Where a member begins and ends in the text. */
  start(index: number): number {
    return this.#offsets[index * OFFSETS] ?? 0;
  }

  end(index: number): number {
    return this.#offsets[index * OFFSETS + 3] ?? 0;
  }

  /** The key as it is written, with its quotes. */
  rawKey(index: number): string {
    return this.text.slice(this.start(index), this.#offsets[index * OFFSETS + 1]);
  }

  hasRawKey(index: number, raw: string): boolean {
    const at = index * OFFSETS;
    const start = this.#offsets[at] ?? 0;
    return (this.#offsets[at + 1] ?? 0) - start === raw.length && this.text.startsWith(raw, start);
  }

  /** `"key":value` as it is written. */
  member(index: number): string {
    return this.text.slice(this.start(index), this.end(index));
  }

  /** The value as it is written. */
  value(index: number): string {
    return this.text.slice(this.#offsets[index * OFFSETS + 2], this.end(index));
  }

  isObject(index: number): boolean {
    return this.text.charCodeAt(this.#offsets[index * OFFSETS + 2] ?? 0) === OPEN_BRACE;
  }
}

/** The name that a key as it is written means. */
export function parseKey(raw: string): string {
  return raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  for (; ; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && code !== 0x0d && code !== 0x0a) return at;
  }
}

/** Where the object that begins at `start` ends. */
function endOfObject(text: string, start: number, depth: number, scan: ObjectScan | null): number {
  if (depth > DEEPEST) return INVALID;
  let at = skipBlanks(text, start + 1);
  if (text.charCodeAt(at) === CLOSE_BRACE) return at + 1;
  for (;;) {
    const keyEnd = endOfString(text, at);
    if (keyEnd === INVALID) return INVALID;
    const colon = skipBlanks(text, keyEnd);
    if (text.charCodeAt(colon) !== COLON) return INVALID;
    const value = skipBlanks(text, colon + 1);
    const valueEnd = endOfValue(text, value, depth);
    if (valueEnd === INVALID) return INVALID;
    scan?.add(at, keyEnd, value, valueEnd);
    at = skipBlanks(text, valueEnd);
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACE) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipBlanks(text, at + 1);
  }
}

function endOfArray(text: string, start: number, depth: number): number {
  if (depth > DEEPEST) return INVALID;
  let at = skipBlanks(text, start + 1);
  if (text.charCodeAt(at) === CLOSE_BRACKET) return at + 1;
  for (;;) {
    const end = endOfValue(text, at, depth);
    if (end === INVALID) return INVALID;
    at = skipBlanks(text, end);
    const code = text.charCodeAt(at);
    if (code === CLOSE_BRACKET) return at + 1;
    if (code !== COMMA) return INVALID;
    at = skipBlanks(text, at + 1);
  }
}

function endOfValue(text: string, at: number, depth: number): number {
  const code = text.charCodeAt(at);
  if (code === QUOTE) return endOfString(text, at);
  if (code === OPEN_BRACE) return endOfObject(text, at, depth + 1, null);
  if (code === OPEN_BRACKET) return endOfArray(text, at, depth + 1);
  if (code === MINUS || isDigit(code)) return endOfNumber(text, at);
  for (const word of ["true", "false", "null"]) if (text.startsWith(word, at)) return at + word.length;
  return INVALID;
}

function endOfString(text: string, start: number): number {
  if (text.charCodeAt(start) !== QUOTE) return INVALID;
  for (let at = start + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) {
      at = endOfEscape(text, at + 1);
      if (at === INVALID) return INVALID;
    } else if (!(code >= 0x20)) return INVALID; // a control character, or NaN: the end of the text
  }
}

/** The last character of the escape whose letter is at `at`. */
function endOfEscape(text: string, at: number): number {
  const letter = text.charAt(at);
  if (letter !== "u") return letter !== "" && '"\\/bfnrt'.includes(letter) ? at : INVALID;
  for (let digit = at + 1; digit <= at + 4; digit++)
    if (!isHexadecimal(text.charCodeAt(digit))) return INVALID;
  return at + 4;
}

function endOfNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
  at = text.charCodeAt(at) === ZERO ? at + 1 : endOfDigits(text, at);
  if (at !== INVALID && text.charCodeAt(at) === DOT) at = endOfDigits(text, at + 1);
  const letter = at === INVALID ? "" : text.charAt(at);
  if (letter === "e" || letter === "E") {
    const sign = text.charAt(at + 1);
    at = endOfDigits(text, sign === "+" || sign === "-" ? at + 2 : at + 1);
  }
  return at - start > LONGEST_NUMBER ? INVALID : at;
}

/** At least one. */
function endOfDigits(text: string, start: number): number {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  return at === start ? INVALID : at;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isHexadecimal(code: number): boolean {
  const lower = code | 0x20;
  return isDigit(code) || (lower >= 0x61 && lower <= 0x66);
}

const HALF =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g;

/**
 * The text of an object with what is allowed between its tokens or by its escapes, and is no good in a line: CR is a blank,
 * half a surrogate pair is U+FFFD. No length changes, so offsets stay.
 */
export function tidyObject(text: string): string {
  const blank = text.includes("\r") ? text.replaceAll("\r", " ") : text;
  if (!/\\u[dD][89a-fA-F]/.test(blank)) return blank;
  return blank.replace(HALF, (found) => (/^\\u[dD][89a-fA-F]..$/.test(found) ? "\\ufffd" : found));
}
