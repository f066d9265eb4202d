/**
 * The types of option values: text → value, or Invalid in supervisord's words and what is expected instead.
 */

import { parseSignal, type Signal } from "../core/signal-names.ts";
import type { Condition, GlobalSpec, ProgramSpec } from "../core/spec.ts";
import type { Accounts, ResolvedUser } from "./accounts.ts";
import { compilePattern } from "./pattern.ts";
import { Invalid } from "./problems.ts";
import { withoutLogin } from "./secrets.ts";
import { nearest, quote, strip } from "./text.ts";
import { parseEnvironment } from "./words.ts";

/** What a value may need to know of the machine. */
export interface Host {
  readonly accounts: Accounts;
  readonly cwd: string;
  /** $HOME of the container. */
  readonly home: string | null;
  readonly uid: number;
  readonly hostname: string;
  isDirectory(path: string): boolean;
  /** The text of a file, or an errno's name. */
  read(path: string): { readonly text: string } | { readonly errno: string };
  /** The soft resource limit by its name in /proc/self/limits; Infinity when there is none or nobody knows. */
  limit(name: "Max open files" | "Max processes"): number;
}

/** A child's log file: none, automatic, syslog, or a path. `text` is as written. */
export interface LogfileValue {
  readonly kind: "none" | "auto" | "syslog" | "path";
  readonly text: string;
}

export interface Address {
  /** Empty: every address. */
  readonly host: string;
  readonly port: number;
}

type Parse<T> = (text: string, host: Host) => T;

export interface ValueType<T> {
  readonly parse: Parse<T>;
  /** Completes "expected …". */
  readonly expected: string;
  /** The value is a template of its own: `%` stays as it is. */
  readonly raw?: boolean;
}

function type<T>(expected: string, parse: Parse<T>, raw = false): ValueType<T> {
  return { parse, expected, raw };
}

function choice<const T extends string>(...words: T[]): ValueType<T> {
  return type(words.join(", "), (text) => {
    const word = strip(text).toLowerCase();
    const found = words.find((candidate) => candidate === word);
    if (found !== undefined) return found;
    const meant = nearest(word, words);
    throw new Invalid(
      `${quote(text)} is none of the words it may be${meant === null ? "" : `, maybe ${meant}`}`,
    );
  });
}

/** Every type an option can have. */
export const TYPES = {
  text: type("a text", (text) => text),
  template: type("a text with %(program_name)s and the like", parseTemplate, true),
  integer: type("a whole number", parseInteger),
  count: type(`a whole number up to ${10_000}`, parseCount),
  boolean: type("true or false", parseBoolean),
  bytes: type("a number of bytes, with KB, MB or GB at will", parseBytes),
  octal: type("an octal number such as 022", parseOctal),
  signals: type("signal names or numbers separated by commas, such as TERM or INT,TERM", parseSignals),
  forward: type("signals to pass on, such as USR1, HUP:USR2", parseForward),
  exitcodes: type("numbers from 0 to 255 separated by commas", parseExitcodes),
  autorestart: type("true, false or unexpected", parseAutorestart),
  loglevel: type("critical, error, warn, info, debug, trace or blather", parseLoglevel),
  seconds: type("seconds, decimals allowed", parseSeconds),
  limit: type("seconds, or none", (text) => (isNone(text) ? null : parseSeconds(text))),
  list: type("words separated by commas", parseList),
  environment: type('KEY="value",KEY2="value2"', parseEnvironment),
  logfile: type("a path, AUTO or NONE", parseLogfile),
  path: type("a path", (text, host) => expandHome(strip(text), host)),
  user: type("a user of /etc/passwd or a number, with :group at will", (text, host) =>
    host.accounts.resolve(text),
  ),
  owner: type("user or user:group", parseOwner),
  address: type("a port, or host:port", parseAddress),
  listen: type("a port, host:port, [ipv6]:port, or none", parseListen),
  gate: choice("running", "spawned"),
  format: choice("text", "json", "raw"),
  timestamps: choice("none", "rfc3339"),
  color: choice("auto", "never", "always"),
  keys: choice("plain", "ecs", "gcp", "otel"),
  overflow: choice("block", "drop"),
  files: choice("off", "also"),
  program: choice("simple", "oneshot"),
  overlap: choice("skip", "queue", "kill"),
  depends: type("names with conditions, such as redis:ready, migrate:done", parseDepends),
  url: type("a URL such as http://localhost:8080/health", parseUrl),
  hostport: type("a port, or host:port", (text, host) => {
    const address = parseAddress(strip(text), host);
    return { host: address.host === "" ? "localhost" : address.host, port: address.port };
  }),
  pattern: type("a regular expression", parsePattern),
  descriptor: type("the number of a descriptor, 3 or above", parseDescriptor),
  rate: type("a count and a time, such as 5/10m, or none", (text) => (isNone(text) ? null : parseRate(text))),
  share: type("a share from 0 to 1, such as 0.2", parseShare),
  stdin: choice("null", "pipe"),
} as const satisfies Record<string, ValueType<unknown>>;

