/**
 * An answer that is encoded as it is written, in one piece of memory. As text until the end it would be made three times (its
 * parts, these joined, that encoded), and each would be the collector's to move or to find.
 */
export interface Body {
  write(text: string): void;
  end(): Buffer;
}

export interface Bodies {
  /** `expected`: about how many bytes it will have. More is welcome, and costs a copy. */
  create(expected: number): Body;
  /** Nobody reads it any more: its memory is the next one's. */
  release(body: Buffer): void;
}

/** Beyond what is expected, so that the last texts fit in any case. */
const ROOM_BYTES = 64 * 1024;
/** UTF-8 needs no more for each unit of a JavaScript string. */
const BYTES_PER_UNIT = 3;

/**
 * Keeps the memory of one answer: to make and to drop a few megabytes each time makes V8 collect all of its heap at every third
 * scrape, which takes longer than these.
 */
export function createBodies(): Bodies {
  let spare: ArrayBufferLike | null = null;

  function take(expected: number): Buffer {
    const memory = spare;
    spare = null;
    if (memory !== null && memory.byteLength >= expected + ROOM_BYTES) return Buffer.from(memory);
    return Buffer.allocUnsafeSlow(Math.ceil(expected * 1.1) + ROOM_BYTES);
  }

  return {
    create(expected) {
      let buffer = take(expected);
      let length = 0;
      return {
        write(text) {
          const needed = length + text.length * BYTES_PER_UNIT;
          if (needed > buffer.length) {
            const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * buffer.length));
            buffer.copy(larger, 0, 0, length);
            buffer = larger;
          }
          length += buffer.write(text, length);
        },
        end: () => buffer.subarray(0, length),
      };
    },
    release({ buffer, length }) {
      // After many programs have gone an answer is short.
      const isTooLarge = buffer.byteLength > 4 * (length + ROOM_BYTES);
      if (!isTooLarge && buffer.byteLength > (spare?.byteLength ?? 0)) spare = buffer;
    },
  };
}
