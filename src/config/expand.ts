/**
 * Python's `text % mapping`, as supervisord expands every value, with its error messages (supervisord.md
 * 2.2).
 */
import { Invalid } from "./problems.ts";
import { compareText, quote } from "./text.ts";

/** The names that a value may use; `ENV_X` for variables. A child scope hides its parent's names. */
export class Names {
  readonly #own: ReadonlyMap<string, string | number>;
  readonly #parent: Names | null;

  constructor(own: ReadonlyMap<string, string | number>, parent: Names | null = null) {
    this.#own = own;
    this.#parent = parent;
  }

  get(name: string): string | number | undefined {
    return this.#own.get(name) ?? this.#parent?.get(name);
  }

  /** Sorted, without repetition. */
  list(): string[] {
    return [...new Set([...this.#own.keys(), ...(this.#parent?.list() ?? [])])].sort(compareText);
  }

  with(own: Readonly<Record<string, string | number>>): Names {
    return new Names(new Map(Object.entries(own)), this);
  }

  /** `A` → `ENV_A`. Of a name that is there twice the first counts, as for getenv. */
  withVariables(variables: Iterable<readonly [string, string]>): Names {
    const own = new Map<string, string>();
    for (const [name, value] of variables) if (!own.has(`ENV_${name}`)) own.set(`ENV_${name}`, value);
    return own.size === 0 ? this : new Names(own, this);
  }
}

interface Spec {
  readonly name: string | null;
  readonly flags: string;
  readonly width: number;
  readonly precision: number | null;
  readonly conversion: string;
  /** Code point index of the conversion character. */
  readonly at: number;
}

/** Python's own words for a malformed format. */
class BadFormat extends Error {}

/** A field wider than this is a mistake, and building it would take the memory of the container. */
const WIDTH_LIMIT = 100_000;

/**
 * Expands `%(name)s`, `%(name)02d` …, `%%`. A bare `%s` is refused, where Python would print every variable.
 * `label` is how supervisord names the value (`program:web.command`); `secret` keeps the value out of the
 * message. Throws Invalid.
 */
export function expand(text: string, names: Names, label: string, secret = false): string {
  if (!text.includes("%")) return text;
  const shown = secret ? "(value not shown)" : quote(text);
  try {
    return format(text, names);
  } catch (error) {
    if (error instanceof UnknownName) {
      const missing = error.message;
      const known = names.list().join(", ");
      const hint = missing.startsWith("ENV_")
        ? `; expected a variable that is set: ${missing.slice(4)} is not in the environment`
        : "; expected one of these names, or %% for a percent sign";
      throw new Invalid(
        `Format string ${shown} for ${quote(label)} contains names (${quote(missing)}) which cannot ` +
          `be expanded. ` +
          `Available names: ${known}${hint}`,
      );
    }
    if (!(error instanceof BadFormat)) throw error;
    throw new Invalid(
      `Format string ${shown} for ${quote(label)} is badly formatted: ${error.message}; ` +
        "expected %(name)s, or %% for a percent sign",
    );
  }
}

/**
 * For the values that supervisord expands twice (log file names; `[supervisord] environment` in 4.2.5), where
 * a literal `%` must be written `%%%%`. Later versions expand once; a text that the second pass refuses is
 * taken as it is after the first, so both ways of writing it work.
 */
export function expandTwice(text: string, names: Names, label: string, secret = false): string {
  const once = expand(text, names, label, secret);
  if (!once.includes("%")) return once;
  try {
    return format(once, names);
  } catch (error) {
    if (error instanceof BadFormat || error instanceof UnknownName) return once;
    throw error;
  }
}

class UnknownName extends Error {}

function format(text: string, names: Names): string {
  const chars = Array.from(text);
  let out = "";
  let usedNames = false;
  for (let i = 0; i < chars.length; i++) {
    if (chars[i] !== "%") {
      out += chars[i];
      continue;
    }
    const start = i + 1;
    const spec = parseSpec(chars, start);
    i = spec.at;
    if (spec.conversion === "%" && spec.at === start) {
      out += "%";
      continue;
    }
    if (spec.name === null) throw new BadFormat(bareText(spec, usedNames));
    usedNames = true;
    const value = names.get(spec.name);
    if (value === undefined) throw new UnknownName(spec.name);
    out += renderField(spec, value);
  }
  return out;
}

function bareText(spec: Spec, usedNames: boolean): string {
  if ("sra".includes(spec.conversion))
    return `%${spec.conversion} without a name would insert the whole environment`;
  if ("diouxXeEfFgGc".includes(spec.conversion)) {
    return usedNames ? "not enough arguments for format string" : typeError(spec.conversion, "dict");
  }
  return unsupported(spec);
}

function unsupported(spec: Spec): string {
  const code = (spec.conversion.codePointAt(0) ?? 0).toString(16);
  const shown = /^[\x20-\x7e]$/.test(spec.conversion) ? spec.conversion : "?";
  return `unsupported format character '${shown}' (0x${code}) at index ${spec.at}`;
}

function typeError(conversion: string, type: string): string {
  if ("diu".includes(conversion)) return `%${conversion} format: a real number is required, not ${type}`;
  if ("oxX".includes(conversion)) return `%${conversion} format: an integer is required, not ${type}`;
  if (conversion === "c") return "%c requires int or char";
  return `must be real number, not ${type}`;
}

/** One conversion after its `%`: (name), flags, width, .precision, ignored h l L, conversion. */
function parseSpec(chars: readonly string[], start: number): Spec {
  let i = start;
  let name: string | null = null;
  if (chars[i] === "(") {
    let depth = 1;
    const from = ++i;
    for (; i < chars.length; i++) {
      if (chars[i] === "(") depth++;
      else if (chars[i] === ")" && --depth === 0) break;
    }
    if (i >= chars.length) throw new BadFormat("incomplete format key");
    name = chars.slice(from, i++).join("");
  }
  let flags = "";
  while (i < chars.length && "-+ #0".includes(chars[i] ?? "")) flags += chars[i++];
  const number = (): number => {
    if (chars[i] === "*") throw new BadFormat("* wants int");
    let value = 0;
    while (/^[0-9]$/.test(chars[i] ?? "")) {
      value = value * 10 + Number(chars[i++]);
      if (value > WIDTH_LIMIT) throw new BadFormat("width too big");
    }
    return value;
  };
  const width = number();
  let precision: number | null = null;
  if (chars[i] === ".") {
    i++;
    precision = number();
  }
  if (i < chars.length && "hlL".includes(chars[i] ?? "")) i++;
  const conversion = chars[i];
  if (conversion === undefined) throw new BadFormat("incomplete format");
  return { name, flags, width, precision, conversion, at: i };
}

function renderField(spec: Spec, value: string | number): string {
  const { conversion, precision } = spec;
  if ("sra".includes(conversion)) {
    const text = conversion === "s" || typeof value === "number" ? String(value) : quote(value);
    const cut = precision === null ? text : Array.from(text).slice(0, precision).join("");
    return pad(cut, spec, "");
  }
  if (conversion === "c") {
    if (typeof value === "number" && value >= 0 && value <= 0x10ffff)
      return pad(String.fromCodePoint(value), spec, "");
    if (typeof value === "string" && Array.from(value).length === 1) return pad(value, spec, "");
    throw new BadFormat(typeError("c", ""));
  }
  if (!"diouxXeEfFgG".includes(conversion)) throw new BadFormat(unsupported(spec));
  if (typeof value === "string") throw new BadFormat(typeError(conversion, "str"));
  const sign = value < 0 ? "-" : spec.flags.includes("+") ? "+" : spec.flags.includes(" ") ? " " : "";
  return pad(digits(spec, Math.abs(value)), spec, sign);
}

/** The number without its sign. */
function digits(spec: Spec, value: number): string {
  const { conversion, precision } = spec;
  const alternate = spec.flags.includes("#");
  if ("diu".includes(conversion)) return String(value).padStart(precision ?? 0, "0");
  if ("oxX".includes(conversion)) {
    const text = value.toString(conversion === "o" ? 8 : 16).padStart(precision ?? 0, "0");
    const prefixed = (alternate ? `0${conversion.toLowerCase()}` : "") + text;
    return conversion === "X" ? prefixed.toUpperCase() : prefixed;
  }
  const places = Math.min(precision ?? 6, 100);
  const kind = conversion.toLowerCase();
  let text: string;
  if (kind === "f") text = value.toFixed(places);
  else if (kind === "e") text = exponent(value.toExponential(places));
  else text = general(value, Math.max(places, 1));
  return conversion === kind ? text : text.toUpperCase();
}

/** JavaScript's `1e+0` is Python's `1e+00`. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** %g of a number that is 0 or at least 1 (only process_num and numprocs are numbers). */
function general(value: number, significant: number): string {
  const trim = (text: string): string => (text.includes(".") ? text.replace(/\.?0+(?=e|$)/, "") : text);
  const size = value === 0 ? 0 : Math.floor(Math.log10(value));
  if (size < significant) return trim(value.toFixed(Math.max(0, significant - 1 - size)));
  return exponent(trim(value.toExponential(significant - 1)));
}

function pad(text: string, spec: Spec, sign: string): string {
  const missing = spec.width - Array.from(sign + text).length;
  if (missing <= 0) return sign + text;
  if (spec.flags.includes("-")) return sign + text + " ".repeat(missing);
  const isNumber = !"sracu".includes(spec.conversion) || spec.conversion === "u";
  if (spec.flags.includes("0") && isNumber) return sign + zeroFill(text, missing);
  return " ".repeat(missing) + sign + text;
}

/** Zeros go behind the `0x` of the alternate form. */
function zeroFill(text: string, missing: number): string {
  const prefix = /^0[xXoO]/.exec(text)?.[0] ?? "";
  return prefix + "0".repeat(missing) + text.slice(prefix.length);
}