export type TypeName = keyof typeof TYPES;
export type ValueOf<T extends TypeName> = (typeof TYPES)[T] extends ValueType<infer V> ? V : never;

function isNone(text: string): boolean {
  return strip(text).toLowerCase() === "none";
}

/** Python's int(): sign, blanks around, `_` between digits. */
function parseInteger(text: string): number {
  const digits = strip(text);
  if (!/^[+-]?\d+(_\d+)*$/.test(digits)) {
    throw new Invalid(`invalid literal for int() with base 10: ${quote(text)}`);
  }
  const value = Number(digits.replaceAll("_", ""));
  if (!Number.isSafeInteger(value)) throw new Invalid(`${quote(text)} is too large`);
  return value;
}

/** A number of processes; the bound keeps a typo from filling the memory before anything can be said. */
function parseCount(text: string): number {
  const value = parseInteger(text);
  if (value > 10_000) throw new Invalid(`${value} is above upper bound (10000)`);
  return value;
}

const TRUE = new Set(["yes", "true", "on", "1"]);
const FALSE = new Set(["no", "false", "off", "0"]);

function parseBoolean(text: string): boolean {
  const word = strip(text).toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  throw new Invalid(`not a valid boolean value: ${quote(text)}`);
}

const UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

function parseBytes(text: string): number {
  const lower = strip(text).toLowerCase();
  const unit = UNITS[lower.slice(-2)];
  const value = unit === undefined ? parseInteger(lower) : parseInteger(lower.slice(0, -2)) * unit;
  if (!Number.isSafeInteger(value)) throw new Invalid(`${quote(text)} is too large`);
  return value;
}

function parseOctal(text: string): number {
  const digits = strip(text).toLowerCase();
  if (!/^(0o)?[0-7]+$/.test(digits)) throw new Invalid(`${text} can not be converted to an octal type`);
  const value = Number.parseInt(digits.replace(/^0o/, ""), 8);
  if (value > 0o7777) throw new Invalid(`${text} is above upper bound (7777)`);
  return value;
}

function parseOneSignal(text: string): Signal {
  const signal = parseSignal(text);
  if (signal !== null) return signal;
  const what = /^[+-]?\d+$/.test(strip(text)) ? "number" : "name";
  throw new Invalid(`value ${quote(text)} is not a valid signal ${what}`);
}

/** supervisord's one signal, or several in the order they are sent. */
function parseSignals(text: string): readonly Signal[] {
  return text.split(",").map((word) => parseOneSignal(text.includes(",") ? strip(word) : word));
}

/** `USR1, HUP:USR2, WINCH` → received → sent. */
function parseForward(text: string): ReadonlyMap<Signal, Signal> {
  const out = new Map<Signal, Signal>();
  if (strip(text) === "" || isNone(text)) return out;
  for (const word of text.split(",")) {
    const [received = "", sent = received, extra] = word.split(":").map(strip);
    if (extra !== undefined) throw new Invalid(`${quote(strip(word))} has more than one colon`);
    const from = parseOneSignal(received);
    if (from === 9 || from === 19)
      throw new Invalid(`${received} cannot be caught, so it cannot be passed on`);
    out.set(from, parseOneSignal(sent));
  }
  return out;
}

