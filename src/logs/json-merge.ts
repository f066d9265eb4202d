/**
 * A line that is a JSON object itself, with what is ours. What it says of its time, level and message goes where the reader
 * looks for it; all else keeps its name and its text to the letter, but for a name that is ours, which is given a `_`. No key
 * is there twice. Pure.
 */
import { type LineLevel, type Origin, type Preset, renderFields } from "./json-presets.ts";
import { ObjectScan, parseKey, tidyObject } from "./json-scan.ts";
import { freeName, type Names, type Role, type Shape, Shapes, type Slot } from "./json-shape.ts";
import type { Severity } from "./severity.ts";

/** Shapes, and words for levels, that are kept: a program has a few. */
const KEPT = 16;
/** A list of names of more characters is nobody's habit. */
const LONGEST_KEPT = 2048;
/** Beyond any rank. */
const NONE = Number.POSITIVE_INFINITY;

interface RenderedSection extends Names {
  /** `"key":{` and our fields. */
  readonly open: string;
}

/** A name with a dot, which may be an object in an object as well. */
interface Dotted {
  readonly key: string;
  readonly outer: string;
  readonly inner: string;
  /** The field itself. */
  readonly text: string;
}

function dotted(key: string, text: string): Dotted {
  const dot = key.indexOf(".");
  return { key, outer: key.slice(0, dot), inner: key.slice(dot + 1), text };
}

export class Merger {
  readonly #preset: Preset;
  readonly #shapes: Shapes;
  readonly #own: string;
  readonly #yields: readonly Dotted[];
  /** null: it is no name with a dot. */
  readonly #dottedLevel: Dotted | null;
  readonly #sections: readonly RenderedSection[];
  readonly #scan = new ObjectScan();
  readonly #inner = new ObjectScan();
  /** By the names as they are written, one after the other. */
  readonly #known = new Map<string, Shape>();
  readonly #levels = new Map<string, LineLevel | null>();
  #shape: Shape;
  // Of the line at hand: which members say these, and the fields they become. null: none, so ours; "": it may stay as it is.
  readonly #members: Record<Role, number> = { time: -1, level: -1, message: -1 };
  readonly #ranks: Record<Role, number> = { time: NONE, level: NONE, message: NONE };
  #time: string | null = null;
  #level: string | null = null;

