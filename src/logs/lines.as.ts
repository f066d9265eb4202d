/**
 * `prefixLines` and `countLines` of lines.ts once more, sixteen bytes at a time: AssemblyScript, made into WebAssembly by
 * build/wasm.ts. The same tests run on both. Addresses are offsets in the memory that vector.ts shares with it; a load may
 * look at 15 bytes behind the input, a store may write 15 bytes behind the output: the memory is laid out for that.
 */

const NEWLINE: i32 = 10;

// Where `prefixLines` has stopped.
export let read: usize = 0;
export let write: usize = 0;
export let lines: i32 = 0;
export let inside: bool = false;

/** `limit`: nothing is begun at or behind it, so writes end less than 16 bytes, or less than a head, behind it. */
export function prefixLines(
  from: usize,
  to: usize,
  output: usize,
  limit: usize,
  head: usize,
  headLength: usize,
  isInside: bool,
): void {
  const newlines = i8x16.splat(NEWLINE as i8);
  let at = from;
  let out = output;
  let count = 0;
  let within = isInside;
  while (at < to && out < limit) {
    if (!within) {
      for (let done: usize = 0; done < headLength; done += 16) v128.store(out + done, v128.load(head + done));
      out += headLength;
      within = true;
    }
    while (at < to && out < limit) {
      const bytes = v128.load(at);
      v128.store(out, bytes);
      const left = to - at;
      let found = i8x16.bitmask(i8x16.eq(bytes, newlines));
      if (left < 16) found &= (1 << (left as i32)) - 1;
      if (found !== 0) {
        const length = ctz(found) + 1;
        at += length;
        out += length;
        count++;
        within = false;
        break;
      }
      const length: usize = left < 16 ? left : 16;
      at += length;
      out += length;
    }
  }
  read = at;
  write = out;
  lines = count;
  inside = within;
}

export function countLines(from: usize, to: usize): i32 {
  const newlines = i8x16.splat(NEWLINE as i8);
  let at = from;
  let count = 0;
  while (to - at >= 16) {
    // Each lane counts to 255 at most before the lanes are added up.
    let rounds = (to - at) >> 4;
    if (rounds > 255) rounds = 255;
    let lanes = i8x16.splat(0);
    for (; rounds > 0; rounds--) {
      lanes = i8x16.sub(lanes, i8x16.eq(v128.load(at), newlines));
      at += 16;
    }
    const sums = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(lanes));
    count += i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1);
    count += i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
  }
  for (; at < to; at++) if ((load<u8>(at) as i32) === NEWLINE) count++;
  return count;
}
