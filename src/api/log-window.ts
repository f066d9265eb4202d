/** A program's output in memory, read as if it were supervisord's log file: the offsets count from its first byte ever. */
import { RpcError } from "./faults.ts";
import type { Value } from "./xmlrpc.ts";

/** The newest bytes, and the offset of the one after the last. */
export interface LogWindow {
  readonly bytes: Uint8Array;
  readonly end: number;
}

/** Bytes `from` to `to`, as far as they are still there. Broken UTF-8 becomes U+FFFD. */
function slice({ bytes, end }: LogWindow, from: number, to: number): string {
  const start = end - bytes.length;
  const part = bytes.subarray(Math.max(0, from - start), Math.max(0, to - start));
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString();
}

/**
 * readLog's rules: a negative offset with length 0 is the last bytes, length 0 is up to the end. Offset 0 is the beginning
 * of what there is, as after a rotation; any other offset is a place in all that was ever written. So a client that goes on
 * from the offset that tailLog gave it reads each byte once, and one that reads from 0 piece by piece sees no byte twice.
 */
export function readLog(window: LogWindow, offset: number, length: number): string {
  if (offset < 0 ? length !== 0 : length < 0) throw new RpcError("BAD_ARGUMENTS");
  const { end } = window;
  if (offset < 0) return slice(window, Math.max(0, end + offset), end);
  const from = offset === 0 ? end - window.bytes.length : offset;
  return slice(window, from, length === 0 ? end : Math.min(end, from + length));
}

/**
 * tailLog's rules: `[text, offset after it, whether something before it was skipped]`. Where there is less than asked for
 * after the offset, the text begins before it: supervisord answers the last `length` bytes of the file then, and clients
 * that poll take as many of its last bytes as the offset has grown by.
 */
export function tailLog(window: LogWindow, offset: number, length: number): Value {
  const { end } = window;
  const overflow = end > offset + length;
  let from = overflow ? end - 1 : offset;
  let count = length;
  if (from + count > end) {
    if (from > end - 1) count = 0;
    from = end - count;
  }
  from = Math.max(0, from);
  return [count > 0 ? slice(window, from, from + count) : "", end, overflow];
}
