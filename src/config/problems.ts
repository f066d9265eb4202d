/** Gathers every problem of a configuration instead of stopping at the first. */
import type { Problem } from "./config.ts";

/** Where a problem is: the place of a key or a section. */
export interface Place {
  readonly where: string;
  readonly section: string | null;
  readonly key: string | null;
}

export const NOWHERE: Place = { where: "", section: null, key: null };

/**
 * A value that cannot be taken, in the words for the user. Thrown by parsers, caught where the place is
 * known.
 */
export class Invalid extends Error {}

export class Problems {
  readonly errors: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly notices: Problem[] = [];
  readonly #seen = new Set<string>();

  /**
   * One error a place: a section is read once per group and process, and the first thing wrong is what
   * matters.
   */
  error(place: Place, text: string): void {
    const key = place.key === null ? text : "";
    if (this.#fresh("error", place, key)) this.errors.push({ ...pick(place), text });
  }

  warning(place: Place, text: string): void {
    if (this.#fresh("warning", place, text)) this.warnings.push({ ...pick(place), text });
  }

  notice(place: Place, text: string): void {
    if (this.#fresh("notice", place, text)) this.notices.push({ ...pick(place), text });
  }

  /** Runs a parser; what it refuses becomes an error at `place` and null. */
  attempt<T>(place: Place, parse: () => T): T | null {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      this.error(place, error.message);
      return null;
    }
  }

  #fresh(kind: string, place: Place, text: string): boolean {
    const id = [kind, place.where, place.section, place.key, text].join("\0");
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    return true;
  }
}

function pick(place: Place): Place {
  return { where: place.where, section: place.section, key: place.key };
}
