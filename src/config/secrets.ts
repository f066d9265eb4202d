/** What of a configuration is not for others to read, taken out of what is said about it. */

/** Variables whose values are secrets, by their names. */
const SECRET_NAME = /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|AUTH|DSN/i;
/** Names that look like it and are not. */
const NO_SECRET = /^(PWD|OLDPWD|SSH_AUTH_SOCK)$/;
/** Shorter ones are found everywhere. */
const LEAST_LENGTH = 4;
/** Of a line that nobody understands: enough to find it. */
const SHOWN_LETTERS = 8;

/** `//user:password@` of a URL, or of what was meant to be one. */
export function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, "//");
}

/** Puts `%(ENV_X)s` back in the place of values of the container's variables that are secrets. */
export function secretsHider(
  environment: readonly (readonly [name: string, value: string])[],
): (text: string) => string {
  const secrets = environment.filter(
    ([name, value]) =>
      value.length >= LEAST_LENGTH &&
      ((SECRET_NAME.test(name) && !NO_SECRET.test(name)) || withoutLogin(value) !== value),
  );
  return (text) =>
    secrets.reduce((shown, [name, value]) => shown.replaceAll(value, () => `%(ENV_${name})s`), text);
}

/** The beginning of a line that is no key and value: it may be a part of one. */
export function beginningOf(line: string): string {
  const [key = ""] = /^[^=:]*[=:]?/.exec(line) ?? [];
  const shown = key === line && !/[=:]$/.test(key) ? line.slice(0, SHOWN_LETTERS) : key;
  return shown === line ? line : `${shown}…`;
}