function parseExitcodes(text: string): readonly number[] {
  if (text === "") return [];
  const codes = text.split(",").map((word) => (/^\s*[+]?\d+\s*$/.test(word) ? Number(word) : -1));
  if (codes.every((code) => code >= 0 && code <= 255)) return codes;
  throw new Invalid(`not a valid list of exit codes: ${quote(text)}`);
}

function parseAutorestart(text: string): ProgramSpec["autorestart"] {
  const word = strip(text).toLowerCase();
  if (TRUE.has(word)) return "always";
  if (FALSE.has(word)) return "never";
  if (word === "unexpected") return "unexpected";
  throw new Invalid(`invalid 'autorestart' value ${quote(text.toLowerCase())}`);
}

const LEVELS = ["critical", "error", "warn", "info", "debug", "trace", "blather"] as const;

function parseLoglevel(text: string): GlobalSpec["logLevel"] {
  const level = LEVELS.find((candidate) => candidate === strip(text).toLowerCase());
  if (level === undefined) throw new Invalid(`bad logging level name ${quote(text)}`);
  return level;
}

/** More seconds than a timer can hold are as good as a mistake. */
const SECONDS_LIMIT = 2_000_000;

function parseSeconds(text: string): number {
  const digits = strip(text);
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(digits)) throw new Invalid(`${quote(text)} is not a number of seconds`);
  const value = Number(digits);
  if (value > SECONDS_LIMIT) throw new Invalid(`${text} is above upper bound (${SECONDS_LIMIT})`);
  return value;
}

export interface DependsValue {
  readonly name: string;
  /** null: what suits the other program. */
  readonly condition: Condition | null;
}

const CONDITIONS: readonly Condition[] = ["started", "ready", "done"];

function parseDepends(text: string): readonly DependsValue[] {
  return parseList(text)
    .filter((word) => word !== "" && !isNone(word))
    .map((word) => {
      const colon = word.lastIndexOf(":");
      const condition = CONDITIONS.find((candidate) => candidate === strip(word.slice(colon + 1)));
      if (colon < 0 || condition === undefined) return { name: word, condition: null };
      return { name: strip(word.slice(0, colon)), condition };
    });
}

function parseUrl(text: string): string {
  const short = strip(text).replace(/^:(\d+)/, "http://localhost:$1");
  const url = URL.parse(short);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new Invalid(`${quote(withoutLogin(text))} is not a URL of http or https`);
  return url.href;
}

function parsePattern(text: string): string {
  compilePattern(text);
  return text;
}

function parseDescriptor(text: string): number {
  const fd = parseInteger(text);
  if (fd < 3 || fd > 255) throw new Invalid(`${fd} is not a descriptor from 3 to 255`);
  return fd;
}

const TIME_UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** `5/10m` → 5 within 600 seconds. */
function parseRate(text: string): { readonly count: number; readonly seconds: number } {
  const match = /^(\d+)\s*\/\s*(\d+)\s*([smhd]?)$/.exec(strip(text));
  const count = Number(match?.[1]);
  const seconds = Number(match?.[2]) * (TIME_UNITS[match?.[3] ?? ""] ?? 1);
  if (match === null || count < 1 || seconds < 1)
    throw new Invalid(`${quote(text)} is not a count within a time`);
  if (count > 1000 || seconds > SECONDS_LIMIT)
    throw new Invalid(`${quote(text)} is above upper bound (1000/${SECONDS_LIMIT}s)`);
  return { count, seconds };
}

function parseShare(text: string): number {
  const digits = strip(text);
  if (!/^(\d+(\.\d*)?|\.\d+)$/.test(digits) || Number(digits) > 1)
    throw new Invalid(`${quote(text)} is not a share`);
  return Number(digits);
}

function parseList(text: string): readonly string[] {
  return text === "" ? [] : text.split(",").map(strip);
}

/** What a prefix may have in it; `%` begins nothing else. A width of more than three digits is a mistake. */
const WIDTH = "[-0 +#]*\\d{0,3}(?:\\.\\d+)?";
const TEMPLATE_FIELD = new RegExp(
  `%(?:%|\\((?:program_name|group_name|stream)\\)${WIDTH}s|\\((?:process_num|pid)\\)${WIDTH}[sd])`,
  "g",
);

