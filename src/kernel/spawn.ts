/**
 * One program through posix_spawn: its parent waits in vfork until the exec has worked or failed, so a failure is an
 * answer with an errno and there is never a half-made child. glibc blocks all signals meanwhile and gives the child its
 * default dispositions before it lets them in (conformance 27).
 */
import {
  AT_FDCWD,
  EAGAIN,
  EINVAL,
  ENOMEM,
  ENOTDIR,
  errnoName,
  F_DUPFD_CLOEXEC,
  FILE_ACTIONS_SIZE,
  POSIX_SPAWN_SETPGROUP,
  POSIX_SPAWN_SETSID,
  POSIX_SPAWN_SETSIGDEF,
  POSIX_SPAWN_SETSIGMASK,
  S_IFDIR,
  SIG_BLOCK,
  SIG_SETMASK,
  SIGSET_SIZE,
  SPAWN_ATTRIBUTES_SIZE,
  SYS,
  X_OK,
} from "./abi.ts";
import { asUser, isOurselves } from "./credentials.ts";
import { fileType } from "./files.ts";
import type { Fd, SpawnRequest, SpawnResult } from "./kernel.ts";
import * as libc from "./libc.ts";
import {
  addChdir,
  addDup2,
  addForeground,
  destroyFileActions,
  initFileActions,
  initSpawnAttributes,
  posixSpawn,
} from "./posix-spawn.ts";

type Failure = Extract<SpawnResult, { ok: false }>;
type Step = Failure["step"];

/** Built at the first spawn and kept: they are the same for every program. */
interface Fixed {
  readonly attributes: libc.Memory;
  readonly actions: libc.Memory;
}

let fixed: Fixed | null = null;

/** glibc 2.26 for a session. */
const GROUP_FLAG = { own: POSIX_SPAWN_SETPGROUP, ours: 0, session: POSIX_SPAWN_SETSID } as const;

/** Environments are encoded once for each array: the caller must not change one that it has passed. */
const encoded = new WeakMap<readonly string[], libc.CStrings>();

/**
 * `childLimit` is the soft RLIMIT_NOFILE that children get. It is ours for the length of the call, so a thread of
 * Node's pool that opens a file in that moment may be told EMFILE.
 */
export function spawn(request: SpawnRequest, childLimit: bigint): SpawnResult {
  const argv = libc.cStrings(request.argv);
  const environment = encodeEnvironment(request.environment);
  if (!argv || !environment || request.file.includes("\0")) return failure("exec", EINVAL);
  if (request.directory?.includes("\0")) return failure("directory", EINVAL);
  fixed ??= prepare();
  const { actions } = fixed;
  const { group = "own" } = request;
  const attributes = group === "own" ? fixed.attributes : prepareAttributes(group);

  const copies: Fd[] = [];
  let prepared = initFileActions(actions);
  if (prepared !== 0) return failure("fork", prepared);
  try {
    const foreground = request.foreground && libc.foregroundGroup(request.stdio[0]) >= 0;
    const directory = request.directory === null ? null : libc.cString(request.directory);
    prepared = addDescriptors(actions, request, copies);
    if (prepared === 0 && directory) prepared = addChdir(actions, directory);
    const byChild = foreground && prepared === 0 ? addForeground(actions, 0) : null;
    if (prepared !== 0 || byChild) return failure("fork", prepared || byChild || EINVAL);

    const file = libc.cString(request.file);
    const result = run(request, childLimit, directory, () =>
      posixSpawn(file, actions, attributes, argv, environment),
    );
    if (result.ok && foreground && byChild === null) bringToFront(request.stdio[0], result.pid);
    return result;
  } finally {
    destroyFileActions(actions);
    for (const fd of copies) libc.close(fd);
  }
}

