/** The plain loops and those in WebAssembly, on the same inputs: both must give what a few lines of strings give. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compileWasm } from "../../build/wasm.ts";
import { turns, withWorld } from "../../test/fakes/log-world.ts";
import { fakeSpec } from "../../test/fakes/plans.ts";
import { random } from "../../test/fakes/random.ts";
import { Arena, type Vector } from "./arena.ts";
import type { LineCursor } from "./lines.ts";
import { createVector } from "./vector.ts";

const MODULE = new Uint8Array(compileWasm(join(import.meta.dirname, "lines.as.ts")));
const load = (): Promise<Vector> => Promise.resolve(createVector(MODULE));

async function plain(): Promise<Arena> {
  return new Arena();
}

async function fast(): Promise<Arena> {
  const arena = new Arena(load);
  arena.accelerate();
  await turns(2);
  return arena;
}

const FILLING = Buffer.alloc(256 * 104, 0xee);

/** The range prefixed, into blocks that are filled to somewhere before; nothing else in a block may change. */
function prefixed(arena: Arena, range: LineCursor, to: number, prefix: Buffer, filled: number): string {
  const cursor = { ...range };
  let text = "";
  while (cursor.read < to) {
    const block = arena.takeBlock();
    const { buffer } = block;
    const from = Math.min(filled, buffer.length - prefix.length - 256);
    FILLING.copy(buffer, 0, 0, from);
    cursor.write = from;
    arena.prefixLines(arena.input, to, block, prefix, cursor);
    assert.ok(cursor.write > from && cursor.write <= buffer.length, "moved on, inside the block");
    assert.ok(FILLING.subarray(0, from).equals(buffer.subarray(0, from)));
    text += buffer.toString("latin1", from, cursor.write);
    arena.giveBlock(block);
  }
  assert.equal(cursor.inside, false);
  assert.equal(cursor.lines, text.split("\n").length - 1);
  return text;
}

for (const [name, make] of [
  ["plain", plain],
  ["vector", fast],
] as const)
  describe(name, () => {
    test("prefixes whole lines from any place to any place", async () => {
      const arena = await make();
      for (let seed = 1; seed <= 400; seed++) {
        const next = random(seed);
        const { input } = arena;
        const from = next(200);
        const density = [3, 20, 90, 1000][next(4)]!;
        const to = from + 1 + next(seed % 10 === 0 ? 60_000 : 800);
        for (let at = from; at < to; at++) input[at] = next(density) === 0 ? 10 : next(256);
        input[to - 1] = 10;
        // What lies behind must neither count nor be looked for.
        input.fill(10, to, to + 40);
        const prefix = Buffer.from("p".repeat([0, 1, 9, 15, 16, 17, 40, 300][next(8)]!));
        const lines = input.toString("latin1", from, to).split("\n").slice(0, -1);
        const wanted = lines.map((line) => `${prefix.toString()}${line}\n`).join("");
        const filled = next(3) === 0 ? 256 * 104 : next(500);
        const range = { read: from, write: 0, lines: 0, inside: false };
        assert.equal(prefixed(arena, range, to, prefix, filled), wanted, `seed ${seed}`);
        assert.equal(arena.countLines(input, from, to), lines.length, `seed ${seed}`);
      }
    });

    test("the longest prefix of all, and one that is longer", async () => {
      const arena = await make();
      arena.input.write("one\ntwo\n");
      for (const length of [4096, 5000]) {
        const prefix = Buffer.from("x".repeat(length));
        const range = { read: 0, write: 0, lines: 0, inside: false };
        const wanted = `${prefix}one\n${prefix}two\n`;
        assert.equal(prefixed(arena, range, 8, prefix, 256 * 104), wanted);
      }
    });

    test("counts every line of a long range", async () => {
      const arena = await make();
      arena.input.fill(10);
      const { length } = arena.input;
      assert.equal(arena.countLines(arena.input, 0, length), length);
      assert.equal(arena.countLines(arena.input, 3, length - 1), length - 4);
      assert.equal(arena.countLines(Buffer.from("a\nb\nc"), 0, 4), 2);
    });

    test("blocks come back, and are taken again", async () => {
      const arena = await make();
      const blocks = Array.from({ length: 12 }, () => arena.takeBlock());
      assert.equal(new Set(blocks.map((block) => block.buffer)).size, 12);
      for (const block of blocks) arena.giveBlock(block);
      // What is not kept has given its memory back.
      const kept = blocks.filter((block) => block.buffer.length > 0);
      assert.equal(kept.length, name === "plain" ? 2 : 6);
      const again = arena.takeBlock();
      assert.ok(kept.includes(again));
    });
  });

test("without WebAssembly all goes on as it was", async () => {
  let asked = 0;
  const arena = new Arena(() => {
    asked++;
    return Promise.reject(new RangeError("no address space"));
  });
  const before = arena.input;
  arena.accelerate();
  await turns(2);
  arena.accelerate();
  assert.equal(arena.input, before);
  assert.equal(asked, 1);
});

test("a flood goes over to it in the middle, and no byte changes; another program's pipe does too", async () => {
  const [web, raw] = [fakeSpec("web"), fakeSpec("raw", { logFormat: "raw" })];
  let loads = 0;
  const vector = (): Promise<Vector> => {
    loads++;
    return load();
  };
  await withWorld({ programs: [web, raw], vector }, async ({ attach, out, err, logs }) => {
    const quiet = attach(raw, 2, "stderr");
    quiet.write("before\n");
    await err.until("before\n");
    const { ended } = attach(web, 1, "stdout").run(
      "i=0; while [ $i -lt 4 ]; do seq 1 200000; i=$((i+1)); done",
    );
    const lines = (): number => logs.counters("web:web", "stdout").lines;
    while (lines() < 4 * 200_000) await turns(1);
    await ended;
    logs.finish("web:web", 1);
    const once = Array.from({ length: 200_000 }, (_, index) => `web    | ${index + 1}\n`).join("");
    await out.untilTrue(() => out.length >= once.length * 4);
    assert.ok(out.text() === once.repeat(4), "the output is the program's");
    assert.equal(loads, 1);
    quiet.write("after\n");
    assert.equal(await err.until("after\n"), "before\nafter\n");
  });
});
