/** An AssemblyScript file → a WebAssembly module that gets its memory from outside, and needs nothing else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMPILER = join(import.meta.dirname, "../node_modules/assemblyscript/bin/asc.js");
const FLAGS = ["-O3", "--enable", "simd", "--runtime", "stub", "--noAssert", "--importMemory"];

/** Throws when it does not compile; the compiler's messages are on stderr then. */
export function compileWasm(source: string): Buffer<ArrayBuffer> {
  const directory = mkdtempSync(join(tmpdir(), "tsinit-wasm-"));
  try {
    const output = join(directory, "out.wasm");
    execFileSync(process.execPath, [COMPILER, source, "--outFile", output, ...FLAGS], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return readFileSync(output);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