/**
 * Wrong fields are errors: otherwise they would stand before every line as they are written. Quotes around it keep blanks at
 * its end, which the file would lose.
 */
function parseTemplate(written: string): string {
  if (strip(written).toLowerCase() === "auto") return "auto";
  const text = /^(["']).*\1$/s.test(written) && written.length > 1 ? written.slice(1, -1) : written;
  if (/[\r\n]/.test(text))
    throw new Invalid(`${quote(text)} has a line end in it; expected a text of one line`);
  if (!text.replace(TEMPLATE_FIELD, "").includes("%")) return text;
  throw new Invalid(
    `${quote(text)} has a field that does not exist; expected auto, or a text with %(program_name)s, ` +
      "%(group_name)s, %(process_num)d, %(pid)d, %(stream)s, and %% for a percent sign",
  );
}

function parseLogfile(text: string, host: Host): LogfileValue {
  const word = text.toLowerCase();
  if (text === "" || word === "none" || word === "off")
    return { kind: "none", text: text === "" ? "NONE" : text };
  if (word === "auto") return { kind: "auto", text };
  if (word === "syslog") return { kind: "syslog", text };
  return { kind: "path", text: expandHome(text, host) };
}

/** A directory that must be there for `path` to be created is missing: supervisord's words, else null. */
export function missingDirectory(path: string, host: Host): string | null {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return null;
  const directory = absolutePath(slash === 0 ? "/" : path.slice(0, slash), host);
  return host.isDirectory(directory)
    ? null
    : `The directory named as part of the path ${path} does not exist`;
}

function parseOwner(text: string, host: Host): { readonly uid: number; readonly gid: number } {
  const user: ResolvedUser = host.accounts.resolve(text);
  return { uid: user.uid, gid: user.groupGiven ? user.gid : -1 };
}

function parsePort(text: string, lowest: number): number {
  const port = parseInteger(text);
  if (port < lowest) throw new Invalid(`${port} is below lower bound (${lowest})`);
  if (port > 65535) throw new Invalid(`${port} is above upper bound (65535)`);
  return port;
}

/** supervisord's inet_address: `9001`, `:9001`, `*:9001`, `host:9001`; and `[::1]:9001`. */
function parseAddress(text: string, _host: Host, lowest = 1): Address {
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  if (strip(portText) === "") throw new Invalid(`no port number specified in ${quote(text)}`);
  if (colon < 0 && !/^\s*[+-]?\d+\s*$/.test(text))
    throw new Invalid(`not a valid port number: ${quote(text)}`);
  const port = parsePort(portText, lowest);
  const host = strip(text.slice(0, Math.max(colon, 0))).toLowerCase();
  if (host === "*") return { host: "", port };
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  // A name that nobody can resolve (`tcp://0.0.0.0`) would only show when it is too late to refuse it.
  if (/[\s/[\]@]/.test(bare)) throw new Invalid(`${quote(host)} is not a host`);
  return { host: bare, port };
}

/** Port 0 lets the kernel choose, for tests. */
function parseListen(text: string, host: Host): Address | null {
  return isNone(text) ? null : parseAddress(strip(text), host, 0);
}

/** `os.path.expanduser`: `~` and `~user` at the start. */
export function expandHome(path: string, host: Host): string {
  if (!path.startsWith("~")) return path;
  const slash = path.indexOf("/");
  const name = path.slice(1, slash < 0 ? path.length : slash);
  const home = name === "" ? (host.home ?? host.accounts.home(host.uid)) : host.accounts.home(name);
  if (home === null) return path;
  const rest = slash < 0 ? "" : path.slice(slash);
  return home.replace(/\/+$/, "") + rest || "/";
}

/** `os.path.abspath`: joined to the working directory, `.`, `..` and double slashes resolved. */
export function absolutePath(path: string, host: { readonly cwd: string }): string {
  const out: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${host.cwd}/${path}`).split("/")) {
    if (part === "..") out.pop();
    else if (part !== "" && part !== ".") out.push(part);
  }
  return `/${out.join("/")}`;
}
