/**
 * Names of hosts for checks. Node resolves them on its four threads, which the container's output needs as well, and a name
 * server that does not answer holds a thread for many seconds: one name at a time, however many ask.
 */
import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

type Found = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

const LOOPBACK: readonly LookupAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** Who waits, by name; the first one is being asked for. */
const waiting = new Map<string, Found[]>();

/** For `net.connect`: every address of the name. localhost is the loopback, whatever the image's /etc/hosts lacks. */
export function createLookup(): LookupFunction {
  return (name, options, callback) => {
    resolve(name, (error, addresses) => {
      const [first] = addresses;
      if (error !== null || first === undefined) callback(error ?? new Error(`no address of ${name}`), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function resolve(name: string, found: Found): void {
  if (name === "localhost") return process.nextTick(found, null, [...LOOPBACK]);
  const others = waiting.get(name);
  if (others !== undefined) return void others.push(found);
  waiting.set(name, [found]);
  if (waiting.size === 1) next();
}

function next(): void {
  const [first] = waiting;
  if (first === undefined) return;
  const [name] = first;
  process.getBuiltinModule("node:dns").lookup(name, { all: true }, (error, addresses) => {
    const askers = waiting.get(name) ?? [];
    waiting.delete(name);
    next();
    for (const asker of askers) asker(error, addresses ?? []);
  });
}
