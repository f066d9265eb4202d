/**
 * The three edits an ELF file needs on its way to `/sbin/tsinit`, done in place so that no tool outside npm is needed:
 * drop what is not loaded, disarm one imported function, name another loader. 64-bit little-endian files only.
 */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0n;
const DT_STRTAB = 5n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;
const SHT_DYNSYM = 11;
const SHF_ALLOC = 2n;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const DYNAMIC_BYTES = 16;

interface Segment {
  /** Where its program header lies in the file. */
  readonly header: number;
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
}

interface Section {
  readonly header: Buffer;
  readonly name: string;
  readonly type: number;
  readonly loaded: boolean;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
}

/** What is wrong with the file, for the person who builds. */
export class ElfError extends Error {}

export function isElf(file: Buffer): boolean {
  return file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;
}

/** A copy without debug information and symbol table: what `strip` does, 150 MB become 117. */
export function strip(file: Buffer): Buffer {
  const loadedEnd = Math.max(...segments(file, PT_LOAD).map((s) => s.offset + s.fileBytes));
  const all = sections(file);
  const firstUnloaded = all.findIndex((section, index) => index > 0 && !section.loaded);
  const kept = all.slice(0, firstUnloaded < 0 ? all.length : firstUnloaded);
  if (all.slice(kept.length).some((section) => section.loaded)) {
    throw new ElfError("loaded sections follow unloaded ones: section numbers would change");
  }
  const names = Buffer.from(["", ...kept.slice(1).map((s) => s.name), ".shstrtab"].join("\0").concat("\0"));
  const table = Buffer.alloc((kept.length + 1) * SECTION_HEADER_BYTES);
  kept.forEach((section, index) => {
    section.header.copy(table, index * SECTION_HEADER_BYTES);
    table.writeUInt32LE(index === 0 ? 0 : nameAt(names, section.name), index * SECTION_HEADER_BYTES);
  });
  const namesAt = align(loadedEnd, 8);
  const tableAt = align(namesAt + names.length, 8);
  const last = kept.length * SECTION_HEADER_BYTES;
  table.writeUInt32LE(nameAt(names, ".shstrtab"), last);
  table.writeUInt32LE(3, last + 4);
  table.writeBigUInt64LE(BigInt(namesAt), last + 24);
  table.writeBigUInt64LE(BigInt(names.length), last + 32);
  table.writeBigUInt64LE(1n, last + 48);

  const stripped = Buffer.alloc(tableAt + table.length);
  file.copy(stripped, 0, 0, loadedEnd);
  names.copy(stripped, namesAt);
  table.copy(stripped, tableAt);
  stripped.writeBigUInt64LE(BigInt(tableAt), 0x28);
  stripped.writeUInt16LE(kept.length + 1, 0x3c);
  stripped.writeUInt16LE(kept.length, 0x3e);
  return stripped;
}

/**
 * Makes the file import `harmless` where it imported `name`, in place. Only if that changes nothing else: the name is one
 * undefined symbol's, and no other symbol's name is the end of it.
 */
export function replaceImport(file: Buffer, name: string, harmless: string): void {
  if (harmless.length > name.length) throw new ElfError(`${harmless} does not fit over ${name}`);
  const all = sections(file);
  const symbols = all.find((section) => section.type === SHT_DYNSYM);
  const strings = symbols && all[symbols.link];
  if (!symbols || !strings) throw new ElfError("no dynamic symbols");
  let found = -1;
  const offsets: number[] = [];
  for (let at = symbols.offset; at < symbols.offset + symbols.bytes; at += SYMBOL_BYTES) {
    const nameOffset = file.readUInt32LE(at);
    offsets.push(nameOffset);
    if (text(file, strings.offset + nameOffset) !== name) continue;
    if (found >= 0 || file.readUInt16LE(at + 6) !== 0)
      throw new ElfError(`${name} is not one imported symbol`);
    found = nameOffset;
  }
  if (found < 0) throw new ElfError(`${name} is not imported`);
  if (offsets.some((offset) => offset > found && offset <= found + name.length)) {
    throw new ElfError(`another symbol shares the end of ${name}`);
  }
  file.write(`${harmless}\0`, strings.offset + found, "latin1");
}

/**
 * Names another loader and library directory (DT_RPATH: unlike DT_RUNPATH it wins over LD_LIBRARY_PATH), in place.
 * `slot` is text that lies in a loaded part of the file, exactly once: `MARKER\0LOADER\0DIRECTORY\0`.
 * Nothing moves, so the single executable's data and their notes stay where they are.
 */
