/** Which representation a client would rather have (RFC 9110 12.5.1). */

interface Range {
  readonly type: string;
  readonly params: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseAccept(header: string): Range[] {
  return header.split(",").map((part) => {
    const [type = "", ...rest] = part.split(";").map((piece) => piece.trim());
    const params = new Map(
      rest.map((param): [string, string] => {
        const [name = "", value = ""] = param.split("=");
        return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, "$1")];
      }),
    );
    const quality = Number(params.get("q") ?? "1");
    return { type: type.toLowerCase(), params, quality: Number.isFinite(quality) ? quality : 0 };
  });
}

/** The quality of the most specific range that covers the type; 0 for none. `accepts` may refuse a range by its parameters. */
function qualityOf(
  ranges: readonly Range[],
  type: string,
  accepts: (range: Range) => boolean = () => true,
): number {
  const [family = ""] = type.split("/");
  for (const wanted of [type, `${family}/*`, "*/*"]) {
    const matching = ranges.filter((range) => range.type === wanted && accepts(range));
    if (matching.length > 0) return Math.max(...matching.map((range) => range.quality));
  }
  return 0;
}

const OPEN_METRICS = "application/openmetrics-text";

/** OpenMetrics only when it is asked for by name, in a version that we write, and no less than plain text. */
export function prefersOpenMetrics(header: string | undefined): boolean {
  if (!header?.toLowerCase().includes(OPEN_METRICS)) return false;
  const ranges = parseAccept(header);
  const named = ranges.filter((range) => range.type === OPEN_METRICS);
  const known = named.filter((range) => ["1.0.0", undefined].includes(range.params.get("version")));
  const quality = Math.max(0, ...known.map((range) => range.quality));
  const isPlain = (range: Range): boolean => ["0.0.4", undefined].includes(range.params.get("version"));
  return quality > 0 && quality >= qualityOf(ranges, "text/plain", isPlain);
}

/** JSON only when it is asked for by name and more than plain text: `*\/*`, as kubelet and curl send, means text. */
export function prefersJson(header: string | undefined): boolean {
  if (!header?.toLowerCase().includes("application/json")) return false;
  const ranges = parseAccept(header);
  const json = ranges.find((range) => range.type === "application/json")?.quality ?? 0;
  const named = ranges.filter((range) => range.type === "text/plain");
  return json > 0 && named.every((range) => json >= range.quality);
}
