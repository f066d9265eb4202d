/** `ready_fd`: a newline on a pipe that the program holds the other end of (s6). */
import type net from "node:net";
import type { Fd } from "../kernel/kernel.ts";
import { no, type Verdict, YES } from "./probes.ts";

/** Owns `fd`. Read on after the newline: whoever writes more must not be struck by SIGPIPE. The answer closes it. */
export function watchFd(fd: Fd, number: number, tell: (verdict: Verdict) => void): () => void {
  const { Socket } = process.getBuiltinModule("node:net");
  const socket: net.Socket = new Socket({ fd, readable: true, writable: false });
  let isReady = false;
  socket.on("data", (bytes: Buffer) => {
    if (isReady || !bytes.includes(10)) return;
    isReady = true;
    tell(YES);
  });
  socket.on("end", () => {
    if (!isReady) tell(no(`descriptor ${number} was closed without a newline`));
  });
  socket.on("error", () => {});
  return () => socket.destroy();
}