export function useLoader(file: Buffer, slot: Buffer): void {
  const slotAt = file.indexOf(slot);
  if (slotAt < 0 || file.indexOf(slot, slotAt + 1) >= 0)
    throw new ElfError("the loader's name is not in it exactly once");
  const interpreter = slotAt + slot.indexOf(0) + 1;
  const directory = file.indexOf(0, interpreter) + 1;
  const loads = segments(file, PT_LOAD);
  const address = (offset: number) => {
    const load = loads.find((s) => offset >= s.offset && offset < s.offset + s.fileBytes);
    if (!load) throw new ElfError("the loader's name is not in a loaded segment");
    return load.address + offset - load.offset;
  };

  const header = segments(file, PT_INTERP)[0]?.header;
  if (header === undefined) throw new ElfError("it has no interpreter: it is not dynamically linked");
  const bytes = BigInt(directory - interpreter);
  file.writeBigUInt64LE(BigInt(interpreter), header + 8);
  file.writeBigUInt64LE(BigInt(address(interpreter)), header + 16);
  file.writeBigUInt64LE(BigInt(address(interpreter)), header + 24);
  file.writeBigUInt64LE(bytes, header + 32);
  file.writeBigUInt64LE(bytes, header + 40);

  const { entries } = dynamicEntries(file);
  const strings = entries.get(DT_STRTAB);
  if (strings === undefined) throw new ElfError("no dynamic string table");
  if (entries.has(DT_RPATH) || entries.has(DT_RUNPATH)) throw new ElfError("it has a library path already");
  // The offset may lie beyond the string table's end: the loader only adds it. Before its start it cannot.
  const offset = BigInt(address(directory)) - strings;
  if (offset < 0n) throw new ElfError("the library path lies before the string table");
  addDynamicEntry(file, DT_RPATH, offset);
}

/** The loader that the file asks the kernel for, and its DT_RPATH: what a test looks at. */
export function loaderOf(file: Buffer): { interpreter: string | null; rpath: string | null } {
  const interpreter = segments(file, PT_INTERP)[0];
  const { entries } = dynamicEntries(file);
  const rpath = entries.get(DT_RPATH);
  const strings = entries.get(DT_STRTAB);
  return {
    interpreter: interpreter ? text(file, interpreter.offset) : null,
    rpath:
      rpath === undefined || strings === undefined
        ? null
        : text(file, fileOffset(file, Number(strings + rpath))),
  };
}

function segments(file: Buffer, type: number): Segment[] {
  const table = Number(file.readBigUInt64LE(0x20));
  const count = file.readUInt16LE(0x38);
  const size = file.readUInt16LE(0x36);
  return Array.from({ length: count }, (_, index) => {
    const header = table + index * size;
    return {
      header,
      type: file.readUInt32LE(header),
      offset: Number(file.readBigUInt64LE(header + 8)),
      address: Number(file.readBigUInt64LE(header + 16)),
      fileBytes: Number(file.readBigUInt64LE(header + 32)),
    };
  }).filter((segment) => segment.type === type);
}

function sections(file: Buffer): Section[] {
  const table = Number(file.readBigUInt64LE(0x28));
  const count = file.readUInt16LE(0x3c);
  const namesHeader = table + file.readUInt16LE(0x3e) * SECTION_HEADER_BYTES;
  const names = Number(file.readBigUInt64LE(namesHeader + 24));
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION_HEADER_BYTES;
    return {
      header: file.subarray(at, at + SECTION_HEADER_BYTES),
      name: text(file, names + file.readUInt32LE(at)),
      type: file.readUInt32LE(at + 4),
      loaded: (file.readBigUInt64LE(at + 8) & SHF_ALLOC) !== 0n,
      offset: Number(file.readBigUInt64LE(at + 24)),
      bytes: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
    };
  });
}

function dynamicEntries(file: Buffer): { entries: Map<bigint, bigint>; segment: Segment; end: number } {
  const segment = segments(file, PT_DYNAMIC)[0];
  if (!segment) throw new ElfError("it is not dynamically linked");
  const entries = new Map<bigint, bigint>();
  let end = segment.offset;
  while (file.readBigUInt64LE(end) !== DT_NULL) {
    entries.set(file.readBigUInt64LE(end), file.readBigUInt64LE(end + 8));
    end += DYNAMIC_BYTES;
  }
  return { entries, segment, end };
}

/** Linkers leave spare room behind the dynamic section. The entry takes the place of the DT_NULL at its end. */
function addDynamicEntry(file: Buffer, tag: bigint, value: bigint): void {
  const { segment, end } = dynamicEntries(file);
  const next = Math.min(
    ...sections(file).map((s) => (s.loaded && s.offset > segment.offset ? s.offset : Infinity)),
  );
  const room = file.subarray(end, end + 2 * DYNAMIC_BYTES);
  if (end + room.length > next || room.some((byte) => byte !== 0)) {
    throw new ElfError("no spare entry in the dynamic section");
  }
  room.writeBigUInt64LE(tag, 0);
  room.writeBigUInt64LE(value, 8);
  const bytes = BigInt(end + room.length - segment.offset);
  if (bytes <= segment.fileBytes) return;
  file.writeBigUInt64LE(bytes, segment.header + 32);
  file.writeBigUInt64LE(bytes, segment.header + 40);
}

function fileOffset(file: Buffer, address: number): number {
  const load = segments(file, PT_LOAD).find((s) => address >= s.address && address < s.address + s.fileBytes);
  if (!load) throw new ElfError(`address ${address.toString(16)} is not in the file`);
  return address - load.address + load.offset;
}

function text(file: Buffer, at: number): string {
  return file.toString("latin1", at, file.indexOf(0, at));
}

function nameAt(names: Buffer, name: string): number {
  return names.indexOf(Buffer.from(`\0${name}\0`)) + 1;
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
