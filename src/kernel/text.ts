/**
 * Bytes of the system ↔ strings, without loss: UTF-8 with surrogateescape (PEP 383). A byte 0x80+n that is not part of
 * valid UTF-8 becomes the lone surrogate U+DC80+n, so every environment variable and path survives the round trip.
 */

const ESCAPE = 0xdc00;
const REPLACEMENT = "\uFFFD";

/** The fast path is Node's own decoder; it marks what it could not read, and only such text is decoded by hand. */
export function decodeText(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = view.toString("utf8");
  return text.includes(REPLACEMENT) ? decodeByHand(view) : text;
}

/** The opposite of `decodeText`. A lone surrogate that no byte stands for becomes U+FFFD, as in Node. */
export function encodeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (unit < ESCAPE && isLow(text.charCodeAt(i + 1))) {
      i++;
      continue;
    }
    if (unit < ESCAPE + 0x80 || unit > ESCAPE + 0xff) continue;
    parts.push(Buffer.from(text.slice(start, i), "utf8"), Buffer.of(unit - ESCAPE));
    start = i + 1;
  }
  parts.push(Buffer.from(text.slice(start), "utf8"));
  return Buffer.concat(parts);
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function decodeByHand(bytes: Buffer): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length > 0) text += bytes.toString("utf8", i, i + length);
    else text += String.fromCharCode(ESCAPE + (bytes[i] ?? 0));
    i += Math.max(1, length);
  }
  return text;
}

/** Bytes of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 when there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  // The second byte's range is narrower after some first bytes: no overlong forms, no surrogates, nothing past U+10FFFF.
  const second = bytes[at + 1] ?? 0;
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
