/** Numbers and layouts that C headers hold: Linux on x86-64 and arm64 with glibc. Another CPU is added here. */

interface SyscallNumbers {
  readonly getgroups: bigint;
  readonly setgroups: bigint;
  readonly setresuid: bigint;
  readonly getresuid: bigint;
  readonly setresgid: bigint;
  readonly getresgid: bigint;
  readonly newfstatat: bigint;
  readonly faccessat: bigint;
  readonly getdents64: bigint;
  readonly close_range: bigint;
  readonly pidfd_open: bigint;
  readonly setfsuid: bigint;
  readonly setfsgid: bigint;
  readonly close: bigint;
  readonly fcntl: bigint;
  readonly openat: bigint;
  readonly pipe2: bigint;
  readonly prlimit64: bigint;
  readonly rt_sigprocmask: bigint;
  readonly socket: bigint;
  readonly connect: bigint;
  readonly bind: bigint;
  readonly listen: bigint;
}

const X64: SyscallNumbers = {
  getgroups: 115n,
  setgroups: 116n,
  setresuid: 117n,
  getresuid: 118n,
  setresgid: 119n,
  getresgid: 120n,
  newfstatat: 262n,
  faccessat: 269n,
  getdents64: 217n,
  close_range: 436n,
  pidfd_open: 434n,
  setfsuid: 122n,
  setfsgid: 123n,
  close: 3n,
  fcntl: 72n,
  openat: 257n,
  pipe2: 293n,
  prlimit64: 302n,
  rt_sigprocmask: 14n,
  socket: 41n,
  connect: 42n,
  bind: 49n,
  listen: 50n,
};

/** Linux's generic table (asm-generic/unistd.h). */
const ARM64: SyscallNumbers = {
  getgroups: 158n,
  setgroups: 159n,
  setresuid: 147n,
  getresuid: 148n,
  setresgid: 149n,
  getresgid: 150n,
  newfstatat: 79n,
  faccessat: 48n,
  getdents64: 61n,
  close_range: 436n,
  pidfd_open: 434n,
  setfsuid: 151n,
  setfsgid: 152n,
  close: 57n,
  fcntl: 25n,
  openat: 56n,
  pipe2: 59n,
  prlimit64: 261n,
  rt_sigprocmask: 135n,
  socket: 198n,
  connect: 203n,
  bind: 200n,
  listen: 201n,
};

const IS_ARM64 = process.arch === "arm64";

export const SYS: SyscallNumbers = IS_ARM64 ? ARM64 : X64;

/** struct stat: 144 bytes on x86-64, 128 on arm64; st_mode, st_uid and st_gid are unsigned 32-bit numbers, and so
 * is what matters of st_nlink. */
export const STAT = {
  size: 144,
  links: IS_ARM64 ? 20 : 16,
  mode: IS_ARM64 ? 16 : 24,
  uid: IS_ARM64 ? 24 : 28,
  gid: IS_ARM64 ? 28 : 32,
} as const;
export const S_IFMT = 0o170000;
export const S_IFREG = 0o100000;
export const S_IFDIR = 0o040000;
export const X_OK = 1n;
export const AT_FDCWD = -100n;

/** glibc's struct sigaction: handler, mask of 1024 bits, flags, restorer; the same on both. */
export const SIGACTION = { size: 152, handler: 0, flags: 136 } as const;
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;
export const SA_RESETHAND = 0x80000000;
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;
/** sigset_t: 1024 bits of which the kernel knows the first 64. */
export const SIGSET_SIZE = 128;
export const KERNEL_SIGSET_SIZE = 8n;

/** posix_spawn_file_actions_t is 80 bytes and posix_spawnattr_t 336 in glibc; both get room to spare. */
export const FILE_ACTIONS_SIZE = 256;
export const SPAWN_ATTRIBUTES_SIZE = 512;
export const POSIX_SPAWN_SETPGROUP = 0x02;
export const POSIX_SPAWN_SETSID = 0x80;
export const POSIX_SPAWN_SETSIGDEF = 0x04;
export const POSIX_SPAWN_SETSIGMASK = 0x08;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_NOCTTY = 0o400;
export const O_DIRECTORY = IS_ARM64 ? 0o40000 : 0o200000;
export const O_CLOEXEC = 0o2000000;

export const F_SETFD = 2;
export const F_DUPFD_CLOEXEC = 1030;
export const F_SETPIPE_SZ = 1031;
export const M_MMAP_THRESHOLD = -3;
export const FD_CLOEXEC = 1;
export const CLOSE_RANGE_CLOEXEC = 4n;

export const RLIMIT_NOFILE = 7n;

export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_NAME = 15;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_IS_SET = 1n;
export const PR_CAP_AMBIENT_RAISE = 2n;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4n;

export const WNOHANG = 1;

/** struct pollfd: fd int32, events int16, revents int16. */
export const POLLFD = { size: 8, events: 4, revents: 6 } as const;
export const POLLIN = 0x1;
export const POLLOUT = 0x4;

/** struct linux_dirent64: inode, offset, length of the record (uint16), type, name with its NUL. */
export const DIRENT = { length: 16, name: 19 } as const;

export const EINTR = 4;
export const EPERM = 1;
export const ECHILD = 10;
export const EAGAIN = 11;
export const EACCES = 13;
export const ENOMEM = 12;
export const ENOTDIR = 20;
export const EINVAL = 22;
export const ENAMETOOLONG = 36;
export const EAFNOSUPPORT = 97;
export const EADDRNOTAVAIL = 99;

/** Sockets: asm-generic/socket.h, bits/socket.h, linux/in.h, linux/in6.h. */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const SOCK_NONBLOCK = 0o4000;
/** struct sockaddr_un: family (uint16), then the path with its NUL. */
export const SOCKADDR_UN = { size: 110, path: 2 } as const;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_PASSCRED = 16;
export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;
export const MSG_TRUNC = 0x20;
export const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct msghdr: name, its length, iovec array, how many, control bytes, how many, flags. */
export const MSGHDR = { size: 56, iov: 16, iovCount: 24, control: 32, controlSize: 40, flags: 48 } as const;
/** struct cmsghdr: length with this header, level, type, then the data; each begins at a multiple of 8. */
export const CMSGHDR = { size: 16, level: 8, type: 12 } as const;
/** struct ucred: pid int32, uid and gid uint32. */
export const UCRED = { size: 12, pid: 0, uid: 4 } as const;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

/** uv.h: the type of uv_poll_t among handles, and the event. */
export const UV_POLL = 8;
export const UV_READABLE = 1;

/** asm-generic/errno-base.h and errno.h, the same on both CPUs: index is the number, an empty place is unused. */
const ERRNO_NAMES = (
  "- EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST " +
  "EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE " +
  "EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH " +
  "ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE " +
  "ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD " +
  "ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT " +
  "EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN " +
  "ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT " +
  "ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT " +
  "ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL " +
  "EHWPOISON"
).split(" ");

/** 2 → `ENOENT`; `E999` for a number without a name. */
export function errnoName(errno: number): string {
  const name = ERRNO_NAMES[errno];
  return name === undefined || name === "-" ? `E${errno}` : name;
}
