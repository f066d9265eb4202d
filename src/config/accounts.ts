/**
 * Who a `user=` means: reads the text of /etc/passwd and /etc/group, for libc's NSS is not there in a slim
 * image.
 */
import { Invalid } from "./problems.ts";

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** What a `user=` resolves to. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group first, then every group that lists the user. */
  readonly groups: readonly number[];
  readonly name: string | null;
  readonly home: string | null;
  /** `user:group` was written. */
  readonly groupGiven: boolean;
}

/** The largest uid is 2^32 - 2: the next one means "unchanged" to setuid's family. */
const MAX_ID = 0xfffffffe;

const ROOT: User = { name: "root", uid: 0, gid: 0, home: "/root" };

export class Accounts {
  readonly #users: readonly User[];
  readonly #groups: readonly Group[];

  constructor(passwd: string, group: string) {
    this.#users = records(passwd, 6).map(([name = "", , uid, gid, , home = "/"]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      home,
    }));
    this.#groups = records(group, 3).map(([name = "", , gid, members = ""]) => ({
      name,
      gid: Number(gid),
      members: members.split(",").filter((member) => member !== ""),
    }));
  }

  /**
   * `name`, `1000`, `name:group`, `1000:1000`. A number needs no entry; its group is then 0, as container
   * runtimes do it. Throws Invalid with supervisord's words.
   */
  resolve(text: string): ResolvedUser {
    const colon = text.indexOf(":");
    const userText = (colon < 0 ? text : text.slice(0, colon)).trim();
    const uid = parseId(userText);
    const user = uid === null ? this.#byName(userText) : (this.#byUid(uid) ?? null);
    if (uid === null && user === null) {
      throw new Invalid(`Invalid user name ${userText}; expected a name of /etc/passwd or a number`);
    }
    const primary = colon < 0 ? (user?.gid ?? 0) : this.group(text.slice(colon + 1).trim());
    const listed = user === null ? [] : this.#groups.filter((group) => group.members.includes(user.name));
    return {
      uid: user?.uid ?? uid ?? 0,
      gid: primary,
      groups: [...new Set([primary, ...listed.map((group) => group.gid)])],
      name: user?.name ?? null,
      home: user?.home ?? null,
      groupGiven: colon >= 0,
    };
  }

  /** A group's number by name or number. Throws Invalid. */
  group(text: string): number {
    const gid = parseId(text, "group");
    if (gid !== null) return gid;
    const found = this.#groups.find((group) => group.name === text);
    if (found !== undefined) return found.gid;
    if (text === "root") return 0;
    throw new Invalid(`Invalid group name ${text}; expected a name of /etc/group or a number`);
  }

  /** Home directory of a name, or of a uid; null when unknown. */
  home(user: string | number): string | null {
    return (typeof user === "number" ? this.#byUid(user) : this.#byName(user))?.home ?? null;
  }

  #byName(name: string): User | null {
    return this.#users.find((user) => user.name === name) ?? (name === "root" ? ROOT : null);
  }

  #byUid(uid: number): User | null {
    return this.#users.find((user) => user.uid === uid) ?? (uid === 0 ? ROOT : null);
  }
}

/** Lines of colon separated fields; a line without the number fields is not an entry. */
function records(text: string, fields: number): string[][] {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split(":"))
    .filter((parts) => parts.length >= fields && /^\d+$/.test(parts[2] ?? ""));
}

/** A number, or null for a name. */
function parseId(text: string, what = "user"): number | null {
  if (!/^[+-]?\d+$/.test(text)) return null;
  const id = Number(text);
  if (id >= 0 && id <= MAX_ID) return id;
  throw new Invalid(`Invalid ${what} id ${text}; expected 0 to ${MAX_ID}`);
}
