/**
 * Node's `process.stdout` and `process.stderr`, which the init must never have: the first look at one makes it, and that
 * sets O_NONBLOCK on a pipe or socket which others share. Node looks by itself: every socket that is closed asks whether it
 * is `process.stderr`.
 */

/** What Node's console asks of a stream. Its warnings are for developers; what operators are told goes through `Logs`. */
const SILENCE = {
  isTTY: false,
  write: () => true,
  on: () => SILENCE,
  once: () => SILENCE,
  removeListener: () => SILENCE,
};

export function withoutNodeStreams(): void {
  for (const name of ["stdout", "stderr"]) Object.defineProperty(process, name, { value: SILENCE });
}
