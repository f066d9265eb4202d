/** When a line says it was written, by its own field: RFC 3339, or a number since 1970 in any of its usual units. Pure. */

const DATE = "\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])";
const CLOCK = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d";
const ZONE = "[+-](?:[01]\\d|2[0-3]):[0-5]\\d";
const STRICT = new RegExp(`^"${DATE}T${CLOCK}(?:\\.\\d{1,9})?(?:Z|${ZONE})"$`);
/** Nearly so: blank for T, comma for dot, no colon in the offset, more digits than nanoseconds. */
const WRITTEN = new RegExp(
  `^"(${DATE})[Tt ](${CLOCK})(?:[.,](\\d{1,18}))?(?:([Zz])|([+-](?:[01]\\d|2[0-3])):?([0-5]\\d))"$`,
);
/** Seconds, then milliseconds, microseconds or nanoseconds: told apart by their digits, from 2001 to 2286. */
const COUNTED = /^([1-9]\d{9})(?:\.(\d{1,18})|(\d{3})(?:\.\d{1,18})?|(\d{6})|(\d{9}))?$/;

interface Counted {
  readonly seconds: number;
  /** Of a second, as many digits as there were, nine at most. */
  readonly fraction: string;
}

/** RFC 3339 out of nearly that. */
function strictly(value: string): string | null {
  const [whole, date, clock, fraction = "", zulu, hours, minutes] = WRITTEN.exec(value) ?? [];
  if (whole === undefined) return null;
  const digits = fraction === "" ? "" : `.${fraction.slice(0, 9)}`;
  return `${date}T${clock}${digits}${zulu === undefined ? `${hours}:${minutes}` : "Z"}`;
}

function parseCounted(value: string): Counted | null {
  const [whole, seconds, fraction, millis, micros, nanos] = COUNTED.exec(value) ?? [];
  if (whole === undefined) return null;
  return { seconds: Number(seconds), fraction: (fraction ?? millis ?? micros ?? nanos ?? "").slice(0, 9) };
}

/**
 * RFC 3339, every digit and the zone as the line has them. null: the value, a JSON text, says no instant. A time without a
 * zone is none, because nobody knows the clock it was read from.
 */
export function lineTimeAsRfc3339(value: string): string | null {
  if (value.startsWith('"')) return STRICT.test(value) ? value.slice(1, -1) : strictly(value);
  const counted = parseCounted(value);
  if (counted === null) return null;
  const second = new Date(counted.seconds * 1000).toISOString().slice(0, 19);
  return `${second}.${counted.fraction.padEnd(3, "0")}Z`;
}

/** The same in nanoseconds since 1970. */
export function lineTimeAsNanoseconds(value: string): string | null {
  if (!value.startsWith('"')) {
    const counted = parseCounted(value);
    return counted && nanoseconds(counted);
  }
  const text = strictly(value);
  if (text === null) return null;
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  const seconds = Date.parse(fraction === "" ? text : text.replace(`.${fraction}`, "")) / 1000;
  return Number.isNaN(seconds) ? null : nanoseconds({ seconds, fraction });
}

function nanoseconds({ seconds, fraction }: Counted): string {
  const digits = fraction.padEnd(9, "0");
  // Before 1970 the fraction still counts forwards.
  return seconds > 0 ? `${seconds}${digits}` : String(BigInt(seconds) * 1_000_000_000n + BigInt(digits));
}
