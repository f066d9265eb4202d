import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeText, encodeText } from "./text.ts";

test("valid UTF-8 is plain text, with U+FFFD and a byte order mark as they are", () => {
  for (const text of ["", "PATH=/bin", "grüße 日本 💀", "\uFFFD", "\uFEFFx"]) {
    assert.equal(decodeText(Buffer.from(text)), text);
    assert.deepEqual(encodeText(text), Buffer.from(text));
  }
});

test("bytes that are not UTF-8 become U+DC80 to U+DCFF, the others around them stay text", () => {
  assert.equal(decodeText(Buffer.from([0x61, 0xff, 0x62])), "a\uDCFFb");
  assert.equal(decodeText(Buffer.from("caf\xe9", "latin1")), "caf\uDCE9");
  // Overlong, a surrogate, past the last code point, a sequence cut short.
  assert.equal(decodeText(Buffer.from([0xc0, 0xaf])), "\uDCC0\uDCAF");
  assert.equal(decodeText(Buffer.from([0xed, 0xa0, 0x80])), "\uDCED\uDCA0\uDC80");
  assert.equal(decodeText(Buffer.from([0xf4, 0x90, 0x80, 0x80])), "\uDCF4\uDC90\uDC80\uDC80");
  assert.equal(decodeText(Buffer.from([0xe2, 0x82])), "\uDCE2\uDC82");
  assert.equal(decodeText(Buffer.from([0xff, 0xf0, 0x9f, 0x92, 0x80])), "\uDCFF💀");
});

test("a lone surrogate that stands for no byte is encoded as U+FFFD", () => {
  assert.deepEqual(encodeText("a\uD800b\uDCFF"), Buffer.from([0x61, 0xef, 0xbf, 0xbd, 0x62, 0xff]));
  assert.deepEqual(encodeText("\uDC00\uDCFE"), Buffer.from([0xef, 0xbf, 0xbd, 0xfe]));
});

test("any bytes survive the round trip", () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.string({ unit: "binary", maxLength: 4 }).map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const bytes = Buffer.concat(parts);
      assert.deepEqual(encodeText(decodeText(bytes)), bytes);
    }),
    { numRuns: 500 },
  );
});