/** Everything of ours that the child is to inherit changed, the call, everything changed back. */
function run(
  request: SpawnRequest,
  childLimit: bigint,
  directory: Buffer | null,
  spawnNow: () => number,
): SpawnResult {
  let directoryFault = 0;
  const attempt = (): number => {
    const pid = spawnNow();
    // posix_spawn has one errno for all its steps; the directory is looked at as the user who could not enter it.
    if (pid < 0 && directory) directoryFault = cannotEnter(directory);
    return pid;
  };

  const limit = libc.fileLimit();
  const mask = request.umask === null ? null : libc.umask(request.umask);
  if (limit.soft !== childLimit) libc.setFileLimit(childLimit, limit.hard);
  try {
    let pid: number;
    if (request.user === null || isOurselves(request.user)) pid = attempt();
    else {
      const answer = asUser(request.user, attempt);
      if ("changed" in answer) return failure("user", -answer.changed);
      pid = answer.result;
    }
    if (pid > 0) return { ok: true, pid };
    if (pid === -EAGAIN || pid === -ENOMEM) return failure("fork", -pid);
    return directoryFault === 0 ? failure("exec", -pid) : failure("directory", directoryFault);
  } finally {
    if (limit.soft !== childLimit) libc.setFileLimit(limit.soft, limit.hard);
    if (mask !== null) libc.umask(mask);
  }
}

function prepare(): Fixed {
  return { attributes: prepareAttributes("own"), actions: libc.allocate(FILE_ACTIONS_SIZE) };
}

function prepareAttributes(group: NonNullable<SpawnRequest["group"]>): libc.Memory {
  const attributes = libc.allocate(SPAWN_ATTRIBUTES_SIZE);
  // Every bit the kernel knows: Node ignores PIPE and XFSZ, and what is ignored stays so over exec. (sigfillset() would
  // leave out 32 and 33, which glibc then sets to ignored in the child.)
  const all = libc.allocate(SIGSET_SIZE);
  all.bytes.fill(0xff, 0, 8);
  // The attributes start with an empty mask and process group 0, which means the child's own.
  const flags = GROUP_FLAG[group] | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  const failed = initSpawnAttributes(attributes, flags, all);
  if (failed !== 0) throw new Error(`posix_spawnattr: ${errnoName(failed)}`);
  return attributes;
}

function encodeEnvironment(environment: readonly string[]): libc.CStrings | null {
  const known = encoded.get(environment);
  if (known) return known;
  const strings = libc.cStrings(environment);
  if (strings) encoded.set(environment, strings);
  return strings;
}

/**
 * dup2 for 0, 1, 2 and the extra ones, right in any permutation: a source that is itself one of the targets is copied out
 * of the way first. A source that is already in its place stays there: glibc then clears its close-on-exec flag in the
 * child.
 */
function addDescriptors(actions: libc.Memory, { stdio, extra }: SpawnRequest, copies: Fd[]): number {
  const wanted = stdio.map((from, as) => ({ from, as }));
  if (extra !== undefined) wanted.push(...extra);
  const free = wanted.reduce((most, { as }) => Math.max(most, as), 2) + 1;
  for (const { from: source, as: target } of wanted) {
    let from = source;
    if (source !== target && wanted.some(({ as }) => as === source)) {
      from = libc.fcntl(source, F_DUPFD_CLOEXEC, free);
      if (from < 0) return -from;
      copies.push(from);
    }
    const failed = addDup2(actions, from, target);
    if (failed !== 0) return failed;
  }
  return 0;
}

/** The errno with which a chdir of the current user would fail, 0 when it would not. */
function cannotEnter(directory: Buffer): number {
  const type = fileType(directory);
  if (type < 0) return -type;
  if (type !== S_IFDIR) return ENOTDIR;
  const access = libc.syscall(SYS.faccessat, AT_FDCWD, libc.addressOf(directory), X_OK);
  return access < 0 ? -access : 0;
}

/** For a libc whose children cannot do it themselves. TTOU would stop us if we are not the foreground group. */
function bringToFront(terminal: Fd, group: number): void {
  const all = libc.allocate(SIGSET_SIZE);
  all.bytes.fill(0xff, 0, 8);
  const before = libc.changeSignalMask(SIG_BLOCK, all);
  libc.setForegroundGroup(terminal, group);
  libc.changeSignalMask(SIG_SETMASK, before);
}

function failure(step: Step, errno: number): Failure {
  return { ok: false, step, errno: errnoName(errno) };
}
