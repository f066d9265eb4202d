/** What test files use: named tests with a box that starts inits and leaves nothing behind. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { Init } from "./init.ts";
import { PYTHON } from "./probe.ts";
import { BINARY, type Ending, type InitOptions, ROOT } from "./scene.ts";

/** Refuses to run, loudly, where namespaces cannot be made. */
function demandNamespaces(binary: string): void {
  if (process.getuid?.() !== 0)
    throw new Error("these tests make namespaces and need root; run them as root");
  for (const tool of ["unshare", "nsenter", "setpriv", "mkfifo", "ip", "mount"]) {
    const found = spawnSync("sh", ["-c", `command -v ${tool}`]);
    if (found.status !== 0) throw new Error(`these tests need the command ${tool}`);
  }
  if (!existsSync(PYTHON)) throw new Error(`these tests need ${PYTHON} for their fixture programs`);
  if (binary.startsWith(ROOT) && !existsSync(binary))
    throw new Error(`${binary} is missing: run npm run build first`);
}

/** What a test starts inits with; all are ended and removed after it. */
export class Box {
  readonly #inits: Init[] = [];

  async init(options: InitOptions): Promise<Init> {
    demandNamespaces(options.binary ?? BINARY);
    const init = new Init(options);
    this.#inits.push(init);
    return await init.ready();
  }

  /** Runs to the end. */
  async run(options: InitOptions, timeout?: number): Promise<Ending> {
    const init = await this.init(options);
    return await init.exit(timeout);
  }

  report(): string {
    return this.#inits.map((init, index) => `=== init ${index + 1}\n${init.report()}`).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#inits.map((init) => init.close()));
  }
}

/** A test with a box of inits; when it fails, what they wrote is part of the failure. */
export function boxed(name: string, body: (box: Box) => Promise<void>): void {
  test(name, { timeout: 120_000 }, async (context) => {
    const box = new Box();
    // A hook, so that a test that runs out of time is cleaned up after as well.
    context.after(() => box.close());
    try {
      await body(box);
    } catch (error) {
      if (error instanceof Error && !error.message.includes("--- stderr"))
        error.message += `\n${box.report()}`;
      throw error;
    }
  });
}

/** A test that shows the conformance scenario of this number. */
export function conformance(scenario: number, title: string, body: (box: Box) => Promise<void>): void {
  boxed(`conformance ${scenario}: ${title}`, body);
}
