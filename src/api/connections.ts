/**
 * Keeps slow and silent clients from being in the way of the others: who has not sent a request in time is dropped, and so is
 * the one that has been at it longest when there are too many. Idle, there are no connections and so no timers.
 */
import type { Socket } from "node:net";
import type { ServerClock } from "./surface.ts";

export interface Connections {
  /** A new connection, which has to send a request now. */
  accept(socket: Socket): void;
  /** The request is complete: the answer may take as long as it takes. */
  answering(socket: Socket): void;
  /** The answer is written: the client has to take it now. */
  leaving(socket: Socket): void;
  count(): number;
  /** Ends them all; what is written still leaves. */
  close(): void;
}

/** Enough for every prober and scraper there is, far below what descriptors allow. */
const MAX_CONNECTIONS = 512;
const REQUEST_MS = 10_000;
const REPLY_MS = 30_000;

interface Open {
  cancel: () => void;
  reading: boolean;
}

export function createConnections(clock: ServerClock): Connections {
  /** Oldest first. */
  const open = new Map<Socket, Open>();

  function deadline(socket: Socket, millis: number): void {
    const one = open.get(socket);
    if (!one) return;
    one.cancel();
    one.cancel = clock.after(millis, () => socket.destroy());
  }

  function makeRoom(): void {
    if (open.size <= MAX_CONNECTIONS) return;
    for (const [socket, { reading }] of open) {
      if (!reading) continue;
      socket.destroy();
      open.get(socket)?.cancel();
      open.delete(socket);
      return;
    }
  }

  return {
    accept(socket) {
      open.set(socket, { cancel: () => {}, reading: true });
      socket.once("close", () => {
        open.get(socket)?.cancel();
        open.delete(socket);
      });
      deadline(socket, REQUEST_MS);
      makeRoom();
    },
    answering(socket) {
      const one = open.get(socket);
      if (!one) return;
      one.cancel();
      one.reading = false;
    },
    leaving: (socket) => deadline(socket, REPLY_MS),
    count: () => open.size,
    close() {
      for (const socket of open.keys()) socket.destroySoon();
    },
  };
}