  constructor(preset: Preset, origin: Origin) {
    this.#preset = preset;
    const own = preset.own(origin);
    this.#own = renderFields(own);
    this.#yields = preset.yields.map((key) => dotted(key, renderFields({ [key]: own[key] })));
    this.#dottedLevel = preset.level.includes(".") ? dotted(preset.level, "") : null;
    this.#sections = preset.sections(origin).map(({ key, own: fields }) => ({
      key,
      names: new Set(Object.keys(fields)),
      open: renderFields({ [key]: fields }).slice(0, -1),
    }));
    const { time, level, levelNumber, message, taken } = preset;
    const top = new Set([
      ...[time, level, levelNumber ?? level, message, ...taken],
      ...Object.keys(own).filter((key) => !preset.yields.includes(key)),
      ...this.#sections.map(({ key }) => key),
    ]);
    this.#shapes = new Shapes(preset, top, this.#sections);
    this.#shape = this.#shapes.make([]);
  }

  /** The whole line, newline included; null: the text is no object. `time` and `severity`: of a line that says none. */
  merge(text: string, time: string, severity: Severity): string | null {
    const scan = this.#scan;
    const preset = this.#preset;
    if (!scan.read(tidyObject(text))) return null;
    this.#shape = this.#shapeOf();
    this.#findRoles();
    const own = this.#ownFields();
    let out = "";
    if (this.#time !== "") out += `,${this.#time ?? time}`;
    if (this.#level !== "") out += `,${this.#level ?? preset.levelFields(severity)}`;
    if (preset.messageLast && own !== "") out += `,${own}`;
    if (this.#members.message >= 0) out += `,"${preset.message}":${scan.value(this.#members.message)}`;
    if (!preset.messageLast && own !== "") out += `,${own}`;
    const rest = this.#renderRest();
    out += preset.rest === null ? rest : this.#renderTops();
    for (const section of this.#sections) out += `,${this.#renderSection(section, rest)}`;
    scan.forget();
    this.#inner.forget();
    return `{${out.slice(1)}}\n`;
  }

  #shapeOf(): Shape {
    const scan = this.#scan;
    const { count } = scan;
    const { rawKeys } = this.#shape;
    let same = count === rawKeys.length;
    for (let index = 0; same && index < count; index++) same = scan.hasRawKey(index, rawKeys[index] ?? "");
    if (same) return this.#shape;
    const keys: string[] = [];
    for (let index = 0; index < count; index++) keys.push(detached(scan.rawKey(index)));
    // Each has its quotes, so no two lists are the same text.
    const text = keys.join("");
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const shape = this.#shapes.make(keys);
    if (text.length > LONGEST_KEPT) return shape;
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(text, shape);
    return shape;
  }

  /** What the line says of its time, level and message. */
  #findRoles(): void {
    const { slots } = this.#shape;
    const members = this.#members;
    const ranks = this.#ranks;
    members.time = members.level = members.message = -1;
    ranks.time = ranks.level = ranks.message = NONE;
    this.#time = null;
    this.#level = null;
    if (this.#dottedLevel !== null && this.#hasNested(this.#dottedLevel)) {
      this.#level = "";
      ranks.level = -1;
    }
    const number = this.#levelNumber();
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index];
      if (slot === undefined || slot.repeated) continue;
      if (slot.isTime && this.#isTimeField(index)) {
        this.#time = "";
        ranks.time = members.time = -1;
      }
      const { alias } = slot;
      if (alias === null || alias.rank >= ranks[alias.role]) continue;
      if (!this.#takes(alias.role, index, slot, number)) continue;
      ranks[alias.role] = alias.rank;
    }
    if (this.#level === null && number !== null)
      this.#level = this.#preset.lineLevel(null, number)?.fields ?? null;
  }

  /** Whether a member is of use for what its name promises; then it is taken. */
  #takes(role: Role, index: number, { name }: Slot, number: string | null): boolean {
    const preset = this.#preset;
    const value = this.#scan.value(index);
    if (role === "message") {
      if (!value.startsWith('"') && !(preset.anyMessage && name === preset.message)) return false;
    } else if (role === "time") {
      const time = preset.lineTime(value);
      if (time === null) return false;
      this.#time = `"${preset.time}":"${time}"`;
    } else {
      const level = number === null ? this.#lineLevel(value) : preset.lineLevel(value, number);
      if (level === null) return false;
      this.#level = level.fields;
      this.#members.level = level.lossy ? -1 : index;
      return true;
    }
    this.#members[role] = index;
    return true;
  }

  /** The words for levels are few. */
  #lineLevel(value: string): LineLevel | null {
    const known = this.#levels.get(value);
    if (known !== undefined) return known;
    const level = this.#preset.lineLevel(value, null);
    if (value.length > LONGEST_KEPT) return level;
    if (this.#levels.size >= KEPT) this.#levels.clear();
    this.#levels.set(detached(value), level);
    return level;
  }

  #isTimeField(index: number): boolean {
    return this.#scan.isObject(index) || /^\d+$/.test(this.#scan.value(index));
  }

  #levelNumber(): string | null {
    const { levelNumber } = this.#preset;
    const index = levelNumber === null ? undefined : this.#shape.names.get(levelNumber);
    if (index === undefined) return null;
    const value = this.#scan.value(index);
    return isLevelNumber(value) ? value : null;
  }

  #hasNested({ outer, inner }: Dotted): boolean {
    const index = this.#shape.names.get(outer);
    if (index === undefined || index < 0 || !this.#scan.isObject(index)) return false;
    this.#inner.read(this.#scan.value(index));
    for (let member = 0; member < this.#inner.count; member++)
      if (parseKey(this.#inner.rawKey(member)) === inner) return true;
    return false;
  }

  /** Without those that the line has of its own. */
  #ownFields(): string {
    const { names } = this.#shape;
    const missing = this.#yields.filter((field) => !names.has(field.key) && !this.#hasNested(field));
    return missing.length === this.#yields.length ? this.#own : missing.map(({ text }) => text).join(",");
  }

  /** Fields that belong nowhere else, each after a comma. Those side by side in the line are taken over as they stand there. */
  #renderRest(): string {
    const scan = this.#scan;
    const { slots } = this.#shape;
    let out = "";
    let from = -1;
    let to = -1;
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index];
      if (slot !== undefined && this.#isRest(slot, index) && slot.renamed === null) {
        if (from < 0) from = scan.start(index);
        to = scan.end(index);
        continue;
      }
      if (from >= 0) out += `,${scan.text.slice(from, to)}`;
      from = -1;
      if (slot !== undefined && this.#isRest(slot, index)) out += `,${slot.renamed}${scan.value(index)}`;
    }
    return from < 0 ? out : `${out},${scan.text.slice(from, to)}`;
  }

  #isRest(slot: Slot, index: number): boolean {
    const { time, level, message } = this.#members;
    if (slot.repeated || index === time || index === level || index === message || slot.top !== null)
      return false;
    if (slot.section >= 0 && this.#scan.isObject(index)) return false;
    return !(slot.isLevelNumber && isLevelNumber(this.#scan.value(index)));
  }

  #renderTops(): string {
    let out = "";
    for (const [index, slot] of this.#shape.slots.entries())
      if (slot.top !== null && !slot.repeated) out += `,"${slot.top}":${this.#scan.value(index)}`;
    return out;
  }

  #renderSection({ key, names, open }: RenderedSection, rest: string): string {
    const takesRest = key === this.#preset.rest;
    const fields = takesRest ? open + rest : open;
    const index = this.#shape.names.get(key);
    if (index === undefined || index < 0 || !this.#scan.isObject(index)) return `${fields}}`;
    const taken = new Set(names);
    if (takesRest)
      for (const [at, slot] of this.#shape.slots.entries()) {
        if (!this.#isRest(slot, at)) continue;
        taken.add(slot.renamed === null ? slot.name : String(JSON.parse(slot.renamed.slice(0, -1))));
      }
    return `${fields}${this.#renderInner(this.#scan.value(index), taken)}}`;
  }

  /** The members of an object that go into one of ours, each after a comma. */
  #renderInner(object: string, taken: ReadonlySet<string>): string {
    const inner = this.#inner;
    inner.read(object);
    const members = new Map<string, number>();
    for (let index = 0; index < inner.count; index++) members.set(parseKey(inner.rawKey(index)), index);
    let out = "";
    for (const [key, index] of [...members]) {
      if (taken.has(key)) {
        const name = freeName(key, (each) => taken.has(each) || members.has(each));
        members.set(name, -1);
        out += `,${JSON.stringify(name)}:${inner.value(index)}`;
      } else out += `,${inner.member(index)}`;
    }
    return out;
  }
}

/** A text of its own: a part of one keeps all of it in memory, here a chunk of 64 KB for a word. */
function detached(text: string): string {
  return Buffer.from(text).toString();
}

function isLevelNumber(value: string): boolean {
  return /^(?:[1-9]|1\d|2[0-4])$/.test(value);
}
