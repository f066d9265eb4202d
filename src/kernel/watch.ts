/** Being told that a descriptor is readable, by Node's own event loop (uv_poll_t): no thread, no timer, no wake-up while it is not. */
import { errnoName, UV_POLL, UV_READABLE } from "./abi.ts";
import type { Errno, Fd } from "./kernel.ts";
import * as libc from "./libc.ts";

const handleSize = libc.later("uv_handle_size", { arguments: ["int32"], return: "uint64" });
const pollInit = libc.later("uv_poll_init", { arguments: ["pointer", "pointer", "int32"], return: "int32" });
const pollStart = libc.later("uv_poll_start", {
  arguments: ["pointer", "int32", "pointer"],
  return: "int32",
});
const closeHandle = libc.later("uv_close", { arguments: ["pointer", "pointer"], return: "void" });

interface Watched {
  /** libuv's until the handle is closed. */
  readonly memory: libc.Memory;
  readonly onReadable: () => void;
  isClosing: boolean;
  isDue: boolean;
}

const handles = new Map<libc.Pointer, Watched>();
let callbacks: { readonly poll: libc.Pointer; readonly close: libc.Pointer } | null = null;

/** The answer ends it; it must, before the descriptor is closed. */
export function watch(fd: Fd, onReadable: () => void): (() => void) | Errno {
  callbacks ??= {
    poll: libc.pollCallback(onPoll),
    close: libc.closeCallback((handle) => void handles.delete(handle)),
  };
  const { poll, close } = callbacks;
  const memory = libc.allocate(Number(handleSize()(UV_POLL)));
  const failed = pollInit()(libc.eventLoop(), memory.at, fd);
  if (failed < 0) return errnoName(-failed);
  const watched: Watched = { memory, onReadable, isClosing: false, isDue: false };
  handles.set(memory.at, watched);
  const stop = (): void => {
    if (watched.isClosing) return;
    watched.isClosing = true;
    closeHandle()(memory.at, close);
  };
  const started = pollStart()(memory.at, UV_READABLE, poll);
  if (started >= 0) return stop;
  stop();
  return errnoName(-started);
}

/**
 * Called by libuv without Node's knowledge: promises and nextTick queued here would wait for some other callback, and
 * nothing may be thrown. An immediate runs in this same turn of the loop.
 */
function onPoll(handle: libc.Pointer): void {
  const watched = handles.get(handle);
  if (watched === undefined || watched.isDue) return;
  watched.isDue = true;
  setImmediate(() => {
    watched.isDue = false;
    if (!watched.isClosing) watched.onReadable();
  });
}
