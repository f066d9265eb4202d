/** What tests of lines share: programs that write given bytes, and readers that are strict about what comes out. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PYTHON } from "./probe.ts";
import { FIXTURES } from "./scene.ts";

export type Value = Record<string, unknown>;

export const FORMATS = ["text", "json", "raw"] as const;

export function fixture(name: string, ...args: readonly (string | number)[]): string {
  return [PYTHON, "-I", "-S", join(FIXTURES, name), ...args].join(" ");
}

/** A shell line that puts these bytes into a file. */
export function file(path: string, bytes: Uint8Array): string {
  return `echo ${Buffer.from(bytes).toString("base64")} | base64 -d > ${path}`;
}

/** As Python's json reads it, strictly; each line a value. */
export function strictly(bytes: Uint8Array): Value[] {
  const { status, stdout, stderr } = spawnSync(PYTHON, ["-I", "-S", join(FIXTURES, "strict-json.py")], {
    input: bytes,
    maxBuffer: 1 << 30,
  });
  assert.equal(status, 0, String(stderr));
  const values = JSON.parse(String(stdout)) as Value[];
  const lines = Buffer.from(bytes).toString("utf8").split("\n").slice(0, -1);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    values,
    "JSON.parse and Python agree",
  );
  return values;
}

/** Every byte but the newline. */
export const ALL_BYTES = Buffer.from([...Array(256).keys()].filter((byte) => byte !== 10));
