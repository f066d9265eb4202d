/** The lines typed at the prompt, kept in a file from one session to the next. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";

/** Lines kept; beyond twice that the file is cut. */
export const HISTORY_LINES = 1000;

export interface History {
  /** The newest last. */
  readonly lines: readonly string[];
  /** At once, so that a session that is killed loses nothing, nor one beside it. */
  add(line: string): void;
}

/** `complain` is called at most once, with the reason why the file cannot be kept; the shell goes on without. */
export function openHistory(path: string | null, complain: (reason: string) => void): History {
  if (path === null) return { lines: [], add() {} };
  let isKept = true;
  const attempt = (work: () => void): void => {
    if (!isKept) return;
    try {
      work();
    } catch (error) {
      isKept = false;
      complain(error instanceof Error ? error.message : String(error));
    }
  };
  let lines: string[] = [];
  attempt(() => {
    const all = readLines(path);
    lines = all.slice(-HISTORY_LINES);
    if (all.length > 2 * HISTORY_LINES) writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  });
  return {
    lines,
    add: (line) => attempt(() => appendFileSync(path, `${line}\n`, { mode: 0o600 })),
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
