/** `environment_file`: KEY=VALUE lines, as Docker's --env-file and systemd's EnvironmentFile have them. */
import { Invalid } from "./problems.ts";

/**
 * Blank lines and comments are left out; `export` before a name, and one pair of quotes around a value, are taken away.
 * Nothing is expanded. Throws Invalid with the number of the first line that is none of these.
 */
export function parseVariables(text: string): Record<string, string> {
  const out: Record<string, string> = {};
  text.split(/\r?\n/).forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith(";")) return;
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/s.exec(trimmed);
    const [, name, value = ""] = match ?? [];
    // Its text may be a secret.
    if (name === undefined) throw new Invalid(`line ${index + 1} is not KEY=VALUE`);
    const quoted = /^(["'])(.*)\1$/s.exec(value);
    out[name] = quoted === null ? value : (quoted[2] ?? "");
  });
  return out;
}
