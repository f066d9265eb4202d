/** The vector with the module that the build makes. A file of its own: what runs from the sources has no such module. */
import type { Vector } from "./arena.ts";
import LINES from "./lines.wasm";
import { createVector } from "./vector.ts";

export function builtVector(): Vector {
  return createVector(LINES);
}
