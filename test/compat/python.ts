/** Runs the Python scripts of this folder; a Python that is not there fails the test, it never skips it. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const HERE = import.meta.dirname;

export interface CorpusFile {
  readonly name: string;
  readonly text: string;
}

/** The written configuration files, by name. */
export function readCorpus(): CorpusFile[] {
  return readdirSync(`${HERE}/corpus`)
    .sort()
    .map((name) => ({ name, text: readFileSync(`${HERE}/corpus/${name}`, "utf8") }));
}

/** The answer of a script to a question, both JSON. Throws with Python's words when it fails. */
export function askPython(script: string, question: unknown, python = "python3"): unknown {
  const run = spawnSync(python, [`${HERE}/${script}`], {
    input: JSON.stringify(question),
    encoding: "utf8",
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  if (run.error !== undefined) throw new Error(`${python} is needed for this test: ${run.error.message}`);
  if (run.status !== 0) throw new Error(`${script} ended with ${run.status}:\n${run.stderr}`);
  return JSON.parse(run.stdout);
}

/** A Python that has the supervisor package, or null. */
export function supervisorPython(): string | null {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const run = spawnSync(python, ["-c", "import supervisor.options"], { timeout: 60_000 });
    if (run.status === 0) return python;
  }
  return null;
}
