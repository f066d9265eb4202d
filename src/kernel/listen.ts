/**
 * Listening sockets before Node's network modules are loaded: a port in use is known before anything is started, and
 * a program finds the control socket there.
 */
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  ENAMETOOLONG,
  errnoName,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOCKADDR_UN,
  SOL_SOCKET,
  SYS,
} from "./abi.ts";
import type { Errno, Fd } from "./kernel.ts";
import * as libc from "./libc.ts";

const setsockopt = libc.later("setsockopt", {
  arguments: ["int32", "int32", "int32", "pointer", "uint32"],
  return: "int32",
});

const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;

/** Nobody else may connect to a new socket until its owner and mode are set. */
const PRIVATE_UMASK = 0o177;

/** An empty host is every address, IPv6 too where there is any. "ENOTSUP" for a name or an IPv6 address: those need Node. */
export function listenTcp(host: string, port: number, backlog: number): Fd | Errno {
  if (host === "" || host === "*") {
    const both = open(AF_INET6, anyAddress6(port), SOCKADDR_IN6, backlog);
    if (both >= 0) return both;
    if (both !== -EAFNOSUPPORT && both !== -EADDRNOTAVAIL) return errnoName(-both);
    return answer(open(AF_INET, address4([0, 0, 0, 0], port), SOCKADDR_IN, backlog));
  }
  const numbers = parseAddress4(host);
  if (numbers === null) return "ENOTSUP";
  return answer(open(AF_INET, address4(numbers, port), SOCKADDR_IN, backlog));
}

export function listenUnix(path: string, backlog: number): Fd | Errno {
  const address = unixAddress(path);
  if (typeof address === "number") return errnoName(address);
  const before = libc.umask(PRIVATE_UMASK);
  const fd = open(AF_UNIX, address, SOCKADDR_UN.size, backlog);
  libc.umask(before);
  return answer(fd);
}

/** 0, or minus the errno. */
export function setBacklog(fd: Fd, backlog: number): number {
  return listen(fd, backlog);
}

/** Never waits: a queue that is full is "EAGAIN". */
export function knock(path: string): Errno | null {
  const address = unixAddress(path);
  if (typeof address === "number") return errnoName(address);
  const fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return errnoName(-fd);
  const result = libc.syscall(SYS.connect, BigInt(fd), address.at, BigInt(SOCKADDR_UN.size));
  libc.close(fd);
  return result < 0 ? errnoName(-result) : null;
}

/** The address, or the errno of a path that is none. */
function unixAddress(path: string): libc.Memory | number {
  if (path === "" || path.includes("\0")) return EINVAL;
  const name = libc.cString(path);
  if (name.length > SOCKADDR_UN.size - SOCKADDR_UN.path) return ENAMETOOLONG;
  const address = libc.allocate(SOCKADDR_UN.size);
  address.bytes.writeUInt16LE(AF_UNIX, 0);
  address.bytes.set(name, SOCKADDR_UN.path);
  return address;
}

function answer(result: number): Fd | Errno {
  return result < 0 ? errnoName(-result) : result;
}

/** Four numbers, or null; one expression for all of it takes V8 a fifth of a millisecond to compile. */
function parseAddress4(host: string): number[] | null {
  const parts = host.split(".");
  const isNumber = (part: string): boolean => /^\d{1,3}$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isNumber) ? parts.map(Number) : null;
}

function address4(numbers: readonly number[], port: number): libc.Memory {
  const address = libc.allocate(SOCKADDR_IN);
  address.bytes.writeUInt16LE(AF_INET, 0);
  address.bytes.writeUInt16BE(port, 2);
  address.bytes.set(numbers, 4);
  return address;
}

function anyAddress6(port: number): libc.Memory {
  const address = libc.allocate(SOCKADDR_IN6);
  address.bytes.writeUInt16LE(AF_INET6, 0);
  address.bytes.writeUInt16BE(port, 2);
  return address;
}

/** The descriptor, or minus the errno. */
function open(family: number, address: libc.Memory, size: number, backlog: number): number {
  const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC);
  if (fd < 0) return fd;
  let result = family === AF_UNIX ? 0 : setFlag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (result >= 0 && family === AF_INET6) result = setFlag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (result >= 0) result = libc.syscall(SYS.bind, BigInt(fd), address.at, BigInt(size));
  if (result >= 0) result = listen(fd, backlog);
  if (result >= 0) return fd;
  libc.close(fd);
  return result;
}

function socket(family: number, type: number): number {
  return libc.syscall(SYS.socket, BigInt(family), BigInt(type), 0n);
}

function listen(fd: Fd, backlog: number): number {
  return libc.syscall(SYS.listen, BigInt(fd), BigInt(backlog));
}

function setFlag(fd: Fd, level: number, option: number, value: number): number {
  const memory = libc.allocate(4);
  memory.bytes.writeInt32LE(value);
  return libc.orErrno(setsockopt()(fd, level, option, memory.at, 4));
}
