/** Datagrams to us, with who sent them, as the kernel and not the sender says it (unix(7), SCM_CREDENTIALS). */
import type { Pid } from "../core/states.ts";
import {
  AF_UNIX,
  CMSGHDR,
  errnoName,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_TRUNC,
  MSGHDR,
  SCM_CREDENTIALS,
  SCM_RIGHTS,
  SO_PASSCRED,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  UCRED,
} from "./abi.ts";
import { datagramAddress } from "./datagram.ts";
import type { Datagram, Errno, Fd } from "./kernel.ts";
import * as libc from "./libc.ts";

const socket = libc.later("socket", { arguments: ["int32", "int32", "int32"], return: "int32" });
const bind = libc.later("bind", { arguments: ["int32", "pointer", "uint32"], return: "int32" });
const recvmsg = libc.later("recvmsg", { arguments: ["int32", "pointer", "int32"], return: "int32" });
const setsockopt = libc.later("setsockopt", {
  arguments: ["int32", "int32", "int32", "pointer", "uint32"],
  return: "int32",
});

/** Every user may write to it. */
const PUBLIC_UMASK = 0o111;
/** systemd takes so much of a notification (NOTIFY_BUFFER_MAX is PIPE_BUF). */
const LONGEST = 4096;
/** Of whoever is not in our pid namespace, and the kernel's overflow uid. */
const NOBODY = { pid: 0, uid: 65534 } as const;

export function bindDatagrams(path: string): Fd | Errno {
  const address = datagramAddress(path);
  if (typeof address === "string") return address;
  const fd = libc.orErrno(socket()(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd < 0) return errnoName(-fd);
  // Before anybody can send: what is queued without credentials would have none.
  const one = libc.allocate(4);
  one.bytes.writeInt32LE(1);
  let result = libc.orErrno(setsockopt()(fd, SOL_SOCKET, SO_PASSCRED, one.at, 4));
  const before = libc.umask(PUBLIC_UMASK);
  if (result >= 0) result = libc.orErrno(bind()(fd, address.memory.at, address.size));
  libc.umask(before);
  if (result >= 0) return fd;
  libc.close(fd);
  return errnoName(-result);
}

/** What recvmsg(2) fills, and where it says so; made at the first use. */
interface Message {
  readonly header: libc.Memory;
  readonly text: libc.Memory;
  readonly control: libc.Memory;
  /** The header points to it. */
  readonly vector: libc.Memory;
}

let message: Message | null = null;

/**
 * The room for ancillary data is that of the credentials, which come first: descriptors that were sent along do not fit, and
 * the kernel closes them. Should a kernel put them first, they are closed here.
 */
export function receiveDatagram(fd: Fd): Datagram | Errno {
  message ??= prepare();
  const { header, text, control } = message;
  header.bytes.writeBigUInt64LE(BigInt(control.bytes.length), MSGHDR.controlSize);
  const count = libc.orErrno(recvmsg()(fd, header.at, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (count < 0) return errnoName(-count);
  const used = Math.min(Number(header.bytes.readBigUInt64LE(MSGHDR.controlSize)), control.bytes.length);
  const sender = readControl(control.bytes.subarray(0, used));
  const isCut = (header.bytes.readInt32LE(MSGHDR.flags) & MSG_TRUNC) !== 0;
  return { ...sender, bytes: isCut ? null : Buffer.from(text.bytes.subarray(0, count)) };
}

function readControl(bytes: Buffer): { pid: Pid; uid: number } {
  let sender: { pid: Pid; uid: number } = NOBODY;
  for (let at = 0; at + CMSGHDR.size <= bytes.length; ) {
    const size = Number(bytes.readBigUInt64LE(at));
    if (size < CMSGHDR.size) break;
    const data = bytes.subarray(at + CMSGHDR.size, at + size);
    const type =
      bytes.readInt32LE(at + CMSGHDR.level) === SOL_SOCKET ? bytes.readInt32LE(at + CMSGHDR.type) : 0;
    if (type === SCM_CREDENTIALS && data.length >= UCRED.size)
      sender = { pid: data.readInt32LE(UCRED.pid), uid: data.readUInt32LE(UCRED.uid) };
    else if (type === SCM_RIGHTS)
      for (let i = 0; i + 4 <= data.length; i += 4) libc.close(data.readInt32LE(i));
    at += (size + 7) & ~7;
  }
  return sender;
}

function prepare(): Message {
  const text = libc.allocate(LONGEST);
  const control = libc.allocate((CMSGHDR.size + UCRED.size + 7) & ~7);
  const vector = libc.allocate(16);
  vector.bytes.writeBigUInt64LE(text.at, 0);
  vector.bytes.writeBigUInt64LE(BigInt(LONGEST), 8);
  const header = libc.allocate(MSGHDR.size);
  header.bytes.writeBigUInt64LE(vector.at, MSGHDR.iov);
  header.bytes.writeBigUInt64LE(1n, MSGHDR.iovCount);
  header.bytes.writeBigUInt64LE(control.at, MSGHDR.control);
  return { header, text, control, vector };
}
