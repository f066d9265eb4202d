/** Tells when a bundle of tsinit is about to spawn a program: the moment that its start is measured by. */

type Call = (...values: unknown[]) => unknown;

/** `require` for the bundle. */
export function tellingSpawns(onSpawn: () => void): (name: string) => object | undefined {
  const ffi = process.getBuiltinModule("node:ffi");
  const dlopen = (...request: Parameters<typeof ffi.dlopen>): object => {
    const { lib, functions } = ffi.dlopen(...request);
    const { posix_spawn: spawn, ...others }: Record<string, Call | undefined> = functions;
    const spawnAndTell: Call = (...values) => {
      onSpawn();
      return spawn?.(...values);
    };
    return { lib, functions: { ...others, posix_spawn: spawnAndTell } };
  };
  return (name) => (name === "node:ffi" ? { ...ffi, dlopen } : process.getBuiltinModule(name));
}
