/** The shell script that turns fresh namespaces into something like a container and becomes the init. */

export interface Launch {
  readonly command: readonly string[];
  /** `NAME=value`: all that the init gets. */
  readonly environment: readonly string[];
  readonly pid1: boolean;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly setup: string;
  readonly redirect: string;
  /** Empty: wherever the setup went. */
  readonly cwd: string;
  readonly terminal: boolean;
}

export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * `/run` is private, so that control sockets of parallel tests do not meet; a supervisor's config on this machine is out
 * of sight; loopback is up. The init is a session leader, as a container runtime makes it.
 */
export function launchScript(launch: Launch): string {
  const user = launch.user;
  const words = [
    "setsid",
    ...(launch.terminal ? ["--ctty"] : []),
    ...(user === undefined
      ? []
      : ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"]),
    "env",
    "-i",
    ...launch.environment,
    ...launch.command,
  ];
  const line = words.map(quote).join(" ");
  return [
    "set -e",
    "ip link set lo up",
    "mount -t tmpfs -o mode=755 tmpfs /run",
    "[ ! -d /etc/supervisor ] || mount -t tmpfs tmpfs /etc/supervisor",
    launch.setup,
    ...(launch.cwd === "" ? [] : [`cd ${quote(launch.cwd)}`]),
    launch.pid1 ? `exec ${line} ${launch.redirect}` : `set +e; ${line} ${launch.redirect}; exit $?`,
  ].join("\n");
}
