/**
 * Regular expressions of the configuration. They are searched by PID 1 in what programs write, so none may take longer
 * than in proportion to the text: `(a+)+$` would stop everything for years on forty letters.
 */
import { Invalid } from "./problems.ts";
import { quote } from "./text.ts";

let isEnabled = false;

/** Throws `Invalid` when it is none, or one that only a search without a bound could follow. */
export function compilePattern(text: string): RegExp {
  try {
    new RegExp(text);
  } catch (error) {
    throw new Invalid(
      `${quote(text)} is not a regular expression: ${error instanceof Error ? error.message : ""}`,
    );
  }
  // V8's engine for linear time is asked for by the flag `l`, which must be enabled first; other patterns keep theirs.
  if (!isEnabled)
    process.getBuiltinModule("node:v8").setFlagsFromString("--enable-experimental-regexp-engine");
  isEnabled = true;
  try {
    return new RegExp(text, "l");
  } catch {
    throw new Invalid(
      `${quote(text)} may take without end to search for; expected none of lookahead, back references, ` +
        "(?i:…) and repetitions by the thousand",
    );
  }
}
