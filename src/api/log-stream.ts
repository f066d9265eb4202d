/**
 * `/logtail` and `/mainlogtail`: a log as an answer that does not end (supervisord.md 12.1). It begins a little before the
 * end of what there is. A client that reads too slowly costs a bounded amount of memory: what does not fit is left out, and
 * when it reads again it gets the newest part of that from the memory of the log.
 */
import type { ServerResponse } from "node:http";
import type { Control } from "./control.ts";
import { logKind, type Stream } from "./output-methods.ts";
import { plain, type Reply, type StreamReply } from "./reply.ts";
import { programNamed } from "./targets.ts";

export interface LogSource {
  /** The newest bytes that are kept. */
  kept(): Uint8Array;
  /** Calls with what comes from now on, bytes that are valid during the call only. Returns the way to stop. */
  follow(listener: (bytes: Uint8Array) => void): () => void;
  /** Calls back when nothing can ever come any more. Returns the way to stop. */
  onGone(listener: () => void): () => void;
}

/** supervisord's. */
const FIRST_BYTES = 1024;
/** What may wait for one client, beside what the system holds for it. */
const WAITING_BYTES = 256 * 1024;
/** So that they cannot take all connections of a listener, nor much memory. */
const MAX_FOLLOWERS = 64;

const NOTHING = new Uint8Array(0);

const HEADERS = { "Content-Type": "text/plain;charset=utf-8" };

/** `NAME`, `NAME/stdout` or `NAME/stderr` → its stream, or 404. */
export function programLog(control: Control, path: string): Reply | StreamReply {
  const [name = "", channel = "stdout", ...rest] = path.split("/");
  if ((channel !== "stdout" && channel !== "stderr") || rest.length > 0) return plain(404, "not found");
  const stream: Stream = channel;
  const program = programNamed(control, name);
  if (program === null) return plain(404, `no such program: ${name}`);
  const kind = logKind(program, stream);
  if (kind === "none") return plain(404, `${name} has no ${stream} log`);
  const { id } = program;
  const source: LogSource = {
    kept: () => (kind === "empty" ? NOTHING : control.history(id, stream).bytes),
    follow: (listener) => (kind === "empty" ? () => {} : control.follow(id, stream, listener)),
    onGone: (listener) =>
      control.subscribe(({ type }) => {
        if (type !== "group-removed" && type !== "reloaded") return;
        if (!control.snapshot().programs.some((other) => other.id === id)) listener();
      }),
  };
  // Proxies that collect an answer before they pass it on are told not to.
  return streamReply(control, source, { ...HEADERS, "X-Accel-Buffering": "no" });
}

export function mainLog(control: Control): StreamReply {
  const source: LogSource = {
    kept: () => control.mainLog().bytes,
    follow: (listener) => control.followMainLog(listener),
    onGone: () => () => {},
  };
  return streamReply(control, source, HEADERS);
}

function streamReply(
  control: Control,
  source: LogSource,
  headers: Readonly<Record<string, string>>,
): StreamReply {
  // When the log was last written to is not known; it is part of the answer all the same.
  const now = new Date(control.snapshot().now * 1000).toUTCString();
  return { status: 200, headers: { "Last-Modified": now, ...headers }, source };
}

export interface Followers {
  /** Streams the log into the response until either ends; false when there are too many already. */
  add(response: ServerResponse, source: LogSource): boolean;
  /** Ends all answers properly. */
  close(): void;
}

export function createFollowers(): Followers {
  const open = new Set<() => void>();
  return {
    add(response, source) {
      if (open.size >= MAX_FOLLOWERS) return false;
      const end = streamLog(response, source);
      open.add(end);
      response.once("close", () => open.delete(end));
      return true;
    },
    close() {
      for (const end of [...open]) end();
    },
  };
}

/** Returns the way to end it. */
function streamLog(response: ServerResponse, source: LogSource): () => void {
  /** Bytes that were left out since the client stopped reading. */
  let missed = 0;

  function send(bytes: Uint8Array): void {
    if (missed > 0 || response.writableLength + bytes.length > WAITING_BYTES) missed += bytes.length;
    else response.write(Buffer.from(bytes));
  }

  function catchUp(): void {
    if (missed === 0) return;
    const kept = source.kept();
    const whole = missed <= Math.min(kept.length, WAITING_BYTES);
    const newest = whole
      ? Buffer.from(kept.subarray(kept.length - missed))
      : lastOf(kept, Math.min(missed, WAITING_BYTES));
    if (!whole) response.write(`\n==> ${missed - newest.length} bytes left out <==\n`);
    missed = 0;
    response.write(newest);
  }

  const first = lastOf(source.kept(), FIRST_BYTES);
  response.flushHeaders();
  if (first.length > 0) response.write(first);
  const stops = [source.follow(send), source.onGone(end)];
  response.on("drain", catchUp);
  response.once("close", stop);

  function stop(): void {
    for (const stopOne of stops.splice(0)) stopOne();
  }

  function end(): void {
    stop();
    if (!response.writableEnded) response.end();
  }

  return end;
}

/** A copy of the last bytes, from a whole character on where something is cut off. */
function lastOf(bytes: Uint8Array, count: number): Buffer {
  let from = Math.max(0, bytes.length - count);
  if (from > 0) while (from < bytes.length && ((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  return Buffer.from(bytes.subarray(from));
}
