/** A fifo as an init's stdout, with a reader process at its other end. */
import { spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { discard, makeDirectory, makeFifo, track } from "./scratch.ts";

export type Reading = { readonly ms: number; readonly bytes: number; readonly line: string };

export type Pipeline<T> = {
  readonly path: string;
  /** Resolves to what the reader prints at its end. */
  readonly reading: Promise<T>;
  readonly end: () => void;
};

/** Starts a reader that discards `warm` bytes and times the next `bytes`. */
export function openPipeline(warm: number, bytes: number): Pipeline<Reading> {
  return openReader("reader.ts", warm, bytes);
}

/** Starts a reader that notes how old `count` lines of ticker.ts are when they come. */
export function openTickPipeline(count: number): Pipeline<number[]> {
  return openReader("tick-reader.ts", count);
}

function openReader<T>(script: string, ...numbers: readonly number[]): Pipeline<T> {
  const directory = makeDirectory();
  const path = join(directory, "stdout");
  makeFifo(path);
  // Held open, so that opening the writing end never waits for the reader to have started.
  const keep = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const reader = spawn(
    process.execPath,
    [new URL(script, import.meta.url).pathname, path, ...numbers.map(String)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  track(reader);
  const reading = new Promise<T>((resolve, reject) => {
    let text = "";
    reader.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    reader.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`the reader ended with ${code}`));
    });
  });
  // Ended on purpose is no failure; who awaits it still sees the rejection.
  reading.catch(() => undefined);
  return {
    path,
    reading,
    end: () => {
      reader.kill("SIGKILL");
      closeSync(keep);
      discard(directory);
    },
  };
}
