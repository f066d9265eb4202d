/** HTTP basic authentication (supervisord.md 12.2). */
import { createHash, timingSafeEqual } from "node:crypto";

export interface Login {
  readonly username: string;
  /** Clear text, or `{SHA}` and the lower-case hex SHA-1 of it. */
  readonly password: string;
}

/** Whether the Authorization header is right. No login set: always. Takes the same time for every wrong answer of a length. */
export function isAuthorized(login: Login | null, header: string | undefined): boolean {
  if (login === null) return true;
  const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return false;
  const given = Buffer.from(encoded, "base64").toString();
  const colon = given.indexOf(":");
  if (colon < 0) return false;
  const password = given.slice(colon + 1);
  const stored = login.password.startsWith("{SHA}")
    ? isSame(`{SHA}${createHash("sha1").update(password).digest("hex")}`, login.password)
    : isSame(password, login.password);
  // Both are looked at, whatever the first one said.
  return isSame(given.slice(0, colon), login.username) && stored;
}

/** Compares digests, so that neither content nor length shows in the time it takes. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
