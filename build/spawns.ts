/** Tells when a bundle of tsinit is about to spawn a program: the moment that its start is measured by. */

type Call = (...values: unknown[]) => unknown;

/** `require` for the bundle. */
export function tellingSpawns(onSpawn: () => void): (name: string) => object | undefined {
  const ffi = process.getBuiltinModule("node:ffi");
  const dlopen = (...request: Parameters<typeof ffi.dlopen>): object => {
    const { lib, functions } = ffi.dlopen(...request);
    const resolve: Call = lib.getFunctions.bind(lib);
    const getFunctions: Call = (definitions) => {
      const { posix_spawn: spawn, ...others } = resolve(definitions) as Record<string, Call | undefined>;
      const spawnAndTell: Call = (...values) => {
        onSpawn();
        return spawn?.(...values);
      };
      return { ...others, posix_spawn: spawnAndTell };
    };
    return { lib: Object.assign(lib, { getFunctions }), functions };
  };
  return (name) => (name === "node:ffi" ? { ...ffi, dlopen } : process.getBuiltinModule(name));
}
