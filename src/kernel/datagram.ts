/** Datagrams to a unix socket by its address, which Node cannot send: what syslog(3) and sd_notify(3) do. */
import {
  AF_UNIX,
  EINVAL,
  ENAMETOOLONG,
  errnoName,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCKADDR_UN,
} from "./abi.ts";
import type { Errno, Fd } from "./kernel.ts";
import * as libc from "./libc.ts";
import { encodeText } from "./text.ts";

const socket = libc.later("socket", { arguments: ["int32", "int32", "int32"], return: "int32" });
const sendto = libc.later("sendto", {
  arguments: ["int32", "pointer", "uint64", "int32", "pointer", "uint32"],
  return: "int32",
});

/** `size` in the memory: all of it for a path, which its NUL ends; to the last byte for an abstract name, which nothing ends. */
export interface UnixAddress {
  readonly memory: libc.Memory;
  readonly size: number;
}

const AT_SIGN = 0x40;

let sender: Fd = -1;
let last: { readonly path: string; readonly address: UnixAddress } | null = null;

/** The socket is never connected, so a receiver that comes back under the same path is found again by itself. */
export function sendDatagram(path: string, bytes: Uint8Array): Errno | null {
  const to = lastAddress(path);
  if (typeof to === "string") return to;
  if (sender < 0) {
    const fd = libc.orErrno(socket()(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (fd < 0) return errnoName(-fd);
    sender = fd;
  }
  const size = BigInt(bytes.byteLength);
  const call = sendto();
  const sent = libc.orErrno(call(sender, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL, to.memory.at, to.size));
  return sent < 0 ? errnoName(-sent) : null;
}

function lastAddress(path: string): UnixAddress | Errno {
  if (last?.path === path) return last.address;
  const address = datagramAddress(path);
  if (typeof address !== "string") last = { path, address };
  return address;
}

/** A path, or `@name` for the abstract one, as systemd writes it. */
export function datagramAddress(path: string): UnixAddress | Errno {
  const name = encodeText(path);
  if (name.length === 0 || name.includes(0)) return errnoName(EINVAL);
  const isAbstract = name[0] === AT_SIGN;
  const room = SOCKADDR_UN.size - SOCKADDR_UN.path;
  if (name.length > (isAbstract ? room : room - 1)) return errnoName(ENAMETOOLONG);
  const memory = libc.allocate(SOCKADDR_UN.size);
  memory.bytes.writeUInt16LE(AF_UNIX, 0);
  memory.bytes.set(name, SOCKADDR_UN.path);
  if (!isAbstract) return { memory, size: SOCKADDR_UN.size };
  memory.bytes[SOCKADDR_UN.path] = 0;
  return { memory, size: SOCKADDR_UN.path + name.length };
}
