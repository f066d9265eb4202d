/** Datagrams to a unix socket by its path, which Node cannot send: what syslog(3) does. */
import {
  AF_UNIX,
  EINVAL,
  ENAMETOOLONG,
  errnoName,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from "./abi.ts";
import type { Errno, Fd } from "./kernel.ts";
import * as libc from "./libc.ts";
import { encodeText } from "./text.ts";

const socket = libc.later("socket", { arguments: ["int32", "int32", "int32"], return: "int32" });
const sendto = libc.later("sendto", {
  arguments: ["int32", "pointer", "uint64", "int32", "pointer", "uint32"],
  return: "int32",
});

/** struct sockaddr_un: family, then 108 bytes of path with its NUL. */
const PATH_AT = 2;
const PATH_BYTES = 108;

let sender: Fd = -1;
let address: { readonly path: string; readonly memory: libc.Memory } | null = null;

/** The socket is never connected, so a receiver that comes back under the same path is found again by itself. */
export function sendDatagram(path: string, bytes: Uint8Array): Errno | null {
  const to = addressOf(path);
  if (typeof to === "string") return to;
  if (sender < 0) {
    const fd = libc.orErrno(socket()(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd < 0) return errnoName(-fd);
    sender = fd;
  }
  const size = BigInt(bytes.byteLength);
  const call = sendto();
  const sent = libc.orErrno(
    call(sender, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, to.at, to.bytes.byteLength),
  );
  return sent < 0 ? errnoName(-sent) : null;
}

function addressOf(path: string): libc.Memory | Errno {
  if (address?.path === path) return address.memory;
  const name = encodeText(path);
  if (name.length === 0 || name.includes(0)) return errnoName(EINVAL);
  if (name.length >= PATH_BYTES) return errnoName(ENAMETOOLONG);
  const memory = libc.allocate(PATH_AT + PATH_BYTES);
  memory.bytes.writeUInt16LE(AF_UNIX, 0);
  memory.bytes.set(name, PATH_AT);
  address = { path, memory };
  return memory;
}
