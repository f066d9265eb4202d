/**
 * The picture of a run as an SVG: for every bar how much better tsinit is than it must be, on a logarithmic scale, so that a
 * half and a double are as far from the bar. Pure. Its own paper and ink follow the reader's colour scheme.
 */
import type { Bar, Result } from "./sheet.ts";
import { renderRatio } from "./table.ts";

const WIDTH = 800;
const LABEL = 160;
const VALUE = 200;
const TOP = 84;
const LINE = 26;
const BOTTOM = 46;
/** Beyond it a point sits at the edge, as an arrow: nothing is left, or all of it. */
const MOST = 100;
const LEAST = 0.4;
const TICKS = [0.5, 1, 2, 5, 10, 20, 50, 100];

export type Mark = {
  readonly row: string;
  /** What is compared and what it must be, in words. */
  readonly text: string;
  /** How many times better than the bar asks; 1 is the bar itself, null is not measured. */
  readonly room: number | null;
};

/** Times better than asked: above 1 is met, whatever the sense of the bar. */
function roomOf(bar: Bar, ratio: number | null): number | null {
  if (ratio === null) return null;
  if (bar.sense === "at least") return ratio / bar.limit;
  // None where none is allowed is as good as it gets; one is as bad.
  if (ratio === 0) return Number.POSITIVE_INFINITY;
  return bar.limit / ratio;
}

/** One mark a bar, in the order of the table. */
export function marksOf(results: readonly Result[]): Mark[] {
  return results.flatMap(({ row, verdicts }) =>
    row.bars.map((bar, index): Mark => {
      const verdict = verdicts[index] ?? { bar: bar.text, ratio: null, met: null };
      return {
        row: row.id,
        text: `${renderRatio(verdict, bar, row.unit)}  (${bar.text})`,
        room: roomOf(bar, verdict.ratio),
      };
    }),
  );
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const CLAMPED = { least: Math.log(LEAST), most: Math.log(MOST) };

/** Where a value lies, in pixels. */
export function positionOf(room: number): number {
  const log = Math.log(Math.min(MOST, Math.max(LEAST, room)));
  return LABEL + ((log - CLAMPED.least) / (CLAMPED.most - CLAMPED.least)) * (WIDTH - LABEL - VALUE);
}

const round = (value: number): string => value.toFixed(1).replace(/\.0$/, "");

/** A circle for what is met, a square for what is not: colour alone says nothing to some. */
function renderPoint(room: number, y: number): string {
  const x = round(positionOf(room));
  if (room > MOST) return `<path class="met" d="M${x} ${y - 6}l9 6l-9 6z"/>`;
  if (room < LEAST) return `<path class="missed" d="M${x} ${y - 6}l-9 6l9 6z"/>`;
  if (room >= 1) return `<circle class="met" cx="${x}" cy="${y}" r="5.5"/>`;
  return `<path class="missed" d="M${Number(x) - 5} ${y - 5}h10v10h-10z"/>`;
}

function renderMark({ row, text, room }: Mark, index: number): string {
  const y = TOP + index * LINE + LINE / 2;
  const bar = round(positionOf(1));
  const parts = [
    `<text x="${LABEL - 20}" y="${y + 4}" text-anchor="end">${escaped(row)}</text>`,
    `<text class="quiet small" x="${WIDTH - VALUE + 20}" y="${y + 4}">${escaped(text)}</text>`,
  ];
  if (room !== null) {
    const className = room >= 1 ? "met" : "missed";
    parts.push(
      `<path class="stem ${className}" d="M${bar} ${y}H${round(positionOf(room))}"/>`,
      renderPoint(room, y),
    );
  }
  return parts.join("\n");
}

function renderScale(bottom: number): string {
  const lines = TICKS.map((tick) => {
    const x = round(positionOf(tick));
    const line = `<path class="${tick === 1 ? "bar" : "grid"}" d="M${x} ${TOP}V${bottom}"/>`;
    return `${line}\n<text class="quiet small" x="${x}" y="${bottom + 18}" text-anchor="middle">${tick} ×</text>`;
  });
  const bar = round(positionOf(1));
  return [
    ...lines,
    `<text class="small" x="${bar}" y="${TOP - 8}" text-anchor="middle">the bar</text>`,
    `<text class="quiet small" x="${round(positionOf(10))}" y="${TOP - 8}" text-anchor="middle">better →</text>`,
  ].join("\n");
}

interface Colours {
  readonly paper: string;
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly met: string;
  readonly missed: string;
}

const LIGHT: Colours = {
  paper: "#ffffff",
  ink: "#1f2328",
  quiet: "#59636e",
  grid: "#e4e8ec",
  met: "#1a6fb5",
  missed: "#c2410c",
};
const DARK: Colours = {
  paper: "#0d1117",
  ink: "#e6edf3",
  quiet: "#9198a1",
  grid: "#262c34",
  met: "#58a6ff",
  missed: "#ff9a57",
};

/** Spelled out and not as variables, which many a viewer of pictures does not know. */
function renderColours({ paper, ink, quiet, grid, met, missed }: Colours): string {
  return `.paper { fill: ${paper}; } text { fill: ${ink}; } .quiet { fill: ${quiet}; } .grid { stroke: ${grid}; }
.bar { stroke: ${ink}; } .met { fill: ${met}; stroke: ${met}; } .missed { fill: ${missed}; stroke: ${missed}; }`;
}

const STYLE = `
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.title { font-size: 16px; font-weight: 600; }
.small { font-size: 11px; }
.bar { stroke-width: 1.5; }
.stem { stroke-width: 2; stroke-opacity: 0.45; }
${renderColours(LIGHT)}
@media (prefers-color-scheme: dark) {
${renderColours(DARK)}
}
`;

/** `subtitle`: which run it was. */
export function renderPlot(results: readonly Result[], subtitle: string): string {
  const marks = marksOf(results);
  const bottom = TOP + marks.length * LINE;
  const height = bottom + BOTTOM;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title">
<title id="title">How many times better than each bar tsinit is</title>
<style>${STYLE}</style>
<rect width="${WIDTH}" height="${height}" rx="6" class="paper"/>
<text class="title" x="20" y="28">Times better than the bar asks</text>
<text class="quiet small" x="20" y="47">${escaped(subtitle)}</text>
${renderScale(bottom)}
${marks.map(renderMark).join("\n")}
</svg>
`;
}
