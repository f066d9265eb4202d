/**
 * Becoming another user for the length of one spawn. The ids are changed by raw system calls, on this thread alone:
 * glibc's setuid() would change Node's other threads too, and there would be no way back.
 */
import type { Credentials } from "../core/spec.ts";
import {
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_CAP_AMBIENT_IS_SET,
  PR_CAP_AMBIENT_RAISE,
  PR_GET_DUMPABLE,
  PR_SET_DUMPABLE,
  SYS,
} from "./abi.ts";
import { CredentialsLost } from "./kernel.ts";
import { allocate, type Memory, prctl, syscall } from "./libc.ts";

interface Ids {
  readonly real: bigint;
  readonly effective: bigint;
  readonly saved: bigint;
}

/** What this process is, read once: nothing but this file changes it, and this file puts it back. */
interface Own {
  readonly uids: Ids;
  readonly gids: Ids;
  readonly groups: Memory;
  readonly ambient: readonly bigint[];
}

let own: Own | null = null;

/**
 * Whether `user` asks for what we are already. Another group counts for root alone: a plain uid has no way to change its
 * groups, and images run as a bare uid have gid 0 whatever /etc/passwd says.
 */
export function isOurselves(user: Credentials): boolean {
  const uid = process.geteuid?.() ?? 0;
  return user.uid === uid && process.getuid?.() === uid && (uid !== 0 || user.gid === process.getegid?.());
}

/**
 * Runs `action` with the real and effective ids and the groups of `user`; answers minus the errno when those cannot be
 * had. The saved ids stay ours, which is the way back; a child's execve overwrites its own with the effective ones, so
 * nothing of us is left in it.
 */
export function asUser(user: Credentials, action: () => number): { changed: number } | { result: number } {
  own ??= readOwn();
  const groups = allocate(4 * Math.max(1, user.groups.length));
  user.groups.forEach((gid, i) => {
    groups.bytes.writeUInt32LE(gid, 4 * i);
  });
  const dumpable = prctl(PR_GET_DUMPABLE);
  let regrouped = false;
  try {
    let changed = dropAmbient(own);
    if (changed >= 0) changed = syscall(SYS.setgroups, BigInt(user.groups.length), groups.at);
    regrouped = changed >= 0;
    if (changed >= 0) changed = takeIds(user, own);
    return changed < 0 ? { changed } : { result: action() };
  } finally {
    restore(own, regrouped, dumpable);
  }
}

/**
 * Runs `action` with the file system ids of a process's user: what /proc shows of it is its own to read, and root needs
 * CAP_SYS_PTRACE for it, which containers lack. Without CAP_SETUID the ids stay as they are.
 */
export function asFileOwner<T>(uid: number, gid: number, action: () => T): T {
  own ??= readOwn();
  const dumpable = prctl(PR_GET_DUMPABLE);
  syscall(SYS.setfsgid, BigInt(gid));
  syscall(SYS.setfsuid, BigInt(uid));
  try {
    return action();
  } finally {
    syscall(SYS.setfsuid, own.uids.effective);
    syscall(SYS.setfsgid, own.gids.effective);
    if (dumpable === 1) prctl(PR_SET_DUMPABLE, 1n);
  }
}

/** Ambient capabilities would outlive the change of uid, because the saved one stays root. */
function dropAmbient({ ambient }: Own): number {
  return ambient.length > 0 ? prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL) : 0;
}

function takeIds(user: Credentials, { uids, gids }: Own): number {
  const gid = BigInt(user.gid);
  const uid = BigInt(user.uid);
  const changed = syscall(SYS.setresgid, gid, gid, gids.effective);
  return changed < 0 ? changed : syscall(SYS.setresuid, uid, uid, uids.effective);
}

/** The uid first: it brings the capabilities back that the rest needs. */
function restore({ uids, gids, groups, ambient }: Own, regrouped: boolean, dumpable: number): void {
  let result = syscall(SYS.setresuid, uids.real, uids.effective, uids.saved);
  if (result >= 0) result = syscall(SYS.setresgid, gids.real, gids.effective, gids.saved);
  // Not what was never changed: a process that may not set its groups would fail here.
  if (result >= 0 && regrouped) result = syscall(SYS.setgroups, BigInt(groups.bytes.length / 4), groups.at);
  for (const capability of ambient) {
    if (result >= 0) result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
  }
  if (result < 0) throw new CredentialsLost(-result);
  // A change of the effective uid makes the whole process undumpable, which takes /proc/self away from a non-root one.
  if (dumpable === 1) prctl(PR_SET_DUMPABLE, 1n);
}

function readOwn(): Own {
  const count = Math.max(0, syscall(SYS.getgroups, 0n, 0n));
  const groups = allocate(4 * count);
  if (count > 0) syscall(SYS.getgroups, BigInt(count), groups.at);
  const ambient: bigint[] = [];
  for (let capability = 0n; capability < 64n; capability++) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability) === 1) ambient.push(capability);
  }
  return { uids: readIds(SYS.getresuid), gids: readIds(SYS.getresgid), groups, ambient };
}

function readIds(call: bigint): Ids {
  const { bytes, at } = allocate(12);
  syscall(call, at, at + 4n, at + 8n);
  return {
    real: BigInt(bytes.readUInt32LE(0)),
    effective: BigInt(bytes.readUInt32LE(4)),
    saved: BigInt(bytes.readUInt32LE(8)),
  };
}
